"""`topics`, `search topic:NAME` and what else is asked of an archive by topics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews


def test_topics_are_a_table_or_records(crawled: Evnews) -> None:
    """Most articles first; a kind and a time narrow them."""
    done = crawled("topics")
    assert done.status == 0, done.err
    assert done.out.splitlines()[0].split()[:4] == ["topic", "kind", "articles", "sources"]
    records = crawled("topics", "--json").records
    counts = [record["articles"] for record in records]
    assert counts == sorted(counts, reverse=True)
    by_name = {record["topic"]: record for record in records}
    assert by_name["xiaomi-su7"]["part_of"] == "xiaomi"
    assert by_name["xiaomi"]["articles"] >= by_name["xiaomi-su7"]["articles"] >= 1
    assert by_name["battery-swap"]["kind"] == "charging"
    assert {record["kind"] for record in crawled("topics", "--kind", "charging", "--json").records} == {"charging"}
    newest = max(record["newest_at"] for record in records)
    assert {r["newest_at"] for r in crawled("topics", "--since", newest[:-1], "--json").records} == {newest}
    assert crawled("topics", "--since", "2200-01-01").status == 1


def test_a_topic_finds_what_it_counts(crawled: Evnews) -> None:
    """By its name, its title or an alias, with words and without, among the words or as an option."""
    counted = {record["topic"]: record["articles"] for record in crawled("topics", "--json").records}
    found = crawled("search", "topic:charging-network", "--json", "--limit", "1000").records
    assert len(found) == counted["charging-network"] > 3
    days = [record["published"] for record in found]
    assert days == sorted(days, reverse=True)
    assert all("charging-network" in record["topics"] for record in found)
    ids = [record["id"] for record in found]
    for words in ("--topic=charging-network", "TOPIC:Ladestation", 'topic:"public charging"', "topic:充电站"):
        assert [r["id"] for r in crawled("search", words, "--json", "--limit", "1000").records] == ids
    some = crawled("search", "topic:charging-network", "the", "--json", "--limit", "1000").records
    assert 0 < len(some) < len(found)
    assert {record["id"] for record in some} <= {*ids}
    both = crawled("search", "topic:charging-network topic:xiaomi", "--json")
    assert both.status in (0, 1)
    assert all({"charging-network", "xiaomi"} <= {*record["topics"]} for record in both.records)


def test_a_topic_that_is_none_finds_nothing_and_is_said(crawled: Evnews, tmp_path: Path) -> None:
    """With the names that are near; an export of it is a mistake, and writes nothing."""
    done = crawled("search", "topic:xiaomy", "battery")
    assert (done.status, done.out) == (1, "")
    assert done.err == "evnews: no topic is named 'xiaomy'; did you mean xiaomi or xiaomi-yu7 or xiaomi-su7?\n"
    assert crawled("search", "topic:").status == 1
    assert "lists those" in crawled("search", "topic:zzzzqqqq").err
    done = crawled("export", "jsonl", "topic:xiaomy", "-o", tmp_path / "x.jsonl")
    assert (done.status, (tmp_path / "x.jsonl").exists()) == (2, False)


def test_show_and_export_name_the_topics(crawled: Evnews, tmp_path: Path) -> None:
    """Those of the title first."""
    record = crawled("search", "小米", "--json").records[0]
    assert record["topics"][0] == "xiaomi"
    assert "topics      xiaomi, " in crawled("show", str(record["id"])).out
    done = crawled("export", "jsonl", "--topic", "xiaomi-su7", "-o", tmp_path / "x.jsonl")
    assert done.status == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert record["id"] in [line["id"] for line in lines]
    assert all("xiaomi-su7" in line["topics"] for line in lines)
    assert "<title>evnews: topic:xiaomi</title>" in crawled("export", "rss", "topic:xiaomi", "-o", "-").out


def test_a_changed_catalogue_reaches_what_is_kept(copied: Evnews) -> None:
    """After a refresh; until then `topics` says how many articles it has not reached."""
    own = copied.home / "topics.toml"
    own.write_text('[winter]\nkind = "market"\naliases = ["winter"]\n')
    before = copied("topics", "--json")
    assert "not yet read with this catalogue" in before.err
    assert "winter" not in [record["topic"] for record in before.records]
    assert copied("topics", "--refresh").out.endswith("topics\n")
    after = copied("topics", "--json")
    assert after.err == ""
    assert len(after.records) == len(before.records) + 1
    assert copied("search", "topic:winter").status == 0
    assert copied("topics", "--refresh").out.startswith("0 articles read")
    assert copied("db", "check").status == 0


def test_a_crawl_marks_with_the_users_catalogue(evnews: Evnews, newsroom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """From its first article on; a wrong entry is said and costs nothing."""
    evnews.home.mkdir()
    (evnews.home / "topics.toml").write_text(
        'shipped = false\n[every]\nkind = "market"\naliases = ["the"]\n[odd]\nkind = "odd"\naliases = ["odd"]\n'
    )
    catalogue = newsroom.write_sources(tmp_path / "newsroom.toml")
    done = evnews("crawl", "kerbside", "--sources", catalogue)
    assert done.status == 0, done.err
    assert "topics.toml: [odd] kind" in done.err
    shown = evnews("topics", "--json")
    assert [record["topic"] for record in shown.records] == ["every"]
    assert "not yet read" not in shown.err


@pytest.mark.parametrize(("words", "status"), [(("--kind", "car"), 2), (("--since", "soon"), 2), ((), 1)])
def test_what_cannot_be_asked(evnews: Evnews, words: tuple[str, ...], status: int) -> None:
    """A kind or a time that is none is a mistake; an empty archive has no topics."""
    done = evnews("topics", *words)
    assert done.status == status
    assert done.err.startswith("evnews: ")
