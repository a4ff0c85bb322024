"""The check reports each kind of problem, and a new index repairs index problems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.archive import open_database
from storage.articles.store import record_article, record_capture
from storage.crawl.leads import finish_lead, lease_leads, record_leads
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive, reindex_archive
from storage.model.article import Article
from storage.model.crawl import Capture, LeadState
from storage.model.page import Lead, Page
from storage.model.search import Query
from storage.search.analyzer import ANALYZER_VERSION
from storage.stories.membership import queue_recompute

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORDS = [b"first record" * 9, b"second record" * 99, b"third"]


@pytest.fixture
def warc_folder(database: Database, tmp_path: Path) -> Path:
    """Fill an archive with three articles whose captures are in two WARC files, one of them still open."""
    files = {"a.warc.gz": RECORDS[:2], "b.warc.gz": RECORDS[2:]}
    (tmp_path / "a.warc.gz").write_bytes(b"".join(files["a.warc.gz"]))
    (tmp_path / "b.warc.gz.open").write_bytes(b"".join(files["b.warc.gz"]))
    places = [("a.warc.gz", 0), ("a.warc.gz", len(RECORDS[0])), ("b.warc.gz", 0)]
    for n, ((file, offset), record) in enumerate(zip(places, RECORDS, strict=True)):
        url = f"https://ev.example/{n}"
        page = Page(url=url, status=200, fetched_at=NOW, source="site", lead=Lead(url=url))
        capture = Capture(file=file, offset=offset, length=len(record), digest=f"sha256:{sha256(record).hexdigest()}")
        with database.write() as tx:
            record_leads(tx, "site", [Lead(url=url)], NOW)
            row = record_capture(tx, capture, page)
            kept = link_recorded(
                tx, record_article(tx, Article(url=url, title=f"T{n}", text=f"Same words, {n // 2}"), page, row, NOW)
            )
            queue_recompute(tx, [kept.article_id])
            for lead in lease_leads(tx, "site", "me", NOW, NOW, 9):
                finish_lead(tx, lead, "me", LeadState.KEPT, "new", NOW)
    return tmp_path


def spoil(database: Database, *statements: str) -> None:
    with database.write() as tx:
        for statement in statements:
            tx.execute(text(statement))


def test_sound_archive_has_no_problems(database: Database, warc_folder: Path) -> None:
    assert check_archive(database, warc_folder) == []
    assert check_archive(database, None) == []


def test_empty_archive_has_no_problems(database: Database, tmp_path: Path) -> None:
    assert check_archive(database, tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE articles SET revision = 7 WHERE id = 1", "article 1 has no current revision"),
        ("DELETE FROM revisions WHERE article_id = 1", "article 1 has no current revision"),
        ("UPDATE articles SET copy_of = 3 WHERE id = 1", "article 1 is a copy of 3"),
        ("UPDATE leads SET url_digest = 'gone' WHERE id = 2", "lead 2 of site was kept, but no article"),
        ("INSERT INTO merged_articles (id, article_id) VALUES (1, 2)", "article 1 was merged into 2"),
        ("UPDATE key_values SET value = '0' WHERE name = 'analyzer_version'", "prepared by version 0"),
    ],
)
def test_contradicting_rows_are_reported(database: Database, warc_folder: Path, statement: str, message: str) -> None:
    spoil(database, statement)
    assert any(problem.startswith(message) or message in problem for problem in check_archive(database, warc_folder))


def test_index_that_differs_from_the_texts_is_reported_and_repaired(database: Database, warc_folder: Path) -> None:
    spoil(database, "UPDATE texts SET text = 'Words that nobody indexed' WHERE article_id = 2")
    (problem,) = check_archive(database, warc_folder)
    assert "reindex" in problem
    assert Library(database).search(Query(words="nobody")).hits == ()
    steps: list[tuple[int, int]] = []
    assert reindex_archive(database, lambda done, total: steps.append((done, total))) == 3
    assert steps == [(3, 3)]
    assert [hit.article.id for hit in Library(database).search(Query(words="nobody")).hits] == [2]
    assert check_archive(database, warc_folder) == []


def test_index_of_another_analyzer_version_is_reported_and_repaired(
    database: Database, warc_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reader in ("storage.maintenance.check.ANALYZER_VERSION", "storage.search.article_index.ANALYZER_VERSION"):
        monkeypatch.setattr(reader, ANALYZER_VERSION + 1)
    assert any(f"prepared by version {ANALYZER_VERSION}" in problem for problem in check_archive(database, warc_folder))
    reindex_archive(database)
    assert check_archive(database, warc_folder) == []


def test_index_row_without_an_article_is_reported(database: Database, warc_folder: Path) -> None:
    if database.dialect == "sqlite":
        spoil(database, "INSERT INTO article_index (rowid, title, text) VALUES (99, 'stray', 'stray')")
    else:
        spoil(database, "INSERT INTO article_index (search_row, words) VALUES (99, CAST('stray' AS tsvector))")
    assert any("reindex" in problem for problem in check_archive(database, warc_folder))
    assert Library(database).search(Query(words="stray")).hits == ()


def test_changed_or_missing_bytes_of_a_warc_file_are_reported(database: Database, warc_folder: Path) -> None:
    path = warc_folder / "a.warc.gz"
    good = path.read_bytes()
    for at in (0, len(RECORDS[0]) - 1, len(RECORDS[0]), len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        (problem,) = check_archive(database, warc_folder)
        assert "holds other bytes" in problem
        assert f"ev.example/{int(at >= len(RECORDS[0]))}" in problem
    path.write_bytes(good[:-1])
    (problem,) = check_archive(database, warc_folder)
    assert "ends before" in problem


def test_sample_of_captures_differs_each_time(
    database: Database, warc_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several runs every capture is read; a sample larger than the number of captures reads all."""
    path = warc_folder / "a.warc.gz"
    good = path.read_bytes()
    path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    counts = []
    for run in range(3):
        monkeypatch.setattr("storage.maintenance.check.randrange", lambda step, run=run: run % step)
        counts.append(len(check_archive(database, warc_folder, 1)))
    assert sorted(counts) == [0, 0, 1]
    assert len(check_archive(database, warc_folder, 3)) == 1


