"""The writer keeps each unit whole or not at all, and one bad unit never costs another."""

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
from storage.errors import ArchiveBusy, ArchiveError, ArchiveFull
from storage.maintenance.check import check_archive
from storage.model.article import Article, Decision
from storage.model.crawl import Capture
from storage.model.page import Page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Work = Callable[[Connection, tuple[Capture, ...]], int]


class ListTape:
    """A tape that only remembers, and fails where it is told to."""

    def __init__(self, fails_on: str = "", fails_to_sync: bool = False) -> None:
        self.calls: list[str] = []
        self._fails_on, self._fails_to_sync = fails_on, fails_to_sync

    def record(self, page: Page) -> Capture:
        self.calls.append(page.url)
        if page.url == self._fails_on:
            raise OSError("cannot write")
        return Capture(file="tape", offset=len(self.calls), length=1, digest="d")

    def sync(self) -> None:
        self.calls.append("sync")
        if self._fails_to_sync:
            raise OSError("cannot sync")

    def close(self) -> None:
        self.calls.append("close")


def page(name: str) -> Page:
    return Page(url=f"https://ev.example/{name}", status=200, fetched_at=NOW)


def note(name: str) -> Work:
    def work(tx: Connection, _: tuple[Capture, ...]) -> int:
        return tx.execute(text("INSERT INTO key_values (name, value) VALUES (:name, '')"), {"name": name}).rowcount

    return work


def notes(database: Database) -> list[str]:
    with database.read() as connection:
        found = connection.execute(
            text("SELECT name FROM key_values WHERE name <> 'analyzer_version' ORDER BY name")
        ).scalars()
        return list(found)


def held(writer: DatabaseWriter) -> threading.Event:
    """Keeps the writer busy until the event is set, so that what is submitted meanwhile makes one batch."""
    begun, go = threading.Event(), threading.Event()

    def work(_: Connection, __: tuple[Capture, ...]) -> None:
        begun.set()
        go.wait(30)

    writer.submit(work)
    assert begun.wait(30)
    return go


def test_units_are_kept_in_order_with_their_results(database: Database) -> None:
    writer = DatabaseWriter(database)
    futures = [writer.submit(lambda tx, _, n=n: (note(f"{n:03}")(tx, ()), n)) for n in range(50)]  # type: ignore[misc]
    assert [future.result(30) for future in futures] == [(1, n) for n in range(50)]
    writer.close()
    assert notes(database) == [f"{n:03}" for n in range(50)]


