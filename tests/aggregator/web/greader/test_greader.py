"""Google Reader API: login, streams, states of articles and unread counts, as reader apps use them."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import inoreader.client
import pytest
import uvicorn
from inoreader.client import InoreaderClient
from starlette.testclient import TestClient

from aggregator.web.app import create_app
from aggregator.web.greader.ids import format_long_id, parse_item_id, parse_timestamp
from storage.articles.topics import record_topics_and_relabel
from storage.model.article import Topic
from storage.readers import read_state
from storage.readers.read_state import READ_AFTER
from storage.readers.tokens import add_token, remove_token
from tests.aggregator.web.archive_server import NOW, T0, Room
from tests.waiting import wait_until

READ, STARRED, UNREAD = (f"user/-/state/com.google/{name}" for name in ("read", "starred", "kept-unread"))
WIRE = Path(__file__).with_name("newsboat-2.21.txt")


@dataclass
class App:
    """A reader app: an HTTP client with a token."""

    client: TestClient
    secret: str
    mount: str = ""

    def get(self, path: str, **fields: Any) -> Any:
        return self.client.get(f"{self.mount}/reader/api/0/{path}", params=fields, headers=self.headers)

    def post(self, path: str, **fields: Any) -> Any:
        word = self.get("token").text
        return self.client.post(f"{self.mount}/reader/api/0/{path}", data={"T": word, **fields}, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"GoogleLogin auth={self.secret}"}

    def ids(self, stream: str, **fields: Any) -> list[int]:
        answer = self.get("stream/items/ids", s=stream, n=fields.pop("n", 100), **fields)
        assert answer.status_code == 200, answer.text
        return [int(item["id"]) for item in answer.json()["itemRefs"]]

    def unread(self) -> dict[str, int]:
        return {entry["id"]: entry["count"] for entry in self.get("unread-count").json()["unreadcounts"]}


ALL = "user/-/state/com.google/reading-list"


@pytest.fixture
def arrived(room: Room) -> list[int]:
    """Add three articles to the room; return the ids of all articles, latest arrival first."""
    for n in range(3):
        room.keep(20 + n, f"late x{n}", source="late", seen=T0 + timedelta(days=1, hours=n))
    return list(range(15, 0, -1))


@pytest.fixture
def app(room: Room, arrived: list[int]) -> Iterator[App]:
    with room.database.write() as tx:
        secret = add_token(tx, "phone", T0)
    with room.client() as client:
        yield App(client, secret)


def add_app(room: Room, app: App, *, is_read_only: bool = False) -> App:
    with room.database.write() as tx:
        return App(app.client, add_token(tx, "laptop", T0, is_read_only=is_read_only))


@pytest.mark.parametrize("mount", ["", "/api/greader.php"])
def test_app_logs_in_and_lists_subscriptions(app: App, mount: str) -> None:
    credentials = {"Email": "phone", "Passwd": app.secret}
    answer = app.client.post(f"{mount}/accounts/ClientLogin", data=credentials)
    values = dict(line.split("=", 1) for line in answer.text.splitlines())
    assert (answer.status_code, values["Auth"]) == (200, app.secret)
    assert answer.headers["cache-control"] == "no-store"
    assert app.client.get(f"{mount}/accounts/ClientLogin", params={**credentials, "output": "json"}).json() == values
    logged_in = App(app.client, values["Auth"], mount)
    assert logged_in.get("user-info").json()["userName"] == "phone"
    subscriptions = logged_in.get("subscription/list", output="json").json()["subscriptions"]
    assert [(feed["id"], feed["title"], feed["htmlUrl"]) for feed in subscriptions] == [
        ("feed/late", "late", "https://late.example/"),
        ("feed/s", "s", "https://s.example/"),
    ]


@pytest.mark.parametrize(("name", "secret"), [("phone", "x"), ("laptop", None), ("", None), ("phone", "")])
def test_invalid_credentials_are_rejected(app: App, name: str, secret: str | None) -> None:
    credentials = {"Email": name, "Passwd": app.secret if secret is None else secret}
    answer = app.client.post("/accounts/ClientLogin", data=credentials)
    assert (answer.status_code, answer.text) == (401, "Error=BadAuthentication\n")
    assert replace(app, secret="x").get("subscription/list").status_code == 401


def test_stream_lists_articles_in_order_of_arrival(app: App, arrived: list[int]) -> None:
    assert app.ids(ALL) == arrived
    assert app.ids(ALL, r="o") == arrived[::-1]
    assert app.ids("feed/late") == [15, 14, 13]
    assert app.ids("user/42/state/com.google/reading-list") == arrived
    since = int((T0 + timedelta(days=1, hours=1)).timestamp())
    assert app.ids(ALL, ot=since) == [15, 14]
    assert app.ids(ALL, ot=since * 1000, nt=since * 1_000_000) == [14]
    assert app.ids("feed/nobody") == []
    assert app.get("stream/items/ids", s="nonsense").status_code == 404


@pytest.mark.parametrize("order", ["", "o"])
def test_pages_of_a_stream_join_without_gap_or_overlap(app: App, arrived: list[int], order: str) -> None:
    ids: list[int] = []
    c = "any-words-of-its-own"
    while c:
        page = app.get("stream/items/ids", s=ALL, n=4, r=order, c=c).json()
        ids += [int(item["id"]) for item in page["itemRefs"]]
        c = page.get("continuation", "")
    assert ids == (arrived[::-1] if order else arrived)


def test_stream_contents_have_text_origin_and_time(app: App) -> None:
    page = app.get("stream/contents/feed/late", n=2).json()
    assert [parse_item_id(item["id"]) for item in page["items"]] == [15, 14]
    first = page["items"][0]
    assert first["summary"]["content"] == "<p>late x2</p>"
    assert (first["title"], first["canonical"]) == ("t22", [{"href": "https://late.example/22"}])
    assert first["origin"] == {"streamId": "feed/late", "title": "late", "htmlUrl": "https://late.example/"}
    assert first["timestampUsec"] == str(int((T0 + timedelta(days=1, hours=2)).timestamp()) * 1_000_000)
    ids = {"i": [format_long_id(3), "-7", "15", f"{1:016x}", "nonsense", "999"]}
    answer = app.client.post("/reader/api/0/stream/items/contents", data=ids, headers=app.headers)
    assert [parse_item_id(item["id"]) for item in answer.json()["items"]] == [3, 15, 1]
    too_many = {"i": [str(n) for n in range(1, 1_500)]}
    assert app.client.post("/reader/api/0/stream/items/contents", data=too_many, headers=app.headers).status_code == 413


def test_read_state_belongs_to_one_token(room: Room, app: App) -> None:
    laptop = add_app(room, app)
    assert app.post("edit-tag", i=[format_long_id(15), "2"], a=READ).text == "OK"
    assert app.ids(READ) == [15, 2]
    assert app.ids(ALL, xt=READ) == [n for n in range(14, 0, -1) if n != 2]
    assert app.unread() == {"feed/s": 11, "feed/late": 2, ALL: 13, "user/-/label/chargers": 6}
    assert (laptop.ids(READ), laptop.unread()[ALL]) == ([], 15)
    assert app.post("edit-tag", i="2", r=READ).text == "OK"
    assert (app.ids(READ), app.unread()["feed/s"]) == ([15], 12)
    assert app.ids(ALL, xt=UNREAD) == app.ids(ALL, it=READ) == [15]
    assert app.ids(ALL, it=READ, xt=READ) == []
    items = app.get("stream/contents/feed/late").json()["items"]
    assert [READ in item["categories"] for item in items] == [True, False, False]


def test_stars_survive_mark_all_as_read(app: App) -> None:
    app.post("edit-tag", i=["15", "3"], a=STARRED)
    app.post("edit-tag", i="3", a=READ)
    assert app.ids(STARRED) == [15, 3]
    assert app.ids(STARRED, xt=READ) == [15]
    assert app.ids(ALL, it=STARRED) == [15, 3]
    assert app.ids("feed/s", xt=STARRED) == [n for n in range(12, 0, -1) if n != 3]
    app.post("mark-all-as-read", s=ALL)
    assert app.ids(STARRED) == [15, 3]
    app.post("edit-tag", i="15", r=STARRED)
    assert app.ids(STARRED) == [3]


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_mark_all_as_read_spares_later_articles(app: App, unit: int) -> None:
    app.post("edit-tag", i="1", a=READ)
    until = int((T0 + timedelta(days=1)).timestamp()) * unit
    app.post("mark-all-as-read", s=ALL, ts=until)
    assert app.ids(ALL, xt=READ) == [15, 14]
    app.post("edit-tag", i="1", r=READ, a=UNREAD)
    assert app.ids(ALL, xt=READ) == app.ids(UNREAD) == [15, 14, 1]
    assert app.ids(ALL, xt=READ, r="o") == [1, 14, 15]
    app.post("mark-all-as-read", s="feed/late")
    assert (app.ids(ALL, xt=READ), app.unread()) == ([1], {"feed/s": 1, ALL: 1, "user/-/label/chargers": 1})
    app.post("mark-all-as-read")
    assert (app.ids(ALL, xt=READ), app.unread()) == ([], {})


def test_old_articles_are_read_unless_marked_unread(room: Room, app: App) -> None:
    room.now = T0 + timedelta(hours=1) + READ_AFTER
    assert app.ids(ALL, xt=READ) == [15, 14, 13]
    assert app.ids(READ) == list(range(12, 0, -1))
    app.post("edit-tag", i="5", a=UNREAD)
    assert app.ids(ALL, xt=READ) == [15, 14, 13, 5]
    assert READ not in app.get("stream/items/contents", i="5").json()["items"][0]["categories"]
    assert READ in app.get("stream/items/contents", i="6").json()["items"][0]["categories"]


def test_labels_are_saved_searches_and_topics(room: Room, app: App) -> None:
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 15, [Topic(name="byd", body_count=2)], "c")
    tags = {tag["id"]: tag.get("unread_count") for tag in app.get("tag/list").json()["tags"]}
    assert tags == {STARRED: None, "user/-/label/chargers": 6, "user/-/label/byd": 1}
    assert app.ids("user/-/label/chargers") == [11, 9, 7, 5, 3, 1]
    assert app.ids("user/-/label/byd") == [15]
    items = app.get("stream/contents/user/-/label/byd").json()["items"]
    assert "user/-/label/byd" in items[0]["categories"]
    assert "user/-/label/chargers" in app.get("stream/items/contents", i="1").json()["items"][0]["categories"]
    app.post("mark-all-as-read", s="user/-/label/chargers")
    assert app.ids("feed/s", xt=READ) == [12, 10, 8, 6, 4, 2]


def test_subscriptions_cannot_be_changed(app: App) -> None:
    for path in ("subscription/edit", "subscription/quickadd", "rename-tag", "disable-tag"):
        answer = app.post(path, ac="edit", s="feed/s")
        assert answer.status_code == 403
        assert "evnews sources" in answer.json()["detail"]
    assert app.post("edit-tag", i="1", a="user/-/label/mine").status_code == 403


def test_changes_need_a_valid_edit_token(room: Room, app: App) -> None:
    for word in ("", "x", "é"):
        answer = app.client.post("/reader/api/0/edit-tag", data={"i": "1", "a": READ, "T": word}, headers=app.headers)
        assert (answer.status_code, answer.headers["x-reader-google-bad-token"]) == (401, "true")
    word = app.get("token").text
    room.now = NOW + timedelta(minutes=40)
    late = {"i": "1", "a": READ, "T": word}
    assert app.client.post("/reader/api/0/edit-tag", data=late, headers=app.headers).text == "OK"
    room.now = NOW + timedelta(minutes=70)
    assert app.client.post("/reader/api/0/edit-tag", data=late, headers=app.headers).status_code == 401
    assert app.ids(READ) == [1]
    read_only = add_app(room, app, is_read_only=True)
    assert read_only.post("edit-tag", i="1", a=READ).status_code == 403
    assert app.client.get("/reader/api/0/edit-tag", headers=app.headers).status_code == 405


def test_too_large_body_is_refused(app: App) -> None:
    big = "i=1&" * 100_000
    assert app.client.post("/reader/api/0/edit-tag", content=big, headers=app.headers).status_code == 413
    too_many = "&".join(["i=1"] * 11_000)
    assert app.client.post("/reader/api/0/edit-tag", content=too_many, headers=app.headers).status_code == 413


def test_removing_a_token_deletes_its_states(room: Room, app: App) -> None:
    app.post("edit-tag", i="1", a=READ)
    with room.database.write() as tx:
        remove_token(tx, "phone")
        secret = add_token(tx, "phone", T0)
    assert app.get("user-info").status_code == 401
    assert App(app.client, secret).ids(READ) == []


def test_merging_articles_moves_their_states(room: Room, app: App) -> None:
    app.post("edit-tag", i=["14", "15"], a=STARRED)
    app.post("edit-tag", i="15", a=READ)
    with room.database.write() as tx:
        read_state.move_states(tx, 14, 15)
    assert (app.ids(STARRED), app.ids(READ)) == ([14], [14])


def test_recorded_newsboat_session_is_answered(room: Room, app: App) -> None:
    opened, word = format_long_id(12), ""
    states = []
    for line in WIRE.read_text().splitlines():
        if line.startswith("#"):
            continue
        method, path, *rest = line.split(" ", 2)
        body = "".join(rest).replace("SECRET", app.secret).replace("ITEM", opened).replace("WORD", word)
        headers = {**app.headers, "Content-Type": "application/x-www-form-urlencoded"}
        answer = app.client.request(method, path, content=body, headers={} if "accounts" in path else headers)
        assert answer.status_code == 200, line
        if path.endswith("token"):
            word = answer.text
        if "atom" in path:
            read = feedparser.parse(answer.content)
            assert not read.bozo
            assert {tag.scheme for entry in read.entries for tag in entry.tags} == {"http://www.google.com/reader/"}
            states.append({entry.id: {tag.label for tag in entry.tags} for entry in read.entries})
    assert [len(labels) for labels in states] == [12, 12, 12, 12]
    assert [labels[opened] for labels in states] == [{"fresh"}, {"read"}, {"fresh"}, {"read"}]
    assert {label for labels in states[3].values() for label in labels} == {"read"}


@pytest.fixture
def address(room: Room) -> Iterator[str]:
    """Run a server for the room and return its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(room.serving()), log_level="warning", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    running.join()
    listening.close()


