"""The database views have stable columns in both dialects and work in Datasette and pandas."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from storage.archive import open_database
from storage.articles.store import record_article, record_capture
from storage.articles.topics import record_topics_and_relabel
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.model.article import Article, Topic
from storage.model.crawl import Capture
from storage.model.page import Page

T0 = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
COLUMNS = {
    "articles_view": "id url canonical_url source title authors published published_date updated language summary text"
    " image tags words first_seen revision copy_of truncated withdrawn story",
    "revisions_view": "article_id revision seen kind added removed title text",
    "stories_view": "story title first_at last_at articles sources",
    "story_articles_view": "story article_id source title url told_at",
    "topics_view": "article_id topic in_title in_text",
    "captures_view": "url fetched_at status source verdict file offset length digest",
}


def fill(database: Database) -> None:
    for n, words in enumerate(("one text", "another text", "one text, edited")):
        url = f"https://a.example/{n % 2}"
        at = T0 + timedelta(hours=n)
        page = Page(url=url, status=200, fetched_at=at, source="a")
        capture = Capture(file="a.warc.gz", offset=n * 100, length=99, digest=f"sha256:{n}")
        article = Article(url=url, title=f"t{n}", text=words, authors=("Ann",), published=T0 if n != 1 else None)
        with database.write() as tx:
            decision = link_recorded(tx, record_article(tx, article, page, record_capture(tx, capture, page), at))
            record_topics_and_relabel(tx, decision.article_id, [Topic(name="byd", body_count=2, title_count=1)], "c")


def rows(database: Database, sql: str) -> list[Any]:
    with database.read() as tx:
        return [tuple(row) for row in tx.execute(text(sql))]


@pytest.mark.parametrize("view", COLUMNS)
def test_view_columns_are_stable(database: Database, view: str) -> None:
    fill(database)
    with database.read() as tx:
        assert list(tx.execute(text(f"SELECT * FROM {view}")).keys()) == COLUMNS[view].split()


def test_views_show_the_stored_articles(database: Database) -> None:
    fill(database)
    assert rows(database, "SELECT id, title, text, revision, authors FROM articles_view ORDER BY id") == [
        (1, "t2", "one text, edited", 2, '["Ann"]'),
        (2, "t1", "another text", 1, '["Ann"]'),
    ]
    assert rows(database, "SELECT article_id, revision, text FROM revisions_view ORDER BY article_id, revision") == [
        (1, 1, "one text"),
        (1, 2, "one text, edited"),
        (2, 1, "another text"),
    ]
    assert rows(database, "SELECT topic, in_title, in_text FROM topics_view WHERE article_id = 1") == [("byd", 1, 2)]
    assert len(rows(database, "SELECT * FROM captures_view WHERE file = 'a.warc.gz'")) == 3
    ((published,),) = rows(database, "SELECT published FROM articles_view WHERE id = 1")
    assert published == ("2026-01-02T03:04:05Z" if database.dialect == "sqlite" else T0)
    assert rows(database, "SELECT published FROM articles_view WHERE id = 2") == [(None,)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    database = open_database(f"sqlite:///{tmp_path}/archive.db")
    fill(database)
    database.close()
    return tmp_path / "archive.db"


@pytest.mark.parametrize("view", COLUMNS)
def test_datasette_shows_the_views(file: Path, view: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "datasette", str(file), "--get", f"/archive/{view}.json?_shape=objects"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    view_rows = json.loads(process.stdout)["rows"]
    if view == "articles_view":
        assert [(row["id"], row["published"]) for row in sorted(view_rows, key=lambda row: row["id"])] == [
            (1, "2026-01-02T03:04:05Z"),
            (2, None),
        ]


def test_pandas_reads_the_views(file: Path) -> None:
    frame = pd.read_sql(
        "SELECT * FROM articles_view ORDER BY id", f"sqlite:///{file}", parse_dates=["published", "first_seen"]
    )
    assert list(frame["id"]) == [1, 2]
    assert frame["published"][0] == T0.replace(microsecond=0)
