"""What an operator reads: the state of every source, its polls, what pages became no article, and sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, bindparam, cast, func, select

from storage.crawl.health import Condition, Turn, conditions_of, turns_of
from storage.db.database import Database
from storage.db.tables import articles, calendar, captures, leads, polls, revisions
from storage.model.crawl import LeadState, Poll, SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the archive holds: counts, times, and `database_bytes`; `leads` are (state, how many) pairs."""

    articles: int
    copies: int
    revisions: int
    sources: int
    captures: int
    capture_bytes: int
    polls: int
    leads: tuple[tuple[str, int], ...]
    oldest: datetime | None
    newest: datetime | None
    last_kept: datetime | None
    database_bytes: int


class Monitor:
    """Everything that is counted of an archive and of how it is filled; each call sees one moment of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def source_states(self) -> list[SourceState]:
        """What is known of every source that was ever polled, scheduled or kept from, by name."""
        with self._database.read() as connection:
            planned = {row.source: row for row in connection.execute(select(calendar))}
            last = {row.source: row for row in connection.execute(_LAST_POLLS)}
            kept = _pairs(connection.execute(_PER_SOURCE))
            waiting = _pairs(connection.execute(_WAITING_LEADS))
        return [
            _source_state(name, planned.get(name), last.get(name), kept.get(name, 0), waiting.get(name, 0))
            for name in sorted({*planned, *last, *kept, *waiting})
        ]

    def polls(self, source: str, limit: int) -> list[Poll]:
        """The latest polls of a source, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(_POLLS, {"source": source, "most": limit})
            return [Poll(**row._mapping) for row in rows]

    def turns(self, limit: int) -> list[Turn]:
        """When sources stopped to be well, and when they were well again, newest first."""
        with self._database.read() as connection:
            return turns_of(connection, limit)

    def conditions(self) -> dict[str, Condition]:
        """What was last found of every source, by name."""
        with self._database.read() as connection:
            return conditions_of(connection)

    def verdicts(self, source: str | None = None) -> list[tuple[str, str, int]]:
        """How many pages on the tape became no article, as (source, verdict, how many): of one source, or of all.

        A page that was fetched twice counts twice; redirects, and what was kept, are not counted.
        """
        statement = _VERDICTS if source is None else _VERDICTS.where(captures.c.source == source)
        with self._database.read() as connection:
            return [(row.source, row.verdict, row.many) for row in connection.execute(statement)]

    def refused(self) -> dict[str, dict[str, int]]:
        """The same of all, by source and then by verdict."""
        found: dict[str, dict[str, int]] = {}
        for source, verdict, many in self.verdicts():
            found.setdefault(source, {})[verdict] = many
        return found

    def stats(self) -> Stats:
        """Counts and sizes of the whole archive."""
        with self._database.read() as connection:
            kept = connection.execute(_KEPT).one()
            return Stats(
                **kept._mapping,
                **connection.execute(_COUNTS).one()._mapping,
                **connection.execute(_TAPE).one()._mapping,
                leads=tuple((row.state, row.many) for row in connection.execute(_LEADS)),
                database_bytes=self._database.size(),
            )


def _pairs(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}


def _source_state(
    name: str, planned: Row[*tuple[Any, ...]] | None, last: Row[*tuple[Any, ...]] | None, kept: int, waiting: int
) -> SourceState:
    return SourceState(
        name=name,
        next_poll_at=planned.next_poll_at if planned else None,
        next_reason=planned.reason if planned else "",
        last_poll_at=last.ended_at if last else None,
        last_outcome=last.outcome if last else "",
        last_reason=last.reason if last else "",
        articles=kept,
        leads_waiting=waiting,
    )


_LAST_POLLS = select(polls.c.source, polls.c.ended_at, polls.c.outcome, polls.c.reason).where(
    polls.c.id.in_(select(func.max(polls.c.id)).group_by(polls.c.source))
)
_PER_SOURCE = select(articles.c.source, func.count()).group_by(articles.c.source)
_WAITING_LEADS = (
    select(leads.c.source, func.count())
    .where(leads.c.due_at.is_not(None), leads.c.state.in_([LeadState.WAITING, LeadState.LEASED, LeadState.RETRY]))
    .group_by(leads.c.source)
)
_POLLS = (
    select(*[polls.c[field.name] for field in fields(Poll)])
    .where(polls.c.source == bindparam("source"))
    .order_by(polls.c.id.desc())
    .limit(bindparam("most"))
)
_KEPT = select(
    func.count(articles.c.id).label("articles"),
    func.count(articles.c.copy_of).label("copies"),
    func.count(articles.c.source.distinct()).label("sources"),
    func.min(articles.c.dated).label("oldest"),
    func.max(articles.c.dated).label("newest"),
    func.max(articles.c.first_seen).label("last_kept"),
)
_COUNTS = select(
    select(func.count()).select_from(revisions).scalar_subquery().label("revisions"),
    select(func.count()).select_from(polls).scalar_subquery().label("polls"),
)
_TAPE = select(
    func.count(captures.c.id).label("captures"),
    cast(func.coalesce(func.sum(captures.c.length), 0), BigInteger).label("capture_bytes"),
)
_VERDICTS = (
    select(captures.c.source, captures.c.verdict, func.count().label("many"))
    .where(captures.c.verdict != "", ~captures.c.status.between(300, 399))
    .group_by(captures.c.source, captures.c.verdict)
    .order_by(captures.c.source, func.count().desc(), captures.c.verdict)
)
_LEADS = select(leads.c.state, func.count().label("many")).group_by(leads.c.state).order_by(leads.c.state)
