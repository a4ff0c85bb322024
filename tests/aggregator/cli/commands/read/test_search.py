"""`evnews search`: results on a terminal, in a pipe and as JSON."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from rich.cells import cell_len

from tests.aggregator.cli.evnews_command import Evnews, plain


def test_search_filters_and_sorts_articles(crawled: Evnews) -> None:
    found = crawled("search", "battery", "--json")
    days = [record["published_date"] for record in found.records]
    assert found.status == 0
    assert len(days) > 3
    assert days == sorted(days, reverse=True)
    assert all("snippet" in record and "\ue000" not in record["snippet"] for record in found.records)
    best = crawled("search", "battery", "--json", "--best", "--limit", "3")
    assert len(best.records) == 3
    assert {r["source"] for r in crawled("search", "battery", "--source", "voltward", "--json").records} == {"voltward"}
    assert "小米" in crawled("search", "小米").out
    day = days[1]
    later = crawled("search", "battery", "--json", "--since", day).records
    earlier = crawled("search", "battery", "--json", "--until", day).records
    assert later
    assert earlier
    assert len(later) + len(earlier) == len(days)


def test_search_without_results_ends_with_status_1(crawled: Evnews) -> None:
    done = crawled("search", "xylophone")
    assert done.status == 1
    assert done.out == ""
    assert done.err.startswith("evnews: nothing found")
    assert crawled("search", "xylophone", "--json").out == ""


@pytest.mark.parametrize(
    "words",
    ["c++", "it's", '"', "'", '" OR "', "NEAR(", "title:x", "*", "\x01", "\udcff", "-" * 5000, "a" * 100_000, "", "%"],
)
def test_any_query_is_harmless(crawled: Evnews, words: str) -> None:
    done = crawled("search", words) if words[:1] == "-" else crawled("search", "--", words)
    assert done.status in (0, 1)
    assert "Traceback" not in done.err


def test_snippet_is_highlighted_and_folded_on_a_terminal(crawled: Evnews) -> None:
    status, written = crawled.on_terminal(60, "search", "小米")
    passage = [line for line in plain(written) if line.startswith("        ") and "http" not in line]
    assert status == 0
    assert "\x1b[1;33m小米" in written
    assert 2 <= len(passage) <= 4
    assert max(map(cell_len, passage)) <= 60
    assert cell_len(passage[0]) > 50


def test_control_characters_of_articles_never_reach_the_terminal(copied: Evnews) -> None:
    evil = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe [bold]x[/bold] :smile: \u2028end"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        change = "UPDATE articles SET title = ?, authors = ?, url = 'http://x/' || ?"
        connection.execute(change, (evil, json.dumps([evil]), evil))
        connection.commit()
    outputs = [
        copied("search", "小米").out, copied("search", "小米", "--json").out, copied("show", "1").out,
        copied("show", "1", "--json").out, copied("export", "jsonl", "-o", "-").out,
    ]  # fmt: skip
    for out in outputs:
        assert "end" in out
        assert not {"\x1b", "\x07", "\x9b", "\u2028"} & {*out}
    assert not any("\u202e" in out for out in outputs[:4])
    assert "[bold]x[/bold] :smile:" in outputs[0]
