"""Load every fetch of an article or a URL in the order of time: captures, their outcome, the archived exchange."""

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
    """Return the fetches of all URLs of an article in the order of time; `seen` holds the article's snapshots."""
    return _sort_by_time(_iter_fetches(tx, article_id, seen))


def load_fetches_of_address(tx: Connection, digest: str) -> tuple[Fetch, ...]:
    """Return the captures of a URL without an article, by the digest of its key, in the order of time."""
    return _sort_by_time(_capture_fetch(row) for row in tx.execute(_SELECT_CAPTURES, {"digests": [digest]}))


def with_archived_exchanges(fetches: Iterable[Fetch], warc_folder: Path | None) -> Iterator[Fetch]:
    """Yield the fetches with what the WARC files in `warc_folder` hold of them."""
    for fetch in fetches:
        yield (
            replace(fetch, exchange=_read_exchange(warc_folder, fetch.capture))
            if warc_folder and fetch.capture
            else fetch
        )


def _iter_fetches(tx: Connection, article_id: int, seen: ArticleSnapshots) -> Iterator[Fetch]:
    """Yield every capture of the article's URLs with its outcome, then the outcomes without a capture."""
    parameters = {"article": article_id}
    aliases = {alias.id: alias for alias in seen.aliases}
    rows = tx.execute(_SELECT_REVISION_STARTS, parameters).all()
    revisions_by_snapshot = {row.snapshot_id: row.number for row in rows if row.check_id is None}
    revisions_by_check = {row.check_id: row.number for row in rows if row.check_id is not None}
    capture_ids = {row.id: row.capture_id for row in tx.execute(_SELECT_SNAPSHOT_CAPTURES, parameters)}
    by_capture: dict[int | None, Fetch] = {}
    without_capture: list[Fetch] = []
    for snapshot in seen.snapshots:
        fetch = Fetch(
            at=snapshot.fetched_at,
            url=aliases[snapshot.final_alias_id].url,
            source=snapshot.source,
            snapshot=snapshot,
            alias_id=snapshot.final_alias_id,
            revision_number=revisions_by_snapshot.get(snapshot.id),
        )
        _attach_to_capture(fetch, capture_ids.get(snapshot.id), by_capture, without_capture)
    for row in tx.execute(_SELECT_CHECKS, parameters):
        _attach_to_capture(
            _check_fetch(row, aliases[row.alias_id], revisions_by_check.get(row.id)),
            row.capture_id,
            by_capture,
            without_capture,
        )
    for row in tx.execute(_SELECT_CAPTURES, {"digests": [alias.url_digest for alias in seen.aliases]}):
        yield _capture_fetch(row, by_capture.pop(row.id, None))
    yield from by_capture.values()
    yield from without_capture


def _attach_to_capture(
    fetch: Fetch, capture_id: int | None, by_capture: dict[int | None, Fetch], without_capture: list[Fetch]
) -> None:
    """Assign a fetch to its capture, unless another fetch has taken it."""
    if capture_id is None or capture_id in by_capture:
        without_capture.append(fetch)
    else:
        by_capture[capture_id] = fetch


def _check_fetch(row: Any, alias: Alias, revision_number: int | None) -> Fetch:
    return Fetch(
        at=row.checked_at,
        url=alias.url,
        status=row.status,
        reason=row.reason,
        alias_id=alias.id,
        outcome=row.outcome,
        is_certain=row.is_certain,
        revision_number=revision_number,
    )


def _capture_fetch(row: Any, outcome: Fetch | None = None) -> Fetch:
    """Return the fetch of a capture, merged with its known outcome."""
    capture = Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest)
    fetch = outcome or Fetch(at=row.fetched_at, url=row.url)
    details = {"verdict": row.verdict, "reason": row.reason or fetch.reason}
    return replace(fetch, url=row.url, status=row.status, source=row.source, capture=capture, **details)


def _sort_by_time(fetches: Iterable[Fetch]) -> tuple[Fetch, ...]:
    """Sort stably: a redirect and its target of the same time keep the order of the captures."""
    return tuple(sorted(fetches, key=lambda fetch: fetch.at))


def _read_exchange(warc_folder: Path, capture: Capture) -> ArchivedExchange:
    try:
        page = replay_page(warc_folder, capture)
    except WarcError as error:
        return ArchivedExchange(error=str(error))
    request_headers = {name.lower() for name, _ in page.request_headers}
    return ArchivedExchange(
        size=len(page.body),
        is_conditional=bool(request_headers & _CONDITIONAL_HEADERS),
        location=page.header("location"),
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
