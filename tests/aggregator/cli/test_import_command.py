"""`import` as an operator meets it: what an export held is there again."""

from __future__ import annotations

from pathlib import Path

import feedparser
import listparser
import pandas as pd

from tests.aggregator.cli.evnews_command import Evnews


def test_an_export_is_brought_back(copied: Evnews, tmp_path: Path) -> None:
    first, again = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    assert copied.here("export", "jsonl", "-o", first).status == 0
    other = Evnews(tmp_path / "restored")
    done = other.here("import", "jsonl", first)
    assert (done.status, done.err) == (0, "")
    assert f"brought back from {first}" in done.out
    assert other.here("export", "jsonl", "-o", again).status == 0
    assert again.read_bytes() == first.read_bytes()
    assert other.here("db", "check", "--all").out == "the archive is whole\n"
    refused = other.here("import", "jsonl", first)
    assert refused.status == 2
    assert "--home DIR" in refused.err


def test_a_wrong_line_is_told_and_mended(copied: Evnews, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    copied.here("export", "jsonl", "-o", whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([*lines[:-1], b'{"id": 7']))
    other = Evnews(tmp_path / "restored")
    failed = other.here("import", "jsonl", broken)
    assert failed.status == 1
    assert f"line {len(lines)}: no JSON" in failed.err
    done = other.here("import", "jsonl", whole)
    assert (done.status, done.err) == (0, "")
    assert other.here("import", "jsonl", tmp_path / "nowhere").status == 2


def test_data_leaves_as_tables(copied: Evnews, tmp_path: Path) -> None:
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


def test_a_folder_of_feeds_is_rewritten_only_where_it_changed(copied: Evnews, tmp_path: Path) -> None:
    copied.here("searches", "add", "xiaomi", "小米")
    folder = tmp_path / "public"
    done = copied.here("export", "atom", "--all-searches", "--full", "-o", folder)
    assert (done.status, done.out) == (0, f"3 files in {folder}, 3 of them new\n")
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
    assert again.out == f"4 files in {folder}, 2 of them new\n"
    assert all(path.stat().st_mtime_ns == at for path, at in feeds.items() if path.suffix == ".atom")


def test_the_list_of_feeds_is_read_by_others(copied: Evnews, tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    assert copied.here("export", "opml", "-o", path).status == 0
    listed = listparser.parse(path.read_bytes())
    assert not listed.bozo
    assert [feed.title for feed in listed.feeds][:3] == ["evnews: all articles", "evnews: edits", "evnews: stories"]
