"""The words of the archive: which there are, and how many titles hold each.

They answer what begins so, what was meant by a word that nothing holds, and what may be typed next. Words are only
added: one that no article holds any more misleads nobody.
"""

from __future__ import annotations

from collections import Counter
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, delete, event, func, insert, select

from storage.db.statements import PLACEHOLDERS, RawStatement, batched
from storage.db.tables import vocabulary
from storage.model.article import PreparedText
from storage.search.index.field_terms import MAX_WORD_LENGTH, is_unspaced, is_vocabulary_word

_INSERT_WORD = RawStatement(
    {
        name: f"INSERT INTO vocabulary (word, title_count) VALUES ({mark}, 0) ON CONFLICT (word) DO NOTHING"  # noqa: S608
        for name, mark in PLACEHOLDERS.items()
    }
)
_COUNT_TITLE_WORD = RawStatement(
    {
        name: f"INSERT INTO vocabulary (word, title_count) VALUES ({mark}, 1)"  # noqa: S608
        " ON CONFLICT (word) DO UPDATE SET title_count = vocabulary.title_count + 1"
        for name, mark in PLACEHOLDERS.items()
    }
)


def record_words(tx: Connection, made: PreparedText) -> None:
    """Take the words of an article into the vocabulary; those of its title are counted."""
    titled, known = _vocabulary_words(made.title), _known_words.setdefault(tx.engine, set())
    noted: set[str] = tx.info.setdefault(_RECORDED_KEY, set())
    unseen = set(made.text.split()) - known - noted
    new = {token for token in unseen if is_vocabulary_word(token)} - titled
    # Sorted: writers that come at the same time wait for each other in one order.
    _COUNT_TITLE_WORD.run_many(tx, [(word,) for word in sorted(titled)])
    _INSERT_WORD.run_many(tx, [(word,) for word in sorted(new)])
    noted |= unseen


class TitleCounts:
    """The words of many articles, taken into the vocabulary at once, in place of what was counted before."""

    def __init__(self) -> None:
        self._titles: Counter[str] = Counter()
        self._others: set[str] = set()

    def add(self, made: PreparedText) -> None:
        """Count the words of an article."""
        self._titles.update(_vocabulary_words(made.title))
        self._others.update(made.text.split())

    def write(self, tx: Connection) -> None:
        """Write what was counted."""
        tx.execute(delete(vocabulary))
        words = sorted({token for token in self._others if is_vocabulary_word(token)} | self._titles.keys())
        for part in batched(words, _BATCH_SIZE):
            tx.execute(insert(vocabulary), [{"word": word, "title_count": self._titles[word]} for word in part])


def watch_known_words(engine: Engine) -> None:
    """Remember which words are kept, so that they are not written again; what is undone is not remembered."""

    def keep(connection: Connection) -> None:
        noted = connection.info.pop(_RECORDED_KEY, None)
        known = _known_words.setdefault(engine, set())
        if noted and len(known) < _MAX_KNOWN_WORDS:
            known |= noted

    def drop(connection: Connection, *_: object) -> None:
        if not connection.invalidated:
            connection.info.pop(_RECORDED_KEY, None)

    event.listen(engine, "commit", keep)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "rollback_savepoint", drop)


_known_words: WeakKeyDictionary[Engine, set[str]] = WeakKeyDictionary()
_RECORDED_KEY = "evnews_noted_words"
_MAX_KNOWN_WORDS = 300_000
_BATCH_SIZE = 5_000


def _vocabulary_words(prepared: str) -> set[str]:
    return {token for token in prepared.split() if is_vocabulary_word(token)}


def find_words_with_prefix(connection: Connection, beginning: str, most: int) -> list[str]:
    """The words of titles that begin so, those of most titles first."""
    values = {"first": beginning, "last": beginning + "\U0010ffff", "most": most}
    return list(connection.execute(_SELECT_TITLE_WORDS, values).scalars())


def find_nearest_word(connection: Connection, word: str) -> str | None:
    """The word of the archive that was most likely meant by one that it does not hold, or None."""
    if (
        is_unspaced(word)
        or not 3 < len(word) <= MAX_WORD_LENGTH
        or connection.execute(_SELECT_WORD, {"word": word}).scalar()
    ):
        return None
    allowed = 1 if len(word) < 6 else 2
    near: dict[str, tuple[int, int]] = {}
    for beginning in {word[:1], word[1:2]}:
        # Of the second letter too: the first may be missing, or two may have changed places.
        values = {"first": beginning, "last": beginning + "\U0010ffff", "least": len(word) - allowed}
        rows = connection.execute(
            _SELECT_NEAR_WORDS, values | {"longest": len(word) + allowed, "most": _MAX_NEAR_WORDS}
        ).all()
        if not rows:
            continue
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        titles = {row.word: row.title_count for row in rows}
        for other, far, _ in process.extract(word, titles.keys(), scorer=OSA.distance, score_cutoff=allowed, limit=20):
            near[other] = (int(far), -titles[other])
    return min(near, key=lambda one: (*near[one], one), default=None)


_MAX_NEAR_WORDS = 100_000
_HAS_PREFIX = (vocabulary.c.word >= bindparam("first"), vocabulary.c.word < bindparam("last"))
_SELECT_TITLE_WORDS = (
    select(vocabulary.c.word)
    .where(*_HAS_PREFIX, vocabulary.c.title_count > 0)
    .order_by(vocabulary.c.title_count.desc(), vocabulary.c.word)
    .limit(bindparam("most"))
)
_SELECT_WORD = select(vocabulary.c.title_count + 1).where(vocabulary.c.word == bindparam("word"))
_SELECT_NEAR_WORDS = (
    select(vocabulary.c.word, vocabulary.c.title_count)
    .where(*_HAS_PREFIX, func.length(vocabulary.c.word).between(bindparam("least"), bindparam("longest")))
    .order_by(vocabulary.c.title_count.desc())
    .limit(bindparam("most"))
)
