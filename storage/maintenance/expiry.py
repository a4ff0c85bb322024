"""Delete articles that exceed the retention age, with everything that is stored about them.

Two things remain: the captured pages in the WARC files, which have a size limit of their own, and the leads, so that
the article is not fetched again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    text,
    update,
)

from storage.db.database import Database, acquire_write_lock
from storage.db.key_value import get_value, set_value
from storage.db.statements import batched
from storage.db.tables import (
    aliases,
    article_checks,
    articles,
    canonical_claims,
    changed_blocks,
    entry_states,
    leads,
    merged_articles,
    recent_paragraphs,
    revisions,
    revisit_schedule,
    snapshots,
    story_queue,
    texts,
)
from storage.duplicates import links
from storage.model.crawl import LeadState
from storage.quantities import FOREVER
from storage.readers.read_state import EntryState
from storage.search import article_index, history
from storage.search.index.row_ids import row_id_of
from storage.stories import membership

_ARTICLES_PER_TRANSACTION = 20
"""Articles deleted in one transaction, so that other writers wait only briefly."""
_BATCH_SIZE = 1_000
_MAX_AGE_SECONDS = 900.0 * 365.25 * 86_400
"""Upper bound of an age: a datetime minus a longer one would overflow."""
_AGES_KEY = "source_article_ages"

PROTECTED_ARTICLES = {
    "starred": exists().where(entry_states.c.article_id == articles.c.id, entry_states.c.state == EntryState.STARRED),
    "withdrawn": articles.c.withdrawn.is_not(None),
}
"""Articles that expiry and retention never delete: a condition on `articles` for each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleAges:
    """Seconds that articles are kept after their publication, or after they were first seen if that is unknown.

    `by_source` holds the ages of sources that set their own, `default` applies to all others.
    """

    default: float = FOREVER
    by_source: Mapping[str, float] = field(default_factory=dict)

    @property
    def shortest(self) -> float:
        return min([self.default, *self.by_source.values()])

    @property
    def is_unlimited(self) -> bool:
        """Return whether every article is kept forever."""
        return math.isinf(self.shortest)


def load_source_ages(tx: Connection) -> dict[str, float]:
    """Return the ages of single sources that the last deletion used."""
    stored = get_value(tx, _AGES_KEY)
    return {} if stored is None else {name: float(seconds) for name, seconds in json.loads(stored).items()}


