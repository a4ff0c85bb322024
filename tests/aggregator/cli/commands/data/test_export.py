"""`evnews export`: whole files, feeds, and readers of a pipe that go away."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import feedparser
import listparser
import pandas as pd
import pytest

from tests.aggregator.cli.evnews_command import Evnews


def test_jsonl_has_every_article_and_is_replaced_as_a_whole(crawled: Evnews, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    done = crawled("export", "jsonl", "-o", file)
    lines = file.read_text().splitlines()
    assert done.status == 0
    assert done.out == f"{len(lines)} articles written to {file}\n"
    assert crawled("export", "jsonl", "-o", "-").out == file.read_text()
    assert json.loads(lines[0])["id"]
    for bad in (tmp_path, tmp_path / "none" / "x", Path("/dev/full")):
        failed = crawled("export", "jsonl", "-o", bad)
        assert failed.status == 1
        assert "cannot be written" in failed.err
        assert failed.out == ""
    assert list(tmp_path.iterdir()) == [file]


def test_rss_has_the_newest_articles(crawled: Evnews) -> None:
    for words in ((), ("battery",)):
        feed = ET.fromstring(crawled("export", "rss", *words, "--limit", "3", "-o", "-").out.encode())
        titles = [item.findtext("title") for item in feed.iter("item")]
        newest = crawled("search", *words, "--limit", "3", "--json").records
        assert titles == [record["title"] for record in newest]
        assert len(titles) == 3


def test_closed_pipe_ends_the_export_quietly(crawled: Evnews) -> None:
    command = " ".join(crawled.command("export", "jsonl", "-o", "-"))
    around = crawled.around()
    ended = subprocess.run(["bash", "-c", f"{command} | head -c 10"], **around, capture_output=True, text=True)
    assert ended.stderr == ""
    assert ended.stdout == '{"id":1,"u'
    full = subprocess.run(["bash", "-c", f"{command} > /dev/full"], **around, capture_output=True, text=True)
    assert full.returncode == 1
    assert full.stderr == "evnews: the output cannot be written: No space left on device\n"


def test_csv_and_parquet_are_read_by_pandas(copied: Evnews, tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        path = tmp_path / f"all.{form}"
        done = copied.here("export", form, "-o", path)
        assert (done.status, done.err) == (0, "")
        assert f"written to {path}" in done.out
    table, frame = pd.read_csv(tmp_path / "all.csv"), pd.read_parquet(tmp_path / "all.parquet")
    assert list(table["id"]) == list(frame["id"])
    assert len(frame) > 10
    raw = tmp_path / "raw.csv"
    assert copied.here("export", "csv", "--raw", "小米", "-o", raw).status == 0
    assert raw.read_bytes().startswith(b"id,url,")
    assert copied.here("export", "csv", "-o", tmp_path / "nowhere" / "x").status == 1


def test_folder_of_feeds_keeps_unchanged_files(copied: Evnews, tmp_path: Path) -> None:
    copied.here("searches", "add", "xiaomi", "小米")
    folder = tmp_path / "public"
    done = copied.here("export", "atom", "--all-searches", "--full", "-o", folder)
    assert (done.status, done.out) == (0, f"3 files in {folder}, 3 new or changed\n")
    feeds = {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*.*"))}
    assert [str(path.relative_to(folder)) for path in feeds] == [
        "feeds/all.atom", "feeds/search/xiaomi.atom", "feeds.opml",
    ]  # fmt: skip
    listed = listparser.parse((folder / "feeds.opml").read_bytes())
    assert {feed.url.rpartition("/feeds/")[2] for feed in listed.feeds} == {"all.atom", "search/xiaomi.atom"}
    read = feedparser.parse((folder / "feeds" / "all.atom").read_bytes())
    assert read.entries
    assert all(entry.content for entry in read.entries)
    assert {link.rel for link in read.feed.links} == {"alternate", "self"}
    copied.here("searches", "add", "more", "battery")
    again = copied.here("export", "atom", "--all-searches", "--full", "-o", folder)
    assert again.out == f"4 files in {folder}, 2 new or changed\n"
    assert all(path.stat().st_mtime_ns == at for path, at in feeds.items() if path.suffix == ".atom")


def test_exported_opml_is_read_by_listparser(copied: Evnews, tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    assert copied.here("export", "opml", "-o", path).status == 0
    listed = listparser.parse(path.read_bytes())
    assert not listed.bozo
    assert [feed.title for feed in listed.feeds][:3] == ["evnews: all articles", "evnews: edits", "evnews: stories"]


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_exported_feed_has_the_results_of_the_search(crawled: Evnews, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"feed.{form}"
    done = crawled("export", form, "小米", "-o", path)
    assert (done.status, done.err) == (0, "")
    ids = [record["id"] for record in crawled("search", "小米", "--json").records]
    if form == "json":
        found = [item["id"] for item in json.loads(path.read_text())["items"]]
    else:
        found = [entry.id for entry in feedparser.parse(path.read_bytes()).entries]
    assert found == [f"urn:evnews:article:{one}" for one in ids] != []
    before = path.read_bytes()
    crawled("export", form, "小米", "-o", path)
    assert path.read_bytes() == before
