"""States of articles by token: read, unread and starred.

Articles up to the read horizon (30 days ago, or the time of the last "state all as read") are read without a row. Rows
are needed only for stars, for articles after it that were read, and for articles before it that were kept unread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import CompiledStatement, batched, upsert_statements
from storage.db.tables import articles, entry_states, merged_articles, read_horizons

READ_AFTER = timedelta(days=30)
"""Age at which articles count as read: a new token starts with the articles of one month."""
_BATCH_SIZE = 500


class EntryState(StrEnum):
    """State of an article for a token; UNREAD is stored only for articles that were marked as unread."""

    READ = "read"
    UNREAD = "unread"
    STARRED = "starred"


def resolve_ids(tx: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Map ids to article ids: a merged article's id to the remaining article. Unknown ids are omitted."""
    article_ids: dict[int, int] = {}
    for part in batched(ids, _BATCH_SIZE):
        article_ids |= {row.id: row.article_id for row in _SELECT_MERGED_IDS.all(tx, {"ids": part})}
        article_ids |= {row.id: row.id for row in _SELECT_EXISTING_IDS.all(tx, {"ids": part})}
    return article_ids


def mark_read(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    _remove_state(tx, token, EntryState.UNREAD, ids)
    _add_state(tx, token, EntryState.READ, ids, now)


def mark_unread(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Mark articles as unread, whatever their age."""
    _remove_state(tx, token, EntryState.READ, ids)
    _add_state(tx, token, EntryState.UNREAD, ids, now)


def star(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    _add_state(tx, token, EntryState.STARRED, ids, now)


def unstar(tx: Connection, token: str, ids: Collection[int]) -> None:
    _remove_state(tx, token, EntryState.STARRED, ids)


def mark_all_read(tx: Connection, token: str, until: datetime, now: datetime) -> None:
    """Mark all articles that arrived up to a time as read."""
    until = max(until, read_horizon(tx, token, now))
    tx.execute(_UPSERT_HORIZON[tx.dialect.name], {"token": token, "read_until": until})
    tx.execute(_DELETE_OLD_STATES, {"owner": token, "until": until})


def read_horizon(tx: Connection, token: str, now: datetime) -> datetime:
    """Return the time up to which articles are read unless they are marked as unread."""
    read_until: datetime | None = tx.execute(_SELECT_HORIZON, {"token": token}).scalar()
    return max(read_until, now - READ_AFTER) if read_until is not None else now - READ_AFTER


def load_states(
    tx: Connection, token: str, arrived: Mapping[int, datetime], now: datetime
) -> dict[int, frozenset[EntryState]]:
    """Return the states of articles by id; `arrived` maps the ids to times of arrival.

    Each article is either READ or UNREAD, and may be STARRED."""
    stored: dict[int, set[str]] = {article_id: set() for article_id in arrived}
    for part in batched(arrived, _BATCH_SIZE):
        for row in _SELECT_STATES.all(tx, {"token": token, "ids": part}):
            stored[row.article_id].add(row.state)
    horizon = read_horizon(tx, token, now)
    return {
        article_id: frozenset(
            [
                _read_or_unread(states, is_old=arrived[article_id] <= horizon),
                *([EntryState.STARRED] if EntryState.STARRED in states else []),
            ]
        )
        for article_id, states in stored.items()
    }


def move_states(tx: Connection, kept_id: int, merged_id: int) -> None:
    """Move the states of a merged article to the article that is kept."""
    rows = [{**row._mapping, "article_id": kept_id} for row in tx.execute(_SELECT_ARTICLE_STATES, {"other": merged_id})]
    if rows:
        tx.execute(_INSERT_STATES[tx.dialect.name], rows)
        tx.execute(_DELETE_ARTICLE_STATES, {"other": merged_id})


def delete_states(tx: Connection, token: str) -> None:
    """Delete all states of a token."""
    for table in (entry_states, read_horizons):
        tx.execute(delete(table).where(table.c.token == token))


def _read_or_unread(states: Collection[str], *, is_old: bool) -> EntryState:
    if EntryState.READ in states or (is_old and EntryState.UNREAD not in states):
        return EntryState.READ
    return EntryState.UNREAD


def _add_state(tx: Connection, token: str, state: EntryState, ids: Iterable[int], now: datetime) -> None:
    rows = [
        {"token": token, "state": state, "article_id": article_id, "set_at": now} for article_id in dict.fromkeys(ids)
    ]
    if rows:
        tx.execute(_INSERT_STATES[tx.dialect.name], rows)


def _remove_state(tx: Connection, token: str, state: EntryState, ids: Collection[int]) -> None:
    for part in batched(ids, _BATCH_SIZE):
        tx.execute(_DELETE_STATE, {"owner": token, "state": state, "ids": part})


_INSERT_STATES = {
    "sqlite": insert_sqlite(entry_states).on_conflict_do_nothing(),
    "postgresql": insert_postgres(entry_states).on_conflict_do_nothing(),
}
_UPSERT_HORIZON = upsert_statements(read_horizons, "token")
_DELETE_STATE = (
    delete(entry_states)
    .where(entry_states.c.token == bindparam("owner"), entry_states.c.state == bindparam("state"))
    .where(entry_states.c.article_id.in_(bindparam("ids", expanding=True)))
)
# Stars stay. Articles up to the horizon are read without a row.
_DELETE_OLD_STATES = delete(entry_states).where(
    entry_states.c.token == bindparam("owner"),
    entry_states.c.state.in_([EntryState.READ, EntryState.UNREAD]),
    entry_states.c.article_id.in_(select(articles.c.id).where(articles.c.first_seen <= bindparam("until"))),
)
_SELECT_HORIZON = select(read_horizons.c.read_until).where(read_horizons.c.token == bindparam("token"))
_SELECT_STATES = CompiledStatement(
    select(entry_states.c.article_id, entry_states.c.state).where(
        entry_states.c.token == bindparam("token"), entry_states.c.article_id.in_(bindparam("ids", expanding=True))
    )
)
_SELECT_EXISTING_IDS = CompiledStatement(
    select(articles.c.id).where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_SELECT_MERGED_IDS = CompiledStatement(
    select(merged_articles.c.id, merged_articles.c.article_id).where(
        merged_articles.c.id.in_(bindparam("ids", expanding=True))
    )
)
_SELECT_ARTICLE_STATES = select(entry_states.c.token, entry_states.c.state, entry_states.c.set_at).where(
    entry_states.c.article_id == bindparam("other")
)
_DELETE_ARTICLE_STATES = delete(entry_states).where(entry_states.c.article_id == bindparam("other"))
