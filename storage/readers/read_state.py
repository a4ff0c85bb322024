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

from storage.db.statements import Ready, parts, upserts
from storage.db.tables import articles, marks, merged, read_upto

OLD_IS_READ = timedelta(days=30)
"""What arrived longer ago is read: who begins to read an archive of years has a month before them."""
_CHUNK = 500


class Mark(StrEnum):
    """What a reader says of an article. `unread` is kept only of what would else be read."""

    READ = "read"
    UNREAD = "unread"
    STARRED = "starred"


def kept_ids(tx: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each id the article that it leads to, which may be another that it was joined to; others are left out."""
    found: dict[int, int] = {}
    for part in parts(ids, _CHUNK):
        found |= {row.id: row.article_id for row in _JOINED.all(tx, {"ids": part})}
        found |= {row.id: row.id for row in _THERE.all(tx, {"ids": part})}
    return found


def mark_read(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are read."""
    _drop(tx, token, Mark.UNREAD, ids)
    _put(tx, token, Mark.READ, ids, now)


def mark_unread(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are unread, however old they are."""
    _drop(tx, token, Mark.READ, ids)
    _put(tx, token, Mark.UNREAD, ids, now)


def star(tx: Connection, token: str, ids: Collection[int], now: datetime) -> None:
    """Some articles are starred."""
    _put(tx, token, Mark.STARRED, ids, now)


def unstar(tx: Connection, token: str, ids: Collection[int]) -> None:
    """Some articles are starred no more."""
    _drop(tx, token, Mark.STARRED, ids)


def read_all(tx: Connection, token: str, upto: datetime, now: datetime) -> None:
    """Everything that arrived up to a time is read."""
    upto = max(upto, horizon(tx, token, now))
    tx.execute(_UPTO[tx.dialect.name], {"token": token, "arrived": upto})
    tx.execute(_DROP_OLD, {"who": token, "upto": upto})


def horizon(tx: Connection, token: str, now: datetime) -> datetime:
    """Up to when what arrived is read, but for what is marked as unread."""
    upto: datetime | None = tx.execute(_READ_UPTO, {"token": token}).scalar()
    return max(upto, now - OLD_IS_READ) if upto is not None else now - OLD_IS_READ


def state_of(tx: Connection, token: str, arrived: Mapping[int, datetime], now: datetime) -> dict[int, frozenset[Mark]]:
    """What a reader says of some articles, given by id with when they arrived: read or unread, and whether starred."""
    said: dict[int, set[str]] = {article_id: set() for article_id in arrived}
    for part in parts(arrived, _CHUNK):
        for row in _MARKS.all(tx, {"token": token, "ids": part}):
            said[row.article_id].add(row.mark)
    upto = horizon(tx, token, now)
    return {
        article_id: frozenset(
            [_reading(found, is_old=arrived[article_id] <= upto), *([Mark.STARRED] if Mark.STARRED in found else [])]
        )
        for article_id, found in said.items()
    }


def joined(tx: Connection, kept: int, other: int) -> None:
    """Two articles proved to be one: what was said of the other is said of the one that is kept."""
    said = [{**row._mapping, "article_id": kept} for row in tx.execute(_OF, {"other": other})]
    if said:
        tx.execute(_ADD[tx.dialect.name], said)
        tx.execute(_LEAVE, {"other": other})


def forget(tx: Connection, token: str) -> None:
    """Keep nothing of what was read with a token."""
    for table in (marks, read_upto):
        tx.execute(delete(table).where(table.c.token == token))


def _reading(said: Collection[str], *, is_old: bool) -> Mark:
    if Mark.READ in said or (is_old and Mark.UNREAD not in said):
        return Mark.READ
    return Mark.UNREAD


def _put(tx: Connection, token: str, mark: Mark, ids: Iterable[int], now: datetime) -> None:
    rows = [{"token": token, "mark": mark, "article_id": one, "marked_at": now} for one in dict.fromkeys(ids)]
    if rows:
        tx.execute(_ADD[tx.dialect.name], rows)


def _drop(tx: Connection, token: str, mark: Mark, ids: Collection[int]) -> None:
    for part in parts(ids, _CHUNK):
        tx.execute(_DROP, {"who": token, "said": mark, "ids": part})


_ADD = {
    "sqlite": insert_sqlite(marks).on_conflict_do_nothing(),
    "postgresql": insert_postgres(marks).on_conflict_do_nothing(),
}
_UPTO = upserts(read_upto, "token")
_DROP = (
    delete(marks)
    .where(marks.c.token == bindparam("who"), marks.c.mark == bindparam("said"))
    .where(marks.c.article_id.in_(bindparam("ids", expanding=True)))
)
# What is starred stays; what is read is so from now on without a row.
_DROP_OLD = delete(marks).where(
    marks.c.token == bindparam("who"),
    marks.c.mark.in_([Mark.READ, Mark.UNREAD]),
    marks.c.article_id.in_(select(articles.c.id).where(articles.c.first_seen <= bindparam("upto"))),
)
_READ_UPTO = select(read_upto.c.arrived).where(read_upto.c.token == bindparam("token"))
_MARKS = Ready(
    select(marks.c.article_id, marks.c.mark).where(
        marks.c.token == bindparam("token"), marks.c.article_id.in_(bindparam("ids", expanding=True))
    )
)
_THERE = Ready(select(articles.c.id).where(articles.c.id.in_(bindparam("ids", expanding=True))))
_JOINED = Ready(select(merged.c.id, merged.c.article_id).where(merged.c.id.in_(bindparam("ids", expanding=True))))
_OF = select(marks.c.token, marks.c.mark, marks.c.marked_at).where(marks.c.article_id == bindparam("other"))
_LEAVE = delete(marks).where(marks.c.article_id == bindparam("other"))