def save_source_ages(tx: Connection, ages: Mapping[str, float]) -> None:
    set_value(tx, _AGES_KEY, json.dumps({name: str(seconds) for name, seconds in sorted(ages.items())}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredArticle:
    """An article that exceeds the retention age."""

    id: int
    source: str
    sort_time: datetime
    title: str


def find_expired(
    database: Database, ages: ArticleAges, now: datetime, *, remove_protected: Collection[str] = ()
) -> Iterator[ExpiredArticle]:
    """Yield the articles to delete, oldest first; `remove_protected` names kinds of PROTECTED_ARTICLES to include."""
    if ages.is_unlimited:
        return
    statement = _SELECT_EXPIRED.where(*_is_too_old(ages, now), *_is_not_protected(remove_protected))
    after = -1
    while True:
        with database.read() as tx:
            rows = tx.execute(statement, {"after": after}).all()
        yield from (
            ExpiredArticle(id=row.id, source=row.source, sort_time=row.sort_time, title=row.title) for row in rows
        )
        if len(rows) < _BATCH_SIZE:
            return
        after = rows[-1].search_row


def delete_expired(
    database: Database, ages: ArticleAges, now: datetime, *, remove_protected: Collection[str] = ()
) -> Iterator[int]:
    """Delete the expired articles in batches, one transaction each; yield the number deleted in each batch.

    The ages of single sources are stored for `load_source_ages`.
    """
    _save_changed_ages(database, ages)
    if ages.is_unlimited:
        return
    with database.read() as tx:
        sources = tx.execute(_SELECT_LEAD_SOURCES).scalars().all()
    for batch in batched(
        find_expired(database, ages, now, remove_protected=remove_protected), _ARTICLES_PER_TRANSACTION
    ):
        with database.write() as tx:
            acquire_write_lock(tx)
            # An article may have been starred, or have moved, since it was listed.
            still_expired = _SELECT_STILL_EXPIRED.where(*_is_too_old(ages, now), *_is_not_protected(remove_protected))
            ids = tx.execute(still_expired, {"ids": [article.id for article in batch]}).scalars().all()
            for article_id in ids:
                _unlink_article(tx, article_id)
            _expire_leads(tx, ids, sources, now)
            for statement in _DELETE_ROWS:
                tx.execute(statement, {"ids": ids})
        yield len(ids)


def _save_changed_ages(database: Database, ages: ArticleAges) -> None:
    """Skip the write if nothing changed: every write invalidates the clients' ETags."""
    with database.read() as tx:
        if load_source_ages(tx) == ages.by_source:
            return
    with database.write() as tx:
        save_source_ages(tx, ages.by_source)


def _is_too_old(ages: ArticleAges, now: datetime) -> list[ColumnElement[bool]]:
    """Conditions on `articles`; the last one lets the database use the index on search_row, which follows dates."""
    own = [
        and_(articles.c.source == source, articles.c.sort_time < _before(now, seconds))
        for source, seconds in sorted(ages.by_source.items())
        if not math.isinf(seconds)
    ]
    others = [articles.c.source.not_in(sorted(ages.by_source))] if ages.by_source else []
    default = [] if math.isinf(ages.default) else [and_(*others, articles.c.sort_time < _before(now, ages.default))]
    return [or_(*own, *default), articles.c.search_row < row_id_of(_before(now, ages.shortest))]


def _before(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=min(seconds, _MAX_AGE_SECONDS))


def _is_not_protected(remove_protected: Collection[str]) -> list[ColumnElement[bool]]:
    return [not_(condition) for kind, condition in PROTECTED_ARTICLES.items() if kind not in remove_protected]


def _unlink_article(tx: Connection, article_id: int) -> None:
    """Remove an article from the search index, the duplicates and its story."""
    article_index.remove_article(tx, article_id)
    history.remove_past_texts(tx, article_id)
    links.unlink_article(tx, article_id)
    membership.remove_member(tx, article_id)


def _expire_leads(tx: Connection, ids: Sequence[int], all_sources: Sequence[str], now: datetime) -> None:
    """Mark the leads of the deleted articles' URLs as expired, except leased ones: they end by themselves."""
    digests = tx.execute(_SELECT_URL_DIGESTS, {"ids": ids}).scalars().all()
    reason = f"removed on {now:%Y-%m-%d}: older than it is to be kept"
    for sources in batched(all_sources, _BATCH_SIZE):
        tx.execute(_EXPIRE_LEADS, {"sources": sources, "digests": digests, "why": reason, "now": now})


_SELECT_EXPIRED = (
    select(articles.c.id, articles.c.source, articles.c.sort_time, articles.c.title, articles.c.search_row)
    .where(articles.c.search_row > bindparam("after"))
    .order_by(articles.c.search_row)
    .limit(_BATCH_SIZE)
)
_SELECT_STILL_EXPIRED = (
    select(articles.c.id).where(articles.c.id.in_(bindparam("ids", expanding=True))).order_by(articles.c.id)
)
# Jumps from source to source in the index of leads instead of reading all leads.
_SELECT_LEAD_SOURCES = text(
    "WITH RECURSIVE named (source) AS (SELECT min(source) FROM leads UNION ALL"
    " SELECT (SELECT min(source) FROM leads WHERE leads.source > named.source) FROM named"
    " WHERE named.source IS NOT NULL) SELECT source FROM named WHERE source IS NOT NULL"
)
_SELECT_URL_DIGESTS = select(aliases.c.url_digest).where(aliases.c.article_id.in_(bindparam("ids", expanding=True)))
_EXPIRE_LEADS = (
    update(leads)
    .where(
        leads.c.source.in_(bindparam("sources", expanding=True)),
        leads.c.url_digest.in_(bindparam("digests", expanding=True)),
        leads.c.state.in_((LeadState.KEPT, LeadState.WAITING, LeadState.RETRY)),
    )
    .values(state=LeadState.EXPIRED, reason=bindparam("why"), due_at=None, ended_at=bindparam("now"))
)
# In this order no foreign key is violated.
_ARTICLE_TABLES = (
    revisions,
    article_checks,
    snapshots,
    texts,
    aliases,
    canonical_claims,
    changed_blocks,
    merged_articles,
    story_queue,
    revisit_schedule,
    recent_paragraphs,
    entry_states,
)
_DELETE_ROWS = [
    delete(column.table).where(column.in_(bindparam("ids", expanding=True)))
    for column in (*[table.c.article_id for table in _ARTICLE_TABLES], articles.c.id)
]
