"""What may be typed next, and what was meant by a word that the archive does not hold."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, select

from storage.db.database import Database
from storage.db.tables import articles
from storage.search.analyzer import prepare
from storage.search.index.vocabulary import nearest_word, words_beginning
from storage.search.query.parser import read
from storage.search.query.tree import Node, Words, changed
from storage.search.query.unparse import spell


def suggestions(database: Database, typed: str, most: int) -> tuple[str, ...]:
    """Words of titles, and sources, that begin as the last word that was typed does."""
    *_, last = prepare(typed).split() or [""]
    if not last or typed[-1:].isspace():
        return ()
    with database.read() as connection:
        words = words_beginning(connection, last, most)
        sources = connection.execute(_SOURCES, {"first": last, "last": last + "\U0010fffd", "most": most}).scalars()
        return tuple(dict.fromkeys([*words, *(f"source:{name}" for name in sources)]))[:most]


def did_you_mean(connection: Connection, words: str) -> str:
    """The query with words that the archive holds for those that it does not; empty where none was found."""
    asked = read(words)
    found = False

    def nearer(node: Node) -> Node:
        nonlocal found
        if not isinstance(node, Words) or node.prefix or node.field not in ("", "title"):
            return node
        spelled = [(word, nearest_word(connection, prepare(word)) or word) for word in node.text.split()]
        found = found or any(word != near for word, near in spelled)
        return replace(node, text=" ".join(near for _, near in spelled))

    meant = replace(asked, node=changed(asked.node, nearer))
    return spell(meant) if found else ""


_SOURCES = (
    select(articles.c.source)
    .where(articles.c.source >= bindparam("first"), articles.c.source < bindparam("last"))
    .distinct()
    .limit(bindparam("most"))
)
