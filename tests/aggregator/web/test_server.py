"""Server over HTTP: feeds, caching, pages of results, access tokens and problem responses."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import feedparser
import pytest

from aggregator.feeds.opml import read_opml
from aggregator.health.examine import HealthReport, save_reports
from aggregator.health.findings import HealthFinding, HealthState
from storage.articles.topics import record_topics_and_relabel
from storage.model.article import Topic
from storage.readers.tokens import add_token, remove_token
from tests.aggregator.web.archive_server import BASE, T0, Ask, Room


def titles(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    if "json" in response.headers["content-type"]:
        return [item["title"] for item in response.json()["items"]]
    read = feedparser.parse(response.content)
    assert not read.bozo
    return [entry.title for entry in read.entries]


ALL = [f"t{n:02}" for n in reversed(range(12))]
CHARGERS = [f"t{n:02}" for n in reversed(range(0, 12, 2))]


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_each_feed_is_served_in_each_format(room: Room, ask: Ask, form: str) -> None:
    room.keep(3, "battery other words", seen=T0 + timedelta(days=30))
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 5, [Topic(name="xiaomi", body_count=1)], "c")
    assert titles(ask(f"/feeds/all.{form}")) == ALL
    assert titles(ask(f"/feeds/source/s.{form}")) == ALL
    assert titles(ask(f"/feeds/search/chargers.{form}")) == CHARGERS
    assert titles(ask(f"/feeds/query.{form}?q=charger OR zzz&limit=2")) == CHARGERS[:2]
    assert titles(ask(f"/feeds/topic/xiaomi.{form}")) == titles(ask(f"/feeds/topic/小米.{form}")) == ["t04"]
    assert titles(ask(f"/feeds/changes.{form}")) == ["rewrite: t03"]
    assert titles(ask(f"/feeds/stories.{form}")) == []
    assert "zzz" not in ask(f"/feeds/all.{form}").text


def test_text_is_included_only_on_request(ask: Ask) -> None:
    assert "<p>battery x11</p>" not in ask("/feeds/all.json").text
    assert "<p>battery x11</p>" in ask("/feeds/all.json?full=1").text


def test_edit_is_shown_word_by_word_with_escaped_markup(room: Room, ask: Ask) -> None:
    room.keep(20, "one <b>two</b> three\nanother line", seen=T0)
    room.keep(20, "one <b>four</b> three\nanother line", seen=T0 + timedelta(days=1))
    [item] = ask("/feeds/changes.json?full=1").json()["items"]
    assert item["id"].endswith(":revision:2")
    assert "<del>" in item["content_html"]
    assert "<ins>" in item["content_html"]
    assert "<b>" not in item["content_html"]


def test_matching_etag_returns_304_until_the_feed_changes(room: Room, ask: Ask) -> None:
    for path in (
        "/feeds/all.atom",
        "/feeds/query.json?q=charger",
        "/opml",
        "/feeds/changes.rss",
        "/feeds/stories.atom",
    ):
        first = ask(path)
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
            again = ask(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert "max-age" in again.headers["cache-control"]
        assert ask(path, headers={"If-None-Match": '"x"'}).status_code == 200
    tag = ask("/feeds/query.json?q=charger").headers["etag"]
    room.keep(40, "battery")
    assert ask("/feeds/query.json?q=charger", headers={"If-None-Match": tag}).status_code == 304
    room.keep(0, "charger edited", seen=T0 + timedelta(days=1))
    after = ask("/feeds/query.json?q=charger", headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["etag"] != tag


def test_each_option_and_format_has_its_own_etag(ask: Ask) -> None:
    paths = ["all.atom", "all.rss", "all.atom?full=1", "all.atom?limit=3", "source/s.atom", "query.atom?q=battery"]
    assert len({ask(f"/feeds/{path}").headers["etag"] for path in paths}) == len(paths)


def test_feed_has_the_same_bytes_in_each_process(room: Room) -> None:
    with room.client() as first, room.client() as second:
        for form in ("rss", "atom", "json"):
            assert first.get(f"/feeds/all.{form}?full=1").content == second.get(f"/feeds/all.{form}?full=1").content


def test_edited_entry_keeps_its_id_and_gets_a_new_date(room: Room, ask: Ask) -> None:
    before = ask("/feeds/all.json?limit=1").json()["items"][0]
    room.keep(11, "battery edited", title="another title", seen=T0 + timedelta(days=9))
    after = ask("/feeds/all.json?limit=1").json()["items"][0]
    assert after["id"] == before["id"]
    assert (after["title"], before["title"]) == ("another title", "t11")
    assert (before["date_modified"], after["date_modified"]) == ("2025-01-01T00:00:00Z", "2025-01-10T00:00:00Z")


def test_copies_are_one_entry_that_names_their_publishers(room: Room, ask: Ask) -> None:
    text = "the same words of a story from many sources " * 4
    room.keep(30, text, title="original", source="one")
    tag = ask("/feeds/query.json?q=many").headers["etag"]
    room.keep(31, text, title="copy", source="two")
    response = ask("/feeds/query.json?q=many&full=1")
    [item] = response.json()["items"]
    assert item["content_html"].endswith("<p>Also published by two.</p>")
    assert ask("/feeds/query.json?q=many", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["all", "query", "search/chargers", "source/s"])
def test_pages_of_results_lead_back_to_the_first_article(ask: Ask, path: str) -> None:
    words = "&q=battery OR charger" if path == "query" else ""
    listed: list[str] = []
    url = f"{BASE}feeds/{path}.json?limit=5{words}"
    while url:
        assert url.startswith(BASE)
        page = ask(url).json()
        listed += [item["title"] for item in page["items"]]
        url = page.get("next_url", "")
    assert listed == (CHARGERS if path == "search/chargers" else ALL)
    read = feedparser.parse(ask(f"/feeds/{path}.atom?limit=5{words}").content)
    assert [link.rel for link in read.feed.links] == ["alternate", "self", "next"]


def test_opml_lists_existing_feeds(room: Room, ask: Ask) -> None:
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 5, [Topic(name="xiaomi", body_count=1)], "c")
    outlines = read_opml(ask("/opml").content)
    assert [outline.problem for outline in outlines if outline.problem] == []
    assert [outline.xml_url.removeprefix(f"{BASE}feeds/") for outline in outlines] == [
        "all.atom", "changes.atom", "stories.atom", "health.atom", "search/chargers.atom", "source/s.atom",
        "topic/xiaomi.atom",
    ]  # fmt: skip
    for outline in outlines:
        assert ask(outline.xml_url).status_code == 200


def health_report(
    source: str, state: HealthState, at: datetime, previous: HealthState = HealthState.OK
) -> HealthReport:
    finding = HealthFinding(state=state, since=at, evidence=f"<{source}> is & was", advice="look & see")
    return HealthReport(
        source=source, home="https://s.example/", state=state, since=at, previous_state=previous,
        findings=() if state == HealthState.OK else (finding,),
    )  # fmt: skip


def test_health_feed_lists_only_lasting_changes_of_state(room: Room, ask: Ask) -> None:
    silent = health_report("s", HealthState.SILENT, T0)
    save_reports(room.database, [silent], T0 + timedelta(minutes=9))  # may be temporary
    assert feedparser.parse(ask("/feeds/health.atom").content).entries == []
    for hours in range(1, 4):
        save_reports(room.database, [silent, health_report("other", HealthState.OK, T0)], T0 + timedelta(hours=hours))
    again, blocked = (
        health_report("s", HealthState.OK, T0 + timedelta(hours=4)),
        health_report("other", HealthState.BLOCKED, T0),
    )
    save_reports(room.database, [again, blocked], T0 + timedelta(hours=5))
    read = feedparser.parse(ask("/feeds/health.atom").content)
    assert [entry.title for entry in read.entries] == ["other is blocked", "s is healthy again", "s is silent"]
    assert (
        read.entries[2].content[0].value == "<p>&lt;s&gt; is &amp; was (since 2025-01-01 00:00 UTC); look &amp; see</p>"
    )
    assert read.entries[2].link == "https://s.example/"
    tag = ask("/feeds/health.rss").headers["etag"]
    assert ask("/feeds/health.rss", headers={"If-None-Match": tag}).status_code == 304


def test_front_page_shows_the_health_of_sources(room: Room, ask: Ask) -> None:
    assert "<h2>Sources</h2>" not in ask("/").text
    save_reports(room.database, [health_report("gone", HealthState.RETIRED, T0)], T0)
    at = T0 + timedelta(days=1)
    save_reports(
        room.database,
        [
            health_report("a", HealthState.OK, T0),
            health_report("b", HealthState.SLOW, T0),
            health_report("c", HealthState.BLOCKED, T0),
        ],
        at,
    )
    page = ask("/").text
    assert "<p>1 of 3 sources are healthy, as of 2025-01-02 00:00 UTC.</p>" in page
    assert "<li>c is blocked since 2025-01-01 00:00 UTC: &lt;c&gt; is &amp; was</li>" in page
    assert page.index("c is blocked") < page.index("b is slow")
    assert "gone is" not in page


def test_response_is_compressed_on_request_and_head_has_no_body(room: Room) -> None:
    with room.client() as client:
        plain = client.get("/feeds/all.atom?full=1", headers={"Accept-Encoding": "identity"})
        with client.stream("GET", "/feeds/all.atom?full=1", headers={"Accept-Encoding": "gzip"}) as compressed:
            assert compressed.headers["content-encoding"] == "gzip"
            assert gzip.decompress(b"".join(compressed.iter_raw())) == plain.content
        assert compressed.headers["etag"] == plain.headers["etag"]
        head = client.head("/feeds/all.atom", headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"].startswith("W/")


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/feeds/all", 404, ".atom"),
        ("/feeds/all.xml", 404, ".atom"),
        ("/feeds/nothing.atom", 404, "opml"),
        ("/feeds/source/nobody.atom", 404, "opml"),
        ("/feeds/topic/xiaomy.atom", 404, "did you mean"),
        ("/feeds/search/none.atom", 404, "opml"),
        ("/feeds/query.atom", 400, "q="),
        ("/feeds/query.atom?q=" + "x" * 1001, 400, "1000"),
        ("/feeds/all.atom?limit=x", 400, "limit"),
        ("/feeds/all.atom?limit=-1", 400, "limit"),
        ("/feeds/all.atom?limit=1e9", 400, "limit"),
        ("/nothing", 404, ""),
    ],
)
def test_invalid_request_returns_a_problem(room: Room, path: str, status: int, detail: str) -> None:
    with room.client() as client:
        response = client.request("GET", path)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert detail in response.json()["detail"]
        assert client.post("/feeds/all.atom").status_code == 405


def test_limit_is_clamped_and_any_query_is_answered(room: Room, ask: Ask) -> None:
    assert len(titles(ask("/feeds/all.atom?limit=0"))) == 1
    assert len(titles(ask("/feeds/all.atom?limit=999999999"))) == 12
    for query in ('"', "NEAR(", "c++", "'; DROP TABLE articles", "*", "(" * 300, "\x00", "小米", "a" * 999):
        assert ask("/feeds/query.rss", params={"q": query}).status_code in (200, 400)


def test_responses_forbid_browsers_to_run_scripts(room: Room, ask: Ask) -> None:
    room.keep(50, "x", title="<script>alert(1)</script>")
    for path in ("/feeds/all.rss", "/feeds/nothing.atom", "/opml", "/healthz"):
        response = ask(path)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert b"<script" not in response.content


@pytest.mark.parametrize(
    "host", ["evil.example", "reader.example.evil.example", "a/x?", "", "reader.example@evil.example"]
)
def test_foreign_host_header_is_refused(room: Room, host: str) -> None:
    with room.client() as client:
        assert client.get("/feeds/all.atom", headers={"Host": host}).status_code == 400
        for accepted in ("reader.example:8080", "localhost", "127.0.0.1:8080", "[::1]:80", "192.168.1.7"):
            assert client.get("/healthz", headers={"Host": accepted}).status_code == 200


def test_valid_token_grants_access_and_removed_token_does_not(room: Room) -> None:
    with room.database.write() as tx:
        secret, other_secret = add_token(tx, "phone", T0), add_token(tx, "laptop", T0)
        assert add_token(tx, "phone", T0) == ""
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    accepted = [
        ("/feeds/all.atom", {"Authorization": f"Bearer {secret}"}),
        ("/feeds/all.atom", {"Authorization": f"Basic {basic}"}),
        (f"/private/{secret}/feeds/all.atom", {}),
        (f"/private/{secret}/opml", {}),
    ]
    refused = [
        ("/feeds/all.atom", {}),
        ("/opml", {"Authorization": "Bearer "}),
        ("/feeds/all.atom", {"Authorization": f"Bearer {secret[:-1]}"}),
        ("/feeds/all.atom", {"Authorization": "Basic !!!"}),
        ("/private//feeds/all.atom", {}),
        ("/private/x/feeds/all.atom", {}),
        (f"/feeds/all.atom?token={secret}", {}),
    ]
    with room.client(find_token=room.token_of) as client:
        for path, headers in accepted:
            response = client.get(path, headers=headers)
            assert response.status_code == 200, path
            assert response.headers["cache-control"].startswith("private")
            assert secret not in response.text
        for path, headers in refused:
            response = client.get(path, headers=headers)
            assert response.status_code == 401, path
            assert "Basic" in response.headers["www-authenticate"]
        assert client.get("/healthz").status_code == 200
        with room.database.write() as tx:
            assert remove_token(tx, "phone")
            assert not remove_token(tx, "phone")
        assert client.get("/feeds/all.atom", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
        assert client.get("/feeds/all.atom", headers={"Authorization": f"Bearer {other_secret}"}).status_code == 200


def test_muted_articles_are_in_no_feed(room: Room) -> None:
    with replace(room, muted=("charger",)).client() as client:
        assert titles(client.get("/feeds/all.atom")) == [title for title in ALL if title not in CHARGERS]


def test_health_and_readiness_endpoints_respond(ask: Ask) -> None:
    assert (ask("/healthz").text, ask("/readyz").text) == ("ok\n", "ready\n")
