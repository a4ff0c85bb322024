"""Topics of stored articles: storage, queries, counts and refreshes after the catalogue changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import text as sql

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.ingest.keep import keep_article
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.boilerplate import load_boilerplate
from storage.articles.topics import recount_topics
from storage.db.database import Database
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Topic
from storage.model.page import Page
from storage.model.search import Query

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NEW = "0123456789abcdef"


def keep(
    database: Database, url: str, title: str, text: str = "", *, day: int = 0, hour: int = 0, source: str = "a",
    canonical: str = "",
) -> int:  # fmt: skip
    article = Article(url=url, title=title, text=text, published=T0 + timedelta(days=day), canonical_url=canonical)
    page = Page(url=url, status=200, fetched_at=T0 + timedelta(hours=hour), source=source)
    with database.write() as tx:
        return keep_article(
            tx,
            with_derived_fields(article, shipped_matcher()),
            page,
            None,
            load_boilerplate(tx, page.source),
            shipped_matcher(),
            T0 + timedelta(days=400),
        ).decision.article_id


def url(name: object) -> str:
    return f"https://ev.example/{name}"


def find_titles(database: Database, *topics: str, **more: object) -> list[str]:
    query = Query(topics=topics, **more)  # type: ignore[arg-type]
    return [hit.article.title for hit in Library(database).search(query).hits]


def rows(database: Database) -> list[tuple[object, ...]]:
    statement = (
        "SELECT articles.url, topic, article_topics.sort_time, body_count,"
        " article_topics.title_count FROM article_topics"
    )
    with database.read() as connection:
        read = connection.execute(sql(f"{statement} JOIN articles ON articles.id = article_id ORDER BY 1, 2"))
        return [tuple(row) for row in read]


def test_topics_of_title_and_text_are_stored(database: Database) -> None:
    kept = keep(database, url(1), "BYD raises prices", "BYD and CATL make LFP batteries. BYD sells.")
    library = Library(database)
    assert library.topics_of(kept) == (
        Topic(name="byd", body_count=2, title_count=1),
        Topic(name="catl", body_count=1),
        Topic(name="lfp", body_count=1),
    )
    article = library.article(kept)
    assert article is not None
    assert article.topics == ("byd", "catl", "lfp")
    assert library.topics_of(kept + 1) == ()


def test_topic_query_returns_newest_articles_and_combines_with_words_and_filters(database: Database) -> None:
    keep(database, url(1), "Old BYD", "about batteries", day=1)
    keep(database, url(2), "New BYD", "about CATL batteries", day=3, source="b")
    keep(database, url(3), "Middle BYD", "about chairs", day=2)
    keep(database, url(4), "Tesla", "about CATL", day=9)
    assert find_titles(database, "byd") == ["New BYD", "Middle BYD", "Old BYD"]
    assert find_titles(database, "byd", limit=2) == ["New BYD", "Middle BYD"]
    assert find_titles(database, "byd", "catl") == find_titles(database, "catl", "byd") == ["New BYD"]
    assert find_titles(database, "byd", words="batteries") == ["New BYD", "Old BYD"]
    assert sorted(find_titles(database, "byd", words="batteries", order="best")) == ["New BYD", "Old BYD"]
    assert find_titles(database, "byd", sources=("b",)) == ["New BYD"]
    assert find_titles(database, "byd", since=T0 + timedelta(days=2)) == ["New BYD", "Middle BYD"]
    assert find_titles(database, "byd", until=T0 + timedelta(days=2)) == ["Old BYD"]
    assert (
        find_titles(database, "byd", words="...")
        == find_titles(database, "nothing")
        == find_titles(database, "tesla", "byd")
        == []
    )
    library = Library(database)
    assert library.count(Query(topics=("byd",))).number == 3
    assert [article.title for article in library.articles(Query(topics=("catl",), limit=None))] == ["Tesla", "New BYD"]


def test_topics_are_counted_with_sources_and_newest_article(database: Database) -> None:
    keep(database, url(1), "BYD one", "CATL", day=1)
    newest = keep(database, url(2), "BYD two", day=5, source="b")
    keep(database, url(3), "BYD three", day=3)
    library = Library(database)
    counts = {count.name: count for count in library.topic_counts()}
    assert [count.name for count in library.topic_counts()] == ["byd", "catl"]
    assert (counts["byd"].articles, counts["byd"].sources) == (3, 2)
    assert (counts["byd"].newest_id, counts["byd"].newest_title) == (newest, "BYD two")
    assert counts["byd"].newest_at == T0 + timedelta(days=5)
    assert [(count.name, count.articles) for count in library.topic_counts(T0 + timedelta(days=2))] == [("byd", 2)]


def test_edited_text_replaces_the_topics_and_an_older_page_does_not(database: Database) -> None:
    kept = keep(database, url(1), "BYD", hour=1)
    assert keep(database, url(1), "Tesla", hour=2) == kept
    assert find_titles(database, "tesla") == ["Tesla"]
    assert find_titles(database, "byd") == []
    keep(database, url(1), "Volvo", hour=0)
    assert [topic.name for topic in Library(database).topics_of(kept)] == ["tesla"]
    assert check_archive(database, None) == []


def test_topics_do_not_depend_on_the_order_of_pages(request: pytest.FixtureRequest) -> None:
    new: Callable[[], str] = request.getfixturevalue("new_sqlite")
    pages = (
        lambda db: keep(db, url(1), "BYD and CATL", "One text about BYD", day=3, hour=0),
        lambda db: keep(db, url(2), "BYD and CATL", "Another text about LFP", day=2, hour=5, canonical=url(1)),
        lambda db: keep(db, url(1), "BYD and Tesla", "Now it tells of Tesla", day=1, hour=9),
        lambda db: keep(db, url(2), "Volvo", "Now it tells of Volvo", day=4, hour=3, canonical=url(1)),
    )
    outcomes = []
    for order in permutations(pages):
        database = open_database(new())
        for page in order:
            page(database)
        outcomes.append(rows(database))
        assert check_archive(database, None) == []
        database.close()
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0]


def test_merged_articles_leave_no_topics_behind(database: Database) -> None:
    first = keep(database, url(1), "BYD and CATL", "One text")
    second = keep(database, url(2), "BYD and CATL", "Another text")
    assert find_titles(database, "byd") == ["BYD and CATL"] * 2
    third = keep(database, url(2), "BYD and CATL", "Another text", canonical=url(1), hour=1)
    assert third == min(first, second)
    assert find_titles(database, "byd") == ["BYD and CATL"]
    assert Library(database).topics_of(max(first, second)) == Library(database).topics_of(third) != ()
    assert Library(database).count_stale_topics(shipped_matcher().digest) == 0


def test_topics_have_the_sort_time_of_their_article(database: Database) -> None:
    keep(database, url(1), "BYD one", "Text", day=5, hour=0)
    keep(database, url(2), "BYD two", "Text", day=3, hour=0)
    keep(database, url(1), "BYD one", "Text", day=1, hour=1)
    assert find_titles(database, "byd") == ["BYD two", "BYD one"]
    assert check_archive(database, None) == []


def test_refresh_rescans_articles_of_another_catalogue(database: Database) -> None:
    for number in range(250):
        keep(database, url(number), f"BYD {number}", "Tesla" if number % 2 else "")
    library = Library(database)
    assert library.count_stale_topics(NEW) == 250
    calls: list[tuple[int, int]] = []
    assert (
        recount_topics(database, lambda title, text: (Topic(name="new", body_count=len(text)),), NEW, _note(calls))
        == 250
    )
    assert calls == [(100, 250), (200, 250), (250, 250)]
    assert [(count.name, count.articles) for count in library.topic_counts()] == [("new", 250)]
    assert library.count_stale_topics(NEW) == 0
    assert recount_topics(database, lambda title, text: (), NEW) == 0
    assert len(library.topic_counts()) == 1
    recount_topics(database, shipped_matcher().find_topics, shipped_matcher().digest)
    assert [(count.name, count.articles) for count in library.topic_counts()] == [("byd", 250), ("tesla", 125)]


def _note(calls: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: calls.append((done, total))


def test_interrupted_refresh_continues_where_it_stopped(database: Database) -> None:
    for number in range(150):
        keep(database, url(number), f"BYD {number}")
    read: list[str] = []

    def find(title: str, text: str) -> tuple[Topic, ...]:
        if len(read) == 120:
            raise KeyboardInterrupt
        read.append(title)
        return ()

    with pytest.raises(KeyboardInterrupt):
        recount_topics(database, find, NEW)
    library = Library(database)
    assert library.count_stale_topics(NEW) == 50
    assert library.count(Query(topics=("byd",))).number == 50
    assert recount_topics(database, lambda title, text: (), NEW) == 50


def test_articles_of_a_topic_are_read_in_index_order_without_sorting(sqlite_database: Database) -> None:
    keep(sqlite_database, url(1), "BYD")
    with sqlite_database.read() as connection:
        plan = connection.execute(
            sql(
                "EXPLAIN QUERY PLAN SELECT articles.id FROM articles JOIN article_topics"
                " ON article_topics.article_id = articles.id WHERE article_topics.topic = 'byd'"
                " ORDER BY article_topics.sort_time DESC, article_topics.article_id DESC LIMIT 20"
            )
        ).all()
    steps = [row.detail for row in plan]
    assert "article_topics_by_topic" in steps[0]
    assert not any("TEMP B-TREE" in step for step in steps)
