"""Help, version, and errors in one line with their exit statuses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from aggregator.cli import app
from aggregator.cli.commands.data.db import rebuild_index
from aggregator.cli.output import run_command
from aggregator.config import load_config
from aggregator.feeds.json_records import format_optional_timestamp
from storage.db import database
from tests.aggregator.cli.evnews_command import ROOT, Done, Evnews

HEAVY = {"scrapy", "twisted", "sqlalchemy", "rich", "trafilatura", "lxml", "alembic", "pebble", "apscheduler"}
GOOD = '[good]\nhome = "https://good.example/"\nfeeds = "https://good.example/feed"\n'


def commands(group: typer.core.TyperGroup, *path: str) -> list[tuple[str, ...]]:
    """Return the path of a group and of every command in it."""
    paths, context = [path], typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        paths += commands(command, *path, name) if isinstance(command, typer.core.TyperGroup) else [(*path, name)]
    return paths


def error_line(done: Done, status: int) -> str:
    """Return the line on stderr, which must be the only one."""
    assert done.status == status, done.err
    assert "Traceback" not in done.err
    assert done.err.startswith("evnews: "), done.err
    assert done.err.count("\n") == 1, done.err
    return done.err


def imported(*words: str) -> set[str]:
    """Return the top-level modules that a command imports."""
    code = (
        "import sys; from aggregator.cli import app\n"
        f"try: app({list(words)!r})\n"
        "except SystemExit as end: assert not end.code, end\n"
        "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ended.stdout.rpartition("MODULES ")[2].split())


def test_help_imports_no_heavy_module() -> None:
    assert not imported("--help") & HEAVY
    assert not imported("sources", "add", "--help") & HEAVY


def test_search_imports_sqlalchemy_but_no_crawler(crawled: Evnews) -> None:
    reading = imported("--home", str(crawled.home), "search", "battery", "--json")
    assert "sqlalchemy" in reading
    assert not reading & {"scrapy", "twisted", "trafilatura"}


def test_version_is_printed(evnews: Evnews) -> None:
    assert evnews("--version").out == "evnews 0.1.0\n"


@pytest.mark.parametrize("path", commands(typer.main.get_command(app)), ids=" ".join)
def test_every_help_shows_an_example_of_its_command(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        app([*path, "--help"], prog_name="evnews")
    assert end.value.code == 0
    assert f"evnews {' '.join(path)}".strip() in capsys.readouterr().out.partition("Example")[2]


def test_unknown_source_is_reported_with_similar_names(evnews: Evnews) -> None:
    assert "there is no source 'elektrek'; did you mean electrek or " in error_line(evnews.here("crawl", "elektrek"), 2)
    assert "`evnews sources` lists the sources" in error_line(evnews.here("crawl", "zzzzzz"), 2)


def test_wrong_options_end_with_status_2(evnews: Evnews) -> None:
    for words in (["crawl", "--nope"], ["nope"], ["show", "many"], ["search", "x", "--limit", "0"]):
        done = evnews.here(*words)
        assert done.status == 2
        assert "Usage: " in done.err
        assert "Traceback" not in done.err
    assert "--since '2026-13-01' is not a date" in error_line(evnews("search", "x", "--since", "2026-13-01"), 2)
    assert "--until '9999y' is not a date" in error_line(evnews("search", "x", "--until", "9999y"), 2)


def test_wrong_setting_is_reported_with_file_and_key(evnews: Evnews) -> None:
    evnews.home.mkdir()
    settings = evnews.home / "evnews.toml"
    settings.write_text("wrokers = 2\n")
    assert f"{settings}: unknown key 'wrokers'" in error_line(evnews("stats"), 2)
    settings.write_text("workers = 'two'\n")
    assert f"{settings}: workers = 'two'" in error_line(evnews("stats"), 2)
    settings.write_text("workers = \n")
    assert f"{settings}: cannot be read" in error_line(evnews("stats"), 2)
    settings.unlink()
    assert "EVNEWS_WORKERS = 'many'" in error_line(evnews("stats", EVNEWS_WORKERS="many"), 2)
    assert "--db = 'mysql://x'" in error_line(evnews("--db", "mysql://x", "stats"), 2)


def test_catalogue_that_is_not_toml_ends_with_status_2(evnews: Evnews, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text("[good\n")
    line = error_line(evnews("sources", "--sources", tmp_path / "sources.toml"), 2)
    assert f"{tmp_path / 'sources.toml'}: is not TOML" in line
    assert "line 1" in line
    assert "cannot be read" in error_line(evnews("sources", "--sources", tmp_path / "none.toml"), 2)


def test_invalid_catalogue_entry_leaves_the_others_usable(evnews: Evnews, tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(GOOD + '[bad]\nhome = "https://bad.example/"\nfeeds = "https://bad.example/"\nevery = "soon"\n')
    done = evnews("sources", "--sources", file, "--json")
    assert [record["source"] for record in done.records] == ["good"]
    line = error_line(done, 1)
    for part in (str(file), "[bad]", "every", '"soon"', "30 min"):
        assert part in line


def test_archive_of_newer_software_is_refused(copied: Evnews) -> None:
    with sqlite3.connect(copied.home / "archive.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for words in (["search", "x"], ["crawl"], ["export", "jsonl", "-o", "-"]):
        assert "update evnews" in error_line(copied(*words), 1)


def test_unusable_archive_is_reported_in_one_line(evnews: Evnews, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but longer than the header of one would be" * 20)
    assert "not an archive" in error_line(evnews("--db", f"sqlite:///{tmp_path}/text.db", "stats"), 1)
    assert "cannot be reached" in error_line(evnews("--db", "postgresql://127.0.0.1:1/none", "stats"), 1)
    (tmp_path / "file").write_text("")
    assert "choose another with --home" in error_line(evnews("--home", "/proc/nowhere", "stats"), 1)
    assert "evnews.toml: cannot be read" in error_line(evnews("--home", tmp_path / "file", "stats"), 2)


def test_locked_archive_is_reported(
    copied: Evnews, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.2)
    holder = sqlite3.connect(copied.home / "archive.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert run_command(lambda: rebuild_index(load_config(copied.home))) == 1
    holder.close()
    assert "another process is writing to the archive; try again" in capsys.readouterr().err


def test_bugs_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


def test_missing_contact_is_one_warning(evnews: Evnews, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(GOOD.replace("good.example", "127.9.9.9:1"))
    done = evnews("crawl", "--sources", tmp_path / "sources.toml", "--json", EVNEWS_CONTACT="")
    assert error_line(done, 1) == (
        "evnews: no contact is set, so publishers cannot reach you; set contact in evnews.toml or EVNEWS_CONTACT\n"
    )
    assert done.records[0]["indexes"][0]["reason"]


def test_times_are_formatted_as_utc_to_the_second() -> None:
    noon = datetime(2026, 1, 31, 12, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert format_optional_timestamp(noon) == "2026-01-31T10:00:00Z"
    assert format_optional_timestamp(None) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("show", "many"), "'many' is not a whole number"),
        (("search", "x", "--limit", "0"), "'0' is not a whole number from 1 to 10000"),
        (("stories", "--min-sources", "1.5"), "'1.5' is not a whole number of at least 1"),
        (("show", "9" * 5000), "is not a whole number"),
        (("import", "jsonl", "/nowhere.jsonl"), "'/nowhere.jsonl' does not exist"),
        (("serach", "x"), "Did you mean 'search', 'searches'?"),
    ],
)
def test_usage_error_names_the_value_and_what_is_expected(
    evnews: Evnews, words: tuple[str, ...], expected: str
) -> None:
    done = evnews.here(*words)
    assert done.status == 2
    assert expected in " ".join(done.err.split())
