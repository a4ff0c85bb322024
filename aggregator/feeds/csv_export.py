"""Articles as CSV (RFC 4180), an article a row: for spreadsheets, or for programs.

A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a formula, also one from a page's
title. Such cells are given an apostrophe in front, which spreadsheets do not show, and the file begins with the mark by
which Excel knows UTF-8. `raw` leaves both away: the texts are then as they are in every other format.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from aggregator.feeds.json_records import article_fields
from storage.model.article import KeptArticle

COLUMNS = (
    "id", "url", "canonical_url", "source", "title", "authors", "published", "updated", "language", "summary", "text",
    "image", "tags", "words", "first_seen", "revision", "copy_of", "truncated", "withdrawn", "published_date",
    "published_zone_known", "published_raw", "topics", "story",
)  # fmt: skip
"""The fields of a record, but for the body as HTML and the revisions."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
_LIST_SEPARATOR = "; "


def csv_rows(articles: Iterable[KeptArticle], *, raw: bool = False) -> Iterator[bytes]:
    """The header and a row an article, as the articles come."""
    if not raw:
        yield _BYTE_ORDER_MARK
    buffer = StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for article in articles:
        fields = article_fields(article)
        cells = [_format_cell(fields[name]) for name in COLUMNS]
        writer.writerow(cells if raw else map(escape_formula, cells))
        if buffer.tell() > 65_536:
            yield _drain(buffer)
    yield _drain(buffer)


def escape_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_PREFIXES) else text


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return _LIST_SEPARATOR.join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _drain(buffer: StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")
