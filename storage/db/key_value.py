"""Read and write single values by name."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from storage.db.statements import CompiledStatement, upsert_statements
from storage.db.tables import key_values


def get_value(tx: Connection, name: str) -> str | None:
    """Return the value of a name, or None."""
    value: str | None = _SELECT_VALUE.scalar(tx, {"name": name})
    return value


def set_value(tx: Connection, name: str, value: str) -> None:
    tx.execute(_UPSERT_VALUE[tx.dialect.name], {"name": name, "value": value})


def delete_value(tx: Connection, name: str) -> None:
    tx.execute(_DELETE_VALUE, {"key": name})


_SELECT_VALUE = CompiledStatement(select(key_values.c.value).where(key_values.c.name == bindparam("name")))
_UPSERT_VALUE = upsert_statements(key_values, "name")
_DELETE_VALUE = delete(key_values).where(key_values.c.name == bindparam("key"))
