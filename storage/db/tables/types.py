"""The column types of the archive's tables, the same values in both dialects; and the one collection of tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, Dialect, Integer, MetaData, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.text.clean import clean
from storage.timestamps import EPOCH, to_microseconds

metadata = MetaData()

EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Times outside are clamped: PostgreSQL takes some that no driver can read back."""


def to_utc_datetime(value: int | datetime) -> datetime:
    """A time as either driver gives it."""
    return value.astimezone(UTC) if isinstance(value, datetime) else EPOCH + timedelta(microseconds=value)


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware time in UTC: whole microseconds since 1970 in SQLite, timestamptz in PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type in this dialect."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raises ValueError for a time without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value}")
        value = min(max(value, EARLIEST), LATEST).astimezone(UTC)
        return value if dialect.name == "postgresql" else to_microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        return None if value is None else to_utc_datetime(value)


class CleanText(TypeDecorator[str]):
    """Text that was cleaned at the border, so that no character in it can fail an insert."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The cleaned text."""
        if value is None or (value.isascii() and value.isprintable()):
            return value  # as most are: names, dates, digests, titles
        return clean(value)


class UrlList(TypeDecorator[tuple[str, ...]]):
    """URLs, a line each; a tuple in Python."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        """The cleaned URLs."""
        return "\n".join(clean(url).replace("\n", "") for url in value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        """No line, no URL."""
        return tuple(value.split("\n")) if value else ()


class UrlText(TypeDecorator[str]):
    """A URL as it was spelled, less what no database takes (NUL, lone surrogates)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The spelling, untouched unless it cannot be stored."""
        return None if value is None else value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


ID = BigInteger().with_variant(Integer(), "sqlite")
DIGEST = String(64)
