"""The documentation describes every command, option, setting, key and field; its examples run and its links resolve."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from aggregator.alerts.saved_searches import SavedSearch
from aggregator.cli import app, main
from aggregator.cli.commands.collect.sources import source_fields
from aggregator.cli.commands.read.searches import search_fields
from aggregator.cli.crawl_report import poll_fields
from aggregator.cli.source_check import SourceCheck
from aggregator.config import KEYS
from aggregator.crawl.runner import PollResult
from aggregator.feeds.json_records import story_fields, topic_fields
from aggregator.feeds.jsonl import jsonl
from aggregator.topics.catalogue import TOPIC_KEYS as TOPIC_KEYS
from aggregator.topics.matcher import TOPIC_KINDS
from aggregator.web.api import ENDPOINTS
from spiders.source import Source, SourceListing
from storage.archive import open_database
from storage.articles.topics import TopicCount
from storage.model.article import KeptArticle, Refusal, Story, StoryMember
from storage.model.crawl import Poll
from storage.model.page import ParsedIndex
from storage.readers.alerts import SearchState
from storage.search.query.filters import FIELDS, OPTION_FIELDS, STATE_NAMES
from storage.text.diff import EditKind
from tests.newsroom.server import Newsroom, running

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md"), ROOT / "tests/newsroom/README.md"])
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RENAMED = {"tell": "notify", "quiet": "quiet_hours"}
"""Settings that are still read under their old name, and documented under the new one."""
PLACEHOLDER = re.compile(r"\b(COMMAND|FILE|ID|NAME|SOURCE|WHAT|WORDS|ARTICLE-OR-URL|QUERY)\b|\.\.\.|\[")


def sections(name: str) -> dict[str, str]:
    """Return the sections of a page by their headings."""
    parts = re.split(r"^#+ (.+)$", (DOCS / name).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(section: str) -> list[str]:
    """Return the names in the first column of a section's tables."""
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


