"""Learning of boilerplate from recurring paragraphs of a source, in numbered versions."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from storage.articles.boilerplate import LEARNING_WINDOW, forget_article, learn_boilerplate, load_boilerplate
from storage.db.database import Database
from storage.model.crawl import LearnedBoilerplate
from storage.text.wording import block_digest

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BOX = "Every Friday our editors write down what they have learned of batteries."
NOTE = "We may earn a commission when you buy through links on this site."


def words(number: int) -> str:
    return f"Report {number} tells of the plant in town {number} and what it makes there.\n\nMore news"


def kept(database: Database, number: int, text: str, source: str = "site") -> LearnedBoilerplate:
    """Learn from one more article."""
    with database.write() as tx:
        return learn_boilerplate(tx, source, number, text, load_boilerplate(tx, source), T0)


def learned(database: Database, source: str = "site") -> LearnedBoilerplate:
    with database.read() as tx:
        return load_boilerplate(tx, source)


def test_paragraph_of_five_articles_is_learned(database: Database) -> None:
    for number in range(1, 5):
        assert kept(database, number, f"{BOX}\n\n{words(number)}") == LearnedBoilerplate()
    made = kept(database, 5, f"{words(5)}\n\n{BOX.upper()}")
    assert made == LearnedBoilerplate(version=1, paragraphs=frozenset({block_digest(BOX)}))
    assert learned(database) == made
    assert learned(database, "other") == LearnedBoilerplate()
    with database.read() as connection:
        assert list(connection.execute(sql("SELECT learned FROM source_boilerplate")).scalars()) == [
            f'["{BOX.upper()}"]'
        ]


def test_paragraph_of_five_among_many_articles_is_not_learned(database: Database) -> None:
    """A paragraph needs a fifth of the latest articles: eight of forty."""
    for number in range(1, 34):
        kept(database, number, words(number))
    for number in range(34, 41):
        kept(database, number, f"{words(number)}\n\n{BOX}")
    assert learned(database) == LearnedBoilerplate()
    kept(database, 41, f"{words(41)}\n\n{BOX}")
    assert learned(database) == LearnedBoilerplate()
    assert kept(database, 42, f"{words(42)}\n\n{BOX}").paragraphs == {block_digest(BOX)}


def test_headings_and_repetitions_within_an_article_are_not_learned(database: Database) -> None:
    for number in range(1, 9):
        made = kept(database, number, words(number))
    again = "\n\n".join([BOX] * 10)
    assert kept(database, 9, again) == made == LearnedBoilerplate()


def test_each_change_raises_the_version_and_unused_paragraphs_are_forgotten(database: Database) -> None:
    for number in range(1, 6):
        kept(database, number, f"{BOX}\n\n{words(number)}")
    for number in range(6, 11):
        kept(database, number, f"{NOTE}\n\n{words(number)}")
    assert learned(database) == LearnedBoilerplate(version=2, paragraphs=frozenset(map(block_digest, (BOX, NOTE))))
    for number in range(11, 11 + LEARNING_WINDOW - 6):
        kept(database, number, words(number))
    assert learned(database).version == 2, "article 5 is still among the latest"
    kept(database, 100, words(100))
    assert learned(database) == LearnedBoilerplate(version=3, paragraphs=frozenset({block_digest(NOTE)}))


def test_merged_article_does_not_count_for_learning(database: Database) -> None:
    for number in range(1, 5):
        kept(database, number, f"{BOX}\n\n{words(number)}")
    with database.write() as tx:
        forget_article(tx, "site", 4)
    assert kept(database, 5, f"{BOX}\n\n{words(5)}") == LearnedBoilerplate()
    assert kept(database, 6, f"{BOX}\n\n{words(6)}").version == 1


TEXTS = st.lists(
    st.lists(st.sampled_from([BOX, NOTE, "Short", words(1), words(2)]), max_size=4).map("\n\n".join), max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(TEXTS)
def test_learning_an_article_twice_changes_nothing(sqlite_database: Database, texts: list[str]) -> None:
    with sqlite_database.write() as tx:
        for table in ("source_boilerplate", "recent_paragraphs"):
            tx.execute(sql(f"DELETE FROM {table}"))
    for number, text in enumerate(texts, 1):
        once = kept(sqlite_database, number, text)
        assert kept(sqlite_database, number, text) == once
    before = learned(sqlite_database)
    for number, text in list(enumerate(texts, 1))[-LEARNING_WINDOW:]:
        kept(sqlite_database, number, text)
    assert learned(sqlite_database) == before
