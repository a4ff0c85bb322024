"""`evnews up`: new articles are stored, one of several services polls, and a stop loses nothing."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.cli.commands.operate.up_service import watch_sources
from aggregator.config import Config
from spiders.catalogue import load_catalogue
from tests.aggregator.cli.commands.operate.test_serve import free_port, reached
from tests.aggregator.cli.evnews_command import Evnews, read_until
from tests.newsroom.newsroom import Newsroom

EVERY = 2.0


@contextmanager
def up(evnews: Evnews, sources: Path, *words: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a running service and the URL of its server."""
    port = free_port()
    running = evnews.start("up", "--sources", sources, "--port", str(port), *words, **variables)
    try:
        yield running, f"http://127.0.0.1:{port}/"
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate(timeout=30)


def ended(running: subprocess.Popen[str]) -> tuple[int, str]:
    """Send SIGTERM and return exit status and stderr."""
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    return running.returncode, err


def within(seconds: float, is_so: Callable[[], object]) -> bool:
    """Return whether a condition becomes true within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def kept(evnews: Evnews) -> int:
    done = evnews.here("stats", "--json")
    return int(done.records[0]["articles"]) if done.status == 0 else 0


def test_service_stores_and_serves_new_articles_until_sigterm(
    evnews: Evnews, newsroom: Newsroom, tmp_path: Path
) -> None:
    sources = newsroom.write_sources(tmp_path / "sources.toml", 0.01, every=EVERY)
    with up(evnews, sources) as (running, address):
        assert within(60, lambda: kept(evnews) == len(newsroom.articles()))
        for _ in range(3):
            newsroom.publish(1)
        assert within(40, lambda: kept(evnews) == len(newsroom.articles()))
        page = reached(address).decode()
        assert "/opml" in page
        assert newsroom.articles()[0].url.partition("//")[2].split("/")[0] in page
        assert b"<outline" in reached(f"{address}opml")
        metrics = reached(f"{address}metrics").decode().splitlines()
        assert "evnews_is_leader 1.0" in metrics
        assert f'evnews_pages_total{{outcome="kept"}} {len(newsroom.articles())}.0' in metrics
        read = next(line for line in metrics if line.startswith("evnews_extraction_seconds_count "))
        assert float(read.split()[1]) >= len(newsroom.articles())
        assert any(line.startswith('evnews_kept_total{decision="new"}') for line in metrics)
        status, err = ended(running)
    assert status == 0
    assert "Traceback" not in err
    assert "stopping" in err
    assert evnews.here("db", "check").status == 0
    assert max(Counter(entry.path for entry in newsroom.log if "articles" in entry.path).values(), default=1) == 1


def test_service_on_postgresql_polls_leads_and_reports_health(
    evnews: Evnews, newsroom: Newsroom, tmp_path: Path, new_postgres: Callable[[], str]
) -> None:
    sources, url = newsroom.write_sources(tmp_path / "sources.toml", 0.01, every=EVERY), new_postgres()

    def kept_there() -> int:
        answer = evnews.here("stats", "--json", EVNEWS_DB=url)
        return int(answer.records[0]["articles"])

    with up(evnews, sources, EVNEWS_DB=url) as (running, address):
        assert within(60, lambda: kept_there() == len(newsroom.articles()))
        newsroom.publish(1)
        assert within(40, lambda: kept_there() == len(newsroom.articles()))
        with up(evnews, sources, EVNEWS_DB=url) as (second, other):
            read_until(second, "another service polls this archive")
            assert b"evnews_is_leader 0.0" in reached(f"{other}metrics")
            assert b"evnews_is_leader 1.0" in reached(f"{address}metrics")
            assert ended(second)[0] == 0
        health = evnews.here("health", "--sources", sources, EVNEWS_DB=url)
        assert (health.status, health.out.strip()) == (0, "6 sources healthy")
        status, err = ended(running)
    assert (status, "Traceback" in err) == (0, False)
    assert evnews.here("db", "check", EVNEWS_DB=url).status == 0


def test_json_log_has_an_object_for_each_poll(evnews: Evnews, newsroom: Newsroom, tmp_path: Path) -> None:
    sources = newsroom.write_sources(tmp_path / "sources.toml", 0.01, every=EVERY)
    with up(evnews, sources, "--log", "json") as (running, _):
        assert within(60, lambda: kept(evnews) == len(newsroom.articles()))
        status, err = ended(running)
    assert status == 0
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    polled = [line for line in lines if line["message"].startswith("polled ")]
    assert {line["source"] for line in polled} == {truth.publisher for truth in newsroom.articles()}
    assert all(line["level"] == "info" and line["time"].endswith("+00:00") for line in polled)


def test_second_service_takes_over_when_the_leader_is_killed(
    evnews: Evnews, newsroom: Newsroom, tmp_path: Path
) -> None:
    sources = newsroom.write_sources(tmp_path / "sources.toml", 0.01, every=600)

    def index_requests() -> dict[str, int]:
        indexes = {newsroom.index_url(truth.publisher).partition("//")[2] for truth in newsroom.articles()}
        return Counter(f"{entry.host}{entry.path}" for entry in newsroom.log if f"{entry.host}{entry.path}" in indexes)

    with up(evnews, sources) as (first, _):
        assert within(60, lambda: kept(evnews) == len(newsroom.articles()))
        with up(evnews, sources) as (second, address):
            assert b"<outline" in reached(f"{address}opml")
            early = read_until(second, "another service polls this archive")
            asked = index_requests()
            assert set(asked.values()) <= {1}
            first.send_signal(signal.SIGKILL)
            first.wait(10)
            newsroom.publish(1)
            assert within(30, lambda: b"" if second.poll() is not None else _leads(evnews))
            assert index_requests() == asked  # nothing was due: taking over asks for nothing
            status, err = ended(second)
    assert status == 0
    assert "another service polls this archive" in early + err
    assert "this service polls now" in err


def _leads(evnews: Evnews) -> bool:
    """Return whether a service has written a heartbeat within three seconds."""
    from storage.archive import open_database
    from storage.monitor import last_heartbeat

    database = open_database(f"sqlite:///{evnews.home / 'archive.db'}")
    try:
        with database.read() as tx:
            seen = last_heartbeat(tx)
        return seen is not None and (time.time() - seen.timestamp()) < 3
    finally:
        database.close()


def test_usage_errors_end_the_service_at_once(evnews: Evnews, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = evnews.apart("up", "--port", str(taken.getsockname()[1]))
    assert (done.status, "--port" in done.err) == (1, True)
    assert evnews.here("up", "--log", "loud").status == 2
    empty = tmp_path / "none.toml"
    empty.write_text("")
    refused = evnews.here("up", "--sources", empty)
    assert (refused.status, "sources add" in refused.err) == (2, True)
    assert evnews.apart("up", "--host", "0.0.0.0").status == 2


def test_changed_catalogue_is_read_again_and_a_broken_one_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sources.toml"
    source = '[{0}]\nhome = "https://{0}.example/"\nfeeds = ["https://{0}.example/feed"]\n'
    file.write_text(source.format("volt"))
    read = watch_sources(Config(home=tmp_path), file, load_catalogue(None, file))
    assert [one.name for one in read()] == ["volt"]
    file.write_text(source.format("volt") + source.format("ohm") + "enabled = false\n" + source.format("amp"))
    assert [one.name for one in read()] == ["volt", "amp"]
    for broken in ("[volt\n", "[volt\n "):
        file.write_text(broken)
        assert [one.name for one in read()] == ["volt", "amp"]
    file.write_text(source.format("amp") + "[bad]\nhome = 7\n")
    assert [one.name for one in read()] == ["amp"]
    lines = capsys.readouterr().err.splitlines()
    assert [str(file) in line for line in lines] == [True] * 2
    assert "[bad]" in lines[1]
