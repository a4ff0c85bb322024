"""Stored articles to be requested again, each with what is needed to compare the response."""

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
    """Return up to `limit` articles of a source with ids above `after`, in the order of their ids."""
    rows = tx.execute(_SELECT_ARTICLES, {"source": source, "after": after, "most": limit}).all()
    return [revisit for row in rows if (revisit := _build_revisit(tx, source, row)) is not None]


def load_revisits(tx: Connection, source: str, ids: Sequence[int]) -> list[Revisit]:
    """Return the articles with these ids that are still stored, in the given order."""
    rows = {row.id: row for row in tx.execute(_SELECT_ARTICLES_BY_ID, {"ids": list(ids)})}
    built = (_build_revisit(tx, source, rows[article_id]) for article_id in ids if article_id in rows)
    return [revisit for revisit in built if revisit is not None]


def load_addresses(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the URLs of these articles by id."""
    return {row.id: row.url for row in tx.execute(_SELECT_ARTICLES_BY_ID, {"ids": list(ids)})}


def _build_revisit(tx: Connection, source: str, article: Any) -> Revisit | None:
    alias = tx.execute(_SELECT_ALIAS, {"digest": key_digest(article.url_key)}).scalar()
    snapshot = tx.execute(_SELECT_LATEST_SNAPSHOT, {"article": article.id, "alias": alias}).first()
    if snapshot is None:
        return None
    # Validators belong to the address that sent them. A withdrawn article is requested without: a 304 would not
    # say that it is back.
    is_own = snapshot.requested_alias_id == snapshot.final_alias_id and article.withdrawn is None
    return Revisit(
        article_id=article.id,
        lead=replace(_load_lead(tx, source, article), url=article.url),
        etag=snapshot.etag if is_own else "",
        last_modified=snapshot.last_modified if is_own else "",
        snapshot_id=snapshot.id,
        extractor=snapshot.extractor,
        reading_digest=snapshot.digest,
        capture=_capture_from_row(snapshot),
    )


def _load_lead(tx: Connection, source: str, article: Any) -> Lead:
    """Return the source's lead to the article, preferring the lead with the article's own URL."""
    rows: Sequence[Any] = tx.execute(_SELECT_LEADS, {"source": source, "article": article.id}).all()
    if not rows:
        return Lead(url=article.url)
    own = key_digest(article.url_key)
    return lead_from_row(min(rows, key=lambda row: (row.url_digest != own, row.id)))


def _capture_from_row(row: Any) -> Capture | None:
    if row.file is None:
        return None
    return Capture(file=row.file, offset=row.offset, length=row.length, digest=row.capture_digest)


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
