"""`evnews doctor`: a line each, and what to do where something is not in order."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from aggregator.cli.commands import doctor
from storage.archive import open_database
from storage.glance import record_heartbeat
from tests.aggregator.cli.evnews_command import Evnews
from tests.aggregator.cli.test_serve_command import free_port

SOURCES = """[a]
home = "http://127.0.0.1/"
feeds = ["http://127.0.0.1/feed"]
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A catalogue whose host needs no DNS."""
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES)
    return path


def looked(evnews: Evnews, sources: Path, *words: str, **variables: str) -> tuple[int, dict[str, tuple[bool, str]]]:
    """The exit status, and each finding by what it is of."""
    port = words or ("--port", str(free_port()))
    done = evnews.here("doctor", "--json", "--sources", sources, *port, **variables)
    return done.status, {one["what"]: (one["ok"], one["words"]) for one in done.records}


def test_a_machine_in_order_is_ok_line_by_line(evnews: Evnews, sources: Path) -> None:
    status, found = looked(evnews, sources)
    assert status == 0, found
    assert list(found) == [
        "python", "sqlite", "home", "disk", "clock", "archive", "sources", "topics", "searches", "contact", "names",
        "port",
    ]  # fmt: skip
    lines = evnews.here("doctor", "--sources", sources, "--port", str(free_port())).out.splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith("ok ") for line in lines)


def test_what_is_wrong_is_named_with_what_to_do(evnews: Evnews, sources: Path) -> None:
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


def test_a_clock_that_is_behind_a_service_is_told(evnews: Evnews, sources: Path) -> None:
    evnews.home.mkdir()
    database = open_database(f"sqlite:///{evnews.home / 'archive.db'}")
    with database.write() as tx:
        record_heartbeat(tx, datetime.now(UTC) + timedelta(days=3))
    database.close()
    status, found = looked(evnews, sources)
    assert status == 1
    assert "still to come" in found["clock"][1]


def test_a_network_disk_a_full_one_and_no_dns_are_told(evnews: Evnews, sources: Path) -> None:
    sources.write_text(SOURCES.replace("127.0.0.1", "no-such-host.invalid"))
    with (
        mock.patch.object(doctor, "_kind_of_disk", return_value="nfs4"),
        mock.patch.object(doctor, "LEAST_ROOM", 10**18),
        mock.patch.object(doctor, "_has_address", return_value=False),
    ):
        _, found = looked(evnews, sources)
    assert [what for what, (is_ok, _) in found.items() if not is_ok] == ["home", "disk", "names"]


def test_the_disk_of_a_path_is_told_where_the_system_knows_it() -> None:
    assert doctor._kind_of_disk(Path("/proc/self")) == "proc"
    assert doctor._has_address("127.0.0.1")
    assert not doctor._has_address("x" * 70 + ".invalid")
