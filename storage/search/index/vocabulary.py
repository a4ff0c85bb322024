"""Vocabulary of the archive: its words, and the number of titles with each.

Used for prefixes, spelling corrections and suggestions. Words are never removed: unused words do no harm.
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


def record_words(tx: Connection, prepared: PreparedText) -> None:
    """Add the words of an article to the vocabulary and count those of its title."""
    title_words, known = _vocabulary_words(prepared.title), _known_words.setdefault(tx.engine, set())
    recorded: set[str] = tx.info.setdefault(_RECORDED_KEY, set())
    unrecorded = set(prepared.text.split()) - known - recorded
    new = {token for token in unrecorded if is_vocabulary_word(token)} - title_words
    # Sorted, so that concurrent writers lock the rows in the same order.
    _COUNT_TITLE_WORD.run_many(tx, [(word,) for word in sorted(title_words)])
    _INSERT_WORD.run_many(tx, [(word,) for word in sorted(new)])
    recorded |= unrecorded


class TitleCounts:
    """Collect the words of many articles, then replace the vocabulary by them."""

    def __init__(self) -> None:
        self._titles: Counter[str] = Counter()
        self._others: set[str] = set()

    def add(self, prepared: PreparedText) -> None:
        """Count the words of an article."""
        self._titles.update(_vocabulary_words(prepared.title))
        self._others.update(prepared.text.split())

    def write(self, tx: Connection) -> None:
        """Replace the vocabulary by the collected words."""
        tx.execute(delete(vocabulary))
        words = sorted({token for token in self._others if is_vocabulary_word(token)} | self._titles.keys())
        for part in batched(words, _BATCH_SIZE):
            tx.execute(insert(vocabulary), [{"word": word, "title_count": self._titles[word]} for word in part])


def watch_known_words(engine: Engine) -> None:
    """Remember the words of committed transactions, so that they are not written again."""

    def remember(connection: Connection) -> None:
        recorded = connection.info.pop(_RECORDED_KEY, None)
        known = _known_words.setdefault(engine, set())
        if recorded and len(known) < _MAX_KNOWN_WORDS:
            known |= recorded

    def forget(connection: Connection, *_: object) -> None:
        if not connection.invalidated:
            connection.info.pop(_RECORDED_KEY, None)

    event.listen(engine, "commit", remember)
    event.listen(engine, "rollback", forget)
    event.listen(engine, "rollback_savepoint", forget)


_known_words: WeakKeyDictionary[Engine, set[str]] = WeakKeyDictionary()
_RECORDED_KEY = "evnews_noted_words"
_MAX_KNOWN_WORDS = 300_000
_BATCH_SIZE = 5_000


def _vocabulary_words(prepared: str) -> set[str]:
    return {token for token in prepared.split() if is_vocabulary_word(token)}


def find_words_with_prefix(connection: Connection, prefix: str, limit: int) -> list[str]:
    """Return at most `limit` words of titles with a prefix, the most frequent first."""
    values = {"first": prefix, "last": prefix + "\U0010ffff", "most": limit}
    return list(connection.execute(_SELECT_TITLE_WORDS, values).scalars())


def find_nearest_word(connection: Connection, word: str) -> str | None:
    """Return the most likely correction of a word that is not in the vocabulary, or None."""
    if (
        is_unspaced(word)
        or not 3 < len(word) <= MAX_WORD_LENGTH
        or connection.execute(_SELECT_WORD, {"word": word}).scalar()
    ):
        return None
    allowed = 1 if len(word) < 6 else 2
    matches: dict[str, tuple[int, int]] = {}
    for prefix in {word[:1], word[1:2]}:
        # The second letter too: the first may be missing, or the two may be swapped.
        values = {"first": prefix, "last": prefix + "\U0010ffff", "least": len(word) - allowed}
        rows = connection.execute(
            _SELECT_NEAR_WORDS, values | {"longest": len(word) + allowed, "most": _MAX_NEAR_WORDS}
        ).all()
        if not rows:
            continue
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        titles = {row.word: row.title_count for row in rows}
        for candidate, distance, _ in process.extract(
            word, titles.keys(), scorer=OSA.distance, score_cutoff=allowed, limit=20
        ):
            matches[candidate] = (int(distance), -titles[candidate])
    return min(matches, key=lambda candidate: (*matches[candidate], candidate), default=None)


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
