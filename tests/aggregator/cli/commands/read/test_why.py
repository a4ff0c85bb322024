"""`evnews why`: reasons as text and as JSON, harmless whatever a page contains."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from aggregator.explain.sections import SECTIONS
from storage.archive import open_database
from storage.model.page import Lead
from tests.aggregator.cli.evnews_command import ROOT, Done, Evnews, plain
from tests.aggregator.explain.article_history import SITE, ArchiveHistory

EVIL = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe [bold]x[/bold] :smile: \u2028end"


def only_line(done: Done, status: int) -> str:
    """Return the line on stderr, which must be the only output."""
    assert (done.status, done.out) == (status, ""), done
    assert done.err.startswith("evnews: ")
    assert done.err.count("\n") == 1
    return done.err


def refused(evnews: Evnews) -> str:
    """Return the URL of a page that is not an article."""
    with closing(sqlite3.connect(evnews.home / "archive.db")) as connection:
        return str(connection.execute("SELECT url FROM captures WHERE verdict = 'thin'").fetchone()[0])


def test_article_is_explained_by_id_and_by_url(crawled: Evnews) -> None:
    record = crawled("search", "小米", "--json").records[0]
    done = crawled("why", str(record["id"]))
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"Article {record['id']}: {record['title']}"
    titles = [title for _, title, _ in SECTIONS if title]
    assert [line for line in lines[1:] if line and not line.startswith(" ")] == titles
    assert any(line.startswith("  Found by dianche on ") for line in lines)
    assert any(re.fullmatch(r"      evnews-\d+-\w+\.warc\.gz at byte \d+", line) for line in lines)
    assert crawled("why", record["url"]).out == done.out
    assert crawled("why", record["url"].removeprefix("http://") + "#top").out == done.out


def test_refused_page_is_explained_with_its_verdict(crawled: Evnews) -> None:
    url = refused(crawled)
    done = crawled("why", url)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[:2] == [
        f"No article: {url}",
        "  No article was found at this URL; it will not be fetched again.",
    ]
    assert "No article (thin): too little text and no article markup" in done.out
    assert "Refused on " in done.out


def test_unknown_subject_is_one_line_with_the_next_step(crawled: Evnews) -> None:
    for number in ("900", "0", "9" * 19):
        assert f"there is no article {number}; `evnews search` prints" in only_line(crawled("why", number), 1)
    for url in ("https://nowhere.example/a", "nowhere.example/a"):
        said = only_line(crawled("why", url), 1)
        assert said == (
            f"evnews: no index lists {url}, and it was never fetched; "
            "`evnews sources add https://nowhere.example/` adds its site as a source\n"
        )
    assert "`evnews crawl electrek` polls its source now" in only_line(
        crawled("why", "https://electrek.co/2026/01/31/x/", "--json"), 1
    )
    assert "https://electrek.co/feed/ is an index of electrek, not an article; `evnews why electrek`" in only_line(
        crawled("why", "https://electrek.co/feed/"), 1
    )
    assert "`evnews sources add http://nowhere.example/`" in only_line(crawled("why", "http://nowhere.example/a"), 1)
    for words in ("battery", "http://", "", "9" * 30, "\x1b[31m", "https://a.example/" + "a" * 5000):
        assert "is not the ID of an article, a URL or a source" in only_line(crawled("why", words), 2)


def test_reasons_are_folded_to_80_columns(crawled: Evnews) -> None:
    number = str(crawled("search", "小米", "--json").records[0]["id"])
    status, written = crawled.on_terminal(80, "why", number)
    lines = plain(written)
    assert status == 0
    assert "\x1b[1mFetches\x1b[0m" in written
    sentences = [line for line in lines if not line.startswith("      ")]
    assert max(map(cell_len, sentences)) <= 80
    assert any(line.startswith("    ") for line in sentences)
    pipes = crawled("why", number).out.splitlines()
    assert "".join("".join(lines).split()) == "".join("".join(pipes).split())
    assert not any(re.match("    [^ ]", line) for line in pipes)


def test_reasons_are_printed_as_documented_json(crawled: Evnews) -> None:
    documented = (ROOT / "docs" / "json.md").read_text().partition("## why")[2].partition("\n## ")[0]
    number = str(crawled("search", "小米", "--json").records[0]["id"])
    records = crawled("why", number, "--json").records + crawled("why", refused(crawled), "--json").records
    words = crawled("why", number).out + crawled("why", refused(crawled)).out
    assert {record["section"] for record in records} == {name for name, _, _ in SECTIONS}
    for record in records:
        assert list(record) == ["section", "at", "words", "facts"]
        assert record["words"] in words
        assert all(f"`{name}`" in documented for name in (*record, record["section"], *record["facts"])), record
    assert all(datetime.fromisoformat(record["at"]) for record in records if record["at"])
    figures = next(record["facts"] for record in records if record["section"] == "fetched")
    assert (figures["status"], figures["verdict"], figures["revision"]) == (200, "article", 1)


def test_control_characters_of_pages_never_reach_the_terminal(copied: Evnews) -> None:
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        for change in (
            "UPDATE articles SET title = ?1, url = 'http://x/' || ?1, authors = json_array(?1), reason = ?1",
            "UPDATE articles SET credit = ?1, original_url = ?1, summary = ?1, extractor = ?1, published_raw = ?1",
            "UPDATE texts SET title = ?1",
            "UPDATE aliases SET url = 'http://x/' || ?1",
            "UPDATE leads SET reason = ?1, url = 'http://x/' || ?1, lead_json = json_object('title', ?1, 'id', ?1)",
            "UPDATE captures SET verdict = ?1, reason = ?1, url = 'http://x/' || ?1, file = ?1",
            "UPDATE polls SET url = ?1",
            "UPDATE article_topics SET topic = topic || ?1",
        ):
            connection.execute(change, (EVIL,))
        connection.commit()
    for options in ((), ("--json",)):
        out = copied("why", "1", *options).out
        assert out.count("end") > 8
        assert not {"\x1b", "\x07", "\x9b", "\u2028", "\u202e"} & {*out}
    assert "[bold]x[/bold] :smile:" in copied("why", "1").out


def test_topics_of_another_catalogue_are_reported(copied: Evnews) -> None:
    assert copied("why", "1").err == ""
    (copied.home / "topics.toml").write_text('[winter]\nkind = "market"\naliases = ["winter"]\n')
    assert "the topics were found with another topic catalogue; `evnews topics --refresh`" in copied("why", "1").err


def test_sqlite_and_postgresql_explain_alike(tmp_path: Path, database_url: str) -> None:
    evnews = Evnews(tmp_path / "home")
    database = open_database(database_url)
    history = ArchiveHistory(database, evnews.home / "warc")
    evnews.home.mkdir()
    history.poll(Lead(url=SITE + "/a"), Lead(url=SITE + "/b"))
    history.refuse(SITE + "/b", "consent", "a consent wall: it says so")
    kept = history.store(SITE + "/a", "The car drives.")
    for number in range(30):
        history.later(hours=1).check(kept.article_id, SITE + "/a", ("outage", "unmodified")[number % 2], 404)
    database.close()
    assert "No article (consent): a consent wall: it says so." in evnews("--db", database_url, "why", SITE + "/b").out
    explained = evnews("--db", database_url, "why", str(kept.article_id)).out
    assert explained.count("an outage, which is no evidence about the article") == 12
    assert "  … 7 more, which --json prints …" in explained
    records = evnews("--db", database_url, "why", SITE + "/a", "--json").records
    assert len([record for record in records if record["section"] == "fetched"]) == 31


@pytest.mark.parametrize("words", [(), ("--json",), ("1", "2")])
def test_exactly_one_subject_is_required(crawled: Evnews, words: tuple[str, ...]) -> None:
    assert crawled("why", *words).status == 2
