"""`evnews doctor`: a line per check, with what to fix."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from aggregator.cli.commands.operate import doctor
from storage.archive import open_database
from storage.monitor import record_heartbeat
from tests.aggregator.cli.commands.operate.test_serve import free_port
from tests.aggregator.cli.evnews_command import Evnews

SOURCES = """[a]
home = "http://127.0.0.1/"
feeds = ["http://127.0.0.1/feed"]
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A catalogue with a host that needs no DNS."""
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES)
    return path


def looked(evnews: Evnews, sources: Path, *words: str, **variables: str) -> tuple[int, dict[str, tuple[bool, str]]]:
    """Return the exit status, and each diagnosis by its subject."""
    port = words or ("--port", str(free_port()))
    done = evnews.here("doctor", "--json", "--sources", sources, *port, **variables)
    return done.status, {one["what"]: (one["ok"], one["words"]) for one in done.records}


def test_doctor_prints_ok_for_a_working_installation(evnews: Evnews, sources: Path) -> None:
    status, found = looked(evnews, sources)
    assert status == 0, found
    assert list(found) == [
        "python", "sqlite", "home", "disk", "clock", "archive", "sources", "topics", "searches", "contact", "names",
        "port",
    ]  # fmt: skip
    lines = evnews.here("doctor", "--sources", sources, "--port", str(free_port())).out.splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith("ok ") for line in lines)


def test_doctor_names_each_problem_and_its_fix(evnews: Evnews, sources: Path) -> None:
    evnews.home.mkdir()
    (evnews.home / "searches.toml").write_text("[bad]\nnothing = 1\n")
    (evnews.home / "archive.db").write_bytes(b"no database " * 1000)
    sources.write_text(SOURCES + "[b]\nhome = 7\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, found = looked(evnews, sources, "--port", str(taken.getsockname()[1]), EVNEWS_CONTACT="")
    assert status == 1
    wrong = {what: words for what, (is_ok, words) in found.items() if not is_ok}
    assert set(wrong) == {"archive", "sources", "searches", "contact", "port"}
    assert "[b]" in wrong["sources"]
    assert "EVNEWS_CONTACT" in wrong["contact"]
    assert "--port" in wrong["port"]


def test_doctor_detects_a_slow_clock(evnews: Evnews, sources: Path) -> None:
    evnews.home.mkdir()
    database = open_database(f"sqlite:///{evnews.home / 'archive.db'}")
    with database.write() as tx:
        record_heartbeat(tx, datetime.now(UTC) + timedelta(days=3))
    database.close()
    status, found = looked(evnews, sources)
    assert status == 1
    assert "in the future" in found["clock"][1]


def test_doctor_detects_network_file_system_full_disk_and_missing_dns(evnews: Evnews, sources: Path) -> None:
    sources.write_text(SOURCES.replace("127.0.0.1", "no-such-host.invalid"))
    with (
        mock.patch.object(doctor, "_file_system", return_value="nfs4"),
        mock.patch.object(doctor, "MIN_FREE_BYTES", 10**18),
        mock.patch.object(doctor, "_resolves", return_value=False),
    ):
        _, found = looked(evnews, sources)
    assert [what for what, (is_ok, _) in found.items() if not is_ok] == ["home", "disk", "names"]


def test_file_system_and_dns_checks_read_the_real_system() -> None:
    assert doctor._file_system(Path("/proc/self")) == "proc"
    assert doctor._resolves("127.0.0.1")
    assert not doctor._resolves("x" * 70 + ".invalid")