def test_current_text_indexed_as_past_text_is_reported(database: Database, warc_folder: Path) -> None:
    spoil(database, "INSERT INTO past_texts (text_id, article_id) SELECT text_id, article_id FROM revisions LIMIT 1")
    assert any("indexed as a past text" in problem for problem in check_archive(database, warc_folder))


def test_missing_warc_file_is_reported(database: Database, warc_folder: Path) -> None:
    (warc_folder / "b.warc.gz.open").unlink()
    (problem,) = check_archive(database, warc_folder)
    assert "b.warc.gz is missing" in problem


def test_capture_of_a_file_outside_the_warc_folder_is_reported_as_missing(
    database: Database, warc_folder: Path
) -> None:
    (warc_folder.parent / "outside").write_bytes(RECORDS[2])
    spoil(database, "UPDATE captures SET file = '../outside' WHERE id = 3")
    (problem,) = check_archive(database, warc_folder)
    assert "missing" in problem


def test_further_problems_of_a_kind_are_only_counted(database: Database) -> None:
    for n in range(25):
        url = f"https://ev.example/{n}"
        with database.write() as tx:
            page = Page(url=url, status=200, fetched_at=NOW)
            link_recorded(tx, record_article(tx, Article(url=url, title="T", text=f"words {n}"), page, None, NOW))
    spoil(database, "DELETE FROM snapshots WHERE id < 0", "UPDATE articles SET copy_of = id")
    problems = [problem for problem in check_archive(database, None) if "copy" in problem or "more" in problem]
    assert problems[-1] == "... and 15 more of this kind"
    assert len(problems) == 11


def test_damaged_sqlite_file_is_reported(new_sqlite: Callable[[], str]) -> None:
    url = new_sqlite()
    database = open_database(url)
    for n in range(300):
        page = Page(url=f"https://ev.example/{n}", status=200, fetched_at=NOW)
        with database.write() as tx:
            link_recorded(
                tx, record_article(tx, Article(url=page.url, title="T", text=f"words {n} " * 50), page, None, NOW)
            )
    with database.write() as tx:
        page_size = int(tx.exec_driver_sql("PRAGMA page_size").scalar_one())
    database.close()
    path = Path(url.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    for start in range(30 * page_size, len(data), 7 * page_size):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)
    database = open_database(url)
    assert any("damaged" in problem for problem in check_archive(database, None))
    database.close()
