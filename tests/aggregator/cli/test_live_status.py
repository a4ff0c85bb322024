"""The status of a running service."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from aggregator.cli.live_status import OFFLINE, LiveStatus, status_lines
from aggregator.crawl.runner import PollResult
from storage.model.crawl import Poll
from storage.monitor import ServiceStatus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def result(source: str, outcome: str = "ok", status: int = 200, **counts: int) -> PollResult:
    reason = "" if outcome == "ok" else "host name not found"
    poll = Poll(source=source, url="", started_at=NOW, ended_at=NOW, outcome=outcome, status=status, reason=reason)
    return PollResult(
        source=source, polls=(poll,), counts=Counter(counts), reasons=(), next_poll_at=NOW, next_poll_reason="soon"
    )


def test_status_screen_lists_arrivals_next_polls_and_problems() -> None:
    seen = ServiceStatus(
        next_polls=(("volt", NOW - timedelta(seconds=1), "late"), ("amp", NOW + timedelta(minutes=40), "every 40 min")),
        latest_articles=((7, "volt", "A \x1b[31mred\u202e title", NOW),),
    )
    text = "\n".join(line for line, _ in status_lines(seen, None, {"ohm": "HTTP 500"}, "http://127.0.0.1:1/", NOW))
    for part in (
        "http://127.0.0.1:1/opml",
        "volt",
        "now",
        "in 40 min",
        "every 40 min",
        "problems (1)",
        "ohm",
        "HTTP 500",
    ):
        assert part in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_without_a_terminal_only_news_and_failures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveStatus(mock.Mock(), "http://x/") as board:
        board.on_poll(result("quiet"))
        board.on_poll(result("volt", kept=3))
        board.on_poll(result("ohm", "failed", 500))
    lines = capsys.readouterr().err.splitlines()
    assert ["serving" in lines[0], "volt: ok, 3 kept" in lines[1], "ohm: failed" in lines[2]] == [True] * 3
    assert len(lines) == 3


def test_loss_and_return_of_the_internet_are_reported_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveStatus(mock.Mock(), "http://x/") as board:
        for _ in range(3):
            for name in ("a", "b", "c", "d"):
                board.on_poll(result(name, "failed", 0))
        assert board.problems == {"all sources": OFFLINE}
        board.on_poll(result("a", kept=1))
        assert sorted(board.problems) == ["b", "c", "d"]
        board.on_poll(result("b", "failed", 0))
    text = capsys.readouterr().err
    assert text.count(OFFLINE) == 1
    assert text.count("sources can be reached again") == 1
    assert text.count("host name not found") == 3  # two before it was clear, and one after


def test_change_of_the_leader_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveStatus(mock.Mock(), "http://x/") as board:
        board.on_leadership(None)
        board.on_leadership(None)
        board.on_leadership(mock.Mock())
        board.on_fatal_error("the disk is full")
    lines = capsys.readouterr().err.splitlines()[1:]
    assert ["another service" in lines[0], "this service polls now" in lines[1], "the disk is full" in lines[2]] == [
        True
    ] * 3
    assert len(lines) == 3
