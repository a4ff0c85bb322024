"""`evnews searches`: saved searches, notifications and mute rules."""

from __future__ import annotations

import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.alerts.webhook import Hook, listening
from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.newsroom import Newsroom


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


def test_search_is_saved_listed_used_and_removed(copied: Evnews) -> None:
    file = copied.home / "searches.toml"
    file.write_text("# mine\n[old]\nquery = 'nio'  # a maker\n")
    query = '"solid state" OR feststoff* -toyota'
    done = copied("searches", "add", "solid", query)
    assert (done.status, done.err) == (0, "")
    assert "saved solid in" in done.out
    assert "# mine" in file.read_text()
    assert tomllib.loads(file.read_text())["solid"] == {"query": query}
    assert [record["search"] for record in copied("searches", "--json").records] == ["old", "solid"]
    assert copied("searches").out.splitlines()[0].split()[:3] == ["search", "query", "notifies"]
    whole = copied("search", query, "--json", "--limit", "100").records
    assert len(whole) > 1
    assert copied("search", "--saved", "solid", "--json", "--limit", "100").records == whole
    some = copied("search", "--saved", "solid", "lang:de OR lang:en", "sort:old", "--json", "--limit", "100").records
    assert 0 < len(some) <= len(whole)
    assert {one["id"] for one in some} == {one["id"] for one in whole if one["language"] in ("de", "en")}
    assert copied("searches", "remove", "solid").status == 0
    assert file.read_text() == "# mine\n[old]\nquery = 'nio'  # a maker\n"
    done = copied("search", "--saved", "solid")
    assert done.status == 2
    assert "saved searches: old" in done.err


def test_saved_search_is_exported(copied: Evnews, tmp_path: Path) -> None:
    copied("searches", "add", "xiaomi", "小米")
    for kind in ("rss", "jsonl"):
        assert copied("export", kind, "--saved", "xiaomi", "-o", tmp_path / kind).status == 0
        assert copied("export", kind, "小米", "-o", tmp_path / f"{kind}2").status == 0
    assert (tmp_path / "jsonl").read_bytes() == (tmp_path / "jsonl2").read_bytes() != b""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Not A Name", "nio"), "is not a valid name"),
        (("unclosed", 'nio "solid'), "at character 5"),
        (("empty", "  "), "query is empty"),
        (("signs", "nio ("), "at character 5"),
        (("unknown", "topic:nonesuch"), "no topic is named"),
        (("nobody", "nio", "--notify", "bogus://x"), "is not a URL that Apprise can notify"),
    ],
)
def test_invalid_search_is_not_saved(evnews: Evnews, words: tuple[str, ...], said: str) -> None:
    done = evnews.here("searches", "add", *words)
    assert done.status == 2
    assert said in done.err
    assert not (evnews.home / "searches.toml").exists()


def test_saved_search_is_replaced_only_on_request(evnews: Evnews) -> None:
    assert evnews("searches", "add", "ev", "nio").status == 0
    done = evnews("searches", "add", "ev", "byd")
    assert done.status == 2
    assert "--replace" in done.err
    assert evnews("searches", "add", "ev", "byd", "--replace").status == 0
    assert evnews("searches", "--json").records[0]["query"] == "byd"


def test_invalid_saved_search_leaves_the_others_usable(evnews: Evnews) -> None:
    evnews.home.mkdir()
    wrong = "[a]\nquery = '\"x'\n[b]\nquery = 'x'\nnotfy = 'y'\n[c]\nquery = 'nio'\n[D]\nquery = 'x'\n"
    (evnews.home / "searches.toml").write_text(wrong)
    done = evnews("searches", "--json")
    assert done.status == 1
    assert [record["search"] for record in done.records] == ["c"]
    assert len(done.err.splitlines()) == 3
    assert "there is no such key; allowed are query, notify" in done.err


def test_crawl_notifies_of_new_articles_once(evnews: Evnews, newsroom: Newsroom, tmp_path: Path, hook: Hook) -> None:
    sources = newsroom.write_sources(tmp_path / "sources.toml")
    done = evnews("searches", "add", "all", "words:>0", "--notify", hook.address)
    assert done.status == 0, done.err
    assert (evnews.home / "searches.toml").stat().st_mode & 0o077 == 0
    done = evnews("crawl", "--sources", sources)
    assert done.status == 0, done.err
    kept = len(evnews("search", "--json", "--limit", "1000").records)
    [first] = hook.messages
    count = int(first["title"].split()[1])
    assert 0 < count <= kept
    assert f"notified of {count} articles for all" in done.err
    assert "no new matches" in evnews("searches", "notify").out
    newsroom.publish()
    hook.status = 500
    done = evnews("crawl", "--sources", sources)
    assert done.status == 0
    assert "could not be sent, evnews tries again later" in done.err
    hook.status = 200
    assert evnews("searches", "retry", "all").status == 0
    assert len(hook.messages) == 3
    assert hook.messages[1]["message"] == hook.messages[2]["message"]
    shown = [evnews("searches"), evnews("searches", "--json"), done]
    assert not any("secret" in one.out + one.err for one in shown)


def test_message_interrupted_by_sigkill_is_sent_again_only_on_request(copied: Evnews, hook: Hook) -> None:
    assert copied("searches", "add", "ev", "words:>0", "--notify", hook.address).status == 0
    _forget_what_was_seen(copied)
    assert "new article" in copied("searches", "notify", "--dry-run").out
    assert hook.messages == []
    hook.hangs = True
    running = copied.start("searches", "notify")
    assert hook.came.wait(60)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    hook.ended.set()
    done = copied("searches", "notify")
    assert "1 message may not have arrived" in done.err
    assert len(hook.messages) == 1
    assert copied("searches", "--json").records[0]["unsure"] == 1
    assert copied("searches", "retry", "ev").status == 0
    assert len(hook.messages) == 2
    record = copied("searches", "--json").records[0]
    assert (record["unsure"], record["waiting"], record["sent"]) == (0, 0, 1)


def test_muted_articles_are_hidden_from_search_and_exported(copied: Evnews, tmp_path: Path) -> None:
    every = copied("search", "--json", "--limit", "1000").records
    (copied.home / "evnews.toml").write_text('mute = ["lang:de", "title:zzz"]\n')
    shown = copied("search", "--json", "--limit", "1000").records
    assert shown == [one for one in every if one["language"] != "de"] != every
    assert copied("search", "--json", "--limit", "1000", "--all").records == every
    assert copied("search", "lang:de").status == 1
    assert "--all" in copied("search", "lang:de").err
    assert "de" not in copied("search", "--facets", "--json").records[0]["languages"]
    assert copied("export", "jsonl", "-o", tmp_path / "x").status == 0
    assert len((tmp_path / "x").read_text().splitlines()) == len(every)
    (copied.home / "evnews.toml").write_text("mute = ['\"open']\n")
    done = copied("search", "nio")
    assert done.status == 2
    assert "mute" in done.err


def _forget_what_was_seen(evnews: Evnews) -> None:
    import sqlite3

    with sqlite3.connect(evnews.home / "archive.db") as connection:
        connection.execute("UPDATE saved_searches SET last_article_id = 0")
