"""The operator is notified of an unhealthy source once, in one message with others, and once of its recovery."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from aggregator.alerts.notify import Message
from aggregator.config import Config
from aggregator.service.health_alerts import check_health, is_quiet
from spiders.source import Source
from storage.crawl import polls
from storage.db.database import Database
from storage.model.crawl import NextPoll, Poll

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def build_source(name: str) -> Source:
    return Source(name=name, title=name, home=f"https://{name}.example/", feeds=(f"https://{name}.example/feed",))


SOURCES = [build_source(name) for name in ("a", "b", "c")]


@dataclass
class Operator:
    """Records notifications; `deaf` addresses accept none."""

    database: Database
    config: Config
    deaf: set[str] = field(default_factory=set)
    received: list[tuple[str, Message]] = field(default_factory=list)

    def send(self, address: str, message: Message) -> str:
        if address in self.deaf:
            return "no route"
        self.received.append((address, message))
        return ""

    def check(self, at: datetime, *failing: str, status: int = 500) -> list[str]:
        """Check the health after a poll of every source; return the titles of the sent messages."""
        before = len(self.received)
        with self.database.write() as tx:
            for source in SOURCES:
                is_well = source.name not in failing
                url = source.feeds[0]
                polls.record_poll(tx, Poll(
                    source=source.name, url=url, started_at=at, ended_at=at, outcome="ok" if is_well else "failed",
                    status=200 if is_well else status, reason="" if is_well else f"HTTP {status}",
                ))  # fmt: skip
                since = None if is_well else NOW - timedelta(hours=2)
                polls.save_next_poll(
                    tx, NextPoll(source=source.name, url=url, next_at=at, failing_since=since, set_at=at)
                )
        asyncio.run(check_health(self.config, self.database, SOURCES, at, self.send))
        return [message.title for _, message in self.received[before:]]


@pytest.fixture
def operator(database: Database, tmp_path: Path) -> Operator:
    return Operator(database, Config(home=tmp_path, notify=("json://one", "json://two")))


def test_lasting_state_and_its_end_are_reported_once(operator: Operator) -> None:
    assert operator.check(NOW, "a", "b") == []  # not stable yet
    assert operator.check(NOW + 5 * MINUTE, "a") == []
    assert operator.check(NOW + 11 * MINUTE, "a") == ["evnews: 1 source is not well"] * 2
    assert "a is failing: https://a.example/feed fails: HTTP 500" in operator.received[0][1].body
    assert operator.check(NOW + 20 * MINUTE, "a", "b", "c") == []
    assert operator.check(NOW + 40 * MINUTE, "b", "c") == ["evnews: 2 sources are not well"] * 2
    assert operator.check(NOW + 55 * MINUTE, "b") == ["evnews: 1 well again"] * 2
    assert operator.check(NOW + 70 * MINUTE, "b") == ["evnews: 1 well again"] * 2
    assert operator.check(NOW + 90 * MINUTE, "b") == []


def test_notification_that_no_address_accepted_is_sent_again(operator: Operator) -> None:
    operator.check(NOW, "a")
    operator.deaf = {"json://one", "json://two"}
    assert operator.check(NOW + 11 * MINUTE, "a") == []
    operator.deaf = {"json://two"}
    assert len(operator.check(NOW + 16 * MINUTE, "a")) == 1
    operator.deaf = set()
    assert operator.check(NOW + 21 * MINUTE, "a") == []


def test_notification_waits_during_quiet_hours(operator: Operator) -> None:
    local = (NOW + 11 * MINUTE).astimezone()
    begin, end = local - 5 * MINUTE, local + 30 * MINUTE
    operator.config = Config(
        home=operator.config.home, notify=("json://one",), quiet_hours=f"{begin:%H:%M}-{end:%H:%M}"
    )
    operator.check(NOW, "a", "b")
    assert operator.check(NOW + 11 * MINUTE, "a", "b") == []
    assert operator.check(NOW + 25 * MINUTE, "a") == []
    assert operator.check(NOW + 60 * MINUTE, "a") == [
        "evnews: 1 source is not well"
    ]  # b has recovered before the report


def test_no_source_is_reported_while_offline(operator: Operator) -> None:
    operator.check(NOW)
    for minutes in (200, 220, 240):
        assert operator.check(NOW + minutes * MINUTE, "a", "b", "c", status=0) == []


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        ("", time(3), False), ("22:00-07:00", time(23), True), ("22:00-07:00", time(6, 59), True),
        ("22:00-07:00", time(7), False), ("12:00-13:00", time(12), True), ("12:00-13:00", time(13), False),
    ],
)  # fmt: skip
def test_quiet_hours_may_include_midnight(hours: str, at: time, expected: bool) -> None:
    assert is_quiet(hours, at) is expected
