"""Collect what the tables and the WARC files hold about an article or a URL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import CTE, Connection, bindparam, func, or_, select

from storage.articles import snapshots as snapshot_store
from storage.articles.lookup import article_at, kept_id
from storage.articles.reading import load_articles
from storage.articles.topics import load_topics
from storage.crawl.leads import lead_from_row
from storage.db.database import Database
from storage.db.tables import (
    articles,
    canonical_claims,
    changed_blocks,
    held_blocks,
    leads,
    merged_articles,
    parked_hosts,
    poll_schedule,
    polls,
    revisions,
    similarities,
    snapshots,
    source_boilerplate,
    texts,
    topic_scans,
)
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.duplicates import signatures
from storage.identity import host_of, key_digest, text_digest, url_key
from storage.model.article import KeptArticle
from storage.model.crawl import LeadState
from storage.provenance.fetches import load_fetches, load_fetches_of_address, with_archived_exchanges
from storage.provenance.model import (
    HeldBlock,
    LeadDiscovery,
    Provenance,
    RelatedArticle,
    RemovedBoilerplate,
    TextClaims,
)
from storage.stories.membership import load_story_members
from storage.stories.reading import load_story
from storage.stories.term_frequencies import load_frequencies

MAX_RELATED_ARTICLES = 500
MAX_STORY_MEMBERS = 100
_EMPTY_TEXT_DIGEST = text_digest("")


def gather_provenance(database: Database, requested: int | str, warc_folder: Path | None, now: datetime) -> Provenance:
    """Return the provenance of an article id or of a URL in any spelling; see `Provenance.is_known`.

    With `warc_folder`, fetches include what the WARC files hold of them.
    """
    with database.read() as connection:
        provenance = (
            _provenance_of_id(connection, requested, now)
            if isinstance(requested, int)
            else _provenance_of_address(connection, requested, now)
        )
    return replace(provenance, fetches=tuple(with_archived_exchanges(provenance.fetches, warc_folder)))


def _provenance_of_id(tx: Connection, article_id: int, now: datetime) -> Provenance:
    kept = kept_id(tx, article_id)
    article = next(iter(load_articles(tx, [kept])), None)
    if article is None:
        return Provenance(requested=str(article_id))
    provenance = _provenance_of_article(tx, article, now)
    return replace(provenance, requested=str(article_id), moved_from=article_id if kept != article_id else None)


def _provenance_of_address(tx: Connection, url: str, now: datetime) -> Provenance:
    digest = key_digest(url_key(url))
    kept = article_at(tx, digest)
    article = next(iter(load_articles(tx, [kept])), None) if kept else None
    if article is not None:
        return replace(_provenance_of_article(tx, article, now), requested=url)
    return Provenance(
        requested=url,
        discoveries=_load_discoveries(tx, [digest], now),
        fetches=load_fetches_of_address(tx, digest),
        claimed_by=tuple(tx.execute(_SELECT_CLAIMING_ARTICLES, {"digest": digest}).scalars()),
    )


def _provenance_of_article(tx: Connection, article: KeptArticle, now: datetime) -> Provenance:
    seen = snapshot_store.load_snapshots(tx, article.id)
    parameters = {"article": article.id}
    digests = [alias.url_digest for alias in seen.aliases]
    shown_digest, story = key_digest(url_key(article.url)), load_story(tx, article.id)
    return Provenance(
        requested=article.url,
        article=article,
        published_or_seen_at=signatures.load_signed_article(tx, article.id).published_or_seen_at,
        discoveries=_load_discoveries(tx, digests, now),
        fetches=load_fetches(tx, article.id, seen),
        aliases=tuple(sorted(seen.aliases, key=lambda alias: alias.id)),
        shown_alias_id=next((alias.id for alias in seen.aliases if alias.url_digest == shown_digest), 0),
        declared_digests=seen.declared_digests,
        text_claims=_load_text_claims(tx, article.id),
        merged_ids=tuple(tx.execute(_SELECT_MERGED_IDS, parameters).scalars()),
        boilerplate=_load_boilerplate(tx, article.id),
        related_articles=tuple(_load_related_articles(tx, article.id)),
        story=story,
        story_members=tuple(load_story_members(tx, story.id, MAX_STORY_MEMBERS)) if story else (),
        term_frequencies=load_frequencies(tx) if story else None,
        held_blocks=tuple(HeldBlock(**row._mapping) for row in tx.execute(_SELECT_HELD_BLOCKS, parameters)),
        topics=tuple(load_topics(tx, [article.id]).get(article.id, ())),
        catalogue_digest=tx.execute(_SELECT_CATALOGUE, parameters).scalar() or "",
    )


def _load_discoveries(tx: Connection, digests: Sequence[str], now: datetime) -> tuple[LeadDiscovery, ...]:
    parked = {row.host: row for row in tx.execute(_SELECT_PARKED_HOSTS, {"now": now})}
    return tuple(_discovery(tx, row, parked.get(host_of(url_key(row.url)))) for row in _load_leads(tx, digests))


def _load_leads(tx: Connection, digests: Sequence[str]) -> Sequence[Any]:
    return tx.execute(_SELECT_LEADS, {"digests": digests}).all() if digests else []


def _discovery(tx: Connection, row: Any, parked: Any) -> LeadDiscovery:
    lead = lead_from_row(row)
    poll_parameters = {"source": row.source, "at": row.recorded_at}
    return LeadDiscovery(
        **{name: getattr(row, name) for name in _LEAD_COLUMNS if name != "state"},
        state=LeadState(row.state),
        title=lead.title,
        published=lead.published,
        id=lead.id,
        indexes=tuple(tx.execute(_SELECT_INDEXES, poll_parameters).scalars()),
        next_poll_at=tx.execute(_SELECT_NEXT_POLL, {"source": row.source}).scalar(),
        parked_until=parked.until if parked else None,
        parked_reason=parked.reason if parked else "",
    )


def _load_text_claims(tx: Connection, article_id: int) -> tuple[TextClaims, ...]:
    parameters = {"article": article_id}
    claims: dict[str, list[Any]] = {}
    for row in tx.execute(_SELECT_CLAIMS, parameters):
        claims.setdefault(row.text_digest, []).append(row)
    return tuple(
        TextClaims(
            text_id=row.id,
            title=row.title,
            text_digest=row.text_digest,
            canonical=tuple((claim.url_digest, claim.url) for claim in claims.get(row.text_digest, ()) if claim.url),
            has_index_id=any(not claim.url for claim in claims.get(row.text_digest, ())),
        )
        for row in tx.execute(_SELECT_TEXTS, parameters)
    )


def _load_boilerplate(tx: Connection, article_id: int) -> RemovedBoilerplate:
    row = tx.execute(_SELECT_SHOWN, {"article": article_id}).one()
    snapshot = {"text_id": row.id, "at": row.fetched_at}
    source = tx.execute(_SELECT_SOURCE_OF_TEXT, snapshot).scalar() or row.source
    version = {"source": source, "version": row.boilerplate_version}
    return RemovedBoilerplate(
        source=source,
        version=row.boilerplate_version,
        learned_at=tx.execute(_SELECT_HINTS_TIME, version).scalar(),
        paragraphs=tuple(paragraph for _, paragraph in json.loads(row.removed_boilerplate))
        if row.removed_boilerplate
        else (),
    )


def _load_related_articles(tx: Connection, article_id: int) -> Iterator[RelatedArticle]:
    article = tx.execute(_SELECT_COPY_LINK, {"article": article_id}).one()
    similar: Mapping[str, Any] = {
        row.other_text_digest: row for row in tx.execute(_SELECT_SIMILARITIES, {"digest": article.text_digest})
    }
    digests = [*similar, article.text_digest] if article.text_digest != _EMPTY_TEXT_DIGEST else []
    values = {"article": article_id, "original": article.copy_of, "digests": digests}
    for row in tx.execute(_SELECT_RELATED, values):
        link = similar.get(row.text_digest)
        is_same = row.text_digest == article.text_digest
        kind = "same" if is_same else link.kind if link else ""
        yield RelatedArticle(
            **{name: getattr(row, name) for name in _RELATED_COLUMNS},
            similarity=1.0 if is_same else link.similarity if link else None,
            kind=kind,
        )


def _sources_with_leads() -> CTE:
    """A recursive CTE that jumps from source to source in the index of leads."""
    first = select(func.min(leads.c.source).label("source")).cte("sources", recursive=True)
    following = select(func.min(leads.c.source)).where(leads.c.source > first.c.source).scalar_subquery()
    return first.union_all(select(following).where(first.c.source.is_not(None)))


_LEAD_COLUMNS = (
    "source",
    "url",
    "url_digest",
    "recorded_at",
    "state",
    "reason",
    "attempts",
    "due_at",
    "ended_at",
    "renewals",
)
_SELECT_LEADS = (
    select(*[leads.c[name] for name in _LEAD_COLUMNS], leads.c.lead_json)
    .where(
        leads.c.source.in_(select(_sources_with_leads().c.source)),
        leads.c.url_digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(leads.c.recorded_at, leads.c.id)
)
_SELECT_INDEXES = (
    select(polls.c.url)
    .where(
        polls.c.source == bindparam("source"),
        polls.c.started_at <= bindparam("at"),
        polls.c.ended_at >= bindparam("at"),
        polls.c.new > 0,
    )
    .order_by(polls.c.id)
)
_SELECT_NEXT_POLL = select(poll_schedule.c.next_poll_at).where(poll_schedule.c.source == bindparam("source"))
_SELECT_PARKED_HOSTS = select(parked_hosts).where(parked_hosts.c.until > bindparam("now"))
_SELECT_CLAIMING_ARTICLES = (
    select(canonical_claims.c.article_id)
    .distinct()
    .where(canonical_claims.c.url_digest == bindparam("digest"), canonical_claims.c.url != "")
    .order_by(canonical_claims.c.article_id)
)
_SELECT_MERGED_IDS = (
    select(merged_articles.c.id)
    .where(merged_articles.c.article_id == bindparam("article"))
    .order_by(merged_articles.c.id)
)
_SELECT_CLAIMS = select(canonical_claims.c.url_digest, canonical_claims.c.text_digest, canonical_claims.c.url).where(
    canonical_claims.c.article_id == bindparam("article"), canonical_claims.c.text_digest != ""
)
_SELECT_TEXTS = (
    select(texts.c.id, texts.c.title, texts.c.text_digest)
    .where(texts.c.article_id == bindparam("article"))
    .order_by(texts.c.id)
)
_SELECT_SHOWN = (
    select(texts.c.id, texts.c.fetched_at, texts.c.boilerplate_version, texts.c.removed_boilerplate, articles.c.source)
    .join(revisions, revisions.c.text_id == texts.c.id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
)
_SELECT_SOURCE_OF_TEXT = (
    select(snapshots.c.source)
    .join(texts, texts.c.id == snapshots.c.text_id)
    .where(texts.c.id == bindparam("text_id"), snapshots.c.article_id == texts.c.article_id)
    .where(snapshots.c.fetched_at == bindparam("at"))
    .order_by(snapshots.c.id)
    .limit(1)
)
_SELECT_HINTS_TIME = select(source_boilerplate.c.learned_at).where(
    source_boilerplate.c.source == bindparam("source"), source_boilerplate.c.version == bindparam("version")
)
_SELECT_COPY_LINK = select(articles.c.text_digest, articles.c.copy_of).where(articles.c.id == bindparam("article"))
_SELECT_SIMILARITIES = select(similarities.c.other_text_digest, similarities.c.similarity, similarities.c.kind).where(
    similarities.c.text_digest == bindparam("digest")
)
_RELATED_COLUMNS = ("id", "url", "source", "title", "copy_of", "reason", "published", "published_or_seen_at")
_SELECT_RELATED = (
    select(
        *[articles.c[name] for name in _RELATED_COLUMNS if name != "published_or_seen_at"],
        PUBLISHED_OR_SEEN_AT,
        articles.c.text_digest,
    )
    .where(
        articles.c.id != bindparam("article"),
        or_(
            articles.c.copy_of == bindparam("article"),
            articles.c.id == bindparam("original"),
            articles.c.text_digest.in_(bindparam("digests", expanding=True)),
        ),
    )
    .order_by(articles.c.sort_time, articles.c.url_key)
    .limit(MAX_RELATED_ARTICLES)
)
_counted_blocks = changed_blocks.alias("counted")
_SELECT_HELD_BLOCKS = (
    select(
        held_blocks.c.source,
        held_blocks.c.text,
        held_blocks.c.held_at,
        select(func.count())
        .where(_counted_blocks.c.source == held_blocks.c.source, _counted_blocks.c.block == held_blocks.c.block)
        .scalar_subquery()
        .label("articles"),
    )
    .join(
        changed_blocks,
        (changed_blocks.c.source == held_blocks.c.source) & (changed_blocks.c.block == held_blocks.c.block),
    )
    .where(changed_blocks.c.article_id == bindparam("article"))
    .order_by(held_blocks.c.held_at, held_blocks.c.block)
)
_SELECT_CATALOGUE = select(topic_scans.c.catalogue_digest).where(topic_scans.c.article_id == bindparam("article"))
