"""`evnews serve` and `evnews token`."""

from __future__ import annotations

import json
import signal
import socket
import time
from urllib.request import Request, urlopen

import pytest

from tests.aggregator.cli.evnews_command import Evnews


def reached(url: str) -> bytes:
    """Return the response of a URL as soon as its server is up."""
    for _ in range(300):
        try:
            with urlopen(url) as answer:
                return bytes(answer.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} is not served")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_server_runs_until_sigterm(crawled: Evnews) -> None:
    port = free_port()
    running = crawled.start("serve", "--port", str(port))
    try:
        feed = json.loads(reached(f"http://127.0.0.1:{port}/feeds/all.json"))
        assert len(feed["items"]) == 50
        assert feed["feed_url"] == f"http://127.0.0.1:{port}/feeds/all.json"
    finally:
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (0, "")
    assert f"serving http://127.0.0.1:{port}/" in err
    assert "Traceback" not in err


def test_used_port_is_reported(evnews: Evnews) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = evnews.apart("serve", "--port", str(taken.getsockname()[1]))
    assert done.status == 1
    assert "--port" in done.err


def test_public_address_requires_a_token(copied: Evnews) -> None:
    refused = copied.apart("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.status == 2
    assert "evnews token add" in refused.err
    made = copied.here("token", "add", "phone")
    secret = made.out.strip()
    assert (made.status, len(secret) >= 32) == (0, True)
    assert copied.here("token", "add", "phone").status == 2
    assert copied.here("token", "add", "No Name").status == 2
    assert copied.here("token").out.startswith("phone  created ")
    assert secret.encode() not in (copied.home / "archive.db").read_bytes()
    port = free_port()
    running = copied.start("serve", "--host", "0.0.0.0", "--port", str(port))
    try:
        assert reached(f"http://127.0.0.1:{port}/healthz") == b"ok\n"
        asked = Request(f"http://127.0.0.1:{port}/feeds/all.atom", headers={"Authorization": f"Bearer {secret}"})
        with urlopen(asked) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match="401"):
            urlopen(f"http://127.0.0.1:{port}/feeds/all.atom")
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
    assert copied.here("token", "remove", "phone").status == 0
    assert copied.here("token", "remove", "phone").status == 2
    assert "there are no tokens" in copied.here("token").err
