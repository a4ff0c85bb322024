"""Which kept articles of a source are to be asked for again, each with all that is needed to compare what comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from storage.crawl.leads import lead_of
from storage.db.tables import aliases, articles, captures, leads, sightings, texts
from storage.identity import key_digest
from storage.model.crawl import Capture, Revisit
from storage.model.page import Lead


def revisits(tx: Connection, source: str, after: int, limit: int) -> list[Revisit]:
    """Up to `limit` articles of a source, by id, after the id `after`."""
    rows = tx.execute(_ARTICLES, {"source": source, "after": after, "most": limit}).all()
    return [found for row in rows if (found := _revisit(tx, source, row)) is not None]


def revisits_of(tx: Connection, source: str, ids: Sequence[int]) -> list[Revisit]:
    """These articles of a source, in the order given, as far as they are kept."""
    rows = {row.id: row for row in tx.execute(_THESE, {"ids": list(ids)})}
    found = (_revisit(tx, source, rows[one]) for one in ids if one in rows)
    return [one for one in found if one is not None]


def addresses_of(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Where each of these articles lies."""
    return {row.id: row.url for row in tx.execute(_THESE, {"ids": list(ids)})}


def _revisit(tx: Connection, source: str, article: Any) -> Revisit | None:
    alias = tx.execute(_ALIAS, {"digest": key_digest(article.key)}).scalar()
    seen = tx.execute(_LATEST, {"article": article.id, "alias": alias}).first()
    if seen is None:
        return None
    # Validators belong to the address that gave them; what was gone is asked for as if it had never been seen.
    is_own = seen.asked == seen.final and article.withdrawn is None
    return Revisit(
        article_id=article.id,
        lead=replace(_lead(tx, source, article), url=article.url),
        etag=seen.etag if is_own else "",
        last_modified=seen.last_modified if is_own else "",
        sighting_id=seen.id,
        extractor=seen.extractor,
        digest=seen.digest,
        capture=_capture(seen),
    )


def _lead(tx: Connection, source: str, article: Any) -> Lead:
    """What the source's index says of the article; of several leads to it, the one with its own address."""
    rows: Sequence[Any] = tx.execute(_LEADS, {"source": source, "article": article.id}).all()
    if not rows:
        return Lead(url=article.url)
    own = key_digest(article.key)
    return lead_of(min(rows, key=lambda row: (row.key != own, row.id)))


def _capture(seen: Any) -> Capture | None:
    if seen.file is None:
        return None
    return Capture(file=seen.file, offset=seen.offset, length=seen.length, digest=seen.capture_digest)


_COLUMNS = (articles.c.id, articles.c.url, articles.c.key, articles.c.withdrawn)
_THESE = select(*_COLUMNS).where(articles.c.id.in_(bindparam("ids", expanding=True)))
_ARTICLES = (
    select(*_COLUMNS)
    .where(articles.c.source == bindparam("source"), articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_ALIAS = select(aliases.c.id).where(aliases.c.digest == bindparam("digest"))
_LATEST = (
    select(
        sightings.c.id,
        sightings.c.asked,
        sightings.c.final,
        sightings.c.etag,
        sightings.c.last_modified,
        texts.c.digest,
        texts.c.extractor,
        captures.c.file,
        captures.c.offset,
        captures.c.length,
        captures.c.digest.label("capture_digest"),
    )
    .join(texts, texts.c.id == sightings.c.text_id)
    .outerjoin(captures, captures.c.id == sightings.c.capture_id)
    .where(
        sightings.c.article_id == bindparam("article"),
        or_(sightings.c.asked == bindparam("alias"), sightings.c.final == bindparam("alias")),
    )
    .order_by(sightings.c.fetched_at.desc(), sightings.c.id.desc())
    .limit(1)
)
_LEADS = (
    select(leads.c.id, leads.c.key, leads.c.url, leads.c.said)
    .join(aliases, aliases.c.digest == leads.c.key)
    .where(leads.c.source == bindparam("source"), aliases.c.article_id == bindparam("article"))
)
