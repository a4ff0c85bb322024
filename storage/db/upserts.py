"""Statements that insert a row, or replace the one that is there, in either dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as insert_sqlite


def upserts(table: Table, *keys: str) -> Mapping[str, Any]:
    """A statement a dialect: insert a row, or replace all but the key of the one that is there."""

    def replacing(statement: SqliteInsert | PostgresInsert) -> SqliteInsert | PostgresInsert:
        names = [column.name for column in table.columns if column.name not in ("id", *keys)]
        return statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in names}
        )

    return {"sqlite": replacing(insert_sqlite(table)), "postgresql": replacing(insert_postgres(table))}
