"""Gathering an account: what the tables, and the tape beside them, know of an article or an address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import CTE, Connection, bindparam, func, or_, select

from storage.articles import snapshots as facts
from storage.articles.reading import articles_of
from storage.articles.topics import topics_of
from storage.crawl.leads import lead_of
from storage.db.database import Database
from storage.db.tables import (
    articles,
    calendar,
    changed_blocks,
    claims,
    held_blocks,
    leads,
    likenesses,
    merged,
    parked_hosts,
    polls,
    revisions,
    sightings,
    source_hints,
    texts,
    topic_readings,
)
from storage.db.tables.articles import TOLD_AT
from storage.duplicates import signatures as copies
from storage.identity import host_of, key_digest, text_digest, url_key
from storage.model.article import KeptArticle
from storage.model.crawl import LeadState
from storage.provenance.fetches import fetches_at, fetches_of, with_tape
from storage.provenance.model import Account, HeldBlock, LeftOut, Naming, Relative, Showing
from storage.stories.membership import members
from storage.stories.reading import story_of
from storage.stories.term_frequencies import frequencies

MOST_RELATIVES = 500
MOST_TELLERS = 100
_NO_WORDS = text_digest("")


def account(database: Database, asked: int | str, tape: Path | None, now: datetime) -> Account:
    """What is known of the article with a number, or of an address; `tape` is the folder of the captures.

    An address in any spelling. Nothing is known where the account says so (`Account.is_known`).
    """
    with database.read() as connection:
        found = _of_number(connection, asked, now) if isinstance(asked, int) else _of_address(connection, asked, now)
    return replace(found, fetches=tuple(with_tape(found.fetches, tape)))


def _of_number(tx: Connection, number: int, now: datetime) -> Account:
    kept = facts.kept_id(tx, number)
    article = next(iter(articles_of(tx, [kept])), None)
    if article is None:
        return Account(asked=str(number))
    found = _of_article(tx, article, now)
    return replace(found, asked=str(number), moved_from=number if kept != number else None)


def _of_address(tx: Connection, url: str, now: datetime) -> Account:
    digest = key_digest(url_key(url))
    kept = facts.article_at(tx, digest)
    article = next(iter(articles_of(tx, [kept])), None) if kept else None
    if article is not None:
        return replace(_of_article(tx, article, now), asked=url)
    return Account(
        asked=url,
        namings=_namings(tx, [digest], now),
        fetches=fetches_at(tx, digest),
        claimed_by=tuple(tx.execute(_CLAIMING, {"digest": digest}).scalars()),
    )


def _of_article(tx: Connection, article: KeptArticle, now: datetime) -> Account:
    seen = facts.of_article(tx, article.id)
    one = {"article": article.id}
    digests = [alias.digest for alias in seen.aliases]
    shown, told = key_digest(url_key(article.url)), story_of(tx, article.id)
    return Account(
        asked=article.url,
        article=article,
        told_at=copies.told(tx, article.id).told_at,
        namings=_namings(tx, digests, now),
        fetches=fetches_of(tx, article.id, seen),
        aliases=tuple(sorted(seen.aliases, key=lambda alias: alias.id)),
        shown_alias=next((alias.id for alias in seen.aliases if alias.digest == shown), 0),
        declared=seen.declared,
        showings=_showings(tx, article.id),
        joined=tuple(tx.execute(_JOINED, one).scalars()),
        left_out=_left_out(tx, article.id),
        relatives=tuple(_relatives(tx, article.id)),
        story=told,
        tellers=tuple(members(tx, told.id, MOST_TELLERS)) if told else (),
        frequencies=frequencies(tx) if told else None,
        held=tuple(HeldBlock(**row._mapping) for row in tx.execute(_HELD, one)),
        topics=tuple(topics_of(tx, [article.id]).get(article.id, ())),
        catalogue=tx.execute(_CATALOGUE, one).scalar() or "",
    )


def _namings(tx: Connection, digests: Sequence[str], now: datetime) -> tuple[Naming, ...]:
    parked = {row.host: row for row in tx.execute(_PARKED, {"now": now})}
    return tuple(_naming(tx, row, parked.get(host_of(url_key(row.url)))) for row in _leads(tx, digests))


def _leads(tx: Connection, digests: Sequence[str]) -> Sequence[Any]:
    return tx.execute(_LEADS, {"digests": digests}).all() if digests else []


def _naming(tx: Connection, row: Any, parked: Any) -> Naming:
    said = lead_of(row)
    when = {"source": row.source, "at": row.recorded_at}
    return Naming(
        **{name: getattr(row, name) for name in _STANDING if name != "state"},
        state=LeadState(row.state),
        title=said.title,
        published=said.published,
        id=said.id,
        indexes=tuple(tx.execute(_INDEXES, when).scalars()),
        next_poll_at=tx.execute(_NEXT_POLL, {"source": row.source}).scalar(),
        parked_until=parked.until if parked else None,
        parked_reason=parked.reason if parked else "",
    )


def _showings(tx: Connection, article_id: int) -> tuple[Showing, ...]:
    one = {"article": article_id}
    said: dict[str, list[Any]] = {}
    for row in tx.execute(_CLAIMS, one):
        said.setdefault(row.text_digest, []).append(row)
    return tuple(
        Showing(
            text_id=row.id,
            title=row.title,
            text_digest=row.text_digest,
            canonical=tuple((claim.digest, claim.url) for claim in said.get(row.text_digest, ()) if claim.url),
            has_index_id=any(not claim.url for claim in said.get(row.text_digest, ())),
        )
        for row in tx.execute(_TEXTS, one)
    )


def _left_out(tx: Connection, article_id: int) -> LeftOut:
    row = tx.execute(_SHOWN, {"article": article_id}).one()
    believed = {"text_id": row.id, "at": row.fetched_at}
    source = tx.execute(_READ_FOR, believed).scalar() or row.source
    version = {"source": source, "version": row.hints_version}
    return LeftOut(
        source=source,
        version=row.hints_version,
        made_at=tx.execute(_MADE_AT, version).scalar(),
        paragraphs=tuple(paragraph for _, paragraph in json.loads(row.dropped)) if row.dropped else (),
    )


def _relatives(tx: Connection, article_id: int) -> Iterator[Relative]:
    mine = tx.execute(_MINE, {"article": article_id}).one()
    alike: Mapping[str, Any] = {row.other: row for row in tx.execute(_ALIKE, {"digest": mine.text_digest})}
    digests = [*alike, mine.text_digest] if mine.text_digest != _NO_WORDS else []
    values = {"article": article_id, "original": mine.copy_of, "digests": digests}
    for row in tx.execute(_RELATED, values):
        found = alike.get(row.text_digest)
        is_same = row.text_digest == mine.text_digest
        kind = "same" if is_same else found.kind if found else ""
        yield Relative(
            **{name: getattr(row, name) for name in _RELATIVE},
            similarity=1.0 if is_same else found.similarity if found else None,
            kind=kind,
        )


def _sources() -> CTE:
    """The sources that have leads, each found in the index behind the one before it."""
    first = select(func.min(leads.c.source).label("source")).cte("sources", recursive=True)
    following = select(func.min(leads.c.source)).where(leads.c.source > first.c.source).scalar_subquery()
    return first.union_all(select(following).where(first.c.source.is_not(None)))


_STANDING = ("source", "url", "key", "recorded_at", "state", "reason", "attempts", "due_at", "ended_at", "again")
_LEADS = (
    select(*[leads.c[name] for name in _STANDING], leads.c.said)
    .where(leads.c.source.in_(select(_sources().c.source)), leads.c.key.in_(bindparam("digests", expanding=True)))
    .order_by(leads.c.recorded_at, leads.c.id)
)
_INDEXES = (
    select(polls.c.endpoint)
    .where(
        polls.c.source == bindparam("source"),
        polls.c.started_at <= bindparam("at"),
        polls.c.ended_at >= bindparam("at"),
        polls.c.new > 0,
    )
    .order_by(polls.c.id)
)
_NEXT_POLL = select(calendar.c.next_poll_at).where(calendar.c.source == bindparam("source"))
_PARKED = select(parked_hosts).where(parked_hosts.c.until > bindparam("now"))
_CLAIMING = (
    select(claims.c.article_id)
    .distinct()
    .where(claims.c.digest == bindparam("digest"), claims.c.url != "")
    .order_by(claims.c.article_id)
)
_JOINED = select(merged.c.id).where(merged.c.article_id == bindparam("article")).order_by(merged.c.id)
_CLAIMS = select(claims.c.digest, claims.c.text_digest, claims.c.url).where(
    claims.c.article_id == bindparam("article"), claims.c.text_digest != ""
)
_TEXTS = (
    select(texts.c.id, texts.c.title, texts.c.text_digest)
    .where(texts.c.article_id == bindparam("article"))
    .order_by(texts.c.id)
)
_SHOWN = (
    select(texts.c.id, texts.c.fetched_at, texts.c.hints_version, texts.c.dropped, articles.c.source)
    .join(revisions, revisions.c.text_id == texts.c.id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
)
_READ_FOR = (
    select(sightings.c.source)
    .join(texts, texts.c.id == sightings.c.text_id)
    .where(texts.c.id == bindparam("text_id"), sightings.c.article_id == texts.c.article_id)
    .where(sightings.c.fetched_at == bindparam("at"))
    .order_by(sightings.c.id)
    .limit(1)
)
_MADE_AT = select(source_hints.c.made_at).where(
    source_hints.c.source == bindparam("source"), source_hints.c.version == bindparam("version")
)
_MINE = select(articles.c.text_digest, articles.c.copy_of).where(articles.c.id == bindparam("article"))
_ALIKE = select(likenesses.c.other, likenesses.c.similarity, likenesses.c.kind).where(
    likenesses.c.one == bindparam("digest")
)
_RELATIVE = ("id", "url", "source", "title", "copy_of", "reason", "published", "told_at")
_RELATED = (
    select(*[articles.c[name] for name in _RELATIVE if name != "told_at"], TOLD_AT, articles.c.text_digest)
    .where(
        articles.c.id != bindparam("article"),
        or_(
            articles.c.copy_of == bindparam("article"),
            articles.c.id == bindparam("original"),
            articles.c.text_digest.in_(bindparam("digests", expanding=True)),
        ),
    )
    .order_by(articles.c.dated, articles.c.key)
    .limit(MOST_RELATIVES)
)
_counted = changed_blocks.alias("counted")
_HELD = (
    select(
        held_blocks.c.source,
        held_blocks.c.words,
        held_blocks.c.held_at,
        select(func.count())
        .where(_counted.c.source == held_blocks.c.source, _counted.c.block == held_blocks.c.block)
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
_CATALOGUE = select(topic_readings.c.catalogue).where(topic_readings.c.article_id == bindparam("article"))
