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
class Words:
    """Text to be found, as it was typed, without quotes and star.

    `field` is "" (title or text), "title", "author" or "url" (any part of the address). With `phrase` the words
    stand side by side as they are spelled; with `prefix` the text is one word that only begins so.
    """

    text: str
    field: str = ""
    phrase: bool = False
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What has a name or number: `field` is "source", "lang", "topic", "story" or "site"."""

    field: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Is:
    """A state: "copy", "original", "revised", "withdrawn" or "truncated"."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """Published at or after `since` and before `until`; None is open. Aware, UTC."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ago:
    """Published within so many hours before the moment at which it is asked."""

    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """As many words at least and at most; None is open."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Everything but this."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """Every one of these; two or more, none an All itself."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Any:
    """At least one of these; two or more, none an Any itself."""

    nodes: tuple[Node, ...]


Node: TypeAlias = Words | Named | Is | Dated | Ago | Length | Not | All | Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query, read once: what must hold (None: nothing was asked, all is found), and how it is answered.

    `sort` is "", "new", "old", "best" or "changed"; `group` is "" or "story"; `history` is whether texts that were
    there before an edit are searched too; `notes` say, in words for the reader, what was not understood.
    """

    node: Node | None = None
    sort: str = ""
    group: str = ""
    history: bool = False
    notes: tuple[str, ...] = ()


def leaves(node: Node | None) -> Iterator[Node]:
    """The words and filters of a tree, those that must not hold too."""
    waiting = [node] if node is not None else []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, All | Any):
            waiting[:0] = one.nodes
        elif isinstance(one, Not):
            waiting.insert(0, one.node)
        else:
            yield one


def changed(node: Node | None, change: Callable[[Node], Node]) -> Node | None:
    """The same tree with each of its words and filters changed."""
    if isinstance(node, All | Any):
        return replace(node, nodes=tuple(one for each in node.nodes if (one := changed(each, change)) is not None))
    if isinstance(node, Not):
        inner = changed(node.node, change)
        return replace(node, node=inner) if inner is not None else None
    return change(node) if node is not None else None
