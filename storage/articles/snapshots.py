"""The facts about articles in the database: found, added to, joined when two articles prove to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, or_, select, union_all, update

from storage.articles.derive import Alias, Look, Sighting, better_spelling
from storage.articles.observation import Observation, read_facts
from storage.articles.text_columns import echoed_of, headlines_of, variants_of
from storage.db.statements import Ready, insertion
from storage.db.tables import aliases, articles, changed_blocks, claims, looks, merged, revisions, sightings, texts
from storage.duplicates import signatures as copies
from storage.identity import key_digest, url_key
from storage.model.crawl import Looked
from storage.readers import read_state as readers
from storage.stories import membership as stories
from storage.text.clean import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was seen of one article."""

    aliases: tuple[Alias, ...]
    declared: frozenset[str]
    sightings: tuple[Sighting, ...]
    looks: tuple[Look, ...]


def matches(tx: Connection, seen: Observation) -> Mapping[int, str]:
    """The kept articles that an observation belongs to, each with the reason in words.

    It belongs to an article that was fetched at one of its addresses; to one that shares a
    canonical address with it, and the title or the text (`Observation.proofs`); and, where the
    text is the same, to one that has the same id in the same source's index.
    """
    fetched = [address.digest for address in seen.addresses]
    proofs = seen.proofs
    values = {
        "asked": fetched[0],
        "final": fetched[-1],
        "proofs": list(proofs),
        "feed_id": seen.feed_id,
        "words": seen.text_digest,
    }
    found: dict[int, str] = {}
    for row in _MATCHES.all(tx, values):
        why = "same address" if row.digest in fetched else "same id in the source's index and same text"
        found.setdefault(row.article_id, proofs.get(row.digest, why))
    return found


def add(tx: Connection, article_id: int, seen: Observation, capture_id: int | None) -> int:
    """Write down an observation of an article; returns the sighting's id, or 0 if just this was seen before."""
    known = {row.digest: row for row in _ALIASES_BY_DIGEST.all(tx, {"digests": [a.digest for a in seen.addresses]})}
    ids = []
    for address in seen.addresses:
        row = known.get(address.digest)
        if row is None:
            ids.append(_insert_alias(tx, article_id, address.digest, address.key, address.url, address.asked))
            continue
        ids.append(row.id)
        url, asked = better_spelling((address.url, address.asked), (row.url, row.asked))
        if (url, asked) != (row.url, row.asked):
            tx.execute(_RESPELL, {"alias": row.id, "url": url, "asked": asked})
    _add_claims(tx, article_id, seen)
    return _add_sighting(tx, article_id, seen, _add_text(tx, article_id, seen), ids, capture_id)


def begin(tx: Connection, article_id: int, seen: Observation, capture_id: int | None) -> None:
    """Write down the first observation of a new article, with its first revision."""
    ids = [_insert_alias(tx, article_id, a.digest, a.key, a.url, a.asked) for a in seen.addresses]
    claimed = [_claim(article_id, seen, digest, url) for digest, url in seen.claims]
    _INSERT_CLAIM.run_many(tx, claimed + [_proven(article_id, digest) for digest in seen.proofs])
    text_id = _insert_text(tx, article_id, seen)
    sighting = _insert_sighting(tx, article_id, seen, text_id, ids, capture_id)
    row = {
        "article_id": article_id,
        "number": 1,
        "look_id": None,
        "sighting_id": sighting,
        "text_id": text_id,
        "fetched_at": seen.fetched_at,
        "title": clean(seen.article.title),
        "kind": "",
        "added": 0,
        "removed": 0,
    }
    _INSERT_REVISION.run(tx, row)


def article_at(tx: Connection, digest: str) -> int | None:
    """The id of the article that was fetched at the address with a key's digest."""
    found = _ALIASES_BY_DIGEST.first(tx, {"digests": [digest]})
    return None if found is None else int(found.article_id)


def kept_id(tx: Connection, article_id: int) -> int:
    """The id itself, or of the article that it was joined to."""
    moved = tx.execute(_MOVED, {"article": article_id}).scalar()
    return article_id if moved is None else int(moved)


def holds(tx: Connection, article_id: int) -> bool:
    """Whether an article is there, or was joined to one that is."""
    return _HOLDS.first(tx, {"article": article_id}) is not None or kept_id(tx, article_id) != article_id


