"""The Google Reader API as readers' apps speak it: what is listed, what is read and starred, and by whom."""

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
    """A reader's app: a client with a token."""

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
        return [int(one["id"]) for one in answer.json()["itemRefs"]]

    def unread(self) -> dict[str, int]:
        return {one["id"]: one["count"] for one in self.get("unread-count").json()["unreadcounts"]}


ALL = "user/-/state/com.google/reading-list"


@pytest.fixture
def arrived(room: Room) -> list[int]:
    """The room's articles and three more that arrived one after another, by their ids."""
    for n in range(3):
        room.keep(20 + n, f"late x{n}", source="late", seen=T0 + timedelta(days=1, hours=n))
    return list(range(15, 0, -1))


@pytest.fixture
def app(room: Room, arrived: list[int]) -> Iterator[App]:
    with room.database.write() as tx:
        secret = add_token(tx, "phone", T0)
    with room.client() as client:
        yield App(client, secret)


def another(room: Room, app: App, *, is_read_only: bool = False) -> App:
    with room.database.write() as tx:
        return App(app.client, add_token(tx, "desk", T0, is_read_only=is_read_only))


@pytest.mark.parametrize("mount", ["", "/api/greader.php"])
def test_an_app_logs_in_and_lists(app: App, mount: str) -> None:
    there = {"Email": "phone", "Passwd": app.secret}
    answer = app.client.post(f"{mount}/accounts/ClientLogin", data=there)
    said = dict(line.split("=", 1) for line in answer.text.splitlines())
    assert (answer.status_code, said["Auth"]) == (200, app.secret)
    assert answer.headers["cache-control"] == "no-store"
    assert app.client.get(f"{mount}/accounts/ClientLogin", params={**there, "output": "json"}).json() == said
    logged = App(app.client, said["Auth"], mount)
    assert logged.get("user-info").json()["userName"] == "phone"
    found = logged.get("subscription/list", output="json").json()["subscriptions"]
    assert [(one["id"], one["title"], one["htmlUrl"]) for one in found] == [
        ("feed/late", "late", "https://late.example/"),
        ("feed/s", "s", "https://s.example/"),
    ]


@pytest.mark.parametrize(("name", "secret"), [("phone", "x"), ("desk", None), ("", None), ("phone", "")])
def test_who_is_not_known_does_not_get_in(app: App, name: str, secret: str | None) -> None:
    told = {"Email": name, "Passwd": app.secret if secret is None else secret}
    answer = app.client.post("/accounts/ClientLogin", data=told)
    assert (answer.status_code, answer.text) == (401, "Error=BadAuthentication\n")
    assert replace(app, secret="x").get("subscription/list").status_code == 401


def test_articles_are_listed_as_they_arrived(app: App, arrived: list[int]) -> None:
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
def test_pages_follow_one_another(app: App, arrived: list[int], order: str) -> None:
    found: list[int] = []
    c = "any-words-of-its-own"
    while c:
        page = app.get("stream/items/ids", s=ALL, n=4, r=order, c=c).json()
        found += [int(one["id"]) for one in page["itemRefs"]]
        c = page.get("continuation", "")
    assert found == (arrived[::-1] if order else arrived)


def test_an_article_is_given_with_its_text(app: App) -> None:
    page = app.get("stream/contents/feed/late", n=2).json()
    assert [parse_item_id(one["id"]) for one in page["items"]] == [15, 14]
    first = page["items"][0]
    assert first["summary"]["content"] == "<p>late x2</p>"
    assert (first["title"], first["canonical"]) == ("t22", [{"href": "https://late.example/22"}])
    assert first["origin"] == {"streamId": "feed/late", "title": "late", "htmlUrl": "https://late.example/"}
    assert first["timestampUsec"] == str(int((T0 + timedelta(days=1, hours=2)).timestamp()) * 1_000_000)
    ids = {"i": [format_long_id(3), "-7", "15", f"{1:016x}", "nonsense", "999"]}
    asked = app.client.post("/reader/api/0/stream/items/contents", data=ids, headers=app.headers)
    assert [parse_item_id(one["id"]) for one in asked.json()["items"]] == [3, 15, 1]
    many = {"i": [str(n) for n in range(1, 1_500)]}
    assert app.client.post("/reader/api/0/stream/items/contents", data=many, headers=app.headers).status_code == 413


def test_what_is_read_is_read_for_who_read_it(room: Room, app: App) -> None:
    desk = another(room, app)
    assert app.post("edit-tag", i=[format_long_id(15), "2"], a=READ).text == "OK"
    assert app.ids(READ) == [15, 2]
    assert app.ids(ALL, xt=READ) == [n for n in range(14, 0, -1) if n != 2]
    assert app.unread() == {"feed/s": 11, "feed/late": 2, ALL: 13, "user/-/label/chargers": 6}
    assert (desk.ids(READ), desk.unread()[ALL]) == ([], 15)
    assert app.post("edit-tag", i="2", r=READ).text == "OK"
    assert (app.ids(READ), app.unread()["feed/s"]) == ([15], 12)
    assert app.ids(ALL, xt=UNREAD) == app.ids(ALL, it=READ) == [15]
    assert app.ids(ALL, it=READ, xt=READ) == []
    marked = app.get("stream/contents/feed/late").json()["items"]
    assert [READ in one["categories"] for one in marked] == [True, False, False]


