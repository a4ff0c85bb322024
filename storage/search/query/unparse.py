"""A tree spelled as a query that is read into the same tree."""

from __future__ import annotations

from datetime import datetime, time

from storage.search.query.tree import Ago, All, Any, Asked, Dated, Is, Length, Named, Node, Not, Words


def spell(asked: Asked) -> str:
    """The query of a tree; its notes are not part of it."""
    parts = [_spelled(asked.node)] if asked.node is not None else []
    parts += [f"sort:{asked.sort}"] if asked.sort else []
    parts += [f"group:{asked.group}"] if asked.group else []
    parts += ["in:history"] if asked.history else []
    if len(parts) > 1 and isinstance(asked.node, Any):
        parts[0] = f"({parts[0]})"
    return " ".join(parts)


def _spelled(node: Node) -> str:
    if isinstance(node, All):
        return " ".join(_part(one) if isinstance(one, Any) else _spelled(one) for one in node.nodes)
    if isinstance(node, Any):
        return " OR ".join(_spelled(one) for one in node.nodes)
    if isinstance(node, Not):
        return f"-{_part(node.node)}"
    return _leaf(node)


def _part(node: Node) -> str:
    return f"({_spelled(node)})" if isinstance(node, All | Any) else _spelled(node)


def _leaf(node: Node) -> str:
    if isinstance(node, Words):
        return _words(node)
    if isinstance(node, Named):
        return f'{node.field}:"{node.name}"' if _needs_quotes(node.name) else f"{node.field}:{node.name}"
    if isinstance(node, Is):
        return f"is:{node.state}"
    if isinstance(node, Ago):
        return f"since:{node.hours}h"
    if isinstance(node, Dated):
        return _dated(node)
    if isinstance(node, Length):
        return _length(node)
    raise TypeError(f"{type(node).__name__} is no leaf")


def _words(node: Words) -> str:
    text = f'"{node.text}"' if node.phrase else node.text + ("*" if node.prefix else "")
    is_address = node.field == "url" and not node.phrase and node.text.lower().startswith(("http://", "https://"))
    return f"{node.field}:{text}" if node.field and not is_address else text


def _needs_quotes(name: str) -> bool:
    return any(sign in name for sign in ' ,()"') or any(letter.isspace() for letter in name)


def _dated(node: Dated) -> str:
    if node.since is not None and node.until is not None:
        return f"date:{node.since.isoformat()}..{node.until.isoformat()}"
    if node.since is not None:
        return f"after:{_moment(node.since)}"
    return f"before:{_moment(node.until)}" if node.until is not None else "after:0001"


def _moment(at: datetime) -> str:
    return at.date().isoformat() if at.time() == time.min else at.isoformat()


def _length(node: Length) -> str:
    if node.least is not None and node.most is not None:
        return f"words:{node.least}..{node.most}"
    return f"words:>={node.least}" if node.least is not None else f"words:<={node.most}"
