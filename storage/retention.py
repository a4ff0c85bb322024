"""What is taken off the tape when it grows beyond what it may take: the oldest files, less what is to stay.

Pages of starred and of withdrawn articles are carried over to a new file first: nobody else may have them any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from storage.database import Database
from storage.disk import sync
from storage.errors import TapeError
from storage.limits import BOUNDLESS
from storage.readers import Mark
from storage.state import Capture
from storage.tables import articles, captures, looks, marks, sightings
from storage.warc import WarcTape, replay
from storage.warcfile import NAME

_LESS = 0.9
"""The part of its limit that a source's pages are brought down to, so that files are not rewritten for each page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many bytes fetched pages may take: those of some sources (`of`), and all together (`whole`)."""

    whole: float = BOUNDLESS
    of: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_boundless(self) -> bool:
        """Whether there is no limit."""
        return math.isinf(min([self.whole, *self.of.values()]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A file of the tape that goes: the bytes that this frees, how many pages it has, and how many of them stay.

    With a `source` only pages of it go, those with numbers up to `upto`.
    """

    file: Path
    size: int
    pages: int
    staying: int
    source: str = ""
    upto: int = 0


def leaving(database: Database, folder: Path, room: Room) -> Iterator[Leaving]:
    """What has to go for the tape to take no more than it may: of sources with a limit, then of all, oldest first.

    What is being written never goes, nor does a file of which all pages are to stay.
    """
    freed = 0
    for source, most in sorted(room.of.items()):
        for one in _of_source(database, folder, source, most):
            freed += one.size
            yield one
    yield from _of_all(database, folder, room.whole, freed)


def prune(database: Database, folder: Path, tape: WarcTape, room: Room) -> Iterator[tuple[Leaving, int]]:
    """Take it off the tape; gives each file that went, and how many of its pages were carried over.

    Raises TapeError, ArchiveError.
    """
    for source, most in sorted(room.of.items()):
        for one in _of_source(database, folder, source, most):
            yield one, _take_off(database, folder, tape, one)
    for one in _of_all(database, folder, room.whole, 0):
        yield one, _take_off(database, folder, tape, one)


def _closed(folder: Path) -> list[Path]:
    """The files that are written no more, oldest first."""
    return sorted(path for path in folder.glob("*.warc.gz") if NAME.fullmatch(path.name)) if folder.is_dir() else []


def _of_all(database: Database, folder: Path, most: float, freed: int) -> list[Leaving]:
    files = _closed(folder)
    total = sum(path.stat().st_size for path in folder.iterdir()) - freed if files else 0
    chosen: list[Leaving] = []
    for path in files:
        if total <= most:
            break
        one = Leaving(file=path, size=path.stat().st_size, pages=0, staying=0)
        with database.read() as tx:
            one = replace(one, pages=_pages(tx, path.name), staying=len(_staying(tx, one)))
        if not one.pages or one.staying < one.pages:
            chosen.append(one)
            total -= one.size
    return chosen


def _of_source(database: Database, folder: Path, source: str, most: float) -> list[Leaving]:
    """Of a source's pages the oldest, where they take more than they may."""
    closed = {path.name: path for path in _closed(folder)}
    going: dict[str, list[int]] = {}
    upto = 0
    with database.read() as tx:
        surplus = int(tx.execute(_TAKES, {"source": source}).scalar_one()) - most
        if surplus <= 0:
            return []
        surplus += (1 - _LESS) * most
        for row in tx.execute(_GOING.execution_options(yield_per=1_000), {"source": source}):
            if surplus <= 0:
                break
            upto = row.id
            if row.file in closed:
                going.setdefault(row.file, []).append(row.length)
                surplus -= row.length
        pages = {name: _pages(tx, name) for name in going}
    return [
        Leaving(
            file=closed[name],
            size=sum(lengths),
            pages=pages[name],
            staying=pages[name] - len(lengths),
            source=source,
            upto=upto,
        )
        for name, lengths in sorted(going.items())
    ]


def _take_off(database: Database, folder: Path, tape: WarcTape, one: Leaving) -> int:
    """Take a file off the tape; returns how many of its pages were carried over.

    Whole or not at all: until the archive has forgotten the file it stays, and a page is carried over before.
    """
    with database.read() as tx:
        staying = _staying(tx, one)
    moved = _carried_over(folder, tape, staying)
    with database.write() as tx:
        for capture_id, capture in moved:
            tx.execute(_MOVE, {
                "capture": capture_id, "to_file": capture.file, "to_offset": capture.offset,
                "to_length": capture.length, "to_digest": capture.digest,
            })  # fmt: skip
        left = {"of": one.file.name}
        tx.execute(_UNSEE, left)
        tx.execute(_UNLOOK, left)
        tx.execute(_FORGET, left)
    one.file.unlink(missing_ok=True)
    sync(folder)
    return len(moved)


def _carried_over(folder: Path, tape: WarcTape, staying: Sequence[tuple[int, Capture]]) -> list[tuple[int, Capture]]:
    """The same pages on the new file, and on the disk. What the tape has lost before is lost."""
    moved = []
    for capture_id, capture in staying:
        try:
            page = replay(folder, capture)
        except TapeError:
            continue
        moved.append((capture_id, tape.record(page)))
    tape.sync()
    return moved


def _pages(tx: Connection, name: str) -> int:
    return int(tx.execute(_COUNT, {"of": name}).scalar_one())


def _staying(tx: Connection, one: Leaving) -> list[tuple[int, Capture]]:
    """The pages of a file that do not go with it."""
    spared = [or_(captures.c.source != one.source, captures.c.id > one.upto)] if one.source else []
    rows = tx.execute(_STAYING.where(or_(_IS_WANTED, *spared)), {"of": one.file.name})
    return [(row.id, Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)) for row in rows]


_OF = captures.c.file == bindparam("of")
_COUNT = select(func.count()).where(_OF)
_IDS = select(captures.c.id).where(_OF)
_STAYS = or_(
    articles.c.withdrawn.is_not(None),
    exists().where(marks.c.article_id == articles.c.id, marks.c.mark == Mark.STARRED),
)
_IS_WANTED = or_(
    *[
        exists().where(table.c.capture_id == captures.c.id, table.c.article_id == articles.c.id, _STAYS)
        for table in (sightings, looks)
    ]
)
_STAYING = (
    select(captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest)
    .where(_OF)
    .order_by(captures.c.offset)
)
_TAKES = select(func.coalesce(func.sum(captures.c.length), 0)).where(captures.c.source == bindparam("source"))
_GOING = (
    select(captures.c.id, captures.c.file, captures.c.length)
    .where(captures.c.source == bindparam("source"), ~_IS_WANTED)
    .order_by(captures.c.id)
)
_MOVE = (
    update(captures)
    .where(captures.c.id == bindparam("capture"))
    .values(
        file=bindparam("to_file"), offset=bindparam("to_offset"), length=bindparam("to_length"),
        digest=bindparam("to_digest"),
    )
)  # fmt: skip
_UNSEE = update(sightings).where(sightings.c.capture_id.in_(_IDS)).values(capture_id=None)
_UNLOOK = update(looks).where(looks.c.capture_id.in_(_IDS)).values(capture_id=None)
_FORGET = delete(captures).where(_OF)