def add_look(tx: Connection, article_id: int, look: Looked, capture_id: int | None) -> bool:
    """Write down a look that gave no text; False where the article has no such address."""
    alias = tx.execute(_ALIAS, {"digest": key_digest(url_key(look.url)), "article": article_id}).scalar()
    if alias is None:
        return False
    values = {
        "article_id": article_id,
        "alias_id": alias,
        "looked_at": look.looked_at,
        "status": look.status,
        "outcome": look.outcome,
        "sure": look.sure,
        "reason": clean(look.reason, 1000),
        "capture_id": capture_id,
    }
    tx.execute(insert(looks), values)
    return True


def article_of(tx: Connection, sighting_id: int) -> int:
    """The id of the article that a sighting is of."""
    return int(tx.execute(_SIGHTING, {"sighting": sighting_id}).one().article_id)


def reread(tx: Connection, sighting_id: int, seen: Observation) -> None:
    """Give a sighting the text that its page is read as now; what no sighting has any more goes.

    Where that is the text that it had, it counts as read by the reader of now.
    """
    row = tx.execute(_SIGHTING, {"sighting": sighting_id}).one()
    text_id = _add_text(tx, row.article_id, seen)
    if text_id == row.text_id:
        tx.execute(_REWRITE_TEXT, {"row": text_id} | _text(seen))
        return
    tx.execute(_SEE, {"sighting": sighting_id, "text_id": text_id})
    tx.execute(_SHOW_INSTEAD, {"sighting": sighting_id, "text_id": text_id})
    tx.execute(_DROP_UNSEEN, {"text_id": row.text_id})


def of_article(tx: Connection, article_id: int) -> Facts:
    """All that was seen of an article."""
    one = {"article": article_id}
    return Facts(
        aliases=tuple(Alias(**row._mapping) for row in tx.execute(_ALIASES, one)),
        declared=frozenset(tx.execute(_DECLARED, one).scalars()),
        sightings=tuple(_sighting(row) for row in tx.execute(_SIGHTINGS, one)),
        looks=tuple(Look(**row._mapping) for row in tx.execute(_LOOKS, one)),
    )


def _sighting(row: Row[*tuple[object, ...]]) -> Sighting:
    values = {name: value for name, value in row._mapping.items() if name != "title"}
    told = {"variants": variants_of(row), "echoed": echoed_of(row), "headlines": headlines_of(row)}
    return Sighting(**values | told)


def join(tx: Connection, kept: int, other: int) -> None:
    """Two articles proved to be one: the facts of `other` become those of `kept`, its id leads there."""
    pair = {"kept": kept, "other": other}
    tx.execute(_DROP_REVISIONS, pair)
    mine = {row.digest: row for row in tx.execute(_TEXTS, {"article": kept})}
    for row in tx.execute(_TEXTS, {"article": other}).all():
        if row.digest not in mine:
            tx.execute(_MOVE_TEXT, pair | {"text_id": row.id})
            continue
        twin = mine[row.digest]
        tx.execute(_REPOINT, {"from_text": row.id, "to_text": twin.id})
        if _rank(row) > _rank(twin):
            tx.execute(_REWRITE_TEXT, {"row": twin.id} | _content(row))
        tx.execute(_DROP_TEXT, {"text_id": row.id})
    tx.execute(_DROP_CHANGED_BLOCKS, pair)
    for table in (aliases, claims, sightings, looks, merged):
        tx.execute(_MOVE[table.name], pair)
    copies.forget(tx, other)
    stories.leave(tx, other)
    stories.due(tx, tx.execute(_LINKED, pair).scalars().all())
    tx.execute(_UNLINK, pair)
    tx.execute(_EARLIER, pair)
    readers.joined(tx, kept, other)
    tx.execute(_DROP_ARTICLE, pair)
    tx.execute(insert(merged), {"id": other, "article_id": kept})


def _insert_alias(tx: Connection, article_id: int, digest: str, key: str, url: str, asked: bool) -> int:
    values = {"digest": digest, "article_id": article_id, "key": key, "url": url, "asked": asked}
    return _id(_INSERT_ALIAS.scalar(tx, values))


def _add_claims(tx: Connection, article_id: int, seen: Observation) -> None:
    for digest, url in seen.claims:
        if tx.execute(_CLAIM, {"digest": digest, "words": seen.text_digest}).first() is None:
            _INSERT_CLAIM.run(tx, _claim(article_id, seen, digest, url))
    proofs = seen.proofs
    known = set(tx.execute(_PROVEN, {"proofs": list(proofs)}).scalars())
    if fresh := [_proven(article_id, digest) for digest in proofs if digest not in known]:
        _INSERT_CLAIM.run_many(tx, fresh)


