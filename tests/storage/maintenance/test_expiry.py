"""Expired articles are deleted with everything stored about them, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text

from aggregator.stories.assign import assign_story, recompute_queued
from storage.archive import open_database
from storage.articles.store import record_article, record_check
from storage.articles.topics import record_topics_and_relabel
from storage.crawl import leads
from storage.db.database import Database
from storage.db.tables import articles, metadata, recent_paragraphs, texts
from storage.db.tables import leads as leads_table
from storage.duplicates.links import add_similarities, link_copies, link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.maintenance.expiry import ArticleAges, delete_expired, find_expired, load_source_ages, save_source_ages
from storage.model.article import Article, Topic
from storage.model.crawl import CheckResult, LeadState
from storage.model.page import Lead, Page
from storage.model.search import Query
from storage.model.similarity import TextSimilarity
from storage.quantities import FOREVER, parse_age
from storage.readers import read_state

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = 86_400.0
YEAR = ArticleAges(default=365 * DAY)


def keep(
    database: Database, path: str, words: str, days: float, *, source: str = "one", title: str = "A battery"
) -> int:
    """Store an article that was published `days` ago and listed by an index; return its id."""
    url = f"https://{source}.example/{path}"
    at = NOW - timedelta(days=days)
    with database.write() as tx:
        leads.record_leads(tx, source, [Lead(url=url, published=at)], at)
        (lead,) = leads.lease_leads(tx, source, "me", NOW, NOW, 1)
        article = Article(url=url, title=title, text=words, published=at)
        page = Page(url=url, status=200, fetched_at=at, source=source)
        decision = link_recorded(tx, record_article(tx, article, page, None, at))
        assign_story(tx, article, decision)
        record_topics_and_relabel(tx, decision.article_id, [Topic(name="byd", body_count=1, title_count=0)], "c")
        leads.finish_lead(tx, lead, "me", LeadState.KEPT, "kept", at)
    return decision.article_id


def expire(database: Database, ages: ArticleAges = YEAR, *, remove_protected: tuple[str, ...] = ()) -> list[int]:
    """Delete the expired articles and return their ids, after checking the count and the archive."""
    expired = [article.id for article in find_expired(database, ages, NOW, remove_protected=remove_protected)]
    assert sum(delete_expired(database, ages, NOW, remove_protected=remove_protected)) == len(expired)
    assert check_archive(database, None) == []
    return expired


def remaining(database: Database) -> list[int]:
    with database.read() as tx:
        return list(tx.execute(select(articles.c.id).order_by(articles.c.id)).scalars())


def test_expired_article_is_deleted_from_every_table(database: Database) -> None:
    old = keep(database, "old", "an old battery text", 400)
    new = keep(database, "new", "another text of today", 30)
    with database.write() as tx:
        edited = Article(url="https://one.example/old", title="A battery", text="an old battery text, edited")
        at = NOW - timedelta(days=399)
        link_recorded(
            tx, record_article(tx, edited, Page(url=edited.url, status=200, fetched_at=at, source="one"), None, at)
        )
        read_state.mark_read(tx, "phone", [old], NOW)
    assert expire(database) == [old]
    assert remaining(database) == [new]
    library = Library(database)
    assert library.article(old) is None
    assert [hit.article.id for hit in library.search(Query(words="text")).hits] == [new]
    assert library.search(Query(words="edited")).hits == ()
    with database.read() as tx:
        for table in metadata.sorted_tables:
            if "article_id" in table.c:
                column = table.c.article_id
                assert tx.execute(select(func.count()).where(column == old)).scalar_one() == 0, table.name
        assert tx.execute(select(func.count()).select_from(texts)).scalar_one() == 1
    assert expire(database) == []


def test_expired_article_is_not_fetched_again(database: Database) -> None:
    keep(database, "old", "an old text", 400)
    expire(database)
    with database.write() as tx:
        lead = Lead(url="https://one.example/old", updated=NOW)
        leads.record_leads(tx, "one", [lead], NOW)
        assert leads.lease_leads(tx, "one", "me", NOW, NOW, 9) == []
        row = tx.execute(select(leads_table)).one()
    assert (row.state, row.ended_at) == (LeadState.EXPIRED, NOW)
    assert row.reason == "removed on 2026-03-01: older than it is to be kept"


def test_each_source_has_its_own_age(database: Database) -> None:
    short, default, forever = (
        keep(database, "a", f"text of {source}", 100, source=source) for source in ("short", "default", "forever")
    )
    oldest = keep(database, "b", "the oldest text", 5000, source="forever")
    ages = ArticleAges(default=200 * DAY, by_source={"short": 50 * DAY, "forever": FOREVER})
    assert expire(database, ages) == [short]
    assert expire(database, ArticleAges(default=50 * DAY, by_source={"forever": FOREVER})) == [default]
    assert expire(database, ArticleAges(by_source={"short": DAY})) == []
    assert expire(database, ArticleAges()) == []
    assert remaining(database) == [forever, oldest]


def test_starred_and_withdrawn_articles_are_kept_unless_named(database: Database) -> None:
    starred, withdrawn = (keep(database, str(n), f"old text {n}", 400 + n) for n in range(2))
    with database.write() as tx:
        read_state.star(tx, "phone", [starred], NOW)
        for days in (300, 299):
            check = CheckResult(
                url="https://one.example/1", checked_at=NOW - timedelta(days=days), status=410, outcome="missing",
                reason="gone", is_certain=True,
            )  # fmt: skip
            record_check(tx, withdrawn, check, None)
    assert expire(database) == []
    assert expire(database, remove_protected=("withdrawn",)) == [withdrawn]
    assert expire(database, remove_protected=("starred",)) == [starred]


def test_remaining_copy_becomes_the_original(database: Database) -> None:
    """Applies to equal and to similar texts; the new original joins the story."""
    first = keep(database, "a", "the very same text", 400, source="first")
    second = keep(database, "a", "the very same text", 390, source="second")
    third = keep(database, "a", "the very same text, nearly", 389, source="third")
    with database.write() as tx:
        rows = tx.execute(select(articles.c.id, articles.c.text_digest)).all()
        digests = {row.id: row.text_digest for row in rows}
        add_similarities(tx, digests[third], {digests[first]: TextSimilarity(similarity=0.95, kind="near")})
        link_copies(tx, [digests[third]])
        recompute_queued(tx, 100)
    assert Library(database).article(third).copy_of == first  # type: ignore[union-attr]
    assert expire(database, ArticleAges(default=395 * DAY)) == [first]
    with database.write() as tx:
        recompute_queued(tx, 100)
    assert check_archive(database, None) == []
    library = Library(database)
    originals = [article.copy_of for copy in (second, third) if (article := library.article(copy))]
    assert originals == [None, second]
    with database.read() as tx:
        reason = tx.execute(select(articles.c.reason).where(articles.c.id == second)).scalar_one()
    assert reason == "the original of 1 copies"


def test_article_ids_are_never_reused(database: Database) -> None:
    old = keep(database, "old", "an old text", 400)
    expire(database)
    assert keep(database, "new", "a new text", 1) > old


def test_paragraphs_of_an_expired_article_are_deleted(database: Database) -> None:
    """Applies to every source that published the article."""
    old = keep(database, "old", "an old text", 400)
    with database.write() as tx:
        for source in ("one", "two"):
            tx.execute(insert(recent_paragraphs), {"source": source, "article_id": old, "paragraphs": b""})
    expire(database)
    with database.read() as tx:
        assert tx.execute(select(recent_paragraphs)).all() == []


def test_ages_of_sources_are_stored(database: Database) -> None:
    for ages in ({"a": DAY, "b": FOREVER}, {"b": 2 * DAY}, {}):
        with database.write() as tx:
            save_source_ages(tx, ages)
        with database.read() as tx:
            assert load_source_ages(tx) == ages


def test_article_starred_during_the_deletion_is_kept(database: Database) -> None:
    ids = [keep(database, str(n), f"old text {n}", 500 - n) for n in range(45)]
    deletion = delete_expired(database, YEAR, NOW)
    assert next(deletion) == 20
    with database.write() as tx:
        read_state.star(tx, "phone", [ids[25]], NOW)
    assert list(deletion) == [19, 5]
    assert remaining(database) == [ids[25]]
    assert check_archive(database, None) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kept=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["x", "x y", "x y z"]), st.sampled_from(["one", "two", "three"])),
        max_size=8,
    ),
    ages=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_archive_is_sound_after_any_deletion(
    new_sqlite: Callable[[], str], kept: list[tuple[int, str, str]], ages: list[int]
) -> None:
    database = open_database(new_sqlite())
    for number, (days, words, source) in enumerate(kept):
        keep(database, str(number), f"the text of {words} " * 9, days + 0.5, source=source)
    for days in sorted(ages, reverse=True):
        expire(database, ArticleAges(default=days * DAY))
        with database.write() as tx:
            recompute_queued(tx, 100)
        assert check_archive(database, None) == []
        assert len(remaining(database)) == sum(age < days for age, _, _ in kept)
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM story_queue")).scalar_one() == 0
    database.close()


@pytest.mark.parametrize(
    ("words", "days"),
    [("90 days", 90), ("1 day", 1), ("2w", 14), ("12 months", 365.25), ("5y", 1826.25), ("1.5 years", 547.875)],
)
def test_ages_are_parsed(words: str, days: float) -> None:
    assert parse_age(words) == pytest.approx(days * DAY)


@pytest.mark.parametrize("wrong", ["", "5", "5 hours", "0 days", "-1y", "years", 5, None, True, "0.5 days", "5y 2d"])
def test_invalid_ages_are_rejected(wrong: object) -> None:
    with pytest.raises(ValueError, match="is expected"):
        parse_age(wrong)
    assert parse_age(" Forever ") == FOREVER
