"""What a reader asked for, as a tree: words and filters, and how they are bound together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias


class QueryError(ValueError):
    """A query that is not understood, in words, and the character at which that begins (0 is the first)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"at character {position + 1}: {message}")
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Text to be found, as it was typed, without quotes and star.

    `field` is "" (title or text), "title", "author" or "url" (any part of the address). With `phrase` the words
    stand side by side as they are spelled; with `prefix` the text is one word that only begins so.
    """

    text: str
    field: str = ""
    is_phrase: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What has a name or number: `field` is "source", "lang", "topic", "story" or "site"."""

    field: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state: "copy", "original", "revised", "withdrawn" or "truncated"."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Published at or after `since` and before `until`; None is open. Aware, UTC."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Published within so many hours before the moment at which it is asked."""

    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """As many words at least and at most; None is open."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Everything but this."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """Every one of these; two or more, none an All itself."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """At least one of these; two or more, none an Any itself."""

    nodes: tuple[Node, ...]


Node: TypeAlias = Terms | Field | State | DateRange | Since | Length | Not | And | Or


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """A query, read once: what must hold (None: nothing was asked, all is found), and how it is answered.

    `sort` is "", "new", "old", "best" or "changed"; `group` is "" or "story"; `history` is whether texts that were
    there before an edit are searched too; `notes` say, in words for the reader, what was not understood.
    """

    node: Node | None = None
    sort: str = ""
    group: str = ""
    includes_history: bool = False
    notes: tuple[str, ...] = ()


def iter_leaves(node: Node | None) -> Iterator[Node]:
    """The words and filters of a tree, those that must not hold too."""
    waiting = [node] if node is not None else []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, And | Or):
            waiting[:0] = one.nodes
        elif isinstance(one, Not):
            waiting.insert(0, one.node)
        else:
            yield one


def map_leaves(node: Node | None, change: Callable[[Node], Node]) -> Node | None:
    """The same tree with each of its words and filters changed."""
    if isinstance(node, And | Or):
        return replace(node, nodes=tuple(one for each in node.nodes if (one := map_leaves(each, change)) is not None))
    if isinstance(node, Not):
        inner = map_leaves(node.node, change)
        return replace(node, node=inner) if inner is not None else None
    return change(node) if node is not None else None
