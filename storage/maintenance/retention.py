"""What is taken off the tape when it grows beyond what it may take: the oldest pages, less what is to stay.

Pages of starred and of withdrawn articles stay: nobody else may have them any more. A file goes as a whole; what is to
stay of it is recorded anew first.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from storage.atomic_file import sync
from storage.db.database import Database
from storage.db.key_value import forget, note, noted
from storage.db.tables import articles, captures, looks, sightings
from storage.errors import PageLost
from storage.maintenance.staying import STAYS
from storage.model.crawl import Capture
from storage.quantities import BOUNDLESS
from storage.warc.file import NAME, read_page, reading
from storage.warc.record import RecordError
from storage.warc.store import WarcTape, replay

_log = logging.getLogger(__name__)
_LESS = 0.9
"""The part of its limit that a source's pages are brought down to, so that files are not rewritten for each page."""
_SETTLED_SECONDS = 3_600.0
"""A file that holds more than the archive knows of was written, or left by a kill, just now: it is let be so long."""
_MARK = "tape-prune"


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

    With `upto` only pages of its sources go, those with numbers up to the one that it has for each.
    """

    file: Path
    size: int
    pages: int
    staying: int
    upto: Mapping[str, int] = field(default_factory=dict)


def leaving(database: Database, folder: Path, room: Room) -> list[Leaving]:
    """What has to go for the tape to take no more than it may: for sources with a limit, then for all, oldest first.

    What is being written never goes, nor does a file of which all pages are to stay.
    """
    for_sources = _for_sources(database, folder, room)
    return for_sources + _for_all(database, folder, room, sum(one.size for one in for_sources))


def prune(database: Database, folder: Path, tape: WarcTape, room: Room, now: datetime) -> Iterator[tuple[Leaving, int]]:
    """Take it off the tape; gives each file that went, and how many of its pages were carried over.

    Raises TapeError where a page cannot be read at present: then its file stays as it is. Raises ArchiveError.
    """
    _finish(database, folder)
    for one in _for_sources(database, folder, room):
        yield one, _take_off(database, folder, tape, one, now)
    for one in _for_all(database, folder, room, 0):
        yield one, _take_off(database, folder, tape, one, now)
    _finish(database, folder)


# -- what goes ---------------------------------------------------------------------------------------------------------


def _closed(folder: Path) -> list[Path]:
    """The files that are written no more, oldest first."""
    return sorted(path for path in folder.glob("*.warc.gz") if NAME.fullmatch(path.name)) if folder.is_dir() else []


def _is_settled(tx: Connection, path: Path) -> bool:
    """Whether the archive knows every page of a file: the last of one closed just now may not be written down yet."""
    if _is_old(path):
        return True
    last = tx.execute(_LAST_PAGE, {"of": path.name}).scalar()
    if last is None:
        return False
    try:
        with reading(path) as fd:
            return read_page(fd, last)[1] == path.stat().st_size
    except (RecordError, OSError):
        return False


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _SETTLED_SECONDS


def _size(path: Path) -> int:
    """Its bytes; none where it is gone, or has another name since it was closed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _count(tx: Connection, name: str) -> int:
    return int(tx.execute(_COUNT, {"of": name}).scalar_one())


def _for_all(database: Database, folder: Path, room: Room, freed: int) -> list[Leaving]:
    if math.isinf(room.whole) or not folder.is_dir():
        return []
    total = sum(map(_size, folder.iterdir())) - freed
    chosen: list[Leaving] = []
    for path in _closed(folder):
        if total <= room.whole:
            break
        with database.read() as tx:
            pages, staying = _count(tx, path.name), len(_staying(tx, path.name, {}))
            goes = _is_settled(tx, path) and (not pages or staying < pages)
        if goes:
            size = path.stat().st_size
            chosen.append(Leaving(file=path, size=size, pages=pages, staying=staying))
            total -= size
    return chosen


