"""The writer stores each unit whole or not at all, and a failing unit affects no other."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from storage.archive import open_database
from storage.articles.store import record_article, record_capture
from storage.db.database import Database
from storage.db.writer import DatabaseWriter
from storage.duplicates.links import link_recorded
from storage.errors import ArchiveBusy, ArchiveError, ArchiveFull
from storage.maintenance.check import check_archive
from storage.model.article import Article, Decision
from storage.model.crawl import Capture
from storage.model.page import Page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Work = Callable[[Connection, tuple[Capture, ...]], int]


class RecordingPageStore:
    """A page store that records its calls and fails on request."""

    def __init__(self, fails_on: str = "", fails_to_sync: bool = False) -> None:
        self.calls: list[str] = []
        self._fails_on, self._fails_to_sync = fails_on, fails_to_sync

    def record(self, page: Page) -> Capture:
        self.calls.append(page.url)
        if page.url == self._fails_on:
            raise OSError("cannot write")
        return Capture(file="a.warc.gz", offset=len(self.calls), length=1, digest="d")

    def sync(self) -> None:
        self.calls.append("sync")
        if self._fails_to_sync:
            raise OSError("cannot sync")

    def close(self) -> None:
        self.calls.append("close")


def page(name: str) -> Page:
    return Page(url=f"https://ev.example/{name}", status=200, fetched_at=NOW)


def insert_key(name: str) -> Work:
    def work(tx: Connection, _: tuple[Capture, ...]) -> int:
        return tx.execute(text("INSERT INTO key_values (name, value) VALUES (:name, '')"), {"name": name}).rowcount

    return work


def load_keys(database: Database) -> list[str]:
    with database.read() as connection:
        names = connection.execute(
            text("SELECT name FROM key_values WHERE name <> 'analyzer_version' ORDER BY name")
        ).scalars()
        return list(names)


def block_writer(writer: DatabaseWriter) -> threading.Event:
    """Keep the writer busy until the returned event is set, so that units submitted meanwhile form one batch."""
    started, release = threading.Event(), threading.Event()

    def work(_: Connection, __: tuple[Capture, ...]) -> None:
        started.set()
        release.wait(30)

    writer.submit(work)
    assert started.wait(30)
    return release


def test_units_run_in_order_and_return_their_results(database: Database) -> None:
    writer = DatabaseWriter(database)
    futures = [writer.submit(lambda tx, _, n=n: (insert_key(f"{n:03}")(tx, ()), n)) for n in range(50)]  # type: ignore[misc]
    assert [future.result(30) for future in futures] == [(1, n) for n in range(50)]
    writer.close()
    assert load_keys(database) == [f"{n:03}" for n in range(50)]


def test_failing_unit_is_rolled_back_alone(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = block_writer(writer)

    def poison(tx: Connection, _: tuple[Capture, ...]) -> int:
        insert_key("poison")(tx, ())
        return tx.execute(text("INSERT INTO key_values (name, value) VALUES ('null', NULL)")).rowcount

    futures = [writer.submit(poison if n == 42 else insert_key(f"{n:03}")) for n in range(100)]
    go.set()
    wait(futures, 30)
    failed = [n for n, future in enumerate(futures) if future.exception()]
    writer.close()
    assert failed == [42]
    assert load_keys(database) == [f"{n:03}" for n in range(100) if n != 42]


def test_failing_article_leaves_no_rows_and_no_index_entries(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = block_writer(writer)

    def keep(n: int) -> Callable[[Connection, tuple[Capture, ...]], Decision]:
        def work(tx: Connection, _: tuple[Capture, ...]) -> Decision:
            article = Article(url=page(str(n)).url, title=f"T{n}", text=f"words of {n}")
            decision = link_recorded(tx, record_article(tx, article, page(str(n)), None, NOW))
            if n == 3:
                raise ValueError("poison")
            return decision

        return work

    futures = [writer.submit(keep(n)) for n in range(100)]
    go.set()
    wait(futures, 30)
    writer.close()
    assert [n for n, future in enumerate(futures) if future.exception()] == [3]
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM articles")).scalar() == 99
    assert check_archive(database, None) == []


def test_pages_are_synced_before_the_work_runs(database: Database) -> None:
    page_store = RecordingPageStore()
    writer = DatabaseWriter(database, page_store)
    go = block_writer(writer)
    seen = []

    def work(tx: Connection, captures: tuple[Capture, ...]) -> list[int]:
        seen.append(list(page_store.calls))
        return [record_capture(tx, capture, page("x")) for capture in captures]

    futures = [writer.submit(work, [page("a"), page("b")]), writer.submit(work, [page("c")])]
    futures.append(writer.submit(work))
    go.set()
    assert [len(future.result(30)) for future in futures] == [2, 1, 0]
    urls = [page(name).url for name in "abc"]
    assert seen == [[*urls, "sync"]] * 3
    writer.close()
    assert page_store.calls == [*urls, "sync", "close"]


def test_failed_page_record_fails_its_unit_alone(database: Database) -> None:
    writer = DatabaseWriter(database, RecordingPageStore(fails_on=page("bad").url))
    go = block_writer(writer)
    futures = [writer.submit(insert_key(name), [page(name)]) for name in ("bad", "good")]
    go.set()
    with pytest.raises(OSError, match="cannot write"):
        futures[0].result(30)
    assert futures[1].result(30) == 1
    writer.close()
    assert load_keys(database) == ["good"]


def test_failed_sync_fails_every_unit_with_pages(database: Database) -> None:
    writer = DatabaseWriter(database, RecordingPageStore(fails_to_sync=True))
    go = block_writer(writer)
    futures = [
        writer.submit(insert_key("a"), [page("a")]),
        writer.submit(insert_key("b")),
        writer.submit(insert_key("c"), [page("c")]),
    ]
    go.set()
    for future in (futures[0], futures[2]):
        with pytest.raises(OSError, match="cannot sync"):
            future.result(30)
    assert futures[1].result(30) == 1
    writer.close()
    assert load_keys(database) == ["b"]


def test_cancelled_unit_never_runs(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = block_writer(writer)
    futures = [writer.submit(insert_key("cancelled")), writer.submit(insert_key("kept"))]
    assert futures[0].cancel()
    go.set()
    futures[1].result(30)
    writer.close()
    assert load_keys(database) == ["kept"]


def test_close_writes_queued_units_and_rejects_new_ones(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = block_writer(writer)
    futures = [writer.submit(insert_key(str(n))) for n in range(20)]
    threading.Timer(0.1, go.set).start()
    writer.close()
    writer.close()
    assert all(future.result(0) == 1 for future in futures)
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(insert_key("late"))


def test_writer_continues_after_a_batch_that_cannot_begin(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.db.database._BUSY_SECONDS", 0.1)
    url = new_sqlite()
    database = open_database(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = DatabaseWriter(database)
    futures = [writer.submit(insert_key(str(n))) for n in range(3)]
    for future in futures:
        with pytest.raises(ArchiveBusy):
            future.result(30)
    other.execute("ROLLBACK")
    other.close()
    assert writer.submit(insert_key("after")).result(30) == 1
    writer.close()
    assert load_keys(database) == ["after"]
    database.close()


def test_full_disk_loses_no_acknowledged_unit(new_sqlite: Callable[[], str]) -> None:
    database = open_database(new_sqlite())
    writer = DatabaseWriter(database)

    def fill(tx: Connection, _: tuple[Capture, ...]) -> int:
        # Simulates a full disk: the file must not grow.
        tx.exec_driver_sql("PRAGMA max_page_count = 1")
        return tx.execute(
            text("INSERT INTO key_values (name, value) VALUES ('big', :big)"), {"big": "x" * 10**7}
        ).rowcount

    go = block_writer(writer)
    futures: list[Future[int]] = [
        writer.submit(insert_key("before")),
        writer.submit(fill),
        writer.submit(insert_key("after")),
    ]
    go.set()
    wait(futures, 30)
    assert isinstance(futures[1].exception(), ArchiveFull)
    acknowledged = sorted(
        name for name, f in zip(("before", "big", "after"), futures, strict=True) if not f.exception()
    )
    writer.close()
    assert load_keys(database) == acknowledged
    assert all(isinstance(f.exception(), ArchiveError | None) for f in futures)
    assert check_archive(database, None) == []
    database.close()


def test_batch_runs_again_after_a_lost_connection(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    writer = DatabaseWriter(database)
    go = block_writer(writer)
    runs = []

    def cut(tx: Connection, _: tuple[Capture, ...]) -> int:
        runs.append(1)
        if len(runs) == 1:
            with database.write() as other:
                pid = tx.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return insert_key("cut")(tx, ())

    futures = [writer.submit(insert_key("before")), writer.submit(cut), writer.submit(insert_key("after"))]
    go.set()
    assert [future.result(30) for future in futures] == [1, 1, 1]
    writer.close()
    assert len(runs) == 2
    assert load_keys(database) == ["after", "before", "cut"]
    database.close()


def test_batch_fails_after_two_lost_connections(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    writer = DatabaseWriter(database)

    def cut(tx: Connection, _: tuple[Capture, ...]) -> int:
        with database.write() as other:
            pid = tx.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return insert_key("cut")(tx, ())

    go = block_writer(writer)
    futures = [writer.submit(insert_key("before")), writer.submit(cut)]
    go.set()
    for future in futures:
        with pytest.raises(ArchiveError, match="cannot be reached"):
            future.result(30)
    assert writer.submit(insert_key("after")).result(30) == 1
    writer.close()
    assert load_keys(database) == ["after"]
    database.close()


_KILLED = """
import os, sys, threading
from datetime import UTC, datetime
from storage.model.article import Article
from storage.archive import open_database
from storage.model.page import Lead, Page
from storage.articles.store import record_article
from storage.db.writer import DatabaseWriter
from storage.duplicates.links import link_recorded

