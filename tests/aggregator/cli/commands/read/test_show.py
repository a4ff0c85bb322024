"""`evnews show`: one article with its facts and text."""

from __future__ import annotations

import json
import re

from tests.aggregator.cli.evnews_command import Evnews, plain


def article_with(edited: Evnews, kind: str) -> int:
    """Return the ID of the article with an edit of a kind."""
    return int(edited("changes", "--kind", kind, "--json").records[0]["id"])


def test_article_is_shown_with_facts_and_text(crawled: Evnews) -> None:
    number = crawled("search", "小米", "--json").records[0]["id"]
    record = crawled("show", str(number), "--json").records[0]
    shown = crawled("show", str(number)).out
    assert record["title"] in shown
    assert record["url"] in shown
    assert record["text"][:40] in shown
    assert ".warc.gz at " in shown
    exported = json.loads(crawled("export", "jsonl", "-o", "-").out.splitlines()[0])
    assert [*record, "past_texts"] == list(exported)
    assert list(crawled("search", "小米", "--json").records[0]) == [*record, "snippet"]
    for missing in ("0", "99999999", "9" * 40):
        assert crawled("show", missing).status == 1


def test_revisions_are_listed(edited: Evnews) -> None:
    number = article_with(edited, "numbers")
    lines = edited("show", str(number), "--revisions").out.splitlines()
    assert len(lines) == 2
    assert "as first seen" in lines[0]
    assert "numbers, 3 characters added, 2 removed" in lines[1]
    first, second = edited("show", str(number), "--revisions", "--json").records
    assert (first["revision"], first["kind"], second["revision"], second["kind"]) == (1, None, 2, "numbers")
    assert first["text"] != second["text"]
    assert edited("show", str(number), "--json").records[0]["text"] == second["text"]
    assert edited("show", str(article_with(edited, "withdrawn")), "--json").records[0]["withdrawn"]


def test_diff_has_the_edited_words(edited: Evnews) -> None:
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


def test_diff_is_coloured_on_a_terminal(edited: Evnews) -> None:
    status, written = edited.on_terminal(100, "show", str(article_with(edited, "headline")), "--diff")
    assert status == 0
    assert re.search(r"\x1b\[1;32mUpdate: ", written)
    assert "{+" not in written
    assert any(line.startswith("Update: ") for line in plain(written))


def test_impossible_diffs_are_reported(edited: Evnews, crawled: Evnews) -> None:
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
