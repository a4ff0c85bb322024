"""WebSub: what a feed says of its hub, and what a hub is told of, when, and how often."""

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


class Told:
    """A hub, and a clock."""

    def __init__(self, room: Room) -> None:
        self.now, self.pings, self.fails = 0.0, [], False
        address = room.serving().feed_catalogue.build_url
        self.publisher = HubPublisher(room.database, HUB, address, lambda: room.searches, self.tell, lambda: self.now)

    pings: list[list[str]]

    def tell(self, where: str, feeds: Sequence[str]) -> None:
        assert where == HUB
        if self.fails:
            raise OSError("no answer")
        self.pings.append([feed.removeprefix(f"{BASE}feeds/") for feed in feeds if feed.endswith(".atom")])

    def step(self, seconds: float) -> list[str]:
        """What it is told after some seconds, less the other forms."""
        self.now += seconds
        self.pings.clear()
        self.publisher.ping_changes()
        return [feed for ping in self.pings for feed in ping]


@pytest.fixture
def told(room: Room) -> Told:
    return Told(room)


def test_it_is_told_of_what_changed_and_of_nothing_else(room: Room, told: Told) -> None:
    assert told.step(0) == []
    one = room.keep(50, "a charger", source="other")
    with room.database.write() as tx:
        record_topics_and_relabel(tx, one, [Topic(name="byd", body_count=1)], "c")
    assert told.step(5) == ["all.atom", "stories.atom", "source/other.atom", "topic/byd.atom", "search/chargers.atom"]
    assert told.step(5) == []
    room.keep(1, "edited", seen=T0 + timedelta(days=1))
    assert told.step(60) == ["all.atom", "stories.atom", "changes.atom", "source/s.atom"]


def test_of_one_feed_it_is_told_once_a_minute(room: Room, told: Told) -> None:
    room.keep(50, "x", source="a")
    assert told.step(1) == ["all.atom", "stories.atom", "source/a.atom"]
    room.keep(51, "x y", source="b")
    assert told.step(30) == ["source/b.atom"]
    assert told.step(31) == ["all.atom", "stories.atom"]


def test_one_that_does_not_answer_is_tried_later_and_later(room: Room, told: Told) -> None:
    room.keep(50, "x", source="a")
    told.fails = True
    assert told.step(1) == []
    told.fails = False
    assert told.step(59) == []
    told.fails = True
    assert told.step(2) == []
    told.fails = False
    assert told.step(100) == []
    assert told.step(30) == ["all.atom", "stories.atom", "source/a.atom"]


def test_a_feed_names_its_hub_where_it_is_told_of_it(room: Room) -> None:
    room.hub = HUB
    with room.client() as client:
        for form in ("atom", "rss"):
            answer = client.get(f"/feeds/all.{form}")
            assert answer.headers["link"] == f'<{HUB}>; rel="hub", <{BASE}feeds/all.{form}>; rel="self"'
            said = {link.rel: link.href for link in feedparser.parse(answer.content).feed.links}
            assert (said["hub"], said["self"]) == (HUB, f"{BASE}feeds/all.{form}")
        assert client.get("/feeds/all.json").json()["hubs"] == [{"type": "WebSub", "url": HUB}]
        for path in ("all.atom?limit=5", "query.atom?q=x", "all.atom?order=arrival"):
            answer = client.get(f"/feeds/{path}")
            assert "link" not in answer.headers
            assert HUB not in answer.text


def test_no_hub_is_named_where_none_is_set(ask: Ask) -> None:
    assert "link" not in ask("/feeds/all.atom").headers
    assert "hubs" not in ask("/feeds/all.json").json()


def test_a_ping_is_what_hubs_expect() -> None:
    got: list[dict[str, list[str]]] = []

    class Hub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(204 if len(got) == 1 else 500)
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
    assert got[0] == {"hub.mode": ["publish"], "hub.url": ["https://x/a", "https://x/b?full=1"]}
    with pytest.raises(OSError, match="refused"):
        websub.ping_hub(address, ["https://x/a"])


def test_every_form_and_both_lengths_are_told_of(room: Room) -> None:
    told: list[str] = []
    address = room.serving().feed_catalogue.build_url
    publisher = HubPublisher(room.database, HUB, address, dict, lambda _, feeds: told.extend(feeds), lambda: 0.0)
    room.keep(50, "x", source="a")
    publisher.ping_changes()
    assert told[:6] == [
        address(FeedRequest(path="all", format=form, full=full))
        for form in ("rss", "atom", "json")
        for full in (False, True)
    ]
