"""Delete the oldest WARC files when they exceed the size limits.

Pages of protected articles (`storage.maintenance.expiry.PROTECTED_ARTICLES`) are kept. Files are deleted whole; pages
to keep are first copied to a new file.
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
from storage.maintenance.expiry import PROTECTED_ARTICLES
from storage.model.crawl import Capture
from storage.quantities import UNLIMITED
from storage.warc.file import FILE_NAME, open_for_reading, read_page
from storage.warc.record import WarcRecordError
from storage.warc.store import WarcStore, replay_page

_log = logging.getLogger(__name__)
_TARGET_SHARE = 0.9
"""Share of its limit to which a source is reduced, so that files are not rewritten for every new page."""
_MIN_FILE_AGE_SECONDS = 3_600.0
"""Minimum age of a file with pages that the database does not know: a running crawl may still record them."""
_PRUNE_KEY = "warc_deletion"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """Maximum bytes of the WARC pages: in total, and for single sources."""

    total: float = UNLIMITED
    by_source: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_unlimited(self) -> bool:
        return math.isinf(min([self.total, *self.by_source.values()]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToDelete:
    """A WARC file to delete: bytes freed, number of pages, and how many of them are copied to a new file first.

    With `last_capture_ids` only pages of those sources are deleted, up to the given capture id of each.
    """

    file: Path
    size: int
    pages: int
    kept_pages: int
    last_capture_ids: Mapping[str, int] = field(default_factory=dict)


def files_to_delete(database: Database, folder: Path, limits: SizeLimits) -> list[FileToDelete]:
    """List the WARC files to delete, oldest first, until each source and then the whole archive is within its limit.

    Files that are still written are never listed, nor files whose pages are all protected.
    """
    for_sources = _files_over_source_limits(database, folder, limits)
    return for_sources + _files_over_total(database, folder, limits, sum(file.size for file in for_sources))


def delete_files(
    database: Database, folder: Path, warc_store: WarcStore, limits: SizeLimits, now: datetime
) -> Iterator[tuple[FileToDelete, int]]:
    """Delete the files that exceed the limits; yield each with the number of its pages that were copied.

    Raises WarcError if a page cannot be read at present; its file is kept then. Raises ArchiveError.
    """
    _delete_leftovers(database, folder)
    for file in _files_over_source_limits(database, folder, limits):
        yield file, _delete_file(database, folder, warc_store, file, now)
    for file in _files_over_total(database, folder, limits, 0):
        yield file, _delete_file(database, folder, warc_store, file, now)
    _delete_leftovers(database, folder)


# -- selection ---------------------------------------------------------------------------------------------------------


def _closed_files(folder: Path) -> list[Path]:
    """Return the files that are no longer written, oldest first."""
    return (
        sorted(path for path in folder.glob("*.warc.gz") if FILE_NAME.fullmatch(path.name)) if folder.is_dir() else []
    )


def _is_recorded(tx: Connection, path: Path) -> bool:
    """Return whether the database knows every page of a file; the last page of a file just closed may be missing."""
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
    """Return the size in bytes, or 0 if the file was deleted or renamed meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _count_pages(tx: Connection, name: str) -> int:
    return int(tx.execute(_COUNT_CAPTURES, {"of": name}).scalar_one())


def _files_over_total(database: Database, folder: Path, limits: SizeLimits, freed: int) -> list[FileToDelete]:
    if math.isinf(limits.total) or not folder.is_dir():
        return []
    total = sum(map(_file_size, folder.iterdir())) - freed
    selected: list[FileToDelete] = []
    for path in _closed_files(folder):
        if total <= limits.total:
            break
        with database.read() as tx:
            pages, kept = _count_pages(tx, path.name), len(_load_kept_captures(tx, path.name, {}))
            can_delete = _is_recorded(tx, path) and (not pages or kept < pages)
        if can_delete:
            size = path.stat().st_size
            selected.append(FileToDelete(file=path, size=size, pages=pages, kept_pages=kept))
            total -= size
    return selected


