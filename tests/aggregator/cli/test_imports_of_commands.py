"""A command imports what it needs, when it is invoked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.cli.app import COMMANDS
from tests.aggregator.cli.evnews_command import ROOT, Evnews

CRAWLING = {"scrapy", "twisted", "trafilatura", "pebble"}
"""Only crawls need these."""
HEAVY = CRAWLING | {
    "numpy",
    "pydantic",
    "lxml",
    "apprise",
    "rich",
    "rapidfuzz",
    "snowballstemmer",
    "alembic",
    "tomlkit",
    "starlette",
}
DATABASE = {"sqlalchemy"}

NEEDED = {
    "search battery": {"snowballstemmer"},
    "search battery --json": {"snowballstemmer"},
    "search battery --by month": {"snowballstemmer"},
    "search battery --facets": {"snowballstemmer"},
    "search topic:xiaomi --since 7d": set(),
    "show 1": set(),
    "show 1 --revisions": set(),
    "show 1 --diff": set(),
    "stories": set(),
    "stories 1": set(),
    "stories --refresh": set(),
    "topics": set(),
    "changes": set(),
    "why 1": set(),
    "why electrek": set(),
    "why https://nowhere.example/a": set(),
    "searches": set(),
    "searches notify": set(),
    "stats": set(),
    "health": set(),
    "doctor": set(),
    "sources --json": set(),
    "sources": {"rich"},
    "token": set(),
    "export jsonl -o -": set(),
    "export csv -o -": set(),
    "export rss -o -": {"lxml"},
    "export opml -o -": {"lxml"},
    "import jsonl /dev/null": set(),
    "db check": set(),
    "db upgrade": set(),
    "db optimize": set(),
    "db reindex": set(),
    "db prune --dry-run": set(),
}
"""Commands, and which of the heavy modules each may import on an empty archive."""


def imported(*words: str, home: Path) -> set[str]:
    """Return the top-level modules that a command imports."""
    code = (
        "import sys; from aggregator.cli import app\n"
        f"try: app({list(words)!r})\n"
        "except SystemExit as end: assert end.code in (0, 1), end\n"
        "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    environment = Evnews(home).around(EVNEWS_KEEP="5y")["env"]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(ended.stdout.rpartition("MODULES ")[2].split())


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty archive."""
    home = tmp_path_factory.mktemp("empty") / "home"
    assert Evnews(home).here("stats").status == 0
    return home


@pytest.mark.parametrize("command", NEEDED)
def test_command_without_network_imports_no_heavy_module(command: str, empty_home: Path) -> None:
    assert imported(*command.split(), home=empty_home) & HEAVY <= NEEDED[command]


def test_server_starts_without_scrapy(empty_home: Path) -> None:
    code = "import sys, aggregator.service.server; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {name.partition(".")[0] for name in modules.split()} & CRAWLING


@pytest.mark.parametrize("name", [name for group in COMMANDS.values() for name in group])
def test_help_of_a_command_imports_no_heavy_module(name: str, empty_home: Path) -> None:
    assert not imported(name, "--help", home=empty_home) & (HEAVY | DATABASE)


def test_list_of_commands_imports_no_command(empty_home: Path) -> None:
    code = (
        "import sys; from aggregator.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print('MODULES', *sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modules = out.rpartition("MODULES ")[2].split()
    assert not [module for module in modules if module.startswith("aggregator.cli.commands")]
    assert not {module.partition(".")[0] for module in modules} & (HEAVY | DATABASE)
