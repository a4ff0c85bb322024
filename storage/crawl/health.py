"""What tells how a source is: when it named something new, what was read of it, how its polls went; and what was found.

A Past is what lies in the archive of one source, a Condition what was concluded of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from storage.crawl import polls as calendar
from storage.db.statements import upserts
from storage.db.tables import articles, conditions, leads, polls, turns
from storage.model.crawl import WELL, Appointment, Endpoint, LeadState, Poll

MOST_TIMES, MOST_READINGS, MOST_TRIED, MOST_POLLS = 20_000, 600, 60, 200
MOST_TURNS = 5_000
_PAST = timedelta(days=500)
_UNKNOWN = ("", "[]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one article: the words of its text, and whether a title, a date and an author were found.

    `at` is when it was first read (POSIX seconds).
    """

    id: int
    at: float
    words: int
    title: bool
    date: bool
    author: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of one of the latest pages that a source named: a lead's `state`, and why."""

    at: datetime
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of a source. `times` are when it published what it named (POSIX seconds, sorted).

    Of what bears no date, that is when it was first named; `dated` are those that bear one. `readings` are its latest
    articles, in the order in which they were read, `tried` its latest pages and `polls` its latest polls, the newest
    first.
    """

    source: str
    times: tuple[float, ...] = ()
    dated: tuple[float, ...] = ()
    readings: tuple[Reading, ...] = ()
    tried: tuple[Tried, ...] = ()
    polls: tuple[Poll, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def times_by_date(self) -> tuple[float, ...]:
        """Those that bear a date, where most do: a sitemap may name what is old and undated by the thousand."""
        return self.dated if len(self.dated) >= len(self.times) / 2 else self.times


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a source is `since` when; `findings` say why, as JSON. `told` is the state that its operator knows of."""

    source: str
    state: str
    since: datetime
    checked_at: datetime
    findings: str = "[]"
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a source came into a state; `home` is the address of its front page, `findings` say why, as JSON."""

    id: int = 0
    source: str
    home: str
    state: str
    at: datetime
    findings: str = "[]"


def past_of(tx: Connection, source: str, now: datetime) -> Past:
    """All that tells how a source is."""
    one = {"source": source}
    named = tx.execute(_NAMED, one | {"begin": now - _PAST}).all()
    read = tx.execute(_READ, one).all()
    tried = tx.execute(_TRIED, one)
    asked = tx.execute(_POLLS, one)
    dated = [min(row.published, row.recorded_at).timestamp() for row in named if row.published]
    undated = [row.recorded_at.timestamp() for row in named if not row.published]
    return Past(
        source=source,
        times=tuple(sorted(dated + undated)),
        dated=tuple(sorted(dated)),
        readings=tuple(
            Reading(
                id=row.id,
                at=row.first_seen.timestamp(),
                words=row.words,
                title=bool(row.title),
                date=bool(row.published or row.published_date),
                author=row.authors not in _UNKNOWN,
            )
            for row in sorted(read, key=lambda row: (row.first_seen, row.id))
        ),
        tried=tuple(Tried(**row._mapping) for row in tried),
        polls=tuple(Poll(**row._mapping) for row in asked),
        appointments=tuple(calendar.appointments_of(tx, source)),
        endpoints=tuple(calendar.endpoints_of(tx, source)),
    )


def conditions_of(tx: Connection) -> dict[str, Condition]:
    """What was last found of every source."""
    return {row.source: Condition(**row._mapping) for row in tx.execute(_CONDITIONS)}


def keep_condition(tx: Connection, condition: Condition) -> None:
    """Put down what was found of a source; what its operator knows stays as it is."""
    values = {field.name: getattr(condition, field.name) for field in fields(Condition)}
    tx.execute(_KEEP[tx.dialect.name], values)


def told_of(tx: Connection, source: str, state: str) -> None:
    """The operator knows of a source's state."""
    tx.execute(_TOLD, {"of": source, "state_told": state})


def note_turn(tx: Connection, turn: Turn) -> None:
    """Write down that a source came into a state; of all that was ever written down the latest stay."""
    values = {field.name: getattr(turn, field.name) for field in fields(Turn) if field.name != "id"}
    tx.execute(insert(turns), values)
    tx.execute(_THIN_OUT, {"most": MOST_TURNS})


def turns_of(tx: Connection, most: int) -> list[Turn]:
    """The latest turns of all sources, newest first."""
    return [Turn(**row._mapping) for row in tx.execute(_TURNS, {"most": most})]


def last_turns(tx: Connection) -> dict[str, str]:
    """The state that every source came into last."""
    return {row.source: row.state for row in tx.execute(_LAST_TURNS)}


def last_well(tx: Connection, source: str) -> datetime | None:
    """When an index of a source was last read well."""
    found: datetime | None = tx.execute(_LAST_WELL, {"source": source}).scalar()
    return found


_NAMED = (
    select(leads.c.published, leads.c.recorded_at)
    .where(leads.c.source == bindparam("source"), leads.c.recorded_at > bindparam("begin"))
    .order_by(leads.c.recorded_at.desc())
    .limit(MOST_TIMES)
)
_READ = (
    select(
        articles.c.id, articles.c.first_seen, articles.c.words, articles.c.title, articles.c.published,
        articles.c.published_date, articles.c.authors,
    )
    .where(articles.c.source == bindparam("source"))
    .order_by(articles.c.dated.desc(), articles.c.id.desc())
    .limit(MOST_READINGS)
)  # fmt: skip
_TRIED = (
    select(leads.c.recorded_at.label("at"), leads.c.state, leads.c.reason)
    .where(
        leads.c.source == bindparam("source"),
        leads.c.state.in_([LeadState.KEPT, LeadState.REFUSED, LeadState.RETRY]),
    )
    .order_by(leads.c.recorded_at.desc(), leads.c.id.desc())
    .limit(MOST_TRIED)
)
_POLLS = (
    select(*[polls.c[field.name] for field in fields(Poll)])
    .where(polls.c.source == bindparam("source"))
    .order_by(polls.c.id.desc())
    .limit(MOST_POLLS)
)
_LAST_WELL = (
    select(polls.c.ended_at)
    .where(polls.c.source == bindparam("source"), polls.c.outcome.in_(WELL))
    .order_by(polls.c.id.desc())
    .limit(1)
)
_TURNS = select(turns).order_by(turns.c.id.desc()).limit(bindparam("most"))
_LAST_TURNS = select(turns.c.source, turns.c.state).where(
    turns.c.id.in_(select(func.max(turns.c.id)).group_by(turns.c.source))
)
_THIN_OUT = delete(turns).where(turns.c.id <= select(func.max(turns.c.id)).scalar_subquery() - bindparam("most"))
_CONDITIONS = select(*[conditions.c[field.name] for field in fields(Condition)])
_KEEP = upserts(conditions, "source")
_TOLD = update(conditions).where(conditions.c.source == bindparam("of")).values(told=bindparam("state_told"))
