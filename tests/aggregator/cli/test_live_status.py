"""What a running service shows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from aggregator.cli.live_status import Board, board_lines
from aggregator.crawl.runner import PollResult
from storage.glance import ServiceStatus
from storage.model.crawl import Poll

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def result(source: str, outcome: str = "ok", status: int = 200, **counts: int) -> PollResult:
    reason = "" if outcome == "ok" else "host name not found"
    poll = Poll(source=source, url="", started_at=NOW, ended_at=NOW, outcome=outcome, status=status, reason=reason)
    return PollResult(
        source=source, polls=(poll,), counts=Counter(counts), reasons=(), next_poll_at=NOW, next_poll_reason="soon"
    )


def test_the_board_has_what_came_what_comes_and_what_is_wrong() -> None:
    seen = ServiceStatus(
        next_polls=(("volt", NOW - timedelta(seconds=1), "late"), ("amp", NOW + timedelta(minutes=40), "every 40 min")),
        latest_articles=((7, "volt", "A \x1b[31mred\u202e title", NOW),),
    )
    text = "\n".join(line for line, _ in board_lines(seen, None, {"ohm": "HTTP 500"}, "http://127.0.0.1:1/", NOW))
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


def test_without_a_terminal_a_line_tells_what_is_worth_one(capsys: pytest.CaptureFixture[str]) -> None:
    with Board(mock.Mock(), "http://x/") as board:
        board.on_poll(result("quiet"))
        board.on_poll(result("volt", kept=3))
        board.on_poll(result("ohm", "failed", 500))
    lines = capsys.readouterr().err.splitlines()
    assert ["serving" in lines[0], "volt: ok, 3 kept" in lines[1], "ohm: failed" in lines[2]] == [True] * 3
    assert len(lines) == 3


def test_without_internet_it_says_so_once_and_once_when_it_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    with Board(mock.Mock(), "http://x/") as board:
        for _ in range(3):
            for name in ("a", "b", "c", "d"):
                board.on_poll(result(name, "failed", 0))
        assert board.problems == {"all of them": "no source can be reached: is this machine online"}
        board.on_poll(result("a", kept=1))
        assert sorted(board.problems) == ["b", "c", "d"]
        board.on_poll(result("b", "failed", 0))
    text = capsys.readouterr().err
    assert text.count("is this machine online?") == 1
    assert text.count("can be reached again") == 1
    assert text.count("host name not found") == 3  # two before it was clear, and one after


def test_who_polls_is_said_when_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    with Board(mock.Mock(), "http://x/") as board:
        board.on_leadership(None)
        board.on_leadership(None)
        board.on_leadership(mock.Mock())
        board.on_fatal_error("the disk is full")
    lines = capsys.readouterr().err.splitlines()[1:]
    assert ["another service" in lines[0], "this service polls now" in lines[1], "the disk is full" in lines[2]] == [
        True
    ] * 3
    assert len(lines) == 3
