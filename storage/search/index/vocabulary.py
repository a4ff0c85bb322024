"""The words of the archive: which there are, and how many titles hold each.

They answer what begins so, what was meant by a word that nothing holds, and what may be typed next. Words are only
added: one that no article holds any more misleads nobody.
"""

from __future__ import annotations

from collections import Counter
from weakref import WeakKeyDictionary

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Connection, Engine, bindparam, delete, event, func, insert, select

from storage.db.statements import MARKS, Spelled, parts
from storage.db.tables import vocabulary
from storage.model.article import Prepared
from storage.search.index.field_terms import LONGEST_WORD, is_run, is_word

_NOTE = Spelled(
    {
        name: f"INSERT INTO vocabulary (word, titles) VALUES ({mark}, 0) ON CONFLICT (word) DO NOTHING"  # noqa: S608
        for name, mark in MARKS.items()
    }
)
_COUNT = Spelled(
    {
        name: f"INSERT INTO vocabulary (word, titles) VALUES ({mark}, 1)"  # noqa: S608
        " ON CONFLICT (word) DO UPDATE SET titles = vocabulary.titles + 1"
        for name, mark in MARKS.items()
    }
)


def note_words(tx: Connection, made: Prepared) -> None:
    """Take the words of an article into the vocabulary; those of its title are counted."""
    titled, known = _words(made.title), _known.setdefault(tx.engine, set())
    noted: set[str] = tx.info.setdefault(_NOTED, set())
    unseen = set(made.text.split()) - known - noted
    new = {token for token in unseen if is_word(token)} - titled
    # Sorted: writers that come at the same time wait for each other in one order.
    _COUNT.run_many(tx, [(word,) for word in sorted(titled)])
    _NOTE.run_many(tx, [(word,) for word in sorted(new)])
    noted |= unseen


class Tally:
    """The words of many articles, taken into the vocabulary at once, in place of what was counted before."""

    def __init__(self) -> None:
        self._titles: Counter[str] = Counter()
        self._others: set[str] = set()

    def add(self, made: Prepared) -> None:
        """Count the words of an article."""
        self._titles.update(_words(made.title))
        self._others.update(made.text.split())

    def write(self, tx: Connection) -> None:
        """Write what was counted."""
        tx.execute(delete(vocabulary))
        words = sorted({token for token in self._others if is_word(token)} | self._titles.keys())
        for part in parts(words, _CHUNK):
            tx.execute(insert(vocabulary), [{"word": word, "titles": self._titles[word]} for word in part])


def watch(engine: Engine) -> None:
    """Remember which words are kept, so that they are not written again; what is undone is not remembered."""

    def keep(connection: Connection) -> None:
        noted = connection.info.pop(_NOTED, None)
        known = _known.setdefault(engine, set())
        if noted and len(known) < _MOST_KNOWN:
            known |= noted

    def drop(connection: Connection, *_: object) -> None:
        if not connection.invalidated:
            connection.info.pop(_NOTED, None)

    event.listen(engine, "commit", keep)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "rollback_savepoint", drop)


_known: WeakKeyDictionary[Engine, set[str]] = WeakKeyDictionary()
_NOTED = "evnews_noted_words"
_MOST_KNOWN = 300_000
_CHUNK = 5_000


def _words(prepared: str) -> set[str]:
    return {token for token in prepared.split() if is_word(token)}


def words_beginning(connection: Connection, beginning: str, most: int) -> list[str]:
    """The words of titles that begin so, those of most titles first."""
    values = {"first": beginning, "last": beginning + "\U0010ffff", "most": most}
    return list(connection.execute(_OF_TITLES, values).scalars())


def nearest_word(connection: Connection, word: str) -> str | None:
    """The word of the archive that was most likely meant by one that it does not hold, or None."""
    if is_run(word) or not 3 < len(word) <= LONGEST_WORD or connection.execute(_KNOWN, {"word": word}).scalar():
        return None
    allowed = 1 if len(word) < 6 else 2
    near: dict[str, tuple[int, int]] = {}
    for beginning in {word[:1], word[1:2]}:
        # Of the second letter too: the first may be missing, or two may have changed places.
        values = {"first": beginning, "last": beginning + "\U0010ffff", "least": len(word) - allowed}
        rows = connection.execute(_NEAR, values | {"longest": len(word) + allowed, "most": _MOST_NEAR}).all()
        titles = {row.word: row.titles for row in rows}
        for other, far, _ in process.extract(word, titles.keys(), scorer=OSA.distance, score_cutoff=allowed, limit=20):
            near[other] = (int(far), -titles[other])
    return min(near, key=lambda one: (*near[one], one), default=None)


_MOST_NEAR = 100_000
_BETWEEN = (vocabulary.c.word >= bindparam("first"), vocabulary.c.word < bindparam("last"))
_OF_TITLES = (
    select(vocabulary.c.word)
    .where(*_BETWEEN, vocabulary.c.titles > 0)
    .order_by(vocabulary.c.titles.desc(), vocabulary.c.word)
    .limit(bindparam("most"))
)
_KNOWN = select(vocabulary.c.titles + 1).where(vocabulary.c.word == bindparam("word"))
_NEAR = (
    select(vocabulary.c.word, vocabulary.c.titles)
    .where(*_BETWEEN, func.length(vocabulary.c.word).between(bindparam("least"), bindparam("longest")))
    .order_by(vocabulary.c.titles.desc())
    .limit(bindparam("most"))
)
