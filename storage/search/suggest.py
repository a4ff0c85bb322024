"""Completions and spelling suggestions."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, select

from storage.db.database import Database
from storage.db.tables import articles
from storage.search.analyzer import prepare
from storage.search.index.vocabulary import find_nearest_word, find_words_with_prefix
from storage.search.query.parser import parse
from storage.search.query.tree import Node, Terms, map_leaves
from storage.search.query.unparse import unparse


def suggest_words(database: Database, typed: str, most: int) -> tuple[str, ...]:
    """Return up to `most` title words and source filters that complete the last typed word."""
    *_, last = prepare(typed).split() or [""]
    if not last or typed[-1:].isspace():
        return ()
    with database.read() as connection:
        words = find_words_with_prefix(connection, last, most)
        sources = connection.execute(
            _SELECT_SOURCES, {"first": last, "last": last + "\U0010fffd", "most": most}
        ).scalars()
        return tuple(dict.fromkeys([*words, *(f"source:{name}" for name in sources)]))[:most]


def correct_spelling(connection: Connection, words: str) -> str:
    """Return the query with unknown words replaced by similar words of the archive, or an empty string."""
    parsed = parse(words)
    is_corrected = False

    def correct(node: Node) -> Node:
        nonlocal is_corrected
        if not isinstance(node, Terms) or node.is_prefix or node.field not in ("", "title"):
            return node
        corrections = [(word, find_nearest_word(connection, prepare(word)) or word) for word in node.text.split()]
        is_corrected = is_corrected or any(word != nearest for word, nearest in corrections)
        return replace(node, text=" ".join(nearest for _, nearest in corrections))

    corrected = replace(parsed, node=map_leaves(parsed.node, correct))
    return unparse(corrected) if is_corrected else ""


_SELECT_SOURCES = (
    select(articles.c.source)
    .where(articles.c.source >= bindparam("first"), articles.c.source < bindparam("last"))
    .distinct()
    .limit(bindparam("most"))
)
