"""Write articles as CSV (RFC 4180), one article per row, for spreadsheets or for programs.

Spreadsheets interpret a cell that starts with = + - @, a tab or a carriage return as a formula, even in the title of a
page. Such cells get an apostrophe in front, which spreadsheets hide, and the file starts with a byte order mark, by
which Excel recognises UTF-8. `raw` omits both, so that texts are as in every other format.
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
"""The fields of an article except its HTML and its revisions."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
_LIST_SEPARATOR = "; "


def csv_rows(articles: Iterable[KeptArticle], *, raw: bool = False) -> Iterator[bytes]:
    """Yield the header and one row per article, in pieces."""
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
    """Return the cell with an apostrophe in front if a spreadsheet would interpret it as a formula."""
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
