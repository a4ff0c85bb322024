"""The JSON API as a program meets it: every address, its options, its limits and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from aggregator.web.api import ENDPOINTS
from storage.articles.topics import record_topics_and_relabel
from storage.model.article import Topic
from tests.aggregator.web.archive_server import T0, Ask, Room


def items(ask: Ask, path: str, **options: Any) -> list[Any]:
    answer = ask(f"/api/v1/{path}", params=options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()["items"]
    assert isinstance(found, list)
    return found


def ids(ask: Ask, **options: Any) -> list[int]:
    return [one["id"] for one in items(ask, "articles", **options)]


def test_articles_are_found_and_paged(ask: Ask) -> None:
    assert ids(ask) == list(range(12, 0, -1))
    assert ids(ask, q="charger", limit=2) == [11, 9]
    assert ids(ask, order="old", limit=2) == [1, 2]
    assert ids(ask, since="2025-01-10", until="2025-01-11") == [10]
    assert ids(ask, source="nobody") == []
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask("/api/v1/articles", params={"q": "battery", "limit": 4, "cursor": cursor}).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == [12, 10, 8, 6, 4, 2]


def test_a_text_is_given_when_it_is_asked_for(ask: Ask) -> None:
    one = items(ask, "articles", limit=1)[0]
    assert "text" not in one
    assert "html" not in one
    whole = items(ask, "articles", limit=1, full=1)[0]
    assert whole["text"] == "battery x11"
    single = ask("/api/v1/articles/12").json()
    assert {name: single[name] for name in one if name not in ("snippet", "also")} == {
        name: value for name, value in one.items() if name not in ("snippet", "also")
    }
    assert (single["text"], single["copies"], single["captures"]) == ("battery x11", [], [])


def test_what_was_not_understood_is_noted(ask: Ask) -> None:
    page = ask("/api/v1/articles", params={"q": "words:many battery"}).json()
    assert page["notes"]
    assert page["complete"]
    assert page["reached"] is None


def test_a_passage_has_no_marks(ask: Ask) -> None:
    assert [one["snippet"] for one in items(ask, "articles", q="battery", limit=1)] == ["battery x11"]


def test_copies_are_left_out_where_that_is_asked(room: Room, ask: Ask) -> None:
    text = "word " * 80
    first, second = room.keep(40, text, source="a"), room.keep(41, text, source="b")
    assert set(ids(ask, q="word")) == {first, second}
    (one,) = items(ask, "articles", q="word", collapse=1)
    assert (one["id"], one["also"]) == (first, ["b"])
    assert ask(f"/api/v1/articles/{first}").json()["copies"] == [{"id": second, "url": "https://b.example/41"}]


def test_edits_are_followed_from_the_first_on(room: Room, ask: Ask) -> None:
    for n in range(5):
        room.keep(n, f"another text {n}", seen=T0 + timedelta(hours=n + 1))
    found: list[tuple[int, int]] = []
    cursor = ""
    while True:
        page = ask("/api/v1/changes", params={"cursor": cursor, "limit": 2}).json()
        found += [(one["id"], one["revision"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if page["complete"]:
            break
    assert found == [(n, 2) for n in range(1, 6)]
    assert ask("/api/v1/changes", params={"cursor": cursor}).json() == {
        "items": [], "next_cursor": cursor, "complete": True
    }  # fmt: skip
    room.keep(9, "another text 9", seen=T0 + timedelta(hours=9))
    assert [one["id"] for one in items(ask, "changes", cursor=cursor)] == [10]
    assert [one["id"] for one in items(ask, "changes", since="2025-01-01T05:00:00Z")] == [5, 10]
    texts = [one["text"] for one in items(ask, "articles/1/revisions")]
    assert texts == ["charger x0", "another text 0"]


def test_what_is_kept_is_counted(room: Room, ask: Ask) -> None:
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 3, [Topic(name="byd", body_count=2)], "c")
    assert [(one["topic"], one["articles"]) for one in items(ask, "topics")] == [("byd", 1)]
    assert [(one["source"], one["articles"]) for one in items(ask, "sources")] == [("s", 12)]
    assert items(ask, "timeline", q="battery") == [{"period": "2025-01", "from": "2025-01-01", "articles": 6}]
    assert len(items(ask, "timeline", by="day")) == 12
    assert items(ask, "timeline", by="week")[0]["period"] == "2025-W01"
    assert ask("/api/v1/stats").json()["articles"] == 12
    room.place_stories()
    assert items(ask, "stories") == []
    assert ask("/api/v1/stories/3").json()["sources"] == 1


def test_a_limit_is_clamped(room: Room, ask: Ask) -> None:
    for n in range(100, 310):
        room.keep(n, f"x{n}")
    assert len(ids(ask, limit=999_999_999)) == 200
    assert len(ids(ask)) == 50
    assert len(ids(ask, limit=0)) == 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("articles?limit=many", 400, "limit must be a number from 1 to 200"),
        ("articles?limit=-1", 400, "limit must be a number"),
        ("articles?order=up", 400, "order must be one of new, old"),
        ("articles?since=soon", 400, "since must be a date"),
        ("articles?topic=nonsense", 400, "nonsense"),
        ("articles?q=" + "x" * 1001, 400, "at most 1000"),
        ("timeline?by=year", 400, "by must be one of month, week, day"),
        ("changes?cursor=x", 400, "next_cursor"),
        ("changes?cursor=999999999999999999.1.1", 400, "next_cursor"),
        ("articles/999", 404, "There is no article 999"),
        ("articles/99999999999999999999", 404, "is not an id"),
        ("articles/-1", 404, "is not an id"),
        ("articles/x/revisions", 404, "is not an id"),
        ("articles/999/revisions", 404, "There is no article"),
        ("stories/999", 404, "No story"),
        ("nonsense", 404, "Not Found"),
    ],
)
def test_what_cannot_be_is_told_as_a_problem(ask: Ask, path: str, status: int, said: str) -> None:
    answer = ask(f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], said in answer.json()["detail"]) == (status, True)


def test_who_has_an_answer_gets_no_body(ask: Ask) -> None:
    answer = ask("/api/v1/articles")
    again = ask("/api/v1/articles", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_muted_is_given_on_request(room: Room) -> None:
    with replace(room, muted=("charger",)).client() as client:
        assert ids(client.get) == [12, 10, 8, 6, 4, 2]
        assert len(ids(client.get, all=1)) == 12


def test_a_token_is_needed_where_others_can_ask(room: Room) -> None:
    with room.client(find_token=room.token_of) as client:
        assert client.get("/api/v1/articles").status_code == 401


def test_the_description_is_true(room: Room, ask: Ask) -> None:
    room.place_stories()
    described = ask("/api/v1/openapi.json").json()
    validate(described)
    assert set(described["paths"]) == {f"/{one.path}" for one in ENDPOINTS}
    for path, operations in described["paths"].items():
        options = {one["name"]: one["example"] for one in operations["get"]["parameters"] if one["in"] == "query"}
        address = f"/api/v1{path}".replace("{id}", "1")
        fields = ask(address).json()
        needed = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]["required"]
        assert set(needed) <= set(fields), path
        for name, example in options.items():
            answer = ask(address, params={name: example})
            assert answer.status_code == 200, (path, name, answer.text)


def test_times_are_spelled_alike(room: Room, ask: Ask) -> None:
    room.keep(1, "another", seen=T0 + timedelta(hours=1))
    room.place_stories()
    body = json.dumps([ask(f"/api/v1/{path}").json() for path in ("articles/2", "changes", "stats", "stories/1")])
    times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', body)
    assert times
    for one in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one)
