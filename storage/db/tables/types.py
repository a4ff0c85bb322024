"""Column types with equal values in both dialects, and the metadata that holds all tables."""

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
"""Times outside these bounds are clamped: PostgreSQL stores times that no driver can read back."""


def to_utc_datetime(value: int | datetime) -> datetime:
    """Convert a time from either driver to an aware UTC datetime."""
    return value.astimezone(UTC) if isinstance(value, datetime) else EPOCH + timedelta(microseconds=value)


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware UTC time: microseconds since 1970 in SQLite, timestamptz in PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime: {value}")
        value = min(max(value, EARLIEST), LATEST).astimezone(UTC)
        return value if dialect.name == "postgresql" else to_microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else to_utc_datetime(value)


class CleanText(TypeDecorator[str]):
    """Text that is cleaned before it is stored, so that no character fails an insert."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and value.isprintable()):
            return value  # a shortcut for most values: names, dates, digests
        return clean(value)


class UrlList(TypeDecorator[tuple[str, ...]]):
    """A tuple of URLs, stored one per line."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return "\n".join(clean(url).replace("\n", "") for url in value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        return tuple(value.split("\n")) if value else ()


class UrlText(TypeDecorator[str]):
    """A URL without the characters that no database stores (NUL, lone surrogates); otherwise unchanged."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


ID = BigInteger().with_variant(Integer(), "sqlite")
DIGEST = String(64)