def _for_sources(database: Database, folder: Path, room: Room) -> list[Leaving]:
    """A file that several sources have to leave is rewritten once."""
    if not room.of:
        return []
    closed = {path.name: path for path in _closed(folder)}
    going: dict[str, list[int]] = {}
    upto: dict[str, int] = {}
    with database.read() as tx:
        taken = {row.source: int(row.bytes) for row in tx.execute(_TAKEN, {"sources": sorted(room.of)})}
        for source in sorted(taken):
            if taken[source] <= room.of[source]:
                continue
            surplus = taken[source] - _LESS * room.of[source]
            with tx.execute(_OF_SOURCE.execution_options(yield_per=1_000), {"source": source}) as rows:
                for row in rows:
                    if surplus <= 0:
                        break
                    if row.file in closed:
                        upto[source] = row.id
                        going.setdefault(row.file, []).append(row.length)
                        surplus -= row.length
        return [
            Leaving(
                file=path,
                size=sum(going[name]),
                pages=(pages := _count(tx, name)),
                staying=pages - len(going[name]),
                upto=upto,
            )
            for name, path in closed.items()
            if name in going and _is_settled(tx, path)
        ]


def _staying(tx: Connection, name: str, upto: Mapping[str, int]) -> list[tuple[int, Capture]]:
    """The pages of a file that do not go with it."""
    of_sources = [and_(captures.c.source == source, captures.c.id <= last) for source, last in upto.items()]
    spared: list[ColumnElement[bool]] = [not_(or_(*of_sources))] if of_sources else []
    rows = tx.execute(_PAGES.where(or_(_IS_WANTED, *spared)), {"of": name})
    return [(row.id, Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)) for row in rows]


# -- how it goes -------------------------------------------------------------------------------------------------------


def _take_off(database: Database, folder: Path, tape: WarcTape, one: Leaving, now: datetime) -> int:
    """Take a file off the tape; returns how many of its pages were carried over.

    Whole or not at all: until the archive has forgotten the file it stays, and a page is carried over before. Where a
    kill comes in between, `_finish` removes what was left.
    """
    with database.write() as tx:
        _begin(tx, one.file.name, now)
    with database.read() as tx:
        staying = _staying(tx, one.file.name, one.upto)
    moved = _carried_over(folder, tape, staying)
    with database.write() as tx:
        if _count(tx, one.file.name) != one.pages:
            return 0  # somebody had still to write down a page of it; the next round sees to it
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
        except PageLost as error:
            _log.warning("event=page-lost capture=%d why=%s", capture_id, error)
            continue
        moved.append((capture_id, tape.record(page)))
    tape.sync()
    return moved


def _begin(tx: Connection, name: str, now: datetime) -> None:
    """Note which file is about to go, and since when there may be others that a kill has left."""
    begun = _begun(tx)
    since = begun[1] if begun else f"{now:%Y%m%d%H%M%S}"
    note(tx, _MARK, f"{name} {since}")


def _begun(tx: Connection) -> tuple[str, str] | None:
    said = noted(tx, _MARK)
    if said is None:
        return None
    name, since = said.split()
    return name, since


def _finish(database: Database, folder: Path) -> None:
    """Remove what a kill has left: the file that the archive had forgotten, and pages that nothing points to."""
    with database.read() as tx:
        begun = _begun(tx)
    if begun is None:
        return
    name, since = begun
    is_done = True
    for path in _closed(folder):
        if path.name != name and _time_of(path) < since:
            continue
        with database.read() as tx:
            if _count(tx, path.name):
                continue
        if path.name == name or _is_old(path):
            path.unlink(missing_ok=True)
        else:
            is_done = False  # it may be that of a crawl which has still to write down its pages
    sync(folder)
    if is_done:
        with database.write() as tx:
            forget(tx, _MARK)


def _time_of(path: Path) -> str:
    return path.name.split("-")[1]


_OF = captures.c.file == bindparam("of")
_COUNT = select(func.count()).where(_OF)
_LAST_PAGE = select(func.max(captures.c.offset)).where(_OF)
_IDS = select(captures.c.id).where(_OF)
_IS_WANTED = or_(
    *[
        exists().where(table.c.capture_id == captures.c.id, table.c.article_id == articles.c.id, or_(*STAYS.values()))
        for table in (sightings, looks)
    ]
)
_PAGES = (
    select(captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest)
    .where(_OF)
    .order_by(captures.c.offset)
)
_TAKEN = (
    select(captures.c.source, func.sum(captures.c.length).label("bytes"))
    .where(captures.c.source.in_(bindparam("sources", expanding=True)))
    .group_by(captures.c.source)
)
_OF_SOURCE = (
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