def _proven(article_id: int, digest: str) -> dict[str, object]:
    return {"digest": digest, "text_digest": "", "article_id": article_id, "url": ""}


def _claim(article_id: int, seen: Observation, digest: str, url: str) -> dict[str, object]:
    return {"digest": digest, "text_digest": seen.text_digest, "article_id": article_id, "url": url}


def _add_text(tx: Connection, article_id: int, seen: Observation) -> int:
    """A text is kept once an article; of several fetches of it one is believed, whatever their order."""
    row = tx.execute(_TEXT, {"article": article_id, "digest": seen.digest}).one_or_none()
    if row is None:
        return _insert_text(tx, article_id, seen)
    if seen.rank > _rank(row):
        tx.execute(_REWRITE_TEXT, {"row": row.id} | _text(seen))
    return int(row.id)


def _insert_text(tx: Connection, article_id: int, seen: Observation) -> int:
    values = {"article_id": article_id, "digest": seen.digest, "text_digest": seen.text_digest} | _text(seen)
    return _id(_INSERT_TEXT.scalar(tx, values))


def _text(seen: Observation) -> dict[str, object]:
    made = seen.article
    return {
        "title": made.title,
        "text": made.text,
        "html": made.html,
        "facts": seen.facts,
        "fetched_at": seen.fetched_at,
        "extractor": made.extractor,
        "hints_version": made.hints_version,
        "dropped": seen.dropped,
        "variants": seen.variants,
        "echoed": seen.echoed,
        "headlines": seen.declared,
        "wording": seen.wording,
        "stated": seen.stated,
        "judged_with": "",
    }


def _content(row: Row[*tuple[object, ...]]) -> dict[str, object]:
    return {name: getattr(row, name) for name in _CONTENT}


def _rank(row: Row[*tuple[object, ...]]) -> tuple[bool, datetime, str, str, str, str]:
    """As `Observation.rank`, of a text that is kept."""
    return read_facts(row.facts)["published"] is not None, row.fetched_at, row.facts, row.title, row.text, row.html


def _add_sighting(
    tx: Connection, article_id: int, seen: Observation, text_id: int, ids: Sequence[int], capture_id: int | None
) -> int:
    known = {
        "text_id": text_id,
        "asked": ids[0],
        "final": ids[-1],
        "twin": seen.twin,
        "source": seen.source,
        "fetched_at": seen.fetched_at,
    }
    if tx.execute(_SEEN, known).first() is not None:
        return 0
    return _insert_sighting(tx, article_id, seen, text_id, ids, capture_id)


def _insert_sighting(
    tx: Connection, article_id: int, seen: Observation, text_id: int, ids: Sequence[int], capture_id: int | None
) -> int:
    values = {
        "article_id": article_id,
        "text_id": text_id,
        "asked": ids[0],
        "final": ids[-1],
        "twin": seen.twin,
        "source": seen.source,
        "fetched_at": seen.fetched_at,
        "capture_id": capture_id,
        "etag": seen.etag,
        "last_modified": seen.last_modified,
    }
    return _id(_INSERT_SIGHTING.scalar(tx, values))


def _id(key: int | None) -> int:
    assert key is not None  # a row that was written has one
    return key


