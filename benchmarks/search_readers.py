"""Measure four concurrent readers while a writer stores fifty articles per second; see `search.py`."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from search_filling import keep, real_articles
from search_texts import HALF, Press

from storage.archive import open_database
from storage.errors import ArchiveBusy
from storage.library import Library
from storage.model.search import Query

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READERS, SECONDS, PER_SECOND = 4, 15, 50
_FIRST = 30_000_000


def readers(path: Path, press: Press) -> dict[str, Any]:
    """Return the 95th percentile in milliseconds of one reader, and of four with a writer, and the number of locks met.

    Five processes share the cores of the machine. Their limit depends on the time of the same four without a writer.
    """
    alone, _ = _together(path, press, 1, is_written=False)
    quiet, _ = _together(path, press, READERS, is_written=False)
    busy, locked = _together(path, press, READERS, is_written=True)
    return {
        "p95_one_reader": alone,
        "p95_four_readers": quiet,
        "p95_four_readers_and_a_writer": busy,
        "slower": round(busy / max(quiet, 0.01), 2),
        "locked": locked,
    }


def _together(path: Path, press: Press, count: int, *, is_written: bool) -> tuple[float, int]:
    context = get_context("spawn")
    ends, processes = [], []
    for number in range(count):
        own_end, reader_end = context.Pipe()
        processes.append(
            context.Process(target=_read, args=(path, press.words["en"][50:2000].tolist(), number, reader_end))
        )
        ends.append(own_end)
    articles = real_articles(press, _FIRST, PER_SECOND * SECONDS) if is_written else []
    for process in processes:
        process.start()
    for end in ends:
        end.recv()  # the reader is warmed up
    for end in ends:
        end.send(SECONDS)
    locked = _write(path, articles) if is_written else 0
    times: list[float] = []
    for end, process in zip(ends, processes, strict=True):
        reader_times, busy = end.recv()
        times += reader_times
        locked += busy
        process.join()
    times.sort()
    return round(times[len(times) * 95 // 100], 2), locked


def _write(path: Path, articles: list[Any]) -> int:
    database = open_database(f"sqlite:///{path}")
    locked = 0
    for second in range(SECONDS):
        started = time.perf_counter()
        try:
            keep(database, articles[second * PER_SECOND : (second + 1) * PER_SECOND])
        except ArchiveBusy:
            locked += 1
        time.sleep(max(0.0, 1 - (time.perf_counter() - started)))
    database.close()
    return locked


def _read(path: Path, words: list[str], seed: int, end: Connection) -> None:
    lot = random.Random(seed)
    database = open_database(f"sqlite:///{path}")
    library = Library(database)
    kinds = (
        lambda: Query(words=lot.choice(words)),
        lambda: Query(words=f"{lot.choice(words)} {lot.choice(words)}", order="best"),
        lambda: Query(words=HALF),
        lambda: Query(words=f'"{lot.choice(words)} {lot.choice(words)}"'),
        lambda: Query(words=f"source:source{lot.randrange(300):03} {lot.choice(words)}"),
    )
    for kind in kinds:
        library.search(kind(), NOW)
    end.send("warm")
    until = time.perf_counter() + end.recv()
    times, locked = [], 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        try:
            library.search(lot.choice(kinds)(), NOW)
        except ArchiveBusy:
            locked += 1
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.02)
    database.close()
    end.send((times, locked))
