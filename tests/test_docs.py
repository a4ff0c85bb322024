"""The documentation names every command, option, setting, catalogue key and field, and nothing that is not there."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from aggregator.alerts.saved_searches import SavedSearch
from aggregator.cli import app
from aggregator.cli.commands.searches import record_of as search_fields
from aggregator.cli.commands.sources import _fields as source_fields
from aggregator.cli.crawl_report import record_of
from aggregator.cli.source_check import Report
from aggregator.config import KEYS
from aggregator.crawl.runner import PollResult
from aggregator.feeds.json_records import story_fields, topic_fields
from aggregator.feeds.jsonl import jsonl
from aggregator.topics.catalogue import TOPIC_KEYS as TOPIC_KEYS
from aggregator.topics.matcher import TOPIC_KINDS
from spiders.source import Source, SourceListing
from storage.articles.topics import TopicCount
from storage.model.article import KeptArticle, Refusal, Story, StoryMember
from storage.model.crawl import Poll
from storage.model.page import ParsedIndex
from storage.readers.alerts import SearchState

DOCS = Path(__file__).parents[1] / "docs"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sections(name: str) -> dict[str, str]:
    """The sections of a page by their headings."""
    parts = re.split(r"^#+ (.+)$", (DOCS / name).read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(section: str) -> set[str]:
    """The names in the first column of a section's tables."""
    return set(re.findall(r"^\| `(\w+)` \|", section, flags=re.M))


def commands() -> dict[str, typer.core.TyperCommand]:
    """Every command that does something, by the words that call it."""
    found, waiting = {}, [("evnews", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        waiting += [(f"{path} {name}", child) for name, child in getattr(command, "commands", {}).items()]
        if not getattr(command, "no_args_is_help", False):
            found[path] = command
    return found


@pytest.mark.parametrize("path", sorted(commands()))
def test_every_command_and_option_is_told(path: str) -> None:
    """Under a heading of its own, with an example; what stands before the command, above them all."""
    told = sections("commands.md")["Commands" if path == "evnews" else path]
    if path != "evnews":
        assert f"    {path}" in told
    options = [name for one in commands()[path].params for name in one.opts if name.startswith("-")]
    for option in options:
        if "Options as above" not in told:
            assert f"`{option}" in told or option in ("-h", "--help"), option


def test_no_command_is_told_that_is_not_there() -> None:
    """A heading that begins with evnews is a command."""
    assert {heading for heading in sections("commands.md") if heading.startswith("evnews")} <= set(commands())


def test_every_setting_has_its_heading() -> None:
    """And no other has."""
    assert set(sections("configuration.md")) - {"Configuration"} == set(KEYS)


def test_every_key_of_the_catalogue_has_its_heading() -> None:
    """And a listing's keys are told."""
    told = sections("sources.md")
    keys = {one.name for one in fields(Source)} - {"name"}
    assert {heading for heading in told if re.fullmatch("[a-z_]+", heading)} == keys
    assert all(f"`{one.name}`" in told["listings"] for one in fields(SourceListing))


def test_every_key_of_the_catalogue_of_topics_has_its_heading() -> None:
    """And every kind is told."""
    told = sections("topics.md")
    assert {heading for heading in told if re.fullmatch("[a-z_]+", heading)} == {*TOPIC_KEYS}
    assert all(f"`{kind}`" in told["kind"] for kind in TOPIC_KINDS)


def test_every_field_of_a_topic_is_told() -> None:
    """In its order."""
    count = TopicCount(name="x", articles=1, sources=1, newest_at=NOW, newest_id=1, newest_title="")
    record = topic_fields(count, "x", "maker", "")
    assert re.findall(r"^\| `(\w+)` \|", sections("json.md")["topics"], flags=re.M) == list(record)


def test_every_field_of_a_saved_search_is_told() -> None:
    """In its order."""
    record = search_fields(SavedSearch(name="x", query="x"), SearchState(name="x"))
    assert re.findall(r"^\| `(\w+)` \|", sections("json.md")["searches"], flags=re.M) == list(record)


def test_every_field_of_a_story_is_told() -> None:
    """In its order, and of its articles."""
    one = StoryMember(
        article_id=1, url="http://x/", source="x", title="x", at=NOW, has_publication_time=True, copy_count=0
    )
    record = story_fields(Story(id=1, title="x", first_at=NOW, last_at=NOW, source_count=1, members=(one,)))
    told = sections("json.md")["stories"]
    assert re.findall(r"^\| `(\w+)` \|", told, flags=re.M) == list(record)
    articles = record["articles"]
    assert isinstance(articles, list)
    assert all(f"`{name}`" in told for name in articles[0])


def test_every_field_of_an_export_is_told() -> None:
    """In the export's order."""
    empty = {one.name: "" for one in fields(KeptArticle)} | {"withdrawn": None}
    times = dict.fromkeys(("published", "updated", "first_seen"), NOW)
    kept = KeptArticle(**{**empty, **times, "authors": (), "tags": ()})
    told = re.findall(r"^\| `(\w+)` \|", sections("json.md")["export jsonl"], flags=re.M)
    assert told == list(json.loads(next(iter(jsonl([kept])))))


def test_every_field_of_a_poll_is_told() -> None:
    """Of its indexes too."""
    poll = Poll(source="x", url="http://x/", started_at=NOW, ended_at=NOW, outcome="ok")
    record = record_of(
        PollResult(
            source="x", polls=(poll,), counts=Counter(), reasons=(("no", 1),), next_poll_at=NOW, next_poll_reason=""
        )
    )
    indexes = record["indexes"]
    assert isinstance(indexes, list)
    assert rows(sections("json.md")["crawl"]) == {*record, *indexes[0]}


def test_every_field_of_the_catalogue_and_its_check_is_told() -> None:
    """And what stands inside of them."""
    told = sections("json.md")
    assert rows(told["sources"]) == {*source_fields(Source(name="x", title="x", home=""))}
    report = Report("x", [("http://x/", ParsedIndex())], [("http://x/1", Refusal(code="x", reason="y"))])
    record = report.fields()
    assert rows(told["sources check"]) == {*record}
    for inner in ("indexes", "articles"):
        listed = record[inner]
        assert isinstance(listed, list)
        assert all(f"`{name}`" in told["sources check"] for name in listed[0])
