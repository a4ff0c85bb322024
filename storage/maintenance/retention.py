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

from storage.atomic_file import fsync_path
from storage.db.database import Database
from storage.db.key_value import delete_value, get_value, set_value
from storage.db.tables import article_checks, articles, captures, snapshots
from storage.errors import CaptureLost
from storage.maintenance.staying import PROTECTED
from storage.model.crawl import Capture
from storage.quantities import UNLIMITED
from storage.warc.file import FILE_NAME, open_for_reading, read_page
from storage.warc.record import WarcRecordError
from storage.warc.store import WarcStore, replay_page

_log = logging.getLogger(__name__)
_TARGET_SHARE = 0.9
"""The part of its limit that a source's pages are brought down to, so that files are not rewritten for each page."""
_MIN_FILE_AGE_SECONDS = 3_600.0
"""A file that holds more than the archive knows of was written, or left by a kill, just now: it is let be so long."""
_PRUNE_KEY = "warc_deletion"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """How many bytes fetched pages may take: those of some sources (`of`), and all together (`whole`)."""

    total: float = UNLIMITED
    by_source: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit."""
        return math.isinf(min([self.total, *self.by_source.values()]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToDelete:
    """A file of the tape that goes: the bytes that this frees, how many pages it has, and how many of them stay.

    With `upto` only pages of its sources go, those with numbers up to the one that it has for each.
    """

    file: Path
    size: int
    pages: int
    kept_pages: int
    last_capture_ids: Mapping[str, int] = field(default_factory=dict)


def files_to_delete(database: Database, folder: Path, limits: SizeLimits) -> list[FileToDelete]:
    """What has to go for the tape to take no more than it may: for sources with a limit, then for all, oldest first.

    What is being written never goes, nor does a file of which all pages are to stay.
    """
    for_sources = _files_over_source_limits(database, folder, limits)
    return for_sources + _files_over_total(database, folder, limits, sum(one.size for one in for_sources))


def delete_files(
    database: Database, folder: Path, warc_store: WarcStore, limits: SizeLimits, now: datetime
) -> Iterator[tuple[FileToDelete, int]]:
    """Take it off the tape; gives each file that went, and how many of its pages were carried over.

    Raises TapeError where a page cannot be read at present: then its file stays as it is. Raises ArchiveError.
    """
    _delete_leftovers(database, folder)
    for one in _files_over_source_limits(database, folder, limits):
        yield one, _delete_file(database, folder, warc_store, one, now)
    for one in _files_over_total(database, folder, limits, 0):
        yield one, _delete_file(database, folder, warc_store, one, now)
    _delete_leftovers(database, folder)


# -- what goes ---------------------------------------------------------------------------------------------------------


def _closed_files(folder: Path) -> list[Path]:
    """The files that are written no more, oldest first."""
    return (
        sorted(path for path in folder.glob("*.warc.gz") if FILE_NAME.fullmatch(path.name)) if folder.is_dir() else []
    )


def _is_recorded(tx: Connection, path: Path) -> bool:
    """Whether the archive knows every page of a file: the last of one closed just now may not be written down yet."""
    if _is_old(path):
        return True
    last = tx.execute(_SELECT_LAST_OFFSET, {"of": path.name}).scalar()
    if last is None:
        return False
    try:
        with open_for_reading(path) as fd:
            return read_page(fd, last)[1] == path.stat().st_size
    except (WarcRecordError, OSError):
        return False


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _MIN_FILE_AGE_SECONDS


def _file_size(path: Path) -> int:
    """Its bytes; none where it is gone, or has another name since it was closed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _count_pages(tx: Connection, name: str) -> int:
    return int(tx.execute(_COUNT_CAPTURES, {"of": name}).scalar_one())


def _files_over_total(database: Database, folder: Path, room: SizeLimits, freed: int) -> list[FileToDelete]:
    if math.isinf(room.total) or not folder.is_dir():
        return []
    total = sum(map(_file_size, folder.iterdir())) - freed
    chosen: list[FileToDelete] = []
    for path in _closed_files(folder):
        if total <= room.total:
            break
        with database.read() as tx:
            pages, staying = _count_pages(tx, path.name), len(_load_kept_captures(tx, path.name, {}))
            goes = _is_recorded(tx, path) and (not pages or staying < pages)
        if goes:
            size = path.stat().st_size
            chosen.append(FileToDelete(file=path, size=size, pages=pages, kept_pages=staying))
            total -= size
    return chosen


def _files_over_source_limits(database: Database, folder: Path, room: SizeLimits) -> list[FileToDelete]:
    """A file that several sources have to leave is rewritten once."""
    if not room.by_source:
        return []
    closed = {path.name: path for path in _closed_files(folder)}
    going: dict[str, list[int]] = {}
    upto: dict[str, int] = {}
    with database.read() as tx:
        taken = {
            row.source: int(row.bytes) for row in tx.execute(_SELECT_SOURCE_SIZES, {"sources": sorted(room.by_source)})
        }
        for source in sorted(taken):
            if taken[source] <= room.by_source[source]:
                continue
            surplus = taken[source] - _TARGET_SHARE * room.by_source[source]
            with tx.execute(_SELECT_SOURCE_PAGES.execution_options(yield_per=1_000), {"source": source}) as rows:
                for row in rows:
                    if surplus <= 0:
                        break
                    if row.file in closed:
                        upto[source] = row.id
                        going.setdefault(row.file, []).append(row.length)
                        surplus -= row.length
        return [
            FileToDelete(
                file=path,
                size=sum(going[name]),
                pages=(pages := _count_pages(tx, name)),
                kept_pages=pages - len(going[name]),
                last_capture_ids=upto,
            )
            for name, path in closed.items()
            if name in going and _is_recorded(tx, path)
        ]


