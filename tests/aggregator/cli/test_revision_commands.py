"""`changes`, `show --revisions` and `show --diff`: what was edited, as people and as programs read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews, plain
from tests.newsroom.room import Newsroom
from tests.newsroom.server import running

HEADLINE, BODY, NUMBER = "kerbside", "chargepost", "voltward"


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Evnews:
    """A home whose articles were edited and withdrawn, and asked for again."""
    folder = tmp_path_factory.mktemp("edited")
    evnews = Evnews(folder / "home")
    with running(Newsroom(public=3)) as room:
        room.write_sources(folder / "sources.toml")
        _crawl(evnews, folder)
        room.edit(room.articles(BODY)[1].url)
        headline = room.articles(HEADLINE)[0]
        room.correct(headline.url, headline.title, f"Update: {headline.title}")
        numbers = next(one for one in room.articles(NUMBER) if re.search(r" \d\d ", one.text))
        number = re.search(r" \d\d ", numbers.text)
        assert number is not None
        room.correct(numbers.url, number.group(), f" 1{number.group().strip()} ")
        _crawl(evnews, folder, "--revisit")
        room.withdraw(room.articles(BODY)[2].url)
        _crawl(evnews, folder, "--revisit", BODY)
    return evnews


def _crawl(evnews: Evnews, folder: Path, *words: str) -> None:
    done = evnews("crawl", "--sources", folder / "sources.toml", *words)
    assert done.status == 0, done.err


def test_changes_are_records_the_newest_first(edited: Evnews) -> None:
    records = edited("changes", "--json").records
    assert [record["kind"] for record in records].count("withdrawn") == 1
    assert records[0]["kind"] == "withdrawn"
    assert sorted(record["kind"] for record in records[1:]) == ["body", "headline", "numbers"]
    assert list(records[0]) == ["id", "url", "source", "title", "revision", "kind", "at", "added", "removed"]
    times = [datetime.fromisoformat(record["at"]) for record in records]
    assert times == sorted(times, reverse=True)
    assert all(time.utcoffset() is not None and time < datetime.now(UTC) for time in times)
    by_kind = {record["kind"]: record for record in records}
    assert by_kind["headline"]["title"].startswith("Update: ")
    assert by_kind["headline"]["added"] == len("Update:")
    assert (by_kind["numbers"]["added"], by_kind["numbers"]["removed"]) == (3, 2)
    assert (by_kind["withdrawn"]["added"], by_kind["withdrawn"]["removed"]) == (0, 0)
    assert all(record["revision"] == 2 for record in records)


def test_changes_are_narrowed(edited: Evnews) -> None:
    assert [r["kind"] for r in edited("changes", "--kind", "headline", "--json").records] == ["headline"]
    both = edited("changes", "--kind", "headline", "--kind", "numbers", "--json").records
    assert {record["kind"] for record in both} == {"headline", "numbers"}
    assert {r["kind"] for r in edited("changes", "--source", BODY, "--json").records} == {"body", "withdrawn"}
    withdrawn = edited("changes", "--limit", "1", "--json").records
    assert [record["kind"] for record in withdrawn] == ["withdrawn"]
    assert edited("changes", "--since", withdrawn[0]["at"][:-1], "--json").records == withdrawn
    assert edited("changes", "--since", "2200-01-01", "--json").out == ""


def test_nothing_edited_is_status_1_and_a_kind_that_is_none_a_mistake(edited: Evnews, crawled: Evnews) -> None:
    assert crawled("changes").status == 1
    assert "evnews crawl --revisit" in crawled("changes").err
    assert edited("changes", "--kind", "typo", "--json").status == 1
    done = edited("changes", "--kind", "rewording")
    assert (done.status, done.out) == (2, "")
    assert "withdrawn, restored, rewrite, headline, numbers, typo, body" in done.err


def test_changes_are_a_table_for_people(edited: Evnews) -> None:
    lines = edited("changes").out.splitlines()
    assert lines[0].split() == ["when", "article", "revision", "kind", "+", "-", "source", "title"]
    assert len(lines) == 5
    assert "withdrawn" in lines[1]
    assert any("Update: " in line and "headline" in line and HEADLINE in line for line in lines)


def article_with(edited: Evnews, kind: str) -> int:
    """The number of the article that has an edit of a kind."""
    return int(edited("changes", "--kind", kind, "--json").records[0]["id"])


def test_revisions_of_an_article(edited: Evnews) -> None:
    number = article_with(edited, "numbers")
    lines = edited("show", str(number), "--revisions").out.splitlines()
    assert len(lines) == 2
    assert "as first seen" in lines[0]
    assert "numbers, 3 characters came, 2 went" in lines[1]
    first, second = edited("show", str(number), "--revisions", "--json").records
    assert (first["revision"], first["kind"], second["revision"], second["kind"]) == (1, None, 2, "numbers")
    assert first["text"] != second["text"]
    assert edited("show", str(number), "--json").records[0]["text"] == second["text"]
    assert edited("show", str(article_with(edited, "withdrawn")), "--json").records[0]["withdrawn"]


def test_the_words_that_were_edited(edited: Evnews) -> None:
    number = str(article_with(edited, "numbers"))
    (record,) = edited("show", number, "--diff", "--json").records
    first, second = edited("show", number, "--revisions", "--json").records
    parts = record["diff"]
    assert (record["from"], record["to"]) == (1, 2)
    assert "".join(part["text"] for part in parts if part["op"] != "+").endswith(first["text"])
    assert "".join(part["text"] for part in parts if part["op"] != "-").endswith(second["text"])
    (gone,) = [part["text"] for part in parts if part["op"] == "-"]
    (come,) = [part["text"] for part in parts if part["op"] == "+"]
    assert come == f"1{gone}"
    back = edited("show", number, "--diff", "2", "1", "--json").records[0]["diff"]
    assert [part["text"] for part in back if part["op"] == "-"] == [come]
    shown = edited("show", number, "--diff").out
    assert f"[-{gone}-]{{+{come}+}}" in shown
    assert "{+Update: +}" in edited("show", str(article_with(edited, "headline")), "--diff").out


def test_a_terminal_shows_them_in_colours(edited: Evnews) -> None:
    status, written = edited.on_terminal(100, "show", str(article_with(edited, "headline")), "--diff")
    assert status == 0
    assert re.search(r"\x1b\[1;32mUpdate: ", written)
    assert "{+" not in written
    assert any(line.startswith("Update: ") for line in plain(written))


def test_what_cannot_be_shown(edited: Evnews, crawled: Evnews) -> None:
    number = str(article_with(edited, "headline"))
    for words in (("--diff", "1"), ("1", "2"), ("--diff", "1", "9"), ("--diff", "0", "1")):
        done = edited("show", number, *words)
        assert (done.status, done.out) == (2, ""), words
        assert done.err
    assert "it has 2 revisions" in edited("show", number, "--diff", "1", "9").err
    done = crawled("show", "1", "--diff")
    assert (done.status, done.out) == (1, "")
    assert "never edited" in done.err
    for missing in ("0", "99999999", "9" * 40):
        assert edited("show", missing, "--revisions").status == 1
        assert edited("show", missing, "--diff").status == 1


def test_how_a_crawl_asks_again_must_be_said_whole(edited: Evnews) -> None:
    for words in (("--confirm-now",), ("--revisit", "--watch")):
        done = edited.here("crawl", *words)
        assert done.status == 2
        assert "--revisit" in done.err
