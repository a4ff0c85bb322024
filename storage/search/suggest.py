"""What may be typed next, and what was meant by a word that the archive does not hold."""

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
    """Words of titles, and sources, that begin as the last word that was typed does."""
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
    """The query with words that the archive holds for those that it does not; empty where none was found."""
    asked = parse(words)
    found = False

    def nearer(node: Node) -> Node:
        nonlocal found
        if not isinstance(node, Terms) or node.is_prefix or node.field not in ("", "title"):
            return node
        spelled = [(word, find_nearest_word(connection, prepare(word)) or word) for word in node.text.split()]
        found = found or any(word != near for word, near in spelled)
        return replace(node, text=" ".join(near for _, near in spelled))

    meant = replace(asked, node=map_leaves(asked.node, nearer))
    return unparse(meant) if found else ""


_SELECT_SOURCES = (
    select(articles.c.source)
    .where(articles.c.source >= bindparam("first"), articles.c.source < bindparam("last"))
    .distinct()
    .limit(bindparam("most"))
)
