"""`evnews health`: unhealthy sources as text and JSON, with an exit status for monitors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import monitor
from storage.archive import open_database
from storage.crawl import polls
from storage.model.crawl import NextPoll, Poll
from tests.aggregator.cli.evnews_command import Evnews

FEED = "https://{}.example/feed"


def write_sources(home: Path, *names: str) -> Path:
    entries = [
        f'[{name}]\ntitle = "{name}"\nhome = "https://{name}.example/"\nfeeds = ["{FEED.format(name)}"]\n'
        for name in names
    ]
    path = home / "only.toml"
    path.write_text("\n".join(entries))
    return path


def polled(home: Path, name: str, *, failing: bool) -> None:
    now = datetime.now(UTC)
    database = open_database(f"sqlite:///{home / 'archive.db'}")
    url = FEED.format(name)
    with database.write() as tx:
        polls.record_poll(tx, Poll(
            source=name, url=url, started_at=now, ended_at=now, outcome="failed" if failing else "ok",
            reason="HTTP 503" if failing else "",
        ))  # fmt: skip
        since = now - timedelta(hours=5) if failing else None
        polls.save_next_poll(tx, NextPoll(source=name, url=url, next_at=now, failing_since=since, set_at=now))
        monitor.record_heartbeat(tx, now - timedelta(hours=1))
    database.close()


def test_health_prints_findings_and_advice(evnews: Evnews) -> None:
    home = evnews.home
    home.mkdir()
    only = write_sources(home, "a", "b")
    polled(home, "a", failing=False)
    polled(home, "b", failing=True)
    report = evnews("health", "--sources", only)
    assert report.status == 1
    lines = report.out.splitlines()
    assert lines[0] == "failing   b"
    assert "https://b.example/feed fails: HTTP 503" in lines[1]
    assert lines[2].strip() == "-> evnews sources check b"
    assert lines[3] == "1 source healthy, 1 unhealthy"
    assert "no service has run since" in report.err
    well = evnews("health", "a", "--sources", only)
    assert (well.status, well.out.splitlines()[0]) == (0, "ok        a")
    records = evnews("health", "--json", "--sources", only).records
    assert [(one["source"], one["state"], len(one["findings"])) for one in records] == [
        ("a", "ok", 0),
        ("b", "failing", 1),
    ]
    assert evnews("health", "c", "--sources", only).status == 2
