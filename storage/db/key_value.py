"""Single values that the archive keeps under a name: when something was last done, what is under way."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from storage.db.statements import Ready, upserts
from storage.db.tables import meta


def noted(tx: Connection, name: str) -> str | None:
    """What is kept under a name, or None where nothing is."""
    value: str | None = _VALUE.scalar(tx, {"name": name})
    return value


def note(tx: Connection, name: str, value: str) -> None:
    """Keep a value under a name, in place of the one before."""
    tx.execute(_KEEP[tx.dialect.name], {"name": name, "value": value})


def forget(tx: Connection, name: str) -> None:
    """Keep nothing under a name any more."""
    tx.execute(_DROP, {"which": name})


_VALUE = Ready(select(meta.c.value).where(meta.c.name == bindparam("name")))
_KEEP = upserts(meta, "name")
_DROP = delete(meta).where(meta.c.name == bindparam("which"))
