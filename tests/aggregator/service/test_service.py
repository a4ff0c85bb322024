"""Loop lag, messages to systemd and the JSON log of the service."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from pathlib import Path

import pytest

from aggregator.logs import JsonFormatter
from aggregator.service.loop_lag import LoopLagMonitor
from aggregator.service.systemd import notify_systemd, watchdog_seconds
from tests.waiting import wait_until, wait_until_async


async def test_blocked_loop_is_logged_with_its_call_stack(caplog: pytest.LogCaptureFixture) -> None:
    def busy_with_a_page() -> None:
        wait_until(lambda: "event=loop-lag" in caplog.text)

    lag, lengths = LoopLagMonitor(), list[float]()
    with caplog.at_level(logging.WARNING):
        async with lag.running():
            await asyncio.sleep(0)  # starts the monitor
            busy_with_a_page()
            await wait_until_async(lambda: lengths.append(lag.take_longest()) or lengths[-1] > 1.0)
    assert "busy_with_a_page" in caplog.text
    lag.take_longest()
    assert lag.take_longest() == 0.0


def test_systemd_gets_messages_if_its_socket_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_systemd("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify_systemd("READY=1")
        assert listening.recv(100) == b"READY=1"
    notify_systemd("STOPPING=1")  # without a listener this is no error


@pytest.mark.parametrize(("timeout", "seconds"), [("30000000", 15.0), ("", 0.0), ("soon", 0.0)])
def test_watchdog_interval_is_half_of_its_timeout(
    timeout: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", timeout)
    assert watchdog_seconds() == seconds


def test_json_line_holds_key_value_parts_and_no_secret() -> None:
    message = "polled source=%s level=high outcome=%s"
    record = logging.LogRecord(
        "evnews", logging.INFO, "", 1, message, ("a\x1b[31m", "http://me:secret@x.example/ was no answer"), None
    )
    line = JsonFormatter().format(record)
    fields = json.loads(line)
    assert fields["source"] == "a\\x1b[31m"
    assert fields["level"] == "info"
    assert fields["outcome"] == "http://***@x.example/ was no answer"
    assert "secret" not in line
    assert "\n" not in line


def test_traceback_is_a_field_of_the_json_line() -> None:
    try:
        raise ValueError("bad\nline")
    except ValueError as error:
        record = logging.LogRecord("evnews", logging.ERROR, "", 1, "event=broken", (), (ValueError, error, None))
    fields = json.loads(JsonFormatter().format(record))
    assert (fields["event"], fields["level"]) == ("broken", "error")
    assert "ValueError" in fields["traceback"]