def _load_kept_captures(tx: Connection, name: str, upto: Mapping[str, int]) -> list[tuple[int, Capture]]:
    """The pages of a file that do not go with it."""
    of_sources = [and_(captures.c.source == source, captures.c.id <= last) for source, last in upto.items()]
    spared: list[ColumnElement[bool]] = [not_(or_(*of_sources))] if of_sources else []
    rows = tx.execute(_SELECT_PAGES.where(or_(_IS_PROTECTED, *spared)), {"of": name})
    return [(row.id, Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)) for row in rows]


# -- how it goes -------------------------------------------------------------------------------------------------------


def _delete_file(database: Database, folder: Path, tape: WarcStore, one: FileToDelete, now: datetime) -> int:
    """Take a file off the tape; returns how many of its pages were carried over.

    Whole or not at all: until the archive has forgotten the file it stays, and a page is carried over before. Where a
    kill comes in between, `_finish` removes what was left.
    """
    with database.write() as tx:
        _record_start(tx, one.file.name, now)
    with database.read() as tx:
        staying = _load_kept_captures(tx, one.file.name, one.last_capture_ids)
    moved = _copy_pages(folder, tape, staying)
    with database.write() as tx:
        if _count_pages(tx, one.file.name) != one.pages:
            return 0  # somebody had still to write down a page of it; the next round sees to it
        for capture_id, capture in moved:
            tx.execute(_UPDATE_CAPTURE, {
                "capture": capture_id, "to_file": capture.file, "to_offset": capture.offset,
                "to_length": capture.length, "to_digest": capture.digest,
            })  # fmt: skip
        left = {"of": one.file.name}
        tx.execute(_CLEAR_SNAPSHOT_CAPTURES, left)
        tx.execute(_CLEAR_CHECK_CAPTURES, left)
        tx.execute(_DELETE_CAPTURES, left)
    one.file.unlink(missing_ok=True)
    fsync_path(folder)
    return len(moved)


def _copy_pages(folder: Path, tape: WarcStore, staying: Sequence[tuple[int, Capture]]) -> list[tuple[int, Capture]]:
    """The same pages on the new file, and on the disk. What the tape has lost before is lost."""
    moved = []
    for capture_id, capture in staying:
        try:
            page = replay_page(folder, capture)
        except CaptureLost as error:
            _log.warning("event=page-lost capture=%d why=%s", capture_id, error)
            continue
        moved.append((capture_id, tape.record(page)))
    tape.sync()
    return moved


def _record_start(tx: Connection, name: str, now: datetime) -> None:
    """Note which file is about to go, and since when there may be others that a kill has left."""
    begun = _load_start(tx)
    since = begun[1] if begun else f"{now:%Y%m%d%H%M%S}"
    set_value(tx, _PRUNE_KEY, f"{name} {since}")


def _load_start(tx: Connection) -> tuple[str, str] | None:
    said = get_value(tx, _PRUNE_KEY)
    if said is None:
        return None
    name, since = said.split()
    return name, since


def _delete_leftovers(database: Database, folder: Path) -> None:
    """Remove what a kill has left: the file that the archive had forgotten, and pages that nothing points to."""
    with database.read() as tx:
        begun = _load_start(tx)
    if begun is None:
        return
    name, since = begun
    is_done = True
    for path in _closed_files(folder):
        if path.name != name and _creation_time(path) < since:
            continue
        with database.read() as tx:
            if _count_pages(tx, path.name):
                continue
        if path.name == name or _is_old(path):
            path.unlink(missing_ok=True)
        else:
            is_done = False  # it may be that of a crawl which has still to write down its pages
    fsync_path(folder)
    if is_done:
        with database.write() as tx:
            delete_value(tx, _PRUNE_KEY)


def _creation_time(path: Path) -> str:
    return path.name.split("-")[1]


_IN_FILE = captures.c.file == bindparam("of")
_COUNT_CAPTURES = select(func.count()).where(_IN_FILE)
_SELECT_LAST_OFFSET = select(func.max(captures.c.offset)).where(_IN_FILE)
_SELECT_CAPTURE_IDS = select(captures.c.id).where(_IN_FILE)
_IS_PROTECTED = or_(
    *[
        exists().where(
            table.c.capture_id == captures.c.id, table.c.article_id == articles.c.id, or_(*PROTECTED.values())
        )
        for table in (snapshots, article_checks)
    ]
)
_SELECT_PAGES = (
    select(captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest)
    .where(_IN_FILE)
    .order_by(captures.c.offset)
)
_SELECT_SOURCE_SIZES = (
    select(captures.c.source, func.sum(captures.c.length).label("bytes"))
    .where(captures.c.source.in_(bindparam("sources", expanding=True)))
    .group_by(captures.c.source)
)
_SELECT_SOURCE_PAGES = (
    select(captures.c.id, captures.c.file, captures.c.length)
    .where(captures.c.source == bindparam("source"), ~_IS_PROTECTED)
    .order_by(captures.c.id)
)
_UPDATE_CAPTURE = (
    update(captures)
    .where(captures.c.id == bindparam("capture"))
    .values(
        file=bindparam("to_file"), offset=bindparam("to_offset"), length=bindparam("to_length"),
        digest=bindparam("to_digest"),
    )
)  # fmt: skip
_CLEAR_SNAPSHOT_CAPTURES = (
    update(snapshots).where(snapshots.c.capture_id.in_(_SELECT_CAPTURE_IDS)).values(capture_id=None)
)
_CLEAR_CHECK_CAPTURES = (
    update(article_checks).where(article_checks.c.capture_id.in_(_SELECT_CAPTURE_IDS)).values(capture_id=None)
)
_DELETE_CAPTURES = delete(captures).where(_IN_FILE)
