"""WebSub: links to the hub in feeds, and pings of the hub after changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import feedparser
import pytest

from aggregator.web import websub
from aggregator.web.requests import FeedRequest
from aggregator.web.websub import HubPublisher
from storage.articles.topics import record_topics_and_relabel
from storage.model.article import Topic
from tests.aggregator.web.archive_server import BASE, T0, Ask, Room

HUB = "https://hub.example/"


class PublisherWithClock:
    """Publisher with a recorded hub and a fake clock."""

    def __init__(self, room: Room) -> None:
        self.now, self.pings, self.fails = 0.0, [], False
        build_url = room.serving().feed_catalogue.build_url
        self.publisher = HubPublisher(room.database, HUB, build_url, lambda: room.searches, self.ping, lambda: self.now)

    pings: list[list[str]]

    def ping(self, hub: str, feeds: Sequence[str]) -> None:
        assert hub == HUB
        if self.fails:
            raise OSError("no answer")
        self.pings.append([feed.removeprefix(f"{BASE}feeds/") for feed in feeds if feed.endswith(".atom")])

    def step(self, seconds: float) -> list[str]:
        """Return the Atom feeds in pings sent after some seconds."""
        self.now += seconds
        self.pings.clear()
        self.publisher.ping_changes()
        return [feed for ping in self.pings for feed in ping]


@pytest.fixture
def publisher(room: Room) -> PublisherWithClock:
    return PublisherWithClock(room)


def test_ping_names_only_changed_feeds(room: Room, publisher: PublisherWithClock) -> None:
    assert publisher.step(0) == []
    article_id = room.keep(50, "a charger", source="other")
    with room.database.write() as tx:
        record_topics_and_relabel(tx, article_id, [Topic(name="byd", body_count=1)], "c")
    assert publisher.step(5) == [
        "all.atom",
        "stories.atom",
        "source/other.atom",
        "topic/byd.atom",
        "search/chargers.atom",
    ]
    assert publisher.step(5) == []
    room.keep(1, "edited", seen=T0 + timedelta(days=1))
    assert publisher.step(60) == ["all.atom", "stories.atom", "changes.atom", "source/s.atom"]


def test_each_feed_is_pinged_at_most_once_a_minute(room: Room, publisher: PublisherWithClock) -> None:
    room.keep(50, "x", source="a")
    assert publisher.step(1) == ["all.atom", "stories.atom", "source/a.atom"]
    room.keep(51, "x y", source="b")
    assert publisher.step(30) == ["source/b.atom"]
    assert publisher.step(31) == ["all.atom", "stories.atom"]


def test_failed_ping_is_retried_after_growing_delays(room: Room, publisher: PublisherWithClock) -> None:
    room.keep(50, "x", source="a")
    publisher.fails = True
    assert publisher.step(1) == []
    publisher.fails = False
    assert publisher.step(59) == []
    publisher.fails = True
    assert publisher.step(2) == []
    publisher.fails = False
    assert publisher.step(100) == []
    assert publisher.step(30) == ["all.atom", "stories.atom", "source/a.atom"]


def test_only_pinged_feeds_link_to_the_hub(room: Room) -> None:
    room.hub = HUB
    with room.client() as client:
        for form in ("atom", "rss"):
            response = client.get(f"/feeds/all.{form}")
            assert response.headers["link"] == f'<{HUB}>; rel="hub", <{BASE}feeds/all.{form}>; rel="self"'
            links = {link.rel: link.href for link in feedparser.parse(response.content).feed.links}
            assert (links["hub"], links["self"]) == (HUB, f"{BASE}feeds/all.{form}")
        assert client.get("/feeds/all.json").json()["hubs"] == [{"type": "WebSub", "url": HUB}]
        for path in ("all.atom?limit=5", "query.atom?q=x", "all.atom?order=arrival"):
            response = client.get(f"/feeds/{path}")
            assert "link" not in response.headers
            assert HUB not in response.text


def test_feeds_have_no_hub_link_without_configured_hub(ask: Ask) -> None:
    assert "link" not in ask("/feeds/all.atom").headers
    assert "hubs" not in ask("/feeds/all.json").json()


def test_ping_is_a_publish_request_and_failures_raise() -> None:
    requests: list[dict[str, list[str]]] = []

    class Hub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(204 if len(requests) == 1 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hub) as server:
        running = threading.Thread(target=server.serve_forever)
        running.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        websub.ping_hub(address, ["https://x/a", "https://x/b?full=1"])
        with pytest.raises(OSError, match="500"):
            websub.ping_hub(address, ["https://x/a"])
        server.shutdown()
        running.join()
    assert requests[0] == {"hub.mode": ["publish"], "hub.url": ["https://x/a", "https://x/b?full=1"]}
    with pytest.raises(OSError, match="refused"):
        websub.ping_hub(address, ["https://x/a"])


def test_ping_names_every_format_and_both_lengths(room: Room) -> None:
    pinged: list[str] = []
    build_url = room.serving().feed_catalogue.build_url
    publisher = HubPublisher(room.database, HUB, build_url, dict, lambda _, feeds: pinged.extend(feeds), lambda: 0.0)
    room.keep(50, "x", source="a")
    publisher.ping_changes()
    assert pinged[:6] == [
        build_url(FeedRequest(path="all", format=form, full=full))
        for form in ("rss", "atom", "json")
        for full in (False, True)
    ]
