"""An imported export gives the same export again, passes every check, and continues with the next fetch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from io import BytesIO
from typing import Any

import pytest

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.feeds.jsonl import jsonl
from aggregator.ingest import import_articles
from aggregator.ingest.import_articles import (
    ExportError,
    ImportProgress,
    complete_import,
    import_lines,
    parse_exported,
    read_numbered_lines,
)
from aggregator.ingest.keep import keep_article
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles import importing
from storage.articles.store import record_check
from storage.db.database import Database
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article
from storage.model.crawl import CheckResult, LearnedBoilerplate
from storage.model.page import Page
from storage.model.search import Query

T0 = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT = (
    "The maker showed its battery on Monday and said that cells would be built in Spain from next year on.\n\n"
    "Sodium ion cells cost less than lithium, the company told investors, and they hold in the cold of winter.\n\n"
    "Analysts had expected the plant in Hungary, where BYD and CATL have announced large investments before."
)
REWRITTEN = (
    "Spain gets the sodium ion plant that the maker showed on Monday: its battery cells cost less than lithium.\n\n"
    "Investors heard from the company that the cells hold in winter. Hungary, where CATL and BYD invest, goes without."
)
HEADLINE = "Sodium cells: Spain gets the plant"
LATER = T0 + timedelta(minutes=30)


def keep(database: Database, url: str, text: str, at: datetime, source: str = "s", **more: Any) -> int:
    fields = {
        "title": "Sodium cells from Spain",
        "language": "en",
        "html": f"<p>{escape(text, quote=False)}</p>",
        "words": 50,
    }
    article = with_derived_fields(Article(url=url, text=text, **(fields | more)), shipped_matcher())
    page = Page(url=url, status=200, fetched_at=at, source=source)
    with database.write() as tx:
        result = keep_article(tx, article, page, None, LearnedBoilerplate(), shipped_matcher(), at)
        assert hasattr(result, "decision")
        return result.decision.article_id


@pytest.fixture
def archive(database: Database) -> Database:
    """Return an archive with a copy, a story, edits, a withdrawn and a restored article, and unusual characters."""
    fields: dict[str, Any] = {"published": T0 - timedelta(hours=1), "authors": ("Ann", "Bo")}
    first = keep(database, "https://a.example/1", TEXT, T0, **fields)
    keep(database, "https://b.example/1", TEXT, T0 + timedelta(minutes=5), source="b", published=T0)
    keep(
        database, "https://c.example/1", REWRITTEN, T0 + timedelta(hours=1), source="c", title=HEADLINE, published=LATER
    )
    keep(database, "https://a.example/1", TEXT.replace("next year", "2028"), T0 + timedelta(days=1), **fields)
    with database.write() as tx:
        for hours in (30, 40):
            at = T0 + timedelta(hours=hours)
            gone = CheckResult(url="https://a.example/1", checked_at=at, status=410, outcome="missing", is_certain=True)
            record_check(tx, first, gone, None)
    keep(database, "https://a.example/1", TEXT.replace("next year", "2029"), T0 + timedelta(days=3), **fields)
    words = "Ein Text. \u2028 小米汽车 <b>"
    odd = keep(database, "https://d.example/ü?q=1&b=2", words, T0 + timedelta(days=3), title="=1+1 \u202e")
    with database.write() as tx:
        at = T0 + timedelta(days=4)
        gone = CheckResult(
            url="https://d.example/ü?q=1&b=2", checked_at=at, status=404, outcome="missing", is_certain=True
        )
        record_check(tx, odd, gone, None)
    return database


@pytest.fixture
def empty(request: pytest.FixtureRequest, database: Database) -> Iterator[Database]:
    """Yield an empty archive of the same dialect."""
    name = "new_sqlite" if database.dialect == "sqlite" else "new_postgres"
    make: Callable[[], str] = request.getfixturevalue(name)
    opened = open_database(make())
    yield opened
    opened.close()


def export(database: Database) -> bytes:
    return b"".join(jsonl(Library(database).articles(Query(limit=None), include_past_texts=True)))


def import_export(database: Database, body: bytes, progress: ImportProgress | None = None) -> int:
    progress = progress or ImportProgress()
    with database.write() as tx:
        assert importing.begin_import(tx)
    for line in read_numbered_lines(BytesIO(body)):
        with database.write() as tx:
            import_lines(tx, [line], progress, shipped_matcher())
    with database.write() as tx:
        return complete_import(tx, progress)


def test_export_of_an_imported_archive_is_the_same(archive: Database, empty: Database) -> None:
    body = export(archive)
    records = [json.loads(line) for line in body.splitlines()]
    kinds = [[revision["kind"] for revision in record["revisions"]] for record in records]
    assert kinds[0] == [None, "body", "withdrawn", "restored"]
    assert [record["copy_of"] for record in records] == [None, 1, None, None]
    assert records[0]["story"] == records[2]["story"]
    assert [len(record["past_texts"]) for record in records] == [2, 0, 0, 0]
    assert records[3]["withdrawn"]
    assert import_export(empty, body) == 0
    assert export(empty) == body
    assert check_archive(empty, None) == []


def test_searches_find_the_same_articles_after_import(archive: Database, empty: Database) -> None:
    import_export(empty, export(archive))
    for words in (
        "sodium",
        "小米",
        "source:b",
        "is:copy",
        "is:revised",
        "is:withdrawn",
        "in:history 2028",
        "topic:byd",
    ):
        exported, imported = (
            [hit.article.id for hit in Library(database).search(Query(words=words)).hits]
            for database in (archive, empty)
        )
        assert exported == imported
        assert imported, words
    old, new = Library(archive).revisions(1), Library(empty).revisions(1)
    assert [revision.text for revision in old] == [revision.text for revision in new]
    assert [len(story.members) for story in Library(empty).stories()] == [2]
    assert Library(empty).captures(1) == []


def test_fetches_after_an_import_give_revisions_and_copies(archive: Database, empty: Database) -> None:
    import_export(empty, export(archive))
    later = T0 + timedelta(days=9)
    keep(empty, "https://a.example/1", TEXT.replace("next year", "2029"), later, published=T0)
    assert len(Library(empty).revisions(1)) == len(Library(archive).revisions(1))
    keep(empty, "https://a.example/1", TEXT.replace("next year", "2031"), later + timedelta(hours=1), published=T0)
    assert len(Library(empty).revisions(1)) == len(Library(archive).revisions(1)) + 1
    copy = keep(empty, "https://e.example/9", TEXT.replace("next year", "2031"), later, source="e")
    assert copy > 4
    article = Library(empty).article(copy)
    assert article is not None
    assert article.copy_of == 1
    assert check_archive(empty, None) == []


def test_interrupted_import_can_be_continued(archive: Database, empty: Database) -> None:
    body = export(archive)
    lines = body.splitlines(keepends=True)
    with empty.write() as tx:
        assert importing.begin_import(tx)
        import_lines(tx, [(1, lines[0]), (2, lines[1])], ImportProgress(), shipped_matcher())
    progress = ImportProgress()
    assert import_export(empty, body, progress) == 0
    assert (progress.imported, progress.already_stored) == (2, 2)
    assert export(empty) == body
    with empty.write() as tx:
        assert not importing.begin_import(tx)


def test_copy_without_its_original_becomes_an_article_of_its_own(archive: Database, empty: Database) -> None:
    copies = [line for line in export(archive).splitlines(keepends=True) if json.loads(line)["id"] in (2, 4)]
    assert import_export(empty, b"".join(copies)) == 1
    assert [json.loads(line)["copy_of"] for line in export(empty).splitlines()] == [None, None]
    assert check_archive(empty, None) == []


def changed(body: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(body.splitlines()[0]), **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": 0}, "id is no number"),
        ({"id": True}, "id is no number"),
        ({"id": 2**63}, "id is no number"),
        ({"url": "javascript:alert(1)"}, "url is no http"),
        ({"url": None}, "url is no http"),
        ({"title": 7}, "title is no text"),
        ({"tags": ["x", 7]}, "tags is no text"),
        ({"tags": "x"}, "tags is no list"),
        ({"revision": 9}, "none of its revisions"),
        ({"revisions": []}, "none of its revisions"),
        ({"revisions": [7]}, "no list of objects"),
        ({"published": "yesterday"}, "published is no time"),
        ({"first_seen": None}, "first_seen is missing"),
        ({"html": "<div>" * 500}, "nested too deeply"),
    ],
)
def test_invalid_field_is_reported(archive: Database, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        parse_exported(changed(export(archive), **fields), shipped_matcher(), lambda at: at)


@pytest.mark.parametrize("line", [b"x", b"[]", b"7", b"{", b"\xff", b"[" * 100_000])
def test_line_that_is_no_json_object_is_reported(line: bytes) -> None:
    with pytest.raises(ExportError, match="no JSON"):
        parse_exported(line, shipped_matcher(), lambda at: at)


def test_too_long_line_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_articles, "MAX_LINE_BYTES", 10)
    with pytest.raises(ExportError, match="line 2: longer than 10"):
        list(read_numbered_lines(BytesIO(b"short\n" + b"x" * 100)))


def test_imported_html_is_sanitised(archive: Database) -> None:
    line = changed(export(archive), html="<p onclick=x>a<script>alert(1)</script></p>")
    assert parse_exported(line, shipped_matcher(), lambda at: at).article.html == "<p>a</p>"


def test_url_of_another_article_is_reported(archive: Database, empty: Database) -> None:
    body = export(archive)
    with pytest.raises(ExportError, match="article 9 has the address of article 1"):
        import_export(empty, body.splitlines()[0] + b"\n" + changed(body, id=9))
