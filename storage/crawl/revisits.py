"""Which kept articles of a source are to be asked for again, each with all that is needed to compare what comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from storage.crawl.leads import lead_from_row
from storage.db.tables import aliases, articles, captures, leads, snapshots, texts
from storage.identity import key_digest
from storage.model.crawl import Capture, Revisit
from storage.model.page import Lead


def list_revisits(tx: Connection, source: str, after: int, limit: int) -> list[Revisit]:
    """Up to `limit` articles of a source, by id, after the id `after`."""
    rows = tx.execute(_SELECT_ARTICLES, {"source": source, "after": after, "most": limit}).all()
    return [found for row in rows if (found := _build_revisit(tx, source, row)) is not None]


def load_revisits(tx: Connection, source: str, ids: Sequence[int]) -> list[Revisit]:
    """These articles of a source, in the order given, as far as they are kept."""
    rows = {row.id: row for row in tx.execute(_SELECT_ARTICLES_BY_ID, {"ids": list(ids)})}
    found = (_build_revisit(tx, source, rows[one]) for one in ids if one in rows)
    return [one for one in found if one is not None]


def load_addresses(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Where each of these articles lies."""
    return {row.id: row.url for row in tx.execute(_SELECT_ARTICLES_BY_ID, {"ids": list(ids)})}


def _build_revisit(tx: Connection, source: str, article: Any) -> Revisit | None:
    alias = tx.execute(_SELECT_ALIAS, {"digest": key_digest(article.url_key)}).scalar()
    seen = tx.execute(_SELECT_LATEST_SNAPSHOT, {"article": article.id, "alias": alias}).first()
    if seen is None:
        return None
    # Validators belong to the address that gave them; what was gone is asked for as if it had never been seen.
    is_own = seen.requested_alias_id == seen.final_alias_id and article.withdrawn is None
    return Revisit(
        article_id=article.id,
        lead=replace(_load_lead(tx, source, article), url=article.url),
        etag=seen.etag if is_own else "",
        last_modified=seen.last_modified if is_own else "",
        snapshot_id=seen.id,
        extractor=seen.extractor,
        reading_digest=seen.digest,
        capture=_capture_from_row(seen),
    )


def _load_lead(tx: Connection, source: str, article: Any) -> Lead:
    """What the source's index says of the article; of several leads to it, the one with its own address."""
    rows: Sequence[Any] = tx.execute(_SELECT_LEADS, {"source": source, "article": article.id}).all()
    if not rows:
        return Lead(url=article.url)
    own = key_digest(article.url_key)
    return lead_from_row(min(rows, key=lambda row: (row.url_digest != own, row.id)))


def _capture_from_row(seen: Any) -> Capture | None:
    if seen.file is None:
        return None
    return Capture(file=seen.file, offset=seen.offset, length=seen.length, digest=seen.capture_digest)


_COLUMNS = (articles.c.id, articles.c.url, articles.c.url_key, articles.c.withdrawn)
_SELECT_ARTICLES_BY_ID = select(*_COLUMNS).where(articles.c.id.in_(bindparam("ids", expanding=True)))
_SELECT_ARTICLES = (
    select(*_COLUMNS)
    .where(articles.c.source == bindparam("source"), articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_SELECT_ALIAS = select(aliases.c.id).where(aliases.c.url_digest == bindparam("digest"))
_SELECT_LATEST_SNAPSHOT = (
    select(
        snapshots.c.id,
        snapshots.c.requested_alias_id,
        snapshots.c.final_alias_id,
        snapshots.c.etag,
        snapshots.c.last_modified,
        texts.c.digest,
        texts.c.extractor,
        captures.c.file,
        captures.c.offset,
        captures.c.length,
        captures.c.digest.label("capture_digest"),
    )
    .join(texts, texts.c.id == snapshots.c.text_id)
    .outerjoin(captures, captures.c.id == snapshots.c.capture_id)
    .where(
        snapshots.c.article_id == bindparam("article"),
        or_(snapshots.c.requested_alias_id == bindparam("alias"), snapshots.c.final_alias_id == bindparam("alias")),
    )
    .order_by(snapshots.c.fetched_at.desc(), snapshots.c.id.desc())
    .limit(1)
)
_SELECT_LEADS = (
    select(leads.c.id, leads.c.url_digest, leads.c.url, leads.c.lead_json)
    .join(aliases, aliases.c.url_digest == leads.c.url_digest)
    .where(leads.c.source == bindparam("source"), aliases.c.article_id == bindparam("article"))
)