def test_inoreader_client_reads_and_marks(app: App, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inoreader.client, "BASE_URL", f"{address}/reader/api/0/")
    client = InoreaderClient("id", "key", app.secret, "", time.time() + 9_999)
    try:
        assert client.userinfo()["userName"] == "phone"
        assert [feed.title for feed in client.get_subscription_list()] == ["late", "s"]
        assert [(tag["name"], tag["unread_count"]) for tag in client.get_tags()] == [("chargers", 6)]
        articles = list(client.fetch_articles(n=4))
        assert [parse_item_id(article.id) for article in articles] == list(range(15, 0, -1))
        assert (articles[0].text, articles[0].feed_title) == ("late x2", "late")
        client.mark_as_read(articles[:3])
        client.mark_as_starred(articles[1:2])
        assert [parse_item_id(article.id) for article in client.fetch_unread(n=50)] == list(range(12, 0, -1))
        assert [parse_item_id(article.id) for article in client.fetch_starred(n=50)] == [14]
        client.remove_read(articles[:1])
        assert len(list(client.fetch_unread(n=50))) == 13
        assert [parse_item_id(article.id) for article in client.fetch_articles(tags=["chargers"], n=50)] == [
            11,
            9,
            7,
            5,
            3,
            1,
        ]
    finally:
        client.session.close()


@pytest.mark.parametrize("text", ["", "x", "1e9", "-1", "٣", "9" * 21])
def test_invalid_timestamp_parses_to_none(text: str) -> None:
    assert parse_timestamp(text) is None


def test_recorded_session_has_no_secret() -> None:
    assert not re.search(r"[0-9A-Za-z_-]{43}", WIRE.read_text())