url, at = sys.argv[1], int(sys.argv[2])
now = datetime(2026, 1, 1, tzinfo=UTC)
database = open_database(url)
writer = DatabaseWriter(database)
done = 0

def count(*_):
    global done
    done += 1
    if done == at:
        os.kill(os.getpid(), 9)

from sqlalchemy import event
event.listen(database._engine, "before_cursor_execute", count)

import storage.db.statements
executed = storage.db.statements._execute

def counted(*values, **more):
    count()
    return executed(*values, **more)

storage.db.statements._execute = counted

def keep(n):
    def work(tx, _):
        address = f"https://ev.example/{n}"
        page = Page(url=address, status=200, fetched_at=now)
        article = Article(url=address, title=f"T{n}", text=f"words of {n // 2}")
        link_recorded(tx, record_article(tx, article, page, None, now))
        return n
    return work

for start in range(0, 40, 10):
    futures = [writer.submit(keep(n)) for n in range(start, start + 10)]
    for future in futures:
        future.result()
    print(start + 10, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("at", [3, 14, 37, 58, 101, 160, 233, 300])
def test_kill_at_any_statement_leaves_whole_batches(database_url: str, at: int) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _KILLED, database_url, str(at)], stdout=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == -signal.SIGKILL
    acknowledged = int((process.stdout.split() or ["0"])[-1])
    database = open_database(database_url)
    with database.read() as connection:
        stored = connection.execute(text("SELECT count(*) FROM articles")).scalar_one()
    assert stored >= acknowledged
    assert check_archive(database, None) == []
    database.close()


def test_importing_the_writer_starts_no_thread() -> None:
    code = "import threading, storage.db.writer; raise SystemExit(threading.active_count() - 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0