def test_what_is_starred_stays_so(app: App) -> None:
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
def test_all_that_was_there_is_read_and_nothing_later(app: App, unit: int) -> None:
    app.post("edit-tag", i="1", a=READ)
    upto = int((T0 + timedelta(days=1)).timestamp()) * unit
    app.post("mark-all-as-read", s=ALL, ts=upto)
    assert app.ids(ALL, xt=READ) == [15, 14]
    app.post("edit-tag", i="1", r=READ, a=UNREAD)
    assert app.ids(ALL, xt=READ) == app.ids(UNREAD) == [15, 14, 1]
    assert app.ids(ALL, xt=READ, r="o") == [1, 14, 15]
    app.post("mark-all-as-read", s="feed/late")
    assert (app.ids(ALL, xt=READ), app.unread()) == ([1], {"feed/s": 1, ALL: 1, "user/-/label/chargers": 1})
    app.post("mark-all-as-read")
    assert (app.ids(ALL, xt=READ), app.unread()) == ([], {})


def test_what_arrived_long_ago_is_read(room: Room, app: App) -> None:
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
    tags = {one["id"]: one.get("unread_count") for one in app.get("tag/list").json()["tags"]}
    assert tags == {STARRED: None, "user/-/label/chargers": 6, "user/-/label/byd": 1}
    assert app.ids("user/-/label/chargers") == [11, 9, 7, 5, 3, 1]
    assert app.ids("user/-/label/byd") == [15]
    items = app.get("stream/contents/user/-/label/byd").json()["items"]
    assert "user/-/label/byd" in items[0]["categories"]
    assert "user/-/label/chargers" in app.get("stream/items/contents", i="1").json()["items"][0]["categories"]
    app.post("mark-all-as-read", s="user/-/label/chargers")
    assert app.ids("feed/s", xt=READ) == [12, 10, 8, 6, 4, 2]


def test_what_is_subscribed_to_is_changed_elsewhere(app: App) -> None:
    for path in ("subscription/edit", "subscription/quickadd", "rename-tag", "disable-tag"):
        answer = app.post(path, ac="edit", s="feed/s")
        assert answer.status_code == 403
        assert "evnews sources" in answer.json()["detail"]
    assert app.post("edit-tag", i="1", a="user/-/label/mine").status_code == 403


def test_nothing_is_changed_without_the_word_for_it(room: Room, app: App) -> None:
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
    reader = another(room, app, is_read_only=True)
    assert reader.post("edit-tag", i="1", a=READ).status_code == 403
    assert app.client.get("/reader/api/0/edit-tag", headers=app.headers).status_code == 405


def test_a_body_without_end_is_refused(app: App) -> None:
    big = "i=1&" * 100_000
    assert app.client.post("/reader/api/0/edit-tag", content=big, headers=app.headers).status_code == 413
    many = "&".join(["i=1"] * 11_000)
    assert app.client.post("/reader/api/0/edit-tag", content=many, headers=app.headers).status_code == 413


def test_a_token_that_is_taken_away_forgets_what_it_read(room: Room, app: App) -> None:
    app.post("edit-tag", i="1", a=READ)
    with room.database.write() as tx:
        remove_token(tx, "phone")
        secret = add_token(tx, "phone", T0)
    assert app.get("user-info").status_code == 401
    assert App(app.client, secret).ids(READ) == []


def test_an_article_that_is_joined_to_another_takes_its_marks_along(room: Room, app: App) -> None:
    app.post("edit-tag", i=["14", "15"], a=STARRED)
    app.post("edit-tag", i="15", a=READ)
    with room.database.write() as tx:
        read_state.move_states(tx, 14, 15)
    assert (app.ids(STARRED), app.ids(READ)) == ([14], [14])


def test_newsboat_is_answered_as_it_was(room: Room, app: App) -> None:
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
    assert [len(one) for one in states] == [12, 12, 12, 12]
    assert [one[opened] for one in states] == [{"fresh"}, {"read"}, {"fresh"}, {"read"}]
    assert {label for labels in states[3].values() for label in labels} == {"read"}


@pytest.fixture
def address(room: Room) -> Iterator[str]:
    """Where a server of the room really listens."""
    server = uvicorn.Server(uvicorn.Config(create_app(room.serving()), log_level="warning", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    running.join()
    listening.close()


def test_another_client_reads_and_marks(app: App, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inoreader.client, "BASE_URL", f"{address}/reader/api/0/")
    client = InoreaderClient("id", "key", app.secret, "", time.time() + 9_999)
    try:
        assert client.userinfo()["userName"] == "phone"
        assert [one.title for one in client.get_subscription_list()] == ["late", "s"]
        assert [(one["name"], one["unread_count"]) for one in client.get_tags()] == [("chargers", 6)]
        found = list(client.fetch_articles(n=4))
        assert [parse_item_id(one.id) for one in found] == list(range(15, 0, -1))
        assert (found[0].text, found[0].feed_title) == ("late x2", "late")
        client.mark_as_read(found[:3])
        client.mark_as_starred(found[1:2])
        assert [parse_item_id(one.id) for one in client.fetch_unread(n=50)] == list(range(12, 0, -1))
        assert [parse_item_id(one.id) for one in client.fetch_starred(n=50)] == [14]
        client.remove_read(found[:1])
        assert len(list(client.fetch_unread(n=50))) == 13
        assert [parse_item_id(one.id) for one in client.fetch_articles(tags=["chargers"], n=50)] == [11, 9, 7, 5, 3, 1]
    finally:
        client.session.close()


@pytest.mark.parametrize("text", ["", "x", "1e9", "-1", "٣", "9" * 21])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


def test_a_log_has_no_secret() -> None:
    assert not re.search(r"[0-9A-Za-z_-]{43}", WIRE.read_text())
