"""Index segments merge, all at once or in steps, and search results stay the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.articles.store import record_article
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article
from storage.model.page import Page
from storage.model.search import Query
from storage.search.optimize import last_merged_at, merge_segments, optimize_index, record_merge

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def keep(database: Database, *numbers: int) -> None:
    """Store articles of many words, each in a separate transaction."""
    for n in numbers:
        url = f"https://ev.example/{n}"
        words = " ".join(f"w{n}x{m}" for m in range(150))
        with database.write() as tx:
            page = Page(url=url, status=200, fetched_at=NOW, source="site")
            link_recorded(
                tx, record_article(tx, Article(url=url, title=f"t{n}", text=f"battery {words}"), page, None, NOW)
            )


def count_segments(database: Database) -> int:
    with database.read() as tx:
        return int(tx.exec_driver_sql("SELECT count(DISTINCT segid) FROM article_index_idx").scalar_one())


@pytest.fixture
def filled(database: Database) -> Database:
    keep(database, *range(60))
    return database


def matching_ids(database: Database) -> list[int]:
    return [hit.article.id for hit in Library(database).search(Query(words="battery", limit=100)).hits]


def test_optimize_keeps_results(filled: Database) -> None:
    before = matching_ids(filled)
    old, new = optimize_index(filled)
    assert min(old, new) > 0
    assert len(before) == 60
    assert matching_ids(filled) == before
    assert check_archive(filled, None) == []


def test_merge_in_steps_allows_writes_between_steps(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.search.optimize._PAGES_PER_STEP", 2)
    if filled.dialect == "sqlite":
        assert count_segments(filled) > 3
    steps = 0
    for steps, _ in enumerate(merge_segments(filled), 1):
        if steps in (2, 5):
            keep(filled, 60 + steps)
    if filled.dialect == "sqlite":
        assert steps > 5
        assert count_segments(filled) <= 3  # segments written during the merge may remain
        list(merge_segments(filled))
        assert count_segments(filled) == 1
        assert list(merge_segments(filled)) == []
    assert len(matching_ids(filled)) == (62 if filled.dialect == "sqlite" else 60)
    assert check_archive(filled, None) == []


def test_last_merge_time_is_recorded(database: Database) -> None:
    for at in (NOW, NOW + timedelta(days=7)):
        with database.write() as tx:
            record_merge(tx, at)
        with database.read() as tx:
            assert last_merged_at(tx) == at
