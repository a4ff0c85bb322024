"""`evnews topics`, and topics in other commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews


def test_topics_are_listed_as_table_and_json(crawled: Evnews) -> None:
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


def test_topic_query_finds_the_counted_articles(crawled: Evnews) -> None:
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


def test_unknown_topic_is_reported_with_similar_names(crawled: Evnews, tmp_path: Path) -> None:
    done = crawled("search", "topic:xiaomy", "battery")
    assert (done.status, done.out) == (1, "")
    assert done.err == "evnews: no topic is named 'xiaomy'; did you mean xiaomi or xiaomi-yu7 or xiaomi-su7?\n"
    assert crawled("search", "topic:").status == 1
    assert "lists those" in crawled("search", "topic:zzzzqqqq").err
    done = crawled("export", "jsonl", "topic:xiaomy", "-o", tmp_path / "x.jsonl")
    assert (done.status, (tmp_path / "x.jsonl").exists()) == (2, False)


def test_show_and_export_include_topics(crawled: Evnews, tmp_path: Path) -> None:
    record = crawled("search", "小米", "--json").records[0]
    assert record["topics"][0] == "xiaomi"
    assert "topics      xiaomi, " in crawled("show", str(record["id"])).out
    done = crawled("export", "jsonl", "--topic", "xiaomi-su7", "-o", tmp_path / "x.jsonl")
    assert done.status == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert record["id"] in [line["id"] for line in lines]
    assert all("xiaomi-su7" in line["topics"] for line in lines)
    assert "<title>evnews: topic:xiaomi</title>" in crawled("export", "rss", "topic:xiaomi", "-o", "-").out


def test_refresh_applies_a_changed_topic_catalogue(copied: Evnews) -> None:
    own = copied.home / "topics.toml"
    own.write_text('[winter]\nkind = "market"\naliases = ["winter"]\n')
    before = copied("topics", "--json")
    assert "stored under another topic catalogue" in before.err
    assert "winter" not in [record["topic"] for record in before.records]
    assert copied("topics", "--refresh").out.endswith("topics\n")
    after = copied("topics", "--json")
    assert after.err == ""
    assert len(after.records) == len(before.records) + 1
    assert copied("search", "topic:winter").status == 0
    assert copied("topics", "--refresh").out.startswith("0 articles matched")
    assert copied("db", "check").status == 0


def test_crawl_uses_the_topic_catalogue_of_the_user(evnews: Evnews, newsroom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
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
    assert "stored under another" not in shown.err


@pytest.mark.parametrize(("words", "status"), [(("--kind", "car"), 2), (("--since", "soon"), 2), ((), 1)])
def test_unusable_topic_options_and_empty_archives(evnews: Evnews, words: tuple[str, ...], status: int) -> None:
    done = evnews("topics", *words)
    assert done.status == status
    assert done.err.startswith("evnews: ")