def _files_over_source_limits(database: Database, folder: Path, limits: SizeLimits) -> list[FileToDelete]:
    """Return the files with pages of sources over their limits; each file once, even for several sources."""
    if not limits.by_source:
        return []
    closed = {path.name: path for path in _closed_files(folder)}
    deleted_lengths: dict[str, list[int]] = {}
    last_capture_ids: dict[str, int] = {}
    with database.read() as tx:
        source_sizes = {
            row.source: int(row.bytes)
            for row in tx.execute(_SELECT_SOURCE_SIZES, {"sources": sorted(limits.by_source)})
        }
        for source in sorted(source_sizes):
            if source_sizes[source] <= limits.by_source[source]:
                continue
            surplus = source_sizes[source] - _TARGET_SHARE * limits.by_source[source]
            with tx.execute(_SELECT_SOURCE_PAGES.execution_options(yield_per=1_000), {"source": source}) as rows:
                for row in rows:
                    if surplus <= 0:
                        break
                    if row.file in closed:
                        last_capture_ids[source] = row.id
                        deleted_lengths.setdefault(row.file, []).append(row.length)
                        surplus -= row.length
        return [
            FileToDelete(
                file=path,
                size=sum(deleted_lengths[name]),
                pages=(pages := _count_pages(tx, name)),
                kept_pages=pages - len(deleted_lengths[name]),
                last_capture_ids=last_capture_ids,
            )
            for name, path in closed.items()
            if name in deleted_lengths and _is_recorded(tx, path)
        ]


def _load_kept_captures(tx: Connection, name: str, last_capture_ids: Mapping[str, int]) -> list[tuple[int, Capture]]:
    """Return (capture id, capture) of the pages of a file that must be kept."""
    deletable = [and_(captures.c.source == source, captures.c.id <= last) for source, last in last_capture_ids.items()]
    is_kept: list[ColumnElement[bool]] = [not_(or_(*deletable))] if deletable else []
    rows = tx.execute(_SELECT_PAGES.where(or_(_IS_PROTECTED, *is_kept)), {"of": name})
    return [(row.id, Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)) for row in rows]


# -- deletion -------------------------------------------------------------------------------------------------------


def _delete_file(database: Database, folder: Path, warc_store: WarcStore, target: FileToDelete, now: datetime) -> int:
    """Delete a WARC file and return the number of pages copied from it.

    Pages are copied first, and the file is removed only after the database has forgotten it. If the process is killed
    in between, `_delete_leftovers` removes what remains.
    """
    with database.write() as tx:
        _record_start(tx, target.file.name, now)
    with database.read() as tx:
        kept = _load_kept_captures(tx, target.file.name, target.last_capture_ids)
    moved = _copy_pages(folder, warc_store, kept)
    with database.write() as tx:
        if _count_pages(tx, target.file.name) != target.pages:
            return 0  # a page was recorded meanwhile; the next round handles the file
        for capture_id, capture in moved:
            tx.execute(_UPDATE_CAPTURE, {
                "capture": capture_id, "to_file": capture.file, "to_offset": capture.offset,
                "to_length": capture.length, "to_digest": capture.digest,
            })  # fmt: skip
        parameters = {"of": target.file.name}
        tx.execute(_CLEAR_SNAPSHOT_CAPTURES, parameters)
        tx.execute(_CLEAR_CHECK_CAPTURES, parameters)
        tx.execute(_DELETE_CAPTURES, parameters)
    target.file.unlink(missing_ok=True)
    fsync_path(folder)
    return len(moved)


def _copy_pages(folder: Path, warc_store: WarcStore, kept: Sequence[tuple[int, Capture]]) -> list[tuple[int, Capture]]:
    """Record the pages again in the current WARC file and sync it; lost pages are logged and skipped."""
    moved = []
    for capture_id, capture in kept:
        try:
            page = replay_page(folder, capture)
        except CaptureLost as error:
            _log.warning("event=page-lost capture=%d why=%s", capture_id, error)
            continue
        moved.append((capture_id, warc_store.record(page)))
    warc_store.sync()
    return moved


def _record_start(tx: Connection, name: str, now: datetime) -> None:
    """Store the name of the file to delete, and the time since which a kill may have left files behind."""
    started = _load_start(tx)
    since = started[1] if started else f"{now:%Y%m%d%H%M%S}"
    set_value(tx, _PRUNE_KEY, f"{name} {since}")


def _load_start(tx: Connection) -> tuple[str, str] | None:
    stored = get_value(tx, _PRUNE_KEY)
    if stored is None:
        return None
    name, since = stored.split()
    return name, since


def _delete_leftovers(database: Database, folder: Path) -> None:
    """Remove what a killed deletion left: a file that the database had forgotten, and copies that no row refers to."""
    with database.read() as tx:
        started = _load_start(tx)
    if started is None:
        return
    name, since = started
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
            is_done = False  # a running crawl may still record its pages
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
            table.c.capture_id == captures.c.id, table.c.article_id == articles.c.id, or_(*PROTECTED_ARTICLES.values())
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
