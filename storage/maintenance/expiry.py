"""Articles that are older than they are to be kept: which those are, and how one goes with all that is known of it.

What stays of it: the pages on the tape, which have a limit of their own, and its addresses among what indexes named, so
that it is not fetched again.
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
from storage.maintenance.staying import PROTECTED
from storage.model.crawl import LeadState
from storage.quantities import FOREVER
from storage.search import article_index, history
from storage.search.index.row_ids import row_id_of
from storage.stories import membership

_ARTICLES_PER_TRANSACTION = 20
"""Articles that go in one transaction: nobody who writes waits longer than for so many."""
_BATCH_SIZE = 1_000
_MAX_AGE_SECONDS = 900.0 * 365.25 * 86_400
"""Seconds beyond which no date can be told any more."""
_AGES_KEY = "source_article_ages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleAges:
    """How many seconds articles are kept after they were published, or first seen where that is not known.

    `of` are the sources that have an age of their own, `usual` is that of all others.
    """

    default: float = FOREVER
    by_source: Mapping[str, float] = field(default_factory=dict)

    @property
    def shortest(self) -> float:
        """The least of them."""
        return min([self.default, *self.by_source.values()])

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing is ever to go."""
        return math.isinf(self.shortest)


def load_source_ages(tx: Connection) -> dict[str, float]:
    """The ages of their own that sources had when articles were last looked for that are to go."""
    said = get_value(tx, _AGES_KEY)
    return {} if said is None else {name: float(seconds) for name, seconds in json.loads(said).items()}


def save_source_ages(tx: Connection, ages: Mapping[str, float]) -> None:
    """Write down the ages that sources have of their own."""
    set_value(tx, _AGES_KEY, json.dumps({name: str(seconds) for name, seconds in sorted(ages.items())}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredArticle:
    """An article that is older than it is to be kept."""

    id: int
    source: str
    sort_time: datetime
    title: str


def find_expired(
    database: Database, ages: ArticleAges, now: datetime, *, remove_protected: Collection[str] = ()
) -> Iterator[ExpiredArticle]:
    """The articles that are to go, oldest first; of what `STAYS` the kinds that `even` names."""
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
    """Remove the articles that are to go; gives how many went with each step. A step is whole or not at all.

    The ages of single sources are remembered from then on.
    """
    _save_changed_ages(database, ages)
    if ages.is_unlimited:
        return
    with database.read() as tx:
        named = tx.execute(_SELECT_LEAD_SOURCES).scalars().all()
    for some in batched(
        find_expired(database, ages, now, remove_protected=remove_protected), _ARTICLES_PER_TRANSACTION
    ):
        with database.write() as tx:
            acquire_write_lock(tx)
            # An article may have been starred, or have moved, since it was listed.
            wanted = _SELECT_STILL_EXPIRED.where(*_is_too_old(ages, now), *_is_not_protected(remove_protected))
            ids = tx.execute(wanted, {"ids": [one.id for one in some]}).scalars().all()
            for article_id in ids:
                _unlink_article(tx, article_id)
            _expire_leads(tx, ids, named, now)
            for statement in _DELETE_ROWS:
                tx.execute(statement, {"ids": ids})
        yield len(ids)


def _save_changed_ages(database: Database, keeping: ArticleAges) -> None:
    """Nothing is written where nothing is new: whoever has read the archive would read it again."""
    with database.read() as tx:
        if load_source_ages(tx) == keeping.by_source:
            return
    with database.write() as tx:
        save_source_ages(tx, keeping.by_source)


def _is_too_old(keeping: ArticleAges, now: datetime) -> list[ColumnElement[bool]]:
    """The last bound is what the search for them goes by: articles lie in the order of their dates."""
    own = [
        and_(articles.c.source == source, articles.c.sort_time < _before(now, seconds))
        for source, seconds in sorted(keeping.by_source.items())
        if not math.isinf(seconds)
    ]
    others = [articles.c.source.not_in(sorted(keeping.by_source))] if keeping.by_source else []
    usual = [] if math.isinf(keeping.default) else [and_(*others, articles.c.sort_time < _before(now, keeping.default))]
    return [or_(*own, *usual), articles.c.search_row < row_id_of(_before(now, keeping.shortest))]


def _before(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=min(seconds, _MAX_AGE_SECONDS))


def _is_not_protected(even: Collection[str]) -> list[ColumnElement[bool]]:
    return [not_(condition) for kind, condition in PROTECTED.items() if kind not in even]


def _unlink_article(tx: Connection, article_id: int) -> None:
    """Let nothing be found by an article any more: in the index, among the copies, in its story."""
    article_index.remove_article(tx, article_id)
    history.remove_past_texts(tx, article_id)
    links.unlink_article(tx, article_id)
    membership.remove_member(tx, article_id)


def _expire_leads(tx: Connection, ids: Sequence[int], named: Sequence[str], now: datetime) -> None:
    """What was named at an article's addresses is not fetched again; a lease that runs comes to its own end."""
    digests = tx.execute(_SELECT_URL_DIGESTS, {"ids": ids}).scalars().all()
    reason = f"removed on {now:%Y-%m-%d}: older than it is to be kept"
    for sources in batched(named, _BATCH_SIZE):
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
# Each source by a look into an index of all leads, instead of all of them read.
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
# In the order in which nothing that is left points to what has gone.
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
