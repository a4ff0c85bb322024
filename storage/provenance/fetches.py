"""Every fetch of an article or an address as one line of time: captures, what each came to, and what the tape says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select

from storage.articles.derive import Alias
from storage.articles.snapshots import Facts
from storage.db.tables import captures, looks, revisions, sightings
from storage.errors import TapeError
from storage.model.crawl import Capture
from storage.provenance.model import Fetch, Taped
from storage.warc.store import replay

_CONDITIONS = {"if-none-match", "if-modified-since"}


def fetches_of(tx: Connection, article_id: int, seen: Facts) -> tuple[Fetch, ...]:
    """The fetches of all addresses of an article, of which all this was seen, in the order of time."""
    return _in_time(_fetches(tx, article_id, seen))


def fetches_at(tx: Connection, digest: str) -> tuple[Fetch, ...]:
    """The captures of an address that never became an article, by its key's digest, in the order of time."""
    return _in_time(_captured(row) for row in tx.execute(_CAPTURES, {"digests": [digest]}))


def with_tape(fetches: Iterable[Fetch], tape: Path | None) -> Iterator[Fetch]:
    """The same fetches with what the tape in a folder says of those that lie on it."""
    for fetch in fetches:
        yield replace(fetch, taped=_taped(tape, fetch.capture)) if tape and fetch.capture else fetch


def _fetches(tx: Connection, article_id: int, seen: Facts) -> Iterator[Fetch]:
    """Every capture of its addresses with what it came to; then what came to something and is on no tape."""
    one = {"article": article_id}
    spelled = {alias.id: alias for alias in seen.aliases}
    rows = tx.execute(_BEGAN, one).all()
    began = {row.sighting_id: row.number for row in rows if row.look_id is None}
    gone = {row.look_id: row.number for row in rows if row.look_id is not None}
    taped = {row.id: row.capture_id for row in tx.execute(_SIGHTING_CAPTURES, one)}
    came_to: dict[int | None, Fetch] = {}
    apart: list[Fetch] = []
    for sighting in seen.sightings:
        made = Fetch(
            at=sighting.fetched_at,
            url=spelled[sighting.final].url,
            source=sighting.source,
            sighting=sighting,
            alias_id=sighting.final,
            began=began.get(sighting.id),
        )
        _put(made, taped.get(sighting.id), came_to, apart)
    for row in tx.execute(_LOOKS, one):
        _put(_look(row, spelled[row.alias_id], gone.get(row.id)), row.capture_id, came_to, apart)
    for row in tx.execute(_CAPTURES, {"digests": [alias.digest for alias in seen.aliases]}):
        yield _captured(row, came_to.pop(row.id, None))
    yield from came_to.values()
    yield from apart


def _put(made: Fetch, capture_id: int | None, came_to: dict[int | None, Fetch], apart: list[Fetch]) -> None:
    """Beside its capture, where it has one of its own."""
    if capture_id is None or capture_id in came_to:
        apart.append(made)
    else:
        came_to[capture_id] = made


def _look(row: Any, alias: Alias, began: int | None) -> Fetch:
    return Fetch(
        at=row.looked_at,
        url=alias.url,
        status=row.status,
        reason=row.reason,
        alias_id=alias.id,
        outcome=row.outcome,
        is_sure=row.sure,
        began=began,
    )


def _captured(row: Any, came_to: Fetch | None = None) -> Fetch:
    """A capture, with what it came to where that is known."""
    capture = Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)
    made = came_to or Fetch(at=row.fetched_at, url=row.url)
    said = {"verdict": row.verdict, "reason": row.reason or made.reason}
    return replace(made, url=row.url, status=row.status, source=row.source, capture=capture, **said)


def _in_time(fetches: Iterable[Fetch]) -> tuple[Fetch, ...]:
    """Those of one time as they came: a redirect and the page that it led to in the order of the tape."""
    return tuple(sorted(fetches, key=lambda one: one.at))


def _taped(tape: Path, capture: Capture) -> Taped:
    try:
        page = replay(tape, capture)
    except TapeError as error:
        return Taped(trouble=str(error))
    asked = {name.lower() for name, _ in page.request_headers}
    return Taped(size=len(page.body), is_conditional=bool(asked & _CONDITIONS), location=page.header("location"))


_CAPTURES = select(captures).where(captures.c.key.in_(bindparam("digests", expanding=True))).order_by(captures.c.id)
_BEGAN = select(revisions.c.number, revisions.c.sighting_id, revisions.c.look_id).where(
    revisions.c.article_id == bindparam("article")
)
_SIGHTING_CAPTURES = select(sightings.c.id, sightings.c.capture_id).where(
    sightings.c.article_id == bindparam("article")
)
_LOOKS = select(looks).where(looks.c.article_id == bindparam("article")).order_by(looks.c.id)
