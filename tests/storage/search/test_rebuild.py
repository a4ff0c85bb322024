"""The search index made anew beside the one that answers: while others write, and after it was left half made."""

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
    """Stands for a process that ends."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions for few articles."""
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


def found(database: Database, words: str) -> list[str]:
    answer = Library(database).search(Query(words=words, limit=200), seconds=60)
    return [hit.article.title for hit in answer.hits]


ALL = [f"t{n:02}" for n in reversed(range(NUMBER))]


def test_it_finds_what_the_old_one_found(full: Database) -> None:
    told: list[tuple[int, int]] = []
    assert rebuild_index(full, lambda *numbers: told.append(numbers)) == NUMBER
    assert found(full, "battery") == ALL
    assert check_archive(full, None) == []
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (NUMBER, NUMBER)
    assert rebuild_index(full) == NUMBER
    assert check_archive(full, None) == []


@pytest.mark.parametrize("after", [1, 3, 8])
def test_what_was_left_half_made_answers_as_before_and_is_gone_on_with(full: Database, after: int) -> None:
    steps: list[int] = []

    def stop(done: int, _: int) -> None:
        steps.append(done)
        if len(steps) == after:
            raise Killed

    with pytest.raises(Killed):
        rebuild_index(full, stop)
    assert found(full, "battery") == ALL
    assert check_archive(full, None) == []
    keep(full, 90, "battery late")
    keep(full, 3, "charger instead")
    assert "t03" in found(full, "charger")
    again: list[int] = []
    assert rebuild_index(full, lambda done, _: again.append(done)) == NUMBER + 1
    assert again[0] > steps[-1]
    assert found(full, "battery") == ["t90", *[title for title in ALL if title != "t03"]]
    assert found(full, "charger") == ["t03"]
    assert found(full, "charger in:history") == ["t03"]
    assert check_archive(full, None) == []


def _new(database: Database) -> None:
    keep(database, 91, "battery new")


def _new_of_old(database: Database) -> None:
    keep(database, 92, "battery found late", days=-30)


def _edited(database: Database) -> None:
    keep(database, 1, "battery edited")
    keep(database, 28, "battery edited too")


def _redated(database: Database) -> None:
    keep(database, 2, "battery 2", days=60)
    keep(database, 27, "battery 27", days=-2)


def _relabelled(database: Database) -> None:
    for number in (2, 29):
        with database.write() as tx:
            record_topics_and_relabel(tx, number, [Topic(name="xiaomi", body_count=1)], "c")


@pytest.mark.parametrize("change", [_new, _new_of_old, _edited, _redated, _relabelled])
def test_what_others_write_meanwhile_is_in_both(full: Database, change: Callable[[Database], None]) -> None:
    step = 0

    def meanwhile(*_: int) -> None:
        nonlocal step
        step += 1
        if step == 4:
            change(full)
            assert check_archive(full, None) == []

    rebuild_index(full, meanwhile)
    words = ("battery", "edited", "new OR late", "topic:xiaomi", "date:2025-03", "before:2025")
    after = [found(full, one) for one in words]
    assert check_archive(full, None) == []
    rebuild_index(full)
    assert [found(full, one) for one in words] == after
    assert len(after[0]) >= NUMBER


def test_what_is_undone_meanwhile_is_in_neither(full: Database) -> None:
    page = Page(url="https://s.example/1", status=200, fetched_at=T0, source="s")

    def undone() -> None:
        with full.write() as tx:
            link_recorded(tx, record_article(tx, Article(url=page.url, title="gone", text="gone"), page, None, T0))
            raise Killed

    def meanwhile(done: int, _: int) -> None:
        if done == 8:
            with pytest.raises(Killed):
                undone()

    rebuild_index(full, meanwhile)
    assert found(full, "gone") == []
    assert check_archive(full, None) == []


def test_an_index_that_is_wrong_is_right_after(full: Database, tmp_path: Path) -> None:
    """Words that are missing, a place outside its second, labels of another time."""
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
    assert found(full, "battery source:s") == ALL


def test_a_rebuild_of_another_preparation_is_abandoned(full: Database) -> None:
    """When all is made anew in one transaction, what was begun beside is of no use."""
    from storage.search.article_index import rebuild_in_place

    with full.write() as tx:
        shadow.begin_rebuild(tx)
        rebuild_in_place(tx)
    assert check_archive(full, None) == []
    assert rebuild_index(full) == NUMBER
    assert check_archive(full, None) == []
