"""JSON API over HTTP: endpoints, their options, limits and problem responses."""

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
    response = ask(f"/api/v1/{path}", params=options)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    values = response.json()["items"]
    assert isinstance(values, list)
    return values


def ids(ask: Ask, **options: Any) -> list[int]:
    return [item["id"] for item in items(ask, "articles", **options)]


def test_articles_are_found_and_paged(ask: Ask) -> None:
    assert ids(ask) == list(range(12, 0, -1))
    assert ids(ask, q="charger", limit=2) == [11, 9]
    assert ids(ask, order="old", limit=2) == [1, 2]
    assert ids(ask, since="2025-01-10", until="2025-01-11") == [10]
    assert ids(ask, source="nobody") == []
    paged_ids: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask("/api/v1/articles", params={"q": "battery", "limit": 4, "cursor": cursor}).json()
        paged_ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert paged_ids == [12, 10, 8, 6, 4, 2]


def test_text_is_included_only_on_request(ask: Ask) -> None:
    listed = items(ask, "articles", limit=1)[0]
    assert "text" not in listed
    assert "html" not in listed
    whole = items(ask, "articles", limit=1, full=1)[0]
    assert whole["text"] == "battery x11"
    single = ask("/api/v1/articles/12").json()
    assert {name: single[name] for name in listed if name not in ("snippet", "also")} == {
        name: value for name, value in listed.items() if name not in ("snippet", "also")
    }
    assert (single["text"], single["copies"], single["captures"]) == ("battery x11", [], [])


def test_unknown_query_operator_is_noted(ask: Ask) -> None:
    page = ask("/api/v1/articles", params={"q": "words:many battery"}).json()
    assert page["notes"]
    assert page["complete"]
    assert page["reached"] is None


def test_snippet_has_no_highlighting_marks(ask: Ask) -> None:
    assert [item["snippet"] for item in items(ask, "articles", q="battery", limit=1)] == ["battery x11"]


def test_collapse_leaves_copies_out(room: Room, ask: Ask) -> None:
    text = "word " * 80
    first, second = room.keep(40, text, source="a"), room.keep(41, text, source="b")
    assert set(ids(ask, q="word")) == {first, second}
    (item,) = items(ask, "articles", q="word", collapse=1)
    assert (item["id"], item["also"]) == (first, ["b"])
    assert ask(f"/api/v1/articles/{first}").json()["copies"] == [{"id": second, "url": "https://b.example/41"}]


def test_changes_cursor_returns_each_edit_once(room: Room, ask: Ask) -> None:
    for n in range(5):
        room.keep(n, f"another text {n}", seen=T0 + timedelta(hours=n + 1))
    edits: list[tuple[int, int]] = []
    cursor = ""
    while True:
        page = ask("/api/v1/changes", params={"cursor": cursor, "limit": 2}).json()
        edits += [(item["id"], item["revision"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if page["complete"]:
            break
    assert edits == [(n, 2) for n in range(1, 6)]
    assert ask("/api/v1/changes", params={"cursor": cursor}).json() == {
        "items": [], "next_cursor": cursor, "complete": True
    }  # fmt: skip
    room.keep(9, "another text 9", seen=T0 + timedelta(hours=9))
    assert [item["id"] for item in items(ask, "changes", cursor=cursor)] == [10]
    assert [item["id"] for item in items(ask, "changes", since="2025-01-01T05:00:00Z")] == [5, 10]
    texts = [item["text"] for item in items(ask, "articles/1/revisions")]
    assert texts == ["charger x0", "another text 0"]


def test_topics_sources_timeline_and_stats_are_counted(room: Room, ask: Ask) -> None:
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 3, [Topic(name="byd", body_count=2)], "c")
    assert [(item["topic"], item["articles"]) for item in items(ask, "topics")] == [("byd", 1)]
    assert [(item["source"], item["articles"]) for item in items(ask, "sources")] == [("s", 12)]
    assert items(ask, "timeline", q="battery") == [{"period": "2025-01", "from": "2025-01-01", "articles": 6}]
    assert len(items(ask, "timeline", by="day")) == 12
    assert items(ask, "timeline", by="week")[0]["period"] == "2025-W01"
    assert ask("/api/v1/stats").json()["articles"] == 12
    room.place_stories()
    assert items(ask, "stories") == []
    assert ask("/api/v1/stories/3").json()["sources"] == 1


def test_limit_is_clamped(room: Room, ask: Ask) -> None:
    for n in range(100, 310):
        room.keep(n, f"x{n}")
    assert len(ids(ask, limit=999_999_999)) == 200
    assert len(ids(ask)) == 50
    assert len(ids(ask, limit=0)) == 1


@pytest.mark.parametrize(
    ("path", "status", "detail"),
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
def test_invalid_request_returns_a_problem(ask: Ask, path: str, status: int, detail: str) -> None:
    response = ask(f"/api/v1/{path}")
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert (response.json()["status"], detail in response.json()["detail"]) == (status, True)


def test_matching_etag_returns_304_without_body(ask: Ask) -> None:
    response = ask("/api/v1/articles")
    again = ask("/api/v1/articles", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_muted_articles_are_returned_only_with_all(room: Room) -> None:
    with replace(room, muted=("charger",)).client() as client:
        assert ids(client.get) == [12, 10, 8, 6, 4, 2]
        assert len(ids(client.get, all=1)) == 12


def test_request_without_token_is_refused_if_tokens_are_required(room: Room) -> None:
    with room.client(find_token=room.token_of) as client:
        assert client.get("/api/v1/articles").status_code == 401


def test_openapi_description_matches_the_endpoints(room: Room, ask: Ask) -> None:
    room.place_stories()
    description = ask("/api/v1/openapi.json").json()
    validate(description)
    assert set(description["paths"]) == {f"/{endpoint.path}" for endpoint in ENDPOINTS}
    for path, operations in description["paths"].items():
        parameters = operations["get"]["parameters"]
        options = {option["name"]: option["example"] for option in parameters if option["in"] == "query"}
        address = f"/api/v1{path}".replace("{id}", "1")
        fields = ask(address).json()
        required = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]["required"]
        assert set(required) <= set(fields), path
        for name, example in options.items():
            response = ask(address, params={name: example})
            assert response.status_code == 200, (path, name, response.text)


def test_all_times_have_the_same_format(room: Room, ask: Ask) -> None:
    room.keep(1, "another", seen=T0 + timedelta(hours=1))
    room.place_stories()
    body = json.dumps([ask(f"/api/v1/{path}").json() for path in ("articles/2", "changes", "stats", "stories/1")])
    times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', body)
    assert times
    for time in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)
