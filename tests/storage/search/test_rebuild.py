"""Rebuild the search index during searches and writes, and continue an interrupted rebuild."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from storage.articles.store import record_article
from storage.articles.topics import record_topics_and_relabel
from storage.db.database import Database
from storage.db.tables import articles
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Topic
from storage.model.page import Page
from storage.model.search import Query
from storage.search import rebuild
from storage.search.index import shadow
from storage.search.rebuild import rebuild_index

T0 = datetime(2025, 1, 1, tzinfo=UTC)
NUMBER = 30


class Killed(BaseException):
    """Simulates the end of the process."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use many transactions for few articles."""
    monkeypatch.setattr(rebuild, "_BATCH_SIZE", 4)


@pytest.fixture
def full(database: Database) -> Database:
    for n in range(NUMBER):
        keep(database, n, f"battery {n}")
    return database


def keep(database: Database, n: int, words: str, *, days: int | None = None) -> int:
    url = f"https://s.example/{n}"
    at = T0 + timedelta(days=n if days is None else days)
    page = Page(url=url, status=200, fetched_at=T0 + timedelta(days=400), source="s")
    with database.write() as tx:
        article = Article(url=url, title=f"t{n:02}", text=words, published=at)
        return link_recorded(tx, record_article(tx, article, page, None, page.fetched_at)).article_id


def matching_titles(database: Database, words: str) -> list[str]:
    answer = Library(database).search(Query(words=words, limit=200), seconds=60)
    return [hit.article.title for hit in answer.hits]


ALL = [f"t{n:02}" for n in reversed(range(NUMBER))]


def test_rebuilt_index_returns_the_same_results(full: Database) -> None:
    progress: list[tuple[int, int]] = []
    assert rebuild_index(full, lambda *numbers: progress.append(numbers)) == NUMBER
    assert matching_titles(full, "battery") == ALL
    assert check_archive(full, None) == []
    assert [done for done, _ in progress] == sorted({done for done, _ in progress})
    assert progress[-1] == (NUMBER, NUMBER)
    assert rebuild_index(full) == NUMBER
    assert check_archive(full, None) == []


@pytest.mark.parametrize("after", [1, 3, 8])
def test_interrupted_rebuild_keeps_results_and_continues(full: Database, after: int) -> None:
    steps: list[int] = []

    def stop(done: int, _: int) -> None:
        steps.append(done)
        if len(steps) == after:
            raise Killed

    with pytest.raises(Killed):
        rebuild_index(full, stop)
    assert matching_titles(full, "battery") == ALL
    assert check_archive(full, None) == []
    keep(full, 90, "battery late")
    keep(full, 3, "charger instead")
    assert "t03" in matching_titles(full, "charger")
    resumed: list[int] = []
    assert rebuild_index(full, lambda done, _: resumed.append(done)) == NUMBER + 1
    assert resumed[0] > steps[-1]
    assert matching_titles(full, "battery") == ["t90", *[title for title in ALL if title != "t03"]]
    assert matching_titles(full, "charger") == ["t03"]
    assert matching_titles(full, "charger in:history") == ["t03"]
    assert check_archive(full, None) == []


def _add_new(database: Database) -> None:
    keep(database, 91, "battery new")


def _add_new_with_old_date(database: Database) -> None:
    keep(database, 92, "battery found late", days=-30)


def _edit(database: Database) -> None:
    keep(database, 1, "battery edited")
    keep(database, 28, "battery edited too")


def _change_dates(database: Database) -> None:
    keep(database, 2, "battery 2", days=60)
    keep(database, 27, "battery 27", days=-2)


def _change_topics(database: Database) -> None:
    for number in (2, 29):
        with database.write() as tx:
            record_topics_and_relabel(tx, number, [Topic(name="xiaomi", body_count=1)], "c")


@pytest.mark.parametrize("change", [_add_new, _add_new_with_old_date, _edit, _change_dates, _change_topics])
def test_writes_during_rebuild_reach_both_indexes(full: Database, change: Callable[[Database], None]) -> None:
    step = 0

    def meanwhile(*_: int) -> None:
        nonlocal step
        step += 1
        if step == 4:
            change(full)
            assert check_archive(full, None) == []

    rebuild_index(full, meanwhile)
    queries = ("battery", "edited", "new OR late", "topic:xiaomi", "date:2025-03", "before:2025")
    after = [matching_titles(full, query) for query in queries]
    assert check_archive(full, None) == []
    rebuild_index(full)
    assert [matching_titles(full, query) for query in queries] == after
    assert len(after[0]) >= NUMBER


def test_rolled_back_write_during_rebuild_reaches_neither_index(full: Database) -> None:
    page = Page(url="https://s.example/1", status=200, fetched_at=T0, source="s")

    def write_and_fail() -> None:
        with full.write() as tx:
            link_recorded(tx, record_article(tx, Article(url=page.url, title="gone", text="gone"), page, None, T0))
            raise Killed

    def meanwhile(done: int, _: int) -> None:
        if done == 8:
            with pytest.raises(Killed):
                write_and_fail()

    rebuild_index(full, meanwhile)
    assert matching_titles(full, "gone") == []
    assert check_archive(full, None) == []


def test_rebuild_repairs_damaged_index(full: Database, tmp_path: Path) -> None:
    """Missing words, a row id outside its second, and outdated labels are repaired."""
    with full.write() as tx:
        if full.dialect == "sqlite":
            tx.execute(text("INSERT INTO article_index (article_index) VALUES ('delete-all')"))
        else:
            tx.execute(text("DELETE FROM article_index WHERE search_row IN (SELECT search_row FROM articles LIMIT 9)"))
        tx.execute(update(articles).where(articles.c.id == 5).values(search_row=77))
        tx.execute(update(articles).where(articles.c.id == 6).values(labels="§e"))
    assert check_archive(full, None)
    rebuild_index(full)
    assert check_archive(full, None) == []
    assert matching_titles(full, "battery source:s") == ALL


def test_rebuild_in_place_discards_unfinished_rebuild(full: Database) -> None:
    """A rebuild in one transaction makes the shadow index obsolete."""
    from storage.search.article_index import rebuild_in_place

    with full.write() as tx:
        shadow.begin_rebuild(tx)
        rebuild_in_place(tx)
    assert check_archive(full, None) == []
    assert rebuild_index(full) == NUMBER
    assert check_archive(full, None) == []
