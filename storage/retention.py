"""What is taken off the tape when it grows beyond what it may take: the oldest files, less what is to stay.

Pages of starred and of withdrawn articles are carried over to a new file first: nobody else may have them any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from storage.database import Database
from storage.disk import sync
from storage.errors import TapeError
from storage.readers import Mark
from storage.state import Capture
from storage.tables import articles, captures, looks, marks, sightings
from storage.warc import WarcTape, replay
from storage.warcfile import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A file of the tape that goes: its bytes, how many pages it has, and how many of them stay."""

    file: Path
    size: int
    pages: int
    staying: int


def leaving(database: Database, folder: Path, most: int) -> list[Leaving]:
    """The oldest files that have to go for the tape to take `most` bytes.

    What is being written never goes, nor does a file of which all pages are to stay.
    """
    files = sorted(path for path in folder.glob("*.warc.gz") if NAME.fullmatch(path.name)) if folder.is_dir() else []
    total = sum(path.stat().st_size for path in folder.iterdir()) if files else 0
    chosen: list[Leaving] = []
    for path in files:
        if total <= most:
            break
        size = path.stat().st_size
        with database.read() as tx:
            pages, staying = _pages(tx, path.name), len(_staying(tx, path.name))
        if not pages or staying < pages:
            chosen.append(Leaving(file=path, size=size, pages=pages, staying=staying))
            total -= size
    return chosen


def take_off(database: Database, folder: Path, tape: WarcTape, one: Leaving) -> int:
    """Take a file off the tape; returns how many of its pages were carried over. Raises TapeError, ArchiveError.

    Whole or not at all: until the archive has forgotten the file it stays, and a page is carried over before.
    """
    with database.read() as tx:
        staying = _staying(tx, one.file.name)
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


def _staying(tx: Connection, name: str) -> list[tuple[int, Capture]]:
    rows = tx.execute(_STAYING, {"of": name})
    return [(row.id, Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)) for row in rows]


_OF = captures.c.file == bindparam("of")
_COUNT = select(func.count()).where(_OF)
_IDS = select(captures.c.id).where(_OF)
_IS_WANTED = or_(
    articles.c.withdrawn.is_not(None),
    exists().where(marks.c.article_id == articles.c.id, marks.c.mark == Mark.STARRED),
)
_STAYING = (
    select(captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest)
    .where(
        _OF,
        or_(
            *[
                exists().where(table.c.capture_id == captures.c.id, table.c.article_id == articles.c.id, _IS_WANTED)
                for table in (sightings, looks)
            ]
        ),
    )
    .order_by(captures.c.offset)
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
