"""Replace the topics that a query names, by any alias, by their names in the catalogue."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.model.search import Query
from storage.search.query.parser import parse
from storage.search.query.tree import Field, Node, iter_leaves, map_leaves
from storage.search.query.unparse import unparse

if TYPE_CHECKING:
    from aggregator.topics.matcher import TopicCatalogue


class UnknownTopic(ValueError):
    """A query names an unknown topic; the message suggests similar names."""


def resolve_topics(query: Query, load: Callable[[], TopicCatalogue]) -> Query:
    """Return the query with the catalogue's names of its topics; raise UnknownTopic.

    `load` loads the catalogue and is called only if the query names a topic.
    """
    typed = _typed_names(query)
    if not query.topics and not typed:
        return query
    from aggregator.topics.matcher import fold_name

    catalogue = load()
    known = _names_by_alias(catalogue)
    for name in (*query.topics, *typed):
        if fold_name(name) not in known:
            raise UnknownTopic(_unknown_topic_message(name, catalogue))

    def resolve_node(node: Node) -> Node:
        if isinstance(node, Field) and node.field == "topic":
            return replace(node, name=known[fold_name(node.name)])
        return node

    topics = tuple(dict.fromkeys(known[fold_name(name)] for name in query.topics))
    parsed = parse(query.words)
    node = map_leaves(parsed.node, resolve_node)
    words = query.words if node == parsed.node else unparse(replace(parsed, node=node))
    return replace(query, topics=topics, words=words)


def _typed_names(query: Query) -> list[str]:
    leaves = iter_leaves(parse(query.words).node)
    return [leaf.name for leaf in leaves if isinstance(leaf, Field) and leaf.field == "topic"]


def _names_by_alias(catalogue: TopicCatalogue) -> Mapping[str, str]:
    """Return topic names by folded alias, title and name; names take precedence over titles, titles over aliases."""
    from aggregator.topics.matcher import fold_name

    known: dict[str, str] = {}
    for entry in catalogue.entries:
        for alias in (*entry.aliases, *entry.unsure):
            known.setdefault(fold_name(alias.removesuffix("*")), entry.name)
    known.update((fold_name(entry.title), entry.name) for entry in catalogue.entries)
    known.update((fold_name(entry.name), entry.name) for entry in catalogue.entries)
    return known


def _unknown_topic_message(asked: str, catalogue: TopicCatalogue) -> str:
    names = [entry.name for entry in catalogue.entries]
    near = difflib.get_close_matches(asked[:80].lower(), names, n=3)
    near += [name for name in names if asked and asked.lower() in name and name not in near][: 3 - len(near)]
    hint = f"did you mean {' or '.join(near)}?" if near else "`evnews topics` lists those that articles name"
    return f"no topic is named {asked[:80]!r}; {hint}"
