"""Every fetch of an article or an address as one line of time: captures, what each came to, and what the tape says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select

from storage.articles.derive import Alias
from storage.articles.snapshots import ArticleSnapshots
from storage.db.tables import article_checks, captures, revisions, snapshots
from storage.errors import WarcError
from storage.model.crawl import Capture
from storage.provenance.model import ArchivedExchange, Fetch
from storage.warc.store import replay_page

_CONDITIONAL_HEADERS = {"if-none-match", "if-modified-since"}


def load_fetches(tx: Connection, article_id: int, seen: ArticleSnapshots) -> tuple[Fetch, ...]:
    """The fetches of all addresses of an article, of which all this was seen, in the order of time."""
    return _sort_by_time(_iter_fetches(tx, article_id, seen))


def load_fetches_of_address(tx: Connection, digest: str) -> tuple[Fetch, ...]:
    """The captures of an address that never became an article, by its key's digest, in the order of time."""
    return _sort_by_time(_capture_fetch(row) for row in tx.execute(_SELECT_CAPTURES, {"digests": [digest]}))


def with_archived_exchanges(fetches: Iterable[Fetch], tape: Path | None) -> Iterator[Fetch]:
    """The same fetches with what the tape in a folder says of those that lie on it."""
    for fetch in fetches:
        yield replace(fetch, exchange=_read_exchange(tape, fetch.capture)) if tape and fetch.capture else fetch


def _iter_fetches(tx: Connection, article_id: int, seen: ArticleSnapshots) -> Iterator[Fetch]:
    """Every capture of its addresses with what it came to; then what came to something and is on no tape."""
    one = {"article": article_id}
    spelled = {alias.id: alias for alias in seen.aliases}
    rows = tx.execute(_SELECT_REVISION_STARTS, one).all()
    began = {row.snapshot_id: row.number for row in rows if row.check_id is None}
    gone = {row.check_id: row.number for row in rows if row.check_id is not None}
    taped = {row.id: row.capture_id for row in tx.execute(_SELECT_SNAPSHOT_CAPTURES, one)}
    came_to: dict[int | None, Fetch] = {}
    apart: list[Fetch] = []
    for sighting in seen.snapshots:
        made = Fetch(
            at=sighting.fetched_at,
            url=spelled[sighting.final_alias_id].url,
            source=sighting.source,
            snapshot=sighting,
            alias_id=sighting.final_alias_id,
            revision_number=began.get(sighting.id),
        )
        _attach_to_capture(made, taped.get(sighting.id), came_to, apart)
    for row in tx.execute(_SELECT_CHECKS, one):
        _attach_to_capture(_check_fetch(row, spelled[row.alias_id], gone.get(row.id)), row.capture_id, came_to, apart)
    for row in tx.execute(_SELECT_CAPTURES, {"digests": [alias.url_digest for alias in seen.aliases]}):
        yield _capture_fetch(row, came_to.pop(row.id, None))
    yield from came_to.values()
    yield from apart


def _attach_to_capture(
    made: Fetch, capture_id: int | None, came_to: dict[int | None, Fetch], apart: list[Fetch]
) -> None:
    """Beside its capture, where it has one of its own."""
    if capture_id is None or capture_id in came_to:
        apart.append(made)
    else:
        came_to[capture_id] = made


def _check_fetch(row: Any, alias: Alias, began: int | None) -> Fetch:
    return Fetch(
        at=row.checked_at,
        url=alias.url,
        status=row.status,
        reason=row.reason,
        alias_id=alias.id,
        outcome=row.outcome,
        is_certain=row.is_certain,
        revision_number=began,
    )


def _capture_fetch(row: Any, came_to: Fetch | None = None) -> Fetch:
    """A capture, with what it came to where that is known."""
    capture = Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)
    made = came_to or Fetch(at=row.fetched_at, url=row.url)
    said = {"verdict": row.verdict, "reason": row.reason or made.reason}
    return replace(made, url=row.url, status=row.status, source=row.source, capture=capture, **said)


def _sort_by_time(fetches: Iterable[Fetch]) -> tuple[Fetch, ...]:
    """Those of one time as they came: a redirect and the page that it led to in the order of the tape."""
    return tuple(sorted(fetches, key=lambda one: one.at))


def _read_exchange(tape: Path, capture: Capture) -> ArchivedExchange:
    try:
        page = replay_page(tape, capture)
    except WarcError as error:
        return ArchivedExchange(error=str(error))
    asked = {name.lower() for name, _ in page.request_headers}
    return ArchivedExchange(
        size=len(page.body), is_conditional=bool(asked & _CONDITIONAL_HEADERS), location=page.header("location")
    )


_SELECT_CAPTURES = (
    select(captures).where(captures.c.url_digest.in_(bindparam("digests", expanding=True))).order_by(captures.c.id)
)
_SELECT_REVISION_STARTS = select(revisions.c.number, revisions.c.snapshot_id, revisions.c.check_id).where(
    revisions.c.article_id == bindparam("article")
)
_SELECT_SNAPSHOT_CAPTURES = select(snapshots.c.id, snapshots.c.capture_id).where(
    snapshots.c.article_id == bindparam("article")
)
_SELECT_CHECKS = (
    select(article_checks).where(article_checks.c.article_id == bindparam("article")).order_by(article_checks.c.id)
)