def commands() -> dict[str, typer.core.TyperCommand]:
    """Return every command that does something, by the words that call it."""
    commands, waiting = {}, [("evnews", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        if isinstance(command, typer.core.TyperGroup):
            context = typer.Context(command)
            children = {name: command.get_command(context, name) for name in command.list_commands(context)}
            waiting += [(f"{path} {name}", child) for name, child in children.items() if child is not None]
        if not getattr(command, "no_args_is_help", False):
            commands[path] = command
    return commands


def examples(page: Path, *, with_inline: bool = True) -> list[str]:
    """Return the calls of evnews that a page shows, without those that have a placeholder."""
    text = page.read_text()
    shown = re.findall(r"^    (?:\.venv/bin/)?(evnews .+)$", text, flags=re.MULTILINE)
    if with_inline:
        shown += re.findall(r"`(?:\.venv/bin/)?(evnews [^`]+)`", text.replace("\\|", "|"))
    return [line for line in dict.fromkeys(shown) if not PLACEHOLDER.search(line)]


def words_of(line: str) -> list[str]:
    """Return the words of a call as a shell passes them on."""
    return shlex.split(line, comments=True)[1:]


def status_of(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run evnews in this process and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["evnews", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a code host gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", sorted(commands()))
def test_every_command_has_a_heading_an_example_and_its_options(path: str) -> None:
    """Options before the command are described at the top of the page."""
    section = sections("commands.md")["Commands" if path == "evnews" else path]
    assert path == "evnews" or f"    {path}" in section
    options = {name for parameter in commands()[path].params for name in parameter.opts if name.startswith("-")}
    assert {option for option in options - {"-h", "--help"} if f"`{option}" not in section} == set()


def test_every_heading_of_a_command_is_a_command() -> None:
    assert {heading for heading in sections("commands.md") if heading.startswith("evnews")} <= set(commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_have_existing_commands_and_options(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in examples(page):
        words = words_of(line)
        end = words.index("--") if "--" in words else len(words)
        assert status_of([*words[:end], "--help"], monkeypatch) == 0, line


@pytest.fixture(scope="module")
def crawled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home folder with all articles of the test newsroom."""
    home = tmp_path_factory.mktemp("home")
    others = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
    with running(Newsroom()) as newsroom:
        newsroom.write_sources(home / "newsroom.toml")
        command = [sys.executable, "-m", "aggregator", "--home", home, "crawl", "--sources", home / "newsroom.toml"]
        subprocess.run(command, env={**others, "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8"}, cwd=ROOT, check=True)
    return home


def test_reading_commands_shown_are_run(
    crawled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every example that reads the archive succeeds or finds nothing; none is rejected as a mistake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVNEWS_HOME", str(crawled_home))
    reading = {"changes", "doctor", "export", "health", "search", "show", "stats", "stories", "topics", "why"}
    assert status_of(["searches", "add", "sodium", '"sodium ion" -toyota'], monkeypatch) == 0
    shown = [line for page in PAGES for line in examples(page, with_inline=page == ROOT / "README.md")]
    lines = [line for line in shown if line.split()[1] in reading]
    assert len(lines) > 40
    for line in dict.fromkeys(lines):
        assert status_of(words_of(line), monkeypatch) in (0, 1), f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"[a-z]+:", link):
            file, _, anchor = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_every_setting_has_its_heading() -> None:
    headings = {heading for heading in sections("configuration.md") if re.fullmatch("[a-z_]+", heading)}
    assert headings == {RENAMED.get(key, key) for key in KEYS}


def test_every_key_of_a_source_has_its_heading() -> None:
    page = sections("sources.md")
    keys = {field.name for field in fields(Source)} - {"name"}
    assert {heading for heading in page if re.fullmatch("[a-z_]+", heading)} == keys
    assert all(f"`{field.name}`" in page["listings"] for field in fields(SourceListing))


def test_every_key_of_a_topic_has_its_heading() -> None:
    page = sections("topics.md")
    assert {heading for heading in page if re.fullmatch("[a-z_]+", heading)} == {*TOPIC_KEYS}
    assert all(f"`{kind}`" in page["kind"] for kind in TOPIC_KINDS)


@pytest.mark.parametrize("file", ["spiders/sources.toml", "aggregator/topics.toml"])
def test_the_head_of_a_shipped_catalogue_describes_every_key(file: str) -> None:
    described = set(re.findall(r"^#   (\w+) ", (ROOT / file).read_text(), flags=re.MULTILINE))
    keys = {field.name for field in fields(Source)} - {"name"} if "sources" in file else {*TOPIC_KEYS}
    assert described == keys


def test_every_endpoint_of_the_api_and_its_options_are_described() -> None:
    page = sections("api.md")["JSON API"]
    for endpoint in ENDPOINTS:
        assert f"`{endpoint.path.replace('{id}', 'ID')}`" in page
        assert {option.name for option in endpoint.options if f"`{option.name}" not in page} == set()


def test_every_field_of_the_query_language_is_described() -> None:
    section = sections("searching.md")["Query language"]
    options = [f"{name}:{value}" for name, values in OPTION_FIELDS.items() for value in values]
    wanted = [*(f"{name}:" for name in FIELDS), *options, *(f"is:{state}" for state in STATE_NAMES)]
    assert [name for name in wanted if f"`{name}" not in section] == []


def test_every_kind_of_edit_is_described() -> None:
    assert {kind for kind in EditKind if f"`{kind}`" not in sections("commands.md")["evnews changes"]} == set()


def test_every_dependency_has_its_row() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = {re.split(r"[\[<>=]", name)[0] for group in (project["dependencies"], *extras) for name in group}
    table = re.findall(r"^\| ([a-z].*?) \|", sections("design.md")["Dependencies"], flags=re.MULTILINE)
    described = {cell.split()[0] for row in table for cell in row.split(", ")} - {"package"}
    assert described - {"justext", "zope.interface"} == declared - {"justext", "zope.interface"}


def test_every_metric_is_described() -> None:
    source = (ROOT / "aggregator/service/metrics.py").read_text()
    named = set(re.findall(r'"(evnews_\w+)"', source))
    described = {name.removesuffix("_total") for name in rows(sections("running.md")["Metrics"])}
    assert described == named


def test_the_columns_of_every_view_are_described(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'archive.db'}").close()
    described = re.findall(r"^\| `(\w+_view)` \|.*\| (.+) \|$", sections("data.md")["SQL views"], flags=re.MULTILINE)
    archive = sqlite3.connect(tmp_path / "archive.db")
    names = [
        name for (name,) in archive.execute("SELECT name FROM sqlite_master WHERE name LIKE '%\\_view' ESCAPE '\\'")
    ]
    columns = {name: [row[1] for row in archive.execute(f"PRAGMA table_info({name})")] for name in names}
    archive.close()
    assert {view: re.findall(r"`(\w+)`", listed) for view, listed in described} == columns


def test_the_fields_of_a_topic_are_described_in_order() -> None:
    count = TopicCount(name="x", articles=1, sources=1, newest_at=NOW, newest_id=1, newest_title="")
    assert rows(sections("json.md")["topics"]) == list(topic_fields(count, "x", "maker", ""))


def test_the_fields_of_a_saved_search_are_described_in_order() -> None:
    record = search_fields(SavedSearch(name="x", query="x"), SearchState(name="x"))
    assert rows(sections("json.md")["searches"]) == list(record)


def test_the_fields_of_a_story_are_described_in_order() -> None:
    member = StoryMember(
        article_id=1, url="http://x/", source="x", title="x", at=NOW, has_publication_time=True, copy_count=0
    )
    record = story_fields(Story(id=1, title="x", first_at=NOW, last_at=NOW, source_count=1, members=(member,)))
    section = sections("json.md")["stories"]
    assert rows(section) == list(record)
    articles = record["articles"]
    assert isinstance(articles, list)
    assert all(f"`{name}`" in section for name in articles[0])


def test_the_fields_of_an_export_are_described_in_order() -> None:
    empty = {field.name: "" for field in fields(KeptArticle)} | {"withdrawn": None}
    times = dict.fromkeys(("published", "updated", "first_seen"), NOW)
    article = KeptArticle(**{**empty, **times, "authors": (), "tags": ()})
    assert rows(sections("json.md")["export jsonl"]) == list(json.loads(next(iter(jsonl([article])))))


def test_the_fields_of_a_poll_and_its_indexes_are_described() -> None:
    poll = Poll(source="x", url="http://x/", started_at=NOW, ended_at=NOW, outcome="ok")
    record = poll_fields(
        PollResult(
            source="x", polls=(poll,), counts=Counter(), reasons=(("no", 1),), next_poll_at=NOW, next_poll_reason=""
        )
    )
    indexes = record["indexes"]
    assert isinstance(indexes, list)
    assert {*rows(sections("json.md")["crawl"])} == {*record, *indexes[0]}


def test_the_fields_of_sources_and_their_check_are_described() -> None:
    page = sections("json.md")
    assert {*rows(page["sources"])} == {*source_fields(Source(name="x", title="x", home=""))}
    check = SourceCheck("x", [("http://x/", ParsedIndex())], [("http://x/1", Refusal(code="x", reason="y"))])
    record = check.fields()
    assert {*rows(page["sources check"])} == {*record}
    for key in ("indexes", "articles"):
        items = record[key]
        assert isinstance(items, list)
        assert all(f"`{name}`" in page["sources check"] for name in items[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_named_exist(page: Path) -> None:
    named = set(re.findall(r"`((?:aggregator|spiders|storage|tests|benchmarks|docs)/[\w/.]+)`", page.read_text()))
    assert {path for path in named if not (ROOT / path).exists()} == set()
