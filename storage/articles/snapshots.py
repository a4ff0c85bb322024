"""Store the snapshots and checks of articles, and merge articles that turn out to be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, or_, select, union_all, update

from storage.articles.derive import Alias, Check, Snapshot, choose_spelling
from storage.articles.lookup import kept_id
from storage.articles.observation import Observation, decode_article_json
from storage.articles.text_columns import read_differs_in_page_data, read_headlines, read_in_page_data
from storage.db.statements import CompiledStatement, insert_statement
from storage.db.tables import (
    aliases,
    article_checks,
    articles,
    canonical_claims,
    changed_blocks,
    merged_articles,
    revisions,
    snapshots,
    texts,
)
from storage.duplicates import signatures
from storage.identity import key_digest, url_key
from storage.model.crawl import CheckResult
from storage.readers import read_state
from storage.stories import membership
from storage.text.clean import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSnapshots:
    """Addresses, snapshots and checks of an article; `declared_digests` are those of its declared canonical URLs."""

    aliases: tuple[Alias, ...]
    declared_digests: frozenset[str]
    snapshots: tuple[Snapshot, ...]
    checks: tuple[Check, ...]


def find_matches(tx: Connection, seen: Observation) -> Mapping[int, str]:
    """Return the ids of the stored articles that an observation belongs to, each with the reason in words.

    An observation belongs to an article that was fetched at one of its addresses, or that shares a canonical URL and
    the title or the text with it (`Observation.proofs`), or that has the same text and the same id in the source's
    index.
    """
    fetched = [address.url_digest for address in seen.addresses]
    proofs = seen.proofs
    values = {
        "asked": fetched[0],
        "final": fetched[-1],
        "proofs": list(proofs),
        "feed_id": seen.feed_id_digest,
        "words": seen.text_digest,
    }
    reasons: dict[int, str] = {}
    for row in _SELECT_MATCHES.all(tx, values):
        reason = "same address" if row.url_digest in fetched else "same id in the source's index and same text"
        reasons.setdefault(row.article_id, proofs.get(row.url_digest, reason))
    return reasons


def insert_snapshot(tx: Connection, article_id: int, seen: Observation, capture_id: int | None) -> int:
    """Store an observation of an article; return the id of the snapshot, or 0 if the same snapshot is stored."""
    known = {
        row.url_digest: row
        for row in _SELECT_ALIASES_BY_DIGEST.all(tx, {"digests": [a.url_digest for a in seen.addresses]})
    }
    ids = []
    for address in seen.addresses:
        row = known.get(address.url_digest)
        if row is None:
            ids.append(
                _insert_alias(tx, article_id, address.url_digest, address.url_key, address.url, address.is_requested)
            )
            continue
        ids.append(row.id)
        url, asked = choose_spelling((address.url, address.is_requested), (row.url, row.is_requested))
        if (url, asked) != (row.url, row.is_requested):
            tx.execute(_UPDATE_SPELLING, {"alias": row.id, "url": url, "asked": asked})
    _add_claims(tx, article_id, seen)
    return _insert_snapshot_if_new(tx, article_id, seen, _add_text(tx, article_id, seen), ids, capture_id)


def insert_first_snapshot(tx: Connection, article_id: int, seen: Observation, capture_id: int | None) -> None:
    """Store the first observation of a new article, with its first revision."""
    ids = [_insert_alias(tx, article_id, a.url_digest, a.url_key, a.url, a.is_requested) for a in seen.addresses]
    claimed = [_claim_row(article_id, seen, digest, url) for digest, url in seen.claims]
    _INSERT_CLAIM.run_many(tx, claimed + [_proof_row(article_id, digest) for digest in seen.proofs])
    text_id = _insert_text(tx, article_id, seen)
    snapshot = _insert_snapshot_row(tx, article_id, seen, text_id, ids, capture_id)
    row = {
        "article_id": article_id,
        "number": 1,
        "check_id": None,
        "snapshot_id": snapshot,
        "text_id": text_id,
        "fetched_at": seen.fetched_at,
        "title": clean(seen.article.title),
        "kind": "",
        "added": 0,
        "removed": 0,
    }
    _INSERT_REVISION.run(tx, row)


def is_stored(tx: Connection, article_id: int) -> bool:
    """Return whether an article is stored or was merged into another."""
    return _SELECT_ARTICLE.first(tx, {"article": article_id}) is not None or kept_id(tx, article_id) != article_id


def insert_check(tx: Connection, article_id: int, check: CheckResult, capture_id: int | None) -> bool:
    """Store a request that returned no text; return False if the article has no such address."""
    alias = tx.execute(_SELECT_ALIAS, {"digest": key_digest(url_key(check.url)), "article": article_id}).scalar()
    if alias is None:
        return False
    values = {
        "article_id": article_id,
        "alias_id": alias,
        "checked_at": check.checked_at,
        "status": check.status,
        "outcome": check.outcome,
        "is_certain": check.is_certain,
        "reason": clean(check.reason, 1000),
        "capture_id": capture_id,
    }
    tx.execute(insert(article_checks), values)
    return True


def article_id_of_snapshot(tx: Connection, snapshot_id: int) -> int:
    return int(tx.execute(_SELECT_SNAPSHOT, {"snapshot": snapshot_id}).one().article_id)


def replace_text(tx: Connection, snapshot_id: int, seen: Observation) -> None:
    """Replace the text of a snapshot by a new extraction of its page, and delete a text that is no longer used.

    If the text is unchanged, its row is updated with the values of the new extraction.
    """
    row = tx.execute(_SELECT_SNAPSHOT, {"snapshot": snapshot_id}).one()
    text_id = _add_text(tx, row.article_id, seen)
    if text_id == row.text_id:
        tx.execute(_UPDATE_TEXT, {"row": text_id} | _text_values(seen))
        return
    tx.execute(_UPDATE_SNAPSHOT_TEXT, {"snapshot": snapshot_id, "text_id": text_id})
    tx.execute(_UPDATE_REVISION_TEXT, {"snapshot": snapshot_id, "text_id": text_id})
    tx.execute(_DELETE_UNUSED_TEXT, {"text_id": row.text_id})


def load_snapshots(tx: Connection, article_id: int) -> ArticleSnapshots:
    values = {"article": article_id}
    return ArticleSnapshots(
        aliases=tuple(Alias(**row._mapping) for row in tx.execute(_SELECT_ALIASES, values)),
        declared_digests=frozenset(tx.execute(_SELECT_DECLARED, values).scalars()),
        snapshots=tuple(_snapshot(row) for row in tx.execute(_SELECT_SNAPSHOTS, values)),
        checks=tuple(Check(**row._mapping) for row in tx.execute(_SELECT_CHECKS, values)),
    )


def _snapshot(row: Row[*tuple[object, ...]]) -> Snapshot:
    values = {name: value for name, value in row._mapping.items() if name != "title"}
    decoded = {
        "differs_in_page_data": read_differs_in_page_data(row),
        "in_page_data": read_in_page_data(row),
        "headlines": read_headlines(row),
    }
    return Snapshot(**values | decoded)


def merge_articles(tx: Connection, kept: int, other: int) -> None:
    """Merge article `other` into `kept`: move its snapshots, aliases and checks, and redirect its id."""
    pair = {"kept": kept, "other": other}
    tx.execute(_DELETE_REVISIONS, pair)
    kept_texts = {row.digest: row for row in tx.execute(_SELECT_TEXTS, {"article": kept})}
    for row in tx.execute(_SELECT_TEXTS, {"article": other}).all():
        if row.digest not in kept_texts:
            tx.execute(_MOVE_TEXT, pair | {"text_id": row.id})
            continue
        same_text = kept_texts[row.digest]
        tx.execute(_REPLACE_SNAPSHOT_TEXT, {"from_text": row.id, "to_text": same_text.id})
        if _stored_rank(row) > _stored_rank(same_text):
            tx.execute(_UPDATE_TEXT, {"row": same_text.id} | _stored_text_values(row))
        tx.execute(_DELETE_TEXT, {"text_id": row.id})
    tx.execute(_DELETE_CHANGED_BLOCKS, pair)
    for table in (aliases, canonical_claims, snapshots, article_checks, merged_articles):
        tx.execute(_MOVE_ROWS[table.name], pair)
    signatures.remove_signature(tx, other)
    membership.remove_member(tx, other)
    membership.queue_recompute(tx, tx.execute(_SELECT_COPIES, pair).scalars().all())
    tx.execute(_UNLINK_COPIES, pair)
    tx.execute(_UPDATE_FIRST_SEEN, pair)
    read_state.move_states(tx, kept, other)
    tx.execute(_DELETE_ARTICLE, pair)
    tx.execute(insert(merged_articles), {"id": other, "article_id": kept})


def _insert_alias(tx: Connection, article_id: int, digest: str, key: str, url: str, asked: bool) -> int:
    values = {"url_digest": digest, "article_id": article_id, "url_key": key, "url": url, "is_requested": asked}
    return _require_id(_INSERT_ALIAS.scalar(tx, values))


def _add_claims(tx: Connection, article_id: int, seen: Observation) -> None:
    for digest, url in seen.claims:
        if tx.execute(_SELECT_CLAIM, {"digest": digest, "words": seen.text_digest}).first() is None:
            _INSERT_CLAIM.run(tx, _claim_row(article_id, seen, digest, url))
    proofs = seen.proofs
    known = set(tx.execute(_SELECT_PROOFS, {"proofs": list(proofs)}).scalars())
    if fresh := [_proof_row(article_id, digest) for digest in proofs if digest not in known]:
        _INSERT_CLAIM.run_many(tx, fresh)


def _proof_row(article_id: int, digest: str) -> dict[str, object]:
    return {"url_digest": digest, "text_digest": "", "article_id": article_id, "url": ""}


def _claim_row(article_id: int, seen: Observation, digest: str, url: str) -> dict[str, object]:
    return {"url_digest": digest, "text_digest": seen.text_digest, "article_id": article_id, "url": url}


def _add_text(tx: Connection, article_id: int, seen: Observation) -> int:
    """Store a text once per article, with the metadata of the fetch of greatest rank; return the id of the text."""
    row = tx.execute(_SELECT_TEXT, {"article": article_id, "digest": seen.digest}).one_or_none()
    if row is None:
        return _insert_text(tx, article_id, seen)
    if seen.rank > _stored_rank(row):
        tx.execute(_UPDATE_TEXT, {"row": row.id} | _text_values(seen))
    return int(row.id)


def _insert_text(tx: Connection, article_id: int, seen: Observation) -> int:
    values = {"article_id": article_id, "digest": seen.digest, "text_digest": seen.text_digest} | _text_values(seen)
    return _require_id(_INSERT_TEXT.scalar(tx, values))


def _text_values(seen: Observation) -> dict[str, object]:
    article = seen.article
    return {
        "title": article.title,
        "text": article.text,
        "html": article.html,
        "article_json": seen.article_json,
        "fetched_at": seen.fetched_at,
        "extractor": article.extractor,
        "boilerplate_version": article.boilerplate_version,
        "removed_boilerplate": seen.removed_boilerplate,
        "differs_in_page_data": seen.differs_in_page_data,
        "in_page_data": seen.in_page_data,
        "headlines": seen.headlines_json,
        "comparable_digest": seen.comparable_digest,
        "page_data_digest": seen.page_data_digest,
        "held_blocks_tag": "",
    }


def _stored_text_values(row: Row[*tuple[object, ...]]) -> dict[str, object]:
    return {name: getattr(row, name) for name in _TEXT_COLUMNS}


def _stored_rank(row: Row[*tuple[object, ...]]) -> tuple[bool, datetime, str, str, str, str]:
    """Return the `Observation.rank` of a stored text."""
    return (
        decode_article_json(row.article_json)["published"] is not None,
        row.fetched_at,
        row.article_json,
        row.title,
        row.text,
        row.html,
    )


def _insert_snapshot_if_new(
    tx: Connection, article_id: int, seen: Observation, text_id: int, ids: Sequence[int], capture_id: int | None
) -> int:
    known = {
        "text_id": text_id,
        "requested_alias_id": ids[0],
        "final_alias_id": ids[-1],
        "variant_key": seen.variant_key,
        "source": seen.source,
        "fetched_at": seen.fetched_at,
    }
    if tx.execute(_SELECT_SAME_SNAPSHOT, known).first() is not None:
        return 0
    return _insert_snapshot_row(tx, article_id, seen, text_id, ids, capture_id)


def _insert_snapshot_row(
    tx: Connection, article_id: int, seen: Observation, text_id: int, ids: Sequence[int], capture_id: int | None
) -> int:
    values = {
        "article_id": article_id,
        "text_id": text_id,
        "requested_alias_id": ids[0],
        "final_alias_id": ids[-1],
        "variant_key": seen.variant_key,
        "source": seen.source,
        "fetched_at": seen.fetched_at,
        "capture_id": capture_id,
        "etag": seen.etag,
        "last_modified": seen.last_modified,
    }
    return _require_id(_INSERT_SNAPSHOT.scalar(tx, values))


def _require_id(key: int | None) -> int:
    assert key is not None  # a written row has an id
    return key


_TEXT_COLUMNS = (
    "title", "text", "html", "article_json", "fetched_at", "extractor", "boilerplate_version", "removed_boilerplate",
    "differs_in_page_data", "in_page_data", "headlines", "comparable_digest", "page_data_digest", "held_blocks_tag",
)  # fmt: skip
_SELECT_MATCHES = CompiledStatement(
    union_all(
        select(aliases.c.article_id, aliases.c.url_digest).where(
            or_(*[aliases.c.url_digest == bindparam(name) for name in ("asked", "final")])
        ),
        select(canonical_claims.c.article_id, canonical_claims.c.url_digest).where(
            or_(
                canonical_claims.c.url_digest.in_(bindparam("proofs", expanding=True)),
                (canonical_claims.c.url_digest == bindparam("feed_id"))
                & (canonical_claims.c.text_digest == bindparam("words")),
            )
        ),
    )
)
_SELECT_ALIASES_BY_DIGEST = CompiledStatement(
    select(aliases).where(aliases.c.url_digest.in_(bindparam("digests", expanding=True)))
)
_SELECT_ALIASES = select(
    aliases.c.id, aliases.c.url_digest, aliases.c.url_key, aliases.c.url, aliases.c.is_requested
).where(aliases.c.article_id == bindparam("article"))
_SELECT_DECLARED = select(canonical_claims.c.url_digest).where(canonical_claims.c.article_id == bindparam("article"))
_SELECT_SNAPSHOTS = (
    select(
        snapshots.c.id,
        snapshots.c.text_id,
        texts.c.digest,
        snapshots.c.requested_alias_id,
        snapshots.c.final_alias_id,
        snapshots.c.variant_key,
        snapshots.c.source,
        snapshots.c.fetched_at,
        texts.c.comparable_digest,
        texts.c.page_data_digest,
        texts.c.extractor,
        texts.c.differs_in_page_data,
        texts.c.in_page_data,
        texts.c.title,
        texts.c.headlines,
    )
    .join(texts, texts.c.id == snapshots.c.text_id)
    .where(snapshots.c.article_id == bindparam("article"))
)
_SELECT_ARTICLE = CompiledStatement(select(articles.c.id).where(articles.c.id == bindparam("article")))
_SELECT_ALIAS = select(aliases.c.id).where(
    aliases.c.url_digest == bindparam("digest"), aliases.c.article_id == bindparam("article")
)
_SELECT_SNAPSHOT = select(snapshots.c.article_id, snapshots.c.text_id).where(snapshots.c.id == bindparam("snapshot"))
_UPDATE_SNAPSHOT_TEXT = (
    update(snapshots).where(snapshots.c.id == bindparam("snapshot")).values(text_id=bindparam("text_id"))
)
_UPDATE_REVISION_TEXT = (
    update(revisions).where(revisions.c.snapshot_id == bindparam("snapshot")).values(text_id=bindparam("text_id"))
)
_DELETE_UNUSED_TEXT = delete(texts).where(
    texts.c.id == bindparam("text_id"),
    ~exists().where(snapshots.c.text_id == texts.c.id),
    ~exists().where(revisions.c.text_id == texts.c.id),
)
_SELECT_CHECKS = select(*[article_checks.c[field.name] for field in fields(Check)]).where(
    article_checks.c.article_id == bindparam("article")
)
_SELECT_SAME_SNAPSHOT = select(snapshots.c.id).where(
    snapshots.c.text_id == bindparam("text_id"),
    snapshots.c.requested_alias_id == bindparam("requested_alias_id"),
    snapshots.c.final_alias_id == bindparam("final_alias_id"),
    snapshots.c.variant_key == bindparam("variant_key"),
    snapshots.c.source == bindparam("source"),
    snapshots.c.fetched_at == bindparam("fetched_at"),
)
_SELECT_TEXTS = select(texts).where(texts.c.article_id == bindparam("article"))
_SELECT_TEXT = _SELECT_TEXTS.where(texts.c.digest == bindparam("digest"))
_SELECT_CLAIM = select(canonical_claims.c.article_id).where(
    canonical_claims.c.url_digest == bindparam("digest"), canonical_claims.c.text_digest == bindparam("words")
)
_SELECT_PROOFS = select(canonical_claims.c.url_digest).where(
    canonical_claims.c.url_digest.in_(bindparam("proofs", expanding=True))
)
_INSERT_ALIAS = insert_statement(aliases, aliases.c.id)
_INSERT_CLAIM = insert_statement(canonical_claims)
_INSERT_TEXT = insert_statement(texts, texts.c.id)
_INSERT_SNAPSHOT = insert_statement(snapshots, snapshots.c.id)
_INSERT_REVISION = insert_statement(revisions)
_UPDATE_SPELLING = (
    update(aliases)
    .where(aliases.c.id == bindparam("alias"))
    .values(url=bindparam("url"), is_requested=bindparam("asked"))
)
_UPDATE_TEXT = (
    update(texts).where(texts.c.id == bindparam("row")).values({name: bindparam(name) for name in _TEXT_COLUMNS})
)
_REPLACE_SNAPSHOT_TEXT = (
    update(snapshots).where(snapshots.c.text_id == bindparam("from_text")).values(text_id=bindparam("to_text"))
)
_MOVE_TEXT = update(texts).where(texts.c.id == bindparam("text_id")).values(article_id=bindparam("kept"))
_DELETE_TEXT = delete(texts).where(texts.c.id == bindparam("text_id"))
_DELETE_REVISIONS = delete(revisions).where(revisions.c.article_id.in_([bindparam("kept"), bindparam("other")]))
_MOVE_ROWS = {
    table.name: update(table).where(table.c.article_id == bindparam("other")).values(article_id=bindparam("kept"))
    for table in (aliases, canonical_claims, snapshots, article_checks, merged_articles)
}
_DELETE_CHANGED_BLOCKS = delete(changed_blocks).where(changed_blocks.c.article_id == bindparam("other"))
_SELECT_COPIES = select(articles.c.id).where(articles.c.copy_of == bindparam("other"))
_UNLINK_COPIES = update(articles).where(articles.c.copy_of == bindparam("other")).values(copy_of=None)
_DELETE_ARTICLE = delete(articles).where(articles.c.id == bindparam("other"))
_OTHER_FIRST_SEEN = select(articles.c.first_seen).where(articles.c.id == bindparam("other")).scalar_subquery()
_UPDATE_FIRST_SEEN = (
    update(articles)
    .where(articles.c.id == bindparam("kept"), articles.c.first_seen > _OTHER_FIRST_SEEN)
    .values(first_seen=_OTHER_FIRST_SEEN)
)
