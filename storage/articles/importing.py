"""Articles that an export holds are brought back, with their numbers, texts, revisions, copies and stories.

What an export does not hold is absent: the captures, other addresses, and why each was decided. Facts are written as if
each state of an article had been fetched when the export says that it was first seen; what is concluded is taken from
the export as it stands, not concluded anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from storage.articles import snapshots as facts
from storage.articles.observation import Observation, article_columns, observe
from storage.articles.topics import record_topics
from storage.db.key_value import forget, note, noted
from storage.db.tables import articles, looks, revisions, sightings, texts
from storage.duplicates.links import liken
from storage.identity import key_digest, url_key
from storage.model.article import Article, Edition, Topic
from storage.model.crawl import Looked
from storage.model.page import Page
from storage.search import article_index as indexing
from storage.search import history as past
from storage.search.index.base import Entry
from storage.text.clean import clean
from storage.text.diff import Edit

_MARK = "bringing"
_REASON = "brought back from an export"
_LOOK = "withdrawn, as the export says"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An article as an export has it: what is shown of it (`article`), and its editions, oldest first.

    `past` are the texts of editions that are not shown, by their digests. `shown` is the number of the one that is.
    """

    id: int
    article: Article
    source: str
    first_seen: datetime
    shown: int
    copy_of: int | None
    withdrawn: datetime | None
    story: int | None
    topics: tuple[Topic, ...]
    catalogue: str
    editions: tuple[Edition, ...]
    past: Mapping[str, str]

    def article_of(self, edition: Edition) -> Article:
        """What was shown in an edition; with an empty text where the export does not say it."""
        if edition.digest == self.editions[self.shown - 1].digest:
            return self.article
        words = self.past.get(edition.digest, "")
        return replace(self.article, title=edition.title, text=words, html="", prepared=None, terms=b"", signature=b"")


def begin(tx: Connection) -> bool:
    """Begin to bring articles back, or go on; False where the archive holds others already."""
    if noted(tx, _MARK) is not None:
        return True
    if tx.execute(select(articles.c.id).limit(1)).first() is not None:
        return False
    note(tx, _MARK, "1")
    return True


def finish(tx: Connection, copies: Sequence[tuple[int, int]]) -> int:
    """Link copies, as (id, original), when all articles are there; returns how many have no original in the export."""
    digests = {row.id: row.text_digest for row in tx.execute(_DIGESTS)} if copies else {}
    linked = [(one, other) for one, other in copies if one in digests and other in digests]
    for one, other in linked:
        tx.execute(_LINK, {"article": one, "original": other})
        if digests[one] != digests[other]:
            liken(tx, digests[one], [(digests[other], 1.0, "near")])
    if tx.dialect.name == "postgresql":
        tx.execute(_COUNT_ON)
    forget(tx, _MARK)
    return len(copies) - len(linked)


def bring(tx: Connection, one: Brought) -> None:
    """Write an article with all that an export says of it, but whose copy it is and its story.

    Raises ValueError where its address is that of another that is there.
    """
    other = facts.article_at(tx, key_digest(url_key(one.article.url)))
    if other is not None:
        raise ValueError(f"article {one.id} has the address of article {other}")
    seen = [_seen(one, edition) for edition in one.editions]
    shown = seen[one.shown - 1]
    values = _row(one, shown)
    row = indexing.free_row(tx, values["dated"])
    authors = {"authors": one.article.authors}
    is_revised = any(edition.kind not in ("", Edit.WITHDRAWN, Edit.RESTORED) for edition in one.editions)
    names = [topic.name for topic in one.topics]
    labels = indexing.labels_of(values | authors, names, is_revised=is_revised)
    tx.execute(insert(articles), values | {"id": one.id, "search_row": row, "labels": labels})
    _write_editions(tx, one, seen)
    made = one.article
    indexing.put(tx, row, Entry(title=clean(made.title), text=clean(made.text), labels=labels, made=made.prepared))
    past.remember(tx, one.id)
    record_topics(tx, one.id, one.topics, one.catalogue)


def _seen(one: Brought, edition: Edition) -> Observation:
    page = Page(url=one.article.url, status=200, fetched_at=edition.fetched_at, source=one.source)
    return replace(observe(one.article_of(edition), page), digest=edition.digest)


def _row(one: Brought, shown: Observation) -> dict[str, Any]:
    """The columns of the article's row."""
    return article_columns(shown.facts, one.first_seen) | {
        "url": one.article.url,
        "key": url_key(one.article.url),
        "source": one.source,
        "title": one.article.title,
        "first_seen": one.first_seen,
        "revision": one.shown,
        "text_digest": shown.text_digest,
        "copy_of": None,
        "reason": _REASON,
        "withdrawn": one.withdrawn,
    }  # fmt: skip


def _write_editions(tx: Connection, one: Brought, seen: Sequence[Observation]) -> None:
    """Facts for each edition, and the revisions as they stand."""
    facts.begin(tx, one.id, seen[0], None)
    rows, sighting = [], None
    for edition, observation in zip(one.editions, seen, strict=True):
        look = None
        if edition.kind == Edit.WITHDRAWN:
            looked = Looked(
                url=one.article.url, looked_at=edition.fetched_at, status=0, outcome="missing", reason=_LOOK, sure=True
            )
            facts.add_look(tx, one.id, looked, None)
            look = tx.execute(_LAST_LOOK, {"article": one.id}).scalar()
        else:
            facts.add(tx, one.id, observation, None)
            sighting = tx.execute(
                _SIGHTED, {"article": one.id, "at": edition.fetched_at, "digest": edition.digest}
            ).one()
        assert sighting is not None  # the first edition is no withdrawal
        rows.append(
            {
                "article_id": one.id,
                "number": edition.number,
                "sighting_id": sighting.id,
                "text_id": sighting.text_id,
                "fetched_at": edition.fetched_at,
                "look_id": look,
                "title": edition.title,
                "kind": edition.kind,
                "added": edition.added,
                "removed": edition.removed,
            }
        )
    tx.execute(delete(revisions).where(revisions.c.article_id == one.id))
    tx.execute(insert(revisions), rows)


_DIGESTS = select(articles.c.id, articles.c.text_digest)
_LINK = update(articles).where(articles.c.id == bindparam("article")).values(copy_of=bindparam("original"))
_SIGHTED = (
    select(sightings.c.id, sightings.c.text_id)
    .join(texts, texts.c.id == sightings.c.text_id)
    .where(
        sightings.c.article_id == bindparam("article"),
        sightings.c.fetched_at == bindparam("at"),
        texts.c.digest == bindparam("digest"),
    )
)
_LAST_LOOK = select(func.max(looks.c.id)).where(looks.c.article_id == bindparam("article"))
# Articles that come later are numbered from there on.
_COUNT_ON = text("SELECT setval(pg_get_serial_sequence('articles', 'id'), (SELECT max(id) FROM articles))")