_CONTENT = (
    "title", "text", "html", "facts", "fetched_at", "extractor", "hints_version", "dropped", "variants", "echoed",
    "headlines", "wording", "stated", "judged_with",
)  # fmt: skip
_MATCHES = Ready(
    union_all(
        select(aliases.c.article_id, aliases.c.digest).where(
            or_(*[aliases.c.digest == bindparam(name) for name in ("asked", "final")])
        ),
        select(claims.c.article_id, claims.c.digest).where(
            or_(
                claims.c.digest.in_(bindparam("proofs", expanding=True)),
                (claims.c.digest == bindparam("feed_id")) & (claims.c.text_digest == bindparam("words")),
            )
        ),
    )
)
_ALIASES_BY_DIGEST = Ready(select(aliases).where(aliases.c.digest.in_(bindparam("digests", expanding=True))))
_ALIASES = select(aliases.c.id, aliases.c.digest, aliases.c.key, aliases.c.url, aliases.c.asked).where(
    aliases.c.article_id == bindparam("article")
)
_DECLARED = select(claims.c.digest).where(claims.c.article_id == bindparam("article"))
_SIGHTINGS = (
    select(
        sightings.c.id,
        sightings.c.text_id,
        texts.c.digest,
        sightings.c.asked,
        sightings.c.final,
        sightings.c.twin,
        sightings.c.source,
        sightings.c.fetched_at,
        texts.c.wording,
        texts.c.stated,
        texts.c.extractor,
        texts.c.variants,
        texts.c.echoed,
        texts.c.title,
        texts.c.headlines,
    )
    .join(texts, texts.c.id == sightings.c.text_id)
    .where(sightings.c.article_id == bindparam("article"))
)
_HOLDS = Ready(select(articles.c.id).where(articles.c.id == bindparam("article")))
_MOVED = select(merged.c.article_id).where(merged.c.id == bindparam("article"))
_ALIAS = select(aliases.c.id).where(
    aliases.c.digest == bindparam("digest"), aliases.c.article_id == bindparam("article")
)
_SIGHTING = select(sightings.c.article_id, sightings.c.text_id).where(sightings.c.id == bindparam("sighting"))
_SEE = update(sightings).where(sightings.c.id == bindparam("sighting")).values(text_id=bindparam("text_id"))
_SHOW_INSTEAD = (
    update(revisions).where(revisions.c.sighting_id == bindparam("sighting")).values(text_id=bindparam("text_id"))
)
_DROP_UNSEEN = delete(texts).where(
    texts.c.id == bindparam("text_id"),
    ~exists().where(sightings.c.text_id == texts.c.id),
    ~exists().where(revisions.c.text_id == texts.c.id),
)
_LOOKS = select(*[looks.c[field.name] for field in fields(Look)]).where(looks.c.article_id == bindparam("article"))
_SEEN = select(sightings.c.id).where(
    sightings.c.text_id == bindparam("text_id"),
    sightings.c.asked == bindparam("asked"),
    sightings.c.final == bindparam("final"),
    sightings.c.twin == bindparam("twin"),
    sightings.c.source == bindparam("source"),
    sightings.c.fetched_at == bindparam("fetched_at"),
)
_TEXTS = select(texts).where(texts.c.article_id == bindparam("article"))
_TEXT = _TEXTS.where(texts.c.digest == bindparam("digest"))
_CLAIM = select(claims.c.article_id).where(
    claims.c.digest == bindparam("digest"), claims.c.text_digest == bindparam("words")
)
_PROVEN = select(claims.c.digest).where(claims.c.digest.in_(bindparam("proofs", expanding=True)))
_INSERT_ALIAS = insertion(aliases, aliases.c.id)
_INSERT_CLAIM = insertion(claims)
_INSERT_TEXT = insertion(texts, texts.c.id)
_INSERT_SIGHTING = insertion(sightings, sightings.c.id)
_INSERT_REVISION = insertion(revisions)
_RESPELL = (
    update(aliases).where(aliases.c.id == bindparam("alias")).values(url=bindparam("url"), asked=bindparam("asked"))
)
_REWRITE_TEXT = update(texts).where(texts.c.id == bindparam("row")).values({name: bindparam(name) for name in _CONTENT})
_REPOINT = update(sightings).where(sightings.c.text_id == bindparam("from_text")).values(text_id=bindparam("to_text"))
_MOVE_TEXT = update(texts).where(texts.c.id == bindparam("text_id")).values(article_id=bindparam("kept"))
_DROP_TEXT = delete(texts).where(texts.c.id == bindparam("text_id"))
_DROP_REVISIONS = delete(revisions).where(revisions.c.article_id.in_([bindparam("kept"), bindparam("other")]))
_MOVE = {
    table.name: update(table).where(table.c.article_id == bindparam("other")).values(article_id=bindparam("kept"))
    for table in (aliases, claims, sightings, looks, merged)
}
_DROP_CHANGED_BLOCKS = delete(changed_blocks).where(changed_blocks.c.article_id == bindparam("other"))
_LINKED = select(articles.c.id).where(articles.c.copy_of == bindparam("other"))
_UNLINK = update(articles).where(articles.c.copy_of == bindparam("other")).values(copy_of=None)
_DROP_ARTICLE = delete(articles).where(articles.c.id == bindparam("other"))
_FIRST_SEEN = select(articles.c.first_seen).where(articles.c.id == bindparam("other")).scalar_subquery()
_EARLIER = (
    update(articles)
    .where(articles.c.id == bindparam("kept"), articles.c.first_seen > _FIRST_SEEN)
    .values(first_seen=_FIRST_SEEN)
)