def test_a_poisoned_unit_costs_no_other(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = held(writer)

    def poison(tx: Connection, _: tuple[Capture, ...]) -> int:
        note("poison")(tx, ())
        return tx.execute(text("INSERT INTO key_values (name, value) VALUES ('null', NULL)")).rowcount

    futures = [writer.submit(poison if n == 42 else note(f"{n:03}")) for n in range(100)]
    go.set()
    wait(futures, 30)
    failed = [n for n, future in enumerate(futures) if future.exception()]
    writer.close()
    assert failed == [42]
    assert notes(database) == [f"{n:03}" for n in range(100) if n != 42]


def test_a_poisoned_article_costs_no_other(database: Database) -> None:
    """Half of it is written when it fails: nothing of it stays, not in the index either."""
    writer = DatabaseWriter(database)
    go = held(writer)

    def keep(n: int) -> Callable[[Connection, tuple[Capture, ...]], Decision]:
        def work(tx: Connection, _: tuple[Capture, ...]) -> Decision:
            article = Article(url=page(str(n)).url, title=f"T{n}", text=f"words of {n}")
            decision = record_article(tx, article, page(str(n)), None, NOW)
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


def test_pages_are_on_the_tape_before_the_work_runs(database: Database) -> None:
    tape = ListTape()
    writer = DatabaseWriter(database, tape)
    go = held(writer)
    seen = []

    def work(tx: Connection, captures: tuple[Capture, ...]) -> list[int]:
        seen.append(list(tape.calls))
        return [record_capture(tx, capture, page("x")) for capture in captures]

    one, two = writer.submit(work, [page("a"), page("b")]), writer.submit(work, [page("c")])
    none = writer.submit(work)
    go.set()
    assert [len(future.result(30)) for future in (one, two, none)] == [2, 1, 0]
    urls = [page(name).url for name in "abc"]
    assert seen == [[*urls, "sync"]] * 3
    writer.close()
    assert tape.calls == [*urls, "sync", "close"]


def test_a_page_that_cannot_be_recorded_fails_its_unit_alone(database: Database) -> None:
    writer = DatabaseWriter(database, ListTape(fails_on=page("bad").url))
    go = held(writer)
    futures = [writer.submit(note(name), [page(name)]) for name in ("bad", "good")]
    go.set()
    with pytest.raises(OSError, match="cannot write"):
        futures[0].result(30)
    assert futures[1].result(30) == 1
    writer.close()
    assert notes(database) == ["good"]


def test_a_tape_that_does_not_reach_the_disk_fails_all_whose_pages_it_held(database: Database) -> None:
    writer = DatabaseWriter(database, ListTape(fails_to_sync=True))
    go = held(writer)
    futures = [writer.submit(note("a"), [page("a")]), writer.submit(note("b")), writer.submit(note("c"), [page("c")])]
    go.set()
    for future in (futures[0], futures[2]):
        with pytest.raises(OSError, match="cannot sync"):
            future.result(30)
    assert futures[1].result(30) == 1
    writer.close()
    assert notes(database) == ["b"]


def test_a_cancelled_unit_is_never_run(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = held(writer)
    futures = [writer.submit(note("cancelled")), writer.submit(note("kept"))]
    assert futures[0].cancel()
    go.set()
    futures[1].result(30)
    writer.close()
    assert notes(database) == ["kept"]


def test_closing_writes_what_is_queued_and_takes_no_more(database: Database) -> None:
    writer = DatabaseWriter(database)
    go = held(writer)
    futures = [writer.submit(note(str(n))) for n in range(20)]
    threading.Timer(0.1, go.set).start()
    writer.close()
    writer.close()
    assert all(future.result(0) == 1 for future in futures)
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(note("late"))


def test_a_batch_that_cannot_begin_fails_whole_and_the_writer_lives(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.db.database._BUSY_SECONDS", 0.1)
    url = new_sqlite()
    database = open_database(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = DatabaseWriter(database)
    futures = [writer.submit(note(str(n))) for n in range(3)]
    for future in futures:
        with pytest.raises(ArchiveBusy):
            future.result(30)
    other.execute("ROLLBACK")
    other.close()
    assert writer.submit(note("after")).result(30) == 1
    writer.close()
    assert notes(database) == ["after"]
    database.close()


def test_a_full_disk_loses_nothing_that_was_acknowledged(new_sqlite: Callable[[], str]) -> None:
    database = open_database(new_sqlite())
    writer = DatabaseWriter(database)

    def fill(tx: Connection, _: tuple[Capture, ...]) -> int:
        # As full as a disk can be made in a test: the file may not grow.
        tx.exec_driver_sql("PRAGMA max_page_count = 1")
        return tx.execute(
            text("INSERT INTO key_values (name, value) VALUES ('big', :big)"), {"big": "x" * 10**7}
        ).rowcount

    go = held(writer)
    futures: list[Future[int]] = [writer.submit(note("before")), writer.submit(fill), writer.submit(note("after"))]
    go.set()
    wait(futures, 30)
    assert isinstance(futures[1].exception(), ArchiveFull)
    acknowledged = sorted(
        name for name, f in zip(("before", "big", "after"), futures, strict=True) if not f.exception()
    )
    writer.close()
    assert notes(database) == acknowledged
    assert all(isinstance(f.exception(), ArchiveError | None) for f in futures)
    assert check_archive(database, None) == []
    database.close()


def test_a_lost_connection_is_tried_once_more(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    writer = DatabaseWriter(database)
    go = held(writer)
    runs = []

    def cut(tx: Connection, _: tuple[Capture, ...]) -> int:
        runs.append(1)
        if len(runs) == 1:
            with database.write() as other:
                pid = tx.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return note("cut")(tx, ())

    futures = [writer.submit(note("before")), writer.submit(cut), writer.submit(note("after"))]
    go.set()
    assert [future.result(30) for future in futures] == [1, 1, 1]
    writer.close()
    assert len(runs) == 2
    assert notes(database) == ["after", "before", "cut"]
    database.close()


def test_a_connection_that_is_lost_twice_fails_the_batch(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    writer = DatabaseWriter(database)

    def cut(tx: Connection, _: tuple[Capture, ...]) -> int:
        with database.write() as other:
            pid = tx.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return note("cut")(tx, ())

    go = held(writer)
    futures = [writer.submit(note("before")), writer.submit(cut)]
    go.set()
    for future in futures:
        with pytest.raises(ArchiveError, match="cannot be reached"):
            future.result(30)
    assert writer.submit(note("after")).result(30) == 1
    writer.close()
    assert notes(database) == ["after"]
    database.close()


_KILLED = """
import os, sys, threading
from datetime import UTC, datetime
from storage.model.article import Article
from storage.archive import open_database
from storage.model.page import Lead, Page
from storage.articles.store import record_article
from storage.db.writer import DatabaseWriter

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
        record_article(tx, Article(url=address, title=f"T{n}", text=f"words of {n // 2}"), page, None, now)
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
def test_a_kill_at_any_statement_leaves_whole_batches(database_url: str, at: int) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _KILLED, database_url, str(at)], stdout=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == -signal.SIGKILL
    acknowledged = int((process.stdout.split() or ["0"])[-1])
    database = open_database(database_url)
    with database.read() as connection:
        found = connection.execute(text("SELECT count(*) FROM articles")).scalar_one()
    assert found >= acknowledged
    assert check_archive(database, None) == []
    database.close()


def test_importing_the_writer_starts_nothing() -> None:
    code = "import threading, storage.db.writer; raise SystemExit(threading.active_count() - 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0
