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

from storage.db.database import Database, write_lock
from storage.db.key_value import note, noted
from storage.db.statements import parts
from storage.db.tables import (
    aliases,
    articles,
    changed_blocks,
    claims,
    leads,
    looks,
    marks,
    merged,
    next_looks,
    paragraph_windows,
    revisions,
    sightings,
    story_due,
    texts,
)
from storage.duplicates import links
from storage.maintenance.staying import STAYS
from storage.model.crawl import LeadState
from storage.quantities import FOREVER
from storage.search import article_index as indexing
from storage.search import history as past
from storage.search.index.row_ids import row_of
from storage.stories import membership as stories

_AT_ONCE = 20
"""Articles that go in one transaction: nobody who writes waits longer than for so many."""
_LISTED = 1_000
_LONGEST = 900.0 * 365.25 * 86_400
"""Seconds beyond which no date can be told any more."""
_MARK = "keeping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How many seconds articles are kept after they were published, or first seen where that is not known.

    `of` are the sources that have an age of their own, `usual` is that of all others.
    """

    usual: float = FOREVER
    of: Mapping[str, float] = field(default_factory=dict)

    @property
    def shortest(self) -> float:
        """The least of them."""
        return min([self.usual, *self.of.values()])

    @property
    def is_forever(self) -> bool:
        """Whether nothing is ever to go."""
        return math.isinf(self.shortest)


def remembered(tx: Connection) -> dict[str, float]:
    """The ages of their own that sources had when articles were last looked for that are to go."""
    said = noted(tx, _MARK)
    return {} if said is None else {name: float(seconds) for name, seconds in json.loads(said).items()}


def remember(tx: Connection, ages: Mapping[str, float]) -> None:
    """Write down the ages that sources have of their own."""
    note(tx, _MARK, json.dumps({name: str(seconds) for name, seconds in sorted(ages.items())}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """An article that is older than it is to be kept."""

    id: int
    source: str
    dated: datetime
    title: str


def expired(database: Database, keeping: Keeping, now: datetime, *, even: Collection[str] = ()) -> Iterator[Expired]:
    """The articles that are to go, oldest first; of what `STAYS` the kinds that `even` names."""
    if keeping.is_forever:
        return
    statement = _EXPIRED.where(*_too_old(keeping, now), *_not_staying(even))
    after = -1
    while True:
        with database.read() as tx:
            rows = tx.execute(statement, {"after": after}).all()
        yield from (Expired(id=row.id, source=row.source, dated=row.dated, title=row.title) for row in rows)
        if len(rows) < _LISTED:
            return
        after = rows[-1].search_row


def let_go(database: Database, keeping: Keeping, now: datetime, *, even: Collection[str] = ()) -> Iterator[int]:
    """Remove the articles that are to go; gives how many went with each step. A step is whole or not at all.

    The ages of single sources are remembered from then on.
    """
    _remember(database, keeping)
    if keeping.is_forever:
        return
    with database.read() as tx:
        named = tx.execute(_NAMING).scalars().all()
    for some in parts(expired(database, keeping, now, even=even), _AT_ONCE):
        with database.write() as tx:
            write_lock(tx)
            # An article may have been starred, or have moved, since it was listed.
            wanted = _STILL.where(*_too_old(keeping, now), *_not_staying(even))
            ids = tx.execute(wanted, {"ids": [one.id for one in some]}).scalars().all()
            for article_id in ids:
                _take_apart(tx, article_id)
            _end_leads(tx, ids, named, now)
            for statement in _ROWS:
                tx.execute(statement, {"ids": ids})
        yield len(ids)


def _remember(database: Database, keeping: Keeping) -> None:
    """Nothing is written where nothing is new: whoever has read the archive would read it again."""
    with database.read() as tx:
        if remembered(tx) == keeping.of:
            return
    with database.write() as tx:
        remember(tx, keeping.of)


def _too_old(keeping: Keeping, now: datetime) -> list[ColumnElement[bool]]:
    """The last bound is what the search for them goes by: articles lie in the order of their dates."""
    own = [
        and_(articles.c.source == source, articles.c.dated < _before(now, seconds))
        for source, seconds in sorted(keeping.of.items())
        if not math.isinf(seconds)
    ]
    others = [articles.c.source.not_in(sorted(keeping.of))] if keeping.of else []
    usual = [] if math.isinf(keeping.usual) else [and_(*others, articles.c.dated < _before(now, keeping.usual))]
    return [or_(*own, *usual), articles.c.search_row < row_of(_before(now, keeping.shortest))]


def _before(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=min(seconds, _LONGEST))


def _not_staying(even: Collection[str]) -> list[ColumnElement[bool]]:
    return [not_(condition) for kind, condition in STAYS.items() if kind not in even]


def _take_apart(tx: Connection, article_id: int) -> None:
    """Let nothing be found by an article any more: in the index, among the copies, in its story."""
    indexing.remove(tx, article_id)
    past.forget(tx, article_id)
    links.leave(tx, article_id)
    stories.leave(tx, article_id)


def _end_leads(tx: Connection, ids: Sequence[int], named: Sequence[str], now: datetime) -> None:
    """What was named at an article's addresses is not fetched again; a lease that runs comes to its own end."""
    digests = tx.execute(_DIGESTS, {"ids": ids}).scalars().all()
    reason = f"removed on {now:%Y-%m-%d}: older than it is to be kept"
    for sources in parts(named, _LISTED):
        tx.execute(_END_LEADS, {"sources": sources, "digests": digests, "why": reason, "now": now})


_EXPIRED = (
    select(articles.c.id, articles.c.source, articles.c.dated, articles.c.title, articles.c.search_row)
    .where(articles.c.search_row > bindparam("after"))
    .order_by(articles.c.search_row)
    .limit(_LISTED)
)
_STILL = select(articles.c.id).where(articles.c.id.in_(bindparam("ids", expanding=True))).order_by(articles.c.id)
# Each source by a look into an index of all leads, instead of all of them read.
_NAMING = text(
    "WITH RECURSIVE named (source) AS (SELECT min(source) FROM leads UNION ALL"
    " SELECT (SELECT min(source) FROM leads WHERE leads.source > named.source) FROM named"
    " WHERE named.source IS NOT NULL) SELECT source FROM named WHERE source IS NOT NULL"
)
_DIGESTS = select(aliases.c.digest).where(aliases.c.article_id.in_(bindparam("ids", expanding=True)))
_END_LEADS = (
    update(leads)
    .where(
        leads.c.source.in_(bindparam("sources", expanding=True)),
        leads.c.key.in_(bindparam("digests", expanding=True)),
        leads.c.state.in_((LeadState.KEPT, LeadState.WAITING, LeadState.RETRY)),
    )
    .values(state=LeadState.EXPIRED, reason=bindparam("why"), due_at=None, ended_at=bindparam("now"))
)
# In the order in which nothing that is left points to what has gone.
_OF_ARTICLES = (
    revisions, looks, sightings, texts, aliases, claims, changed_blocks, merged, story_due, next_looks,
    paragraph_windows, marks,
)  # fmt: skip
_ROWS = [
    delete(column.table).where(column.in_(bindparam("ids", expanding=True)))
    for column in (*[table.c.article_id for table in _OF_ARTICLES], articles.c.id)
]
