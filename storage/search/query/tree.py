"""The tree of a query: words, filters and Boolean operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias


class QueryError(ValueError):
    """A malformed query; `position` is the index of the first character that is not understood."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"at character {position + 1}: {message}")
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Text to search for, without quotation marks and asterisk.

    `field` is "" (title or text), "title", "author" or "url" (any part of the URL). With `is_phrase` the words match
    exactly and next to each other; with `is_prefix` the text is the beginning of one word.
    """

    text: str
    field: str = ""
    is_phrase: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A filter by name or number; `field` is "source", "lang", "topic", "story" or "site"."""

    field: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A filter by state: "copy", "original", "revised", "withdrawn" or "truncated"."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """A filter by publication time: from `since` (inclusive) to `until` (exclusive), in UTC; None is unbounded."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A filter for articles published in the last `hours` before the query runs."""

    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A filter by number of words, both limits inclusive; None is unbounded."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """A conjunction of two or more nodes; none of them is an And."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """A disjunction of two or more nodes; none of them is an Or."""

    nodes: tuple[Node, ...]


Node: TypeAlias = Terms | Field | State | DateRange | Since | Length | Not | And | Or


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """A query as a tree with its options; a `node` of None matches every article.

    `sort` is "", "new", "old", "best" or "changed"; `group` is "" or "story"; with `includes_history` earlier
    revisions are searched too; `notes` are messages to the user about parts that were not understood.
    """

    node: Node | None = None
    sort: str = ""
    group: str = ""
    includes_history: bool = False
    notes: tuple[str, ...] = ()


def iter_leaves(node: Node | None) -> Iterator[Node]:
    """Yield the words and filters of a tree in order, negated ones too."""
    pending = [node] if node is not None else []
    while pending:
        first = pending.pop(0)
        if isinstance(first, And | Or):
            pending[:0] = first.nodes
        elif isinstance(first, Not):
            pending.insert(0, first.node)
        else:
            yield first


def map_leaves(node: Node | None, change: Callable[[Node], Node]) -> Node | None:
    """Return a tree in which `change` is applied to every word and filter."""
    if isinstance(node, And | Or):
        children = [map_leaves(child, change) for child in node.nodes]
        return replace(node, nodes=tuple(child for child in children if child is not None))
    if isinstance(node, Not):
        inner = map_leaves(node.node, change)
        return replace(node, node=inner) if inner is not None else None
    return change(node) if node is not None else None
