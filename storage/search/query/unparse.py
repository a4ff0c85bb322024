"""Write a query tree as text that parses into the same tree."""

from __future__ import annotations

from datetime import datetime, time

from storage.search.query.tree import And, DateRange, Field, Length, Node, Not, Or, ParsedQuery, Since, State, Terms


def unparse(query: ParsedQuery) -> str:
    """Return the text of a query, without its notes."""
    parts = [_unparse_node(query.node)] if query.node is not None else []
    parts += [f"sort:{query.sort}"] if query.sort else []
    parts += [f"group:{query.group}"] if query.group else []
    parts += ["in:history"] if query.includes_history else []
    if len(parts) > 1 and isinstance(query.node, Or):
        parts[0] = f"({parts[0]})"
    return " ".join(parts)


def _unparse_node(node: Node) -> str:
    if isinstance(node, And):
        return " ".join(_unparse_operand(part) if isinstance(part, Or) else _unparse_node(part) for part in node.nodes)
    if isinstance(node, Or):
        return " OR ".join(_unparse_node(part) for part in node.nodes)
    if isinstance(node, Not):
        return f"-{_unparse_operand(node.node)}"
    return _unparse_leaf(node)


def _unparse_operand(node: Node) -> str:
    return f"({_unparse_node(node)})" if isinstance(node, And | Or) else _unparse_node(node)


def _unparse_leaf(node: Node) -> str:
    if isinstance(node, Terms):
        return _unparse_terms(node)
    if isinstance(node, Field):
        return f'{node.field}:"{node.name}"' if _needs_quotes(node.name) else f"{node.field}:{node.name}"
    if isinstance(node, State):
        return f"is:{node.state}"
    if isinstance(node, Since):
        return f"since:{node.hours}h"
    if isinstance(node, DateRange):
        return _unparse_date_range(node)
    if isinstance(node, Length):
        return _unparse_length(node)
    raise TypeError(f"{type(node).__name__} is not a leaf")


def _unparse_terms(node: Terms) -> str:
    text = f'"{node.text}"' if node.is_phrase else node.text + ("*" if node.is_prefix else "")
    is_full_url = node.field == "url" and not node.is_phrase and node.text.lower().startswith(("http://", "https://"))
    return f"{node.field}:{text}" if node.field and not is_full_url else text


def _needs_quotes(name: str) -> bool:
    return any(sign in name for sign in ' ,()"') or any(letter.isspace() for letter in name)


def _unparse_date_range(node: DateRange) -> str:
    if node.since is not None and node.until is not None:
        return f"date:{node.since.isoformat()}..{node.until.isoformat()}"
    if node.since is not None:
        return f"after:{_format_time(node.since)}"
    return f"before:{_format_time(node.until)}" if node.until is not None else "after:0001"


def _format_time(at: datetime) -> str:
    return at.date().isoformat() if at.time() == time.min else at.isoformat()


def _unparse_length(node: Length) -> str:
    if node.minimum is not None and node.maximum is not None:
        return f"words:{node.minimum}..{node.maximum}"
    return f"words:>={node.minimum}" if node.minimum is not None else f"words:<={node.maximum}"
