"""Write articles as Apache Parquet with timestamps in UTC and lists. Needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from aggregator.feeds.json_records import article_fields
from storage.db.statements import batched
from storage.model.article import KeptArticle

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP_SIZE = 2_000
"""Articles per row group, which are held in memory."""
_TIME_FIELDS = ("published", "updated", "first_seen", "withdrawn")


class MissingPyarrow(ImportError):
    """Raised if pyarrow is not installed."""


def write_parquet(articles: Iterable[KeptArticle], file: BinaryIO) -> None:
    """Write articles in row groups. Raises MissingPyarrow."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingPyarrow("Parquet needs pyarrow: pip install 'evnews[parquet]'") from error
    schema = _schema(pa)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in batched(map(_row, articles), _ROW_GROUP_SIZE):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _schema(arrow: Any) -> pa.Schema:
    text, number, yes, time = arrow.string(), arrow.int64(), arrow.bool_(), arrow.timestamp("s", tz="UTC")
    revision = arrow.struct(
        {
            "revision": number, "at": time, "kind": text, "added": number, "removed": number, "title": text,
            "digest": text,
        }
    )  # fmt: skip
    return arrow.schema(
        {
            "id": number, "url": text, "canonical_url": text, "source": text, "title": text,
            "authors": arrow.list_(text), "published": time, "updated": time, "language": text, "summary": text,
            "text": text, "html": text, "image": text, "tags": arrow.list_(text), "words": number, "first_seen": time,
            "revision": number, "copy_of": number, "truncated": yes, "withdrawn": time, "published_date": text,
            "published_zone_known": yes, "published_raw": text, "topics": arrow.list_(text), "story": number,
            "revisions": arrow.list_(revision),
        }
    )  # fmt: skip


def _row(article: KeptArticle) -> dict[str, Any]:
    fields: dict[str, Any] = article_fields(article)
    fields |= {name: getattr(article, name) for name in _TIME_FIELDS}
    for revision_fields, revision in zip(fields["revisions"], article.revisions, strict=True):
        revision_fields["at"] = revision.fetched_at
    return {name: _truncate_times(value) for name, value in fields.items()}


def _truncate_times(value: Any) -> Any:
    """Return a value with all its times cut to whole seconds."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if isinstance(value, dict):
        return {name: _truncate_times(item) for name, item in value.items()}
    return [_truncate_times(item) for item in value] if isinstance(value, list) else value
