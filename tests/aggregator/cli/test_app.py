"""The front door: help, version, and every mistake and trouble in one line with its exit status."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from aggregator.cli import app
from aggregator.cli.commands.db import run_reindex
from aggregator.cli.output import answered
from aggregator.config import load_config
from aggregator.feeds.json_records import format_optional_timestamp
from storage.db import database
from tests.aggregator.cli.evnews_command import ROOT, Done, Evnews

HEAVY = {"scrapy", "twisted", "sqlalchemy", "rich", "trafilatura", "lxml", "alembic", "pebble", "apscheduler"}
GOOD = '[good]\nhome = "https://good.example/"\nfeeds = "https://good.example/feed"\n'


def commands(group: typer.core.TyperGroup, *path: str) -> list[tuple[str, ...]]:
    """The paths of a group's commands and groups."""
    found = [path]
    for name, command in group.commands.items():
        found += commands(command, *path, name) if hasattr(command, "commands") else [(*path, name)]
    return found


def told(done: Done, status: int) -> str:
    """The one line on stderr, where that is all there is."""
    assert done.status == status, done.err
    assert "Traceback" not in done.err
    assert done.err.startswith("evnews: "), done.err
    assert done.err.count("\n") == 1, done.err
    return done.err


def imported(*words: str) -> set[str]:
    """The top-level modules that a command imports."""
    code = (
        "import sys; from aggregator.cli import app\n"
        f"try: app({list(words)!r})\n"
        "except SystemExit as end: assert not end.code, end\n"
        "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ended.stdout.rpartition("MODULES ")[2].split())


def test_the_help_imports_nothing_that_takes_time() -> None:
    """So it answers at once: every command imports what it runs when it runs."""
    assert not imported("--help") & HEAVY
    assert not imported("sources", "add", "--help") & HEAVY


def test_reading_the_archive_imports_no_crawler(crawled: Evnews) -> None:
    """Search waits for SQLAlchemy, not for Scrapy."""
    reading = imported("--home", str(crawled.home), "search", "battery", "--json")
    assert "sqlalchemy" in reading
    assert not reading & {"scrapy", "twisted", "trafilatura"}


def test_version(evnews: Evnews) -> None:
    """One line."""
    assert evnews("--version").out == "evnews 0.1.0\n"


@pytest.mark.parametrize("path", commands(typer.main.get_command(app)), ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who reads the help can copy a line of it."""
    with pytest.raises(SystemExit) as end:
        app([*path, "--help"], prog_name="evnews")
    assert end.value.code == 0
    assert f"evnews {' '.join(path)}".strip() in capsys.readouterr().out.partition("Example")[2]


def test_an_unknown_source_is_told_with_its_likeliest_spelling(evnews: Evnews) -> None:
    """Nothing is crawled."""
    assert "no source is named 'elektrek'; did you mean electrek or " in told(evnews.here("crawl", "elektrek"), 2)
    assert "`evnews sources` lists them" in told(evnews.here("crawl", "zzzzzz"), 2)


def test_wrong_options_are_mistakes(evnews: Evnews) -> None:
    """With the usage, as is the custom."""
    for words in (["crawl", "--nope"], ["nope"], ["show", "many"], ["search", "x", "--limit", "0"]):
        done = evnews.here(*words)
        assert done.status == 2
        assert "Usage: " in done.err
        assert "Traceback" not in done.err
    assert "--since '2026-13-01' is no date" in told(evnews("search", "x", "--since", "2026-13-01"), 2)
    assert "--until '9999y' is no date" in told(evnews("search", "x", "--until", "9999y"), 2)


def test_a_wrong_setting_names_file_and_key(evnews: Evnews) -> None:
    """In the file, in a variable, in an option."""
    evnews.home.mkdir()
    settings = evnews.home / "evnews.toml"
    settings.write_text("wrokers = 2\n")
    assert f"{settings}: unknown key 'wrokers'" in told(evnews("stats"), 2)
    settings.write_text("workers = 'two'\n")
    assert f"{settings}: workers = 'two'" in told(evnews("stats"), 2)
    settings.write_text("workers = \n")
    assert f"{settings}: cannot be read" in told(evnews("stats"), 2)
    settings.unlink()
    assert "EVNEWS_WORKERS = 'many'" in told(evnews("stats", EVNEWS_WORKERS="many"), 2)
    assert "--db = 'mysql://x'" in told(evnews("--db", "mysql://x", "stats"), 2)


def test_a_catalogue_that_is_no_toml_is_a_mistake(evnews: Evnews, tmp_path: Path) -> None:
    """It names the file and the place."""
    (tmp_path / "sources.toml").write_text("[good\n")
    line = told(evnews("sources", "--sources", tmp_path / "sources.toml"), 2)
    assert f"{tmp_path / 'sources.toml'}: is not TOML" in line
    assert "line 1" in line
    assert "cannot be read" in told(evnews("sources", "--sources", tmp_path / "none.toml"), 2)


def test_a_wrong_entry_costs_no_other(evnews: Evnews, tmp_path: Path) -> None:
    """It names file, table, key, what was found and what is allowed."""
    file = tmp_path / "sources.toml"
    file.write_text(GOOD + '[bad]\nhome = "https://bad.example/"\nfeeds = "https://bad.example/"\nevery = "soon"\n')
    done = evnews("sources", "--sources", file, "--json")
    assert [record["source"] for record in done.records] == ["good"]
    line = told(done, 1)
    for part in (str(file), "[bad]", "every", '"soon"', "30 min"):
        assert part in line


def test_an_archive_of_newer_software_is_refused(copied: Evnews) -> None:
    """It says what to do."""
    with sqlite3.connect(copied.home / "archive.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for words in (["search", "x"], ["crawl"], ["export", "jsonl", "-o", "-"]):
        assert "update evnews" in told(copied(*words), 1)


def test_an_archive_that_cannot_be_used_is_one_line(evnews: Evnews, tmp_path: Path) -> None:
    """No database, no server, no folder: each with what to do next."""
    (tmp_path / "text.db").write_text("no database at all, but longer than the header of one would be" * 20)
    assert "not an archive" in told(evnews("--db", f"sqlite:///{tmp_path}/text.db", "stats"), 1)
    assert "cannot be reached" in told(evnews("--db", "postgresql://127.0.0.1:1/none", "stats"), 1)
    (tmp_path / "file").write_text("")
    assert "choose another with --home" in told(evnews("--home", "/proc/nowhere", "stats"), 1)
    assert "evnews.toml: cannot be read" in told(evnews("--home", tmp_path / "file", "stats"), 2)


def test_a_locked_archive_is_told(
    copied: Evnews, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else writes for longer than a writer waits."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.2)
    holder = sqlite3.connect(copied.home / "archive.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert answered(lambda: run_reindex(load_config(copied.home))) == 1
    holder.close()
    assert "another process is writing to the archive; try again" in capsys.readouterr().err


def test_bugs_stay_bugs() -> None:
    """What no user can mend keeps its traceback."""
    with pytest.raises(ZeroDivisionError):
        answered(lambda: 1 // 0)


def test_no_contact_is_one_warning(evnews: Evnews, tmp_path: Path) -> None:
    """And no obstacle: the poll goes on."""
    (tmp_path / "sources.toml").write_text(GOOD.replace("good.example", "127.9.9.9:1"))
    done = evnews("crawl", "--sources", tmp_path / "sources.toml", "--json", EVNEWS_CONTACT="")
    assert told(done, 1) == "evnews: no contact is set, publishers cannot reach you (see EVNEWS_CONTACT)\n"
    assert done.records[0]["indexes"][0]["reason"]


def test_times_are_spelled_one_way() -> None:
    """UTC to the second, or nothing."""
    noon = datetime(2026, 1, 31, 12, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert format_optional_timestamp(noon) == "2026-01-31T10:00:00Z"
    assert format_optional_timestamp(None) is None
