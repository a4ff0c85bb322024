"""What readers keep: which articles each token's owner has read, left unread and starred.

What arrived long ago, or up to where all was marked as read, is read without a row of its own: a reader of a large
archive has marks of what was read lately, and of what was kept unread.
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
"""What arrived longer ago is read: who begins to read an archive of years has a month before them."""
_BATCH_SIZE = 500


class EntryState(StrEnum):
    """What a reader says of an article. `unread` is kept only of what would else be read."""

    READ = "read"
    UNREAD = "unread"
    STARRED = "starred"


def resolve_ids(tx: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each id the article that it leads to, which may be another that it was joined to; others are left out."""
    found: dict[int, int] = {}
    for part in batched(ids, _BATCH_SIZE):
        found |= {row.id: row.article_id for row in _SELECT_MERGED_IDS.all(tx, {"ids": part})}
        found |= {row.id: row.id for row in _SELECT_EXISTING_IDS.all(tx, {"ids": part})}
    return found


def mark_read(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are read."""
    _remove_state(tx, token, EntryState.UNREAD, ids)
    _add_state(tx, token, EntryState.READ, ids, now)


def mark_unread(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are unread, however old they are."""
    _remove_state(tx, token, EntryState.READ, ids)
    _add_state(tx, token, EntryState.UNREAD, ids, now)


def star(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are starred."""
    _add_state(tx, token, EntryState.STARRED, ids, now)


def unstar(tx: Connection, token: str, ids: Collection[int]) -> None:
    """Some articles are starred no more."""
    _remove_state(tx, token, EntryState.STARRED, ids)


def mark_all_read(tx: Connection, token: str, until: datetime, now: datetime) -> None:
    """Everything that arrived up to a time is read."""
    until = max(until, read_horizon(tx, token, now))
    tx.execute(_UPSERT_HORIZON[tx.dialect.name], {"token": token, "read_until": until})
    tx.execute(_DELETE_OLD_STATES, {"who": token, "upto": until})


def read_horizon(tx: Connection, token: str, now: datetime) -> datetime:
    """Up to when what arrived is read, but for what is marked as unread."""
    upto: datetime | None = tx.execute(_SELECT_HORIZON, {"token": token}).scalar()
    return max(upto, now - READ_AFTER) if upto is not None else now - READ_AFTER


def load_states(
    tx: Connection, token: str, arrived: Mapping[int, datetime], now: datetime
) -> dict[int, frozenset[EntryState]]:
    """What a reader says of some articles, given by id with when they arrived: read or unread, and whether starred."""
    said: dict[int, set[str]] = {article_id: set() for article_id in arrived}
    for part in batched(arrived, _BATCH_SIZE):
        for row in _SELECT_STATES.all(tx, {"token": token, "ids": part}):
            said[row.article_id].add(row.state)
    upto = read_horizon(tx, token, now)
    return {
        article_id: frozenset(
            [
                _read_or_unread(found, is_old=arrived[article_id] <= upto),
                *([EntryState.STARRED] if EntryState.STARRED in found else []),
            ]
        )
        for article_id, found in said.items()
    }


def move_states(tx: Connection, kept_id: int, merged_id: int) -> None:
    """Two articles proved to be one: what was said of the other is said of the one that is kept."""
    said = [{**row._mapping, "article_id": kept_id} for row in tx.execute(_SELECT_ARTICLE_STATES, {"other": merged_id})]
    if said:
        tx.execute(_INSERT_STATES[tx.dialect.name], said)
        tx.execute(_DELETE_ARTICLE_STATES, {"other": merged_id})


def delete_states(tx: Connection, token: str) -> None:
    """Keep nothing of what was read with a token."""
    for table in (entry_states, read_horizons):
        tx.execute(delete(table).where(table.c.token == token))


def _read_or_unread(said: Collection[str], *, is_old: bool) -> EntryState:
    if EntryState.READ in said or (is_old and EntryState.UNREAD not in said):
        return EntryState.READ
    return EntryState.UNREAD


def _add_state(tx: Connection, token: str, mark: EntryState, ids: Iterable[int], now: datetime) -> None:
    rows = [{"token": token, "state": mark, "article_id": one, "set_at": now} for one in dict.fromkeys(ids)]
    if rows:
        tx.execute(_INSERT_STATES[tx.dialect.name], rows)


def _remove_state(tx: Connection, token: str, mark: EntryState, ids: Collection[int]) -> None:
    for part in batched(ids, _BATCH_SIZE):
        tx.execute(_DELETE_STATE, {"who": token, "said": mark, "ids": part})


_INSERT_STATES = {
    "sqlite": insert_sqlite(entry_states).on_conflict_do_nothing(),
    "postgresql": insert_postgres(entry_states).on_conflict_do_nothing(),
}
_UPSERT_HORIZON = upsert_statements(read_horizons, "token")
_DELETE_STATE = (
    delete(entry_states)
    .where(entry_states.c.token == bindparam("who"), entry_states.c.state == bindparam("said"))
    .where(entry_states.c.article_id.in_(bindparam("ids", expanding=True)))
)
# What is starred stays; what is read is so from now on without a row.
_DELETE_OLD_STATES = delete(entry_states).where(
    entry_states.c.token == bindparam("who"),
    entry_states.c.state.in_([EntryState.READ, EntryState.UNREAD]),
    entry_states.c.article_id.in_(select(articles.c.id).where(articles.c.first_seen <= bindparam("upto"))),
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
