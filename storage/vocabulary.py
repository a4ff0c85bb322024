"""The words of the archive: which there are, and how many titles hold each.

They answer what begins so, what was meant by a word that nothing holds, and what may be typed next. Words are only
added: one that no article holds any more misleads nobody.
"""

from __future__ import annotations

from sqlalchemy import Connection

from storage.search.labels import is_run
from storage.search.prepare import prepare

LONGEST_WORD = 40
_MARKS = {"sqlite": "?", "postgresql": "%s"}
_NOTE = {
    name: f"INSERT INTO vocabulary (word, titles) VALUES ({mark}, 0) ON CONFLICT (word) DO NOTHING"
    for name, mark in _MARKS.items()
}
_COUNT = {
    name: f"INSERT INTO vocabulary (word, titles) VALUES ({mark}, 1)"
    " ON CONFLICT (word) DO UPDATE SET titles = vocabulary.titles + 1"
    for name, mark in _MARKS.items()
}


def note_words(tx: Connection, title: str, text: str) -> None:
    """Take the words of an article into the vocabulary; those of its title are counted."""
    titled = _words(title)
    if titled:
        tx.exec_driver_sql(_COUNT[tx.dialect.name], [(word,) for word in titled])
    if others := sorted(set(_words(text)) - set(titled)):
        tx.exec_driver_sql(_NOTE[tx.dialect.name], [(word,) for word in others])


def _words(text: str) -> list[str]:
    """Words of a text, each once, sorted: writers that come at the same time wait for each other in one order."""
    found = {word for word in prepare(text).split() if 1 < len(word) <= LONGEST_WORD and not is_run(word)}
    return sorted(found)
