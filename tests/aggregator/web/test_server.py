"""The server as a reader meets it: feeds, what it may keep, pages, who may ask, and what it refuses."""

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


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    if "json" in answer.headers["content-type"]:
        return [item["title"] for item in answer.json()["items"]]
    read = feedparser.parse(answer.content)
    assert not read.bozo
    return [entry.title for entry in read.entries]


ALL = [f"t{n:02}" for n in reversed(range(12))]
CHARGERS = [f"t{n:02}" for n in reversed(range(0, 12, 2))]


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_each_feed_in_each_form(room: Room, ask: Ask, form: str) -> None:
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


def test_a_text_is_given_when_it_is_asked_for(ask: Ask) -> None:
    assert "<p>battery x11</p>" not in ask("/feeds/all.json").text
    assert "<p>battery x11</p>" in ask("/feeds/all.json?full=1").text


def test_an_edit_is_shown_word_by_word_and_nothing_in_it_is_markup(room: Room, ask: Ask) -> None:
    room.keep(20, "one <b>two</b> three\nanother line", seen=T0)
    room.keep(20, "one <b>four</b> three\nanother line", seen=T0 + timedelta(days=1))
    [item] = ask("/feeds/changes.json?full=1").json()["items"]
    assert item["id"].endswith(":revision:2")
    assert "<del>" in item["content_html"]
    assert "<ins>" in item["content_html"]
    assert "<b>" not in item["content_html"]


def test_who_has_it_already_gets_no_body(room: Room, ask: Ask) -> None:
    """In whatever list of marks it says so, until the feed changes; what is kept elsewhere changes nothing."""
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


def test_options_and_forms_are_other_answers(ask: Ask) -> None:
    paths = ["all.atom", "all.rss", "all.atom?full=1", "all.atom?limit=3", "source/s.atom", "query.atom?q=battery"]
    assert len({ask(f"/feeds/{path}").headers["etag"] for path in paths}) == len(paths)


def test_the_same_feed_is_the_same_bytes(room: Room) -> None:
    """Nothing in it says when it was asked for, or by which process."""
    with room.client() as one, room.client() as other:
        for form in ("rss", "atom", "json"):
            assert one.get(f"/feeds/all.{form}?full=1").content == other.get(f"/feeds/all.{form}?full=1").content


def test_an_entry_keeps_its_id_and_moves_when_it_is_edited(room: Room, ask: Ask) -> None:
    before = ask("/feeds/all.json?limit=1").json()["items"][0]
    room.keep(11, "battery edited", title="another title", seen=T0 + timedelta(days=9))
    after = ask("/feeds/all.json?limit=1").json()["items"][0]
    assert after["id"] == before["id"]
    assert (after["title"], before["title"]) == ("another title", "t11")
    assert (before["date_modified"], after["date_modified"]) == ("2025-01-01T00:00:00Z", "2025-01-10T00:00:00Z")


def test_copies_are_one_entry_that_names_who_tells_it_too(room: Room, ask: Ask) -> None:
    text = "the same words of a story that many tell " * 4
    room.keep(30, text, title="original", source="one")
    tag = ask("/feeds/query.json?q=many").headers["etag"]
    room.keep(31, text, title="copy", source="two")
    answer = ask("/feeds/query.json?q=many&full=1")
    [item] = answer.json()["items"]
    assert item["content_html"].endswith("<p>Also published by two.</p>")
    assert ask("/feeds/query.json?q=many", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["all", "query", "search/chargers", "source/s"])
def test_the_pages_lead_back_to_the_first_article(ask: Ask, path: str) -> None:
    words = "&q=battery OR charger" if path == "query" else ""
    found: list[str] = []
    url = f"{BASE}feeds/{path}.json?limit=5{words}"
    while url:
        assert url.startswith(BASE)
        page = ask(url).json()
        found += [item["title"] for item in page["items"]]
        url = page.get("next_url", "")
    assert found == (CHARGERS if path == "search/chargers" else ALL)
    read = feedparser.parse(ask(f"/feeds/{path}.atom?limit=5{words}").content)
    assert [link.rel for link in read.feed.links] == ["alternate", "self", "next"]


def test_a_list_of_all_feeds_names_feeds_that_are_there(room: Room, ask: Ask) -> None:
    with room.database.write() as tx:
        record_topics_and_relabel(tx, 5, [Topic(name="xiaomi", body_count=1)], "c")
    outlines = read_opml(ask("/opml").content)
    assert [one.problem for one in outlines if one.problem] == []
    assert [one.xml_url.removeprefix(f"{BASE}feeds/") for one in outlines] == [
        "all.atom", "changes.atom", "stories.atom", "health.atom", "search/chargers.atom", "source/s.atom",
        "topic/xiaomi.atom",
    ]  # fmt: skip
    for one in outlines:
        assert ask(one.xml_url).status_code == 200


def found(source: str, state: HealthState, at: datetime, was: HealthState = HealthState.OK) -> HealthReport:
    why = HealthFinding(state=state, since=at, evidence=f"<{source}> is & was", advice="look & see")
    return HealthReport(
        source=source, home="https://s.example/", state=state, since=at, previous_state=was,
        findings=() if state == HealthState.OK else (why,),
    )  # fmt: skip


def test_a_source_that_is_no_longer_well_is_news_and_one_that_stays_so_is_not(room: Room, ask: Ask) -> None:
    silent = found("s", HealthState.SILENT, T0)
    save_reports(room.database, [silent], T0 + timedelta(minutes=9))  # it may pass
    assert feedparser.parse(ask("/feeds/health.atom").content).entries == []
    for hours in range(1, 4):
        save_reports(room.database, [silent, found("other", HealthState.OK, T0)], T0 + timedelta(hours=hours))
    again, blocked = found("s", HealthState.OK, T0 + timedelta(hours=4)), found("other", HealthState.BLOCKED, T0)
    save_reports(room.database, [again, blocked], T0 + timedelta(hours=5))
    read = feedparser.parse(ask("/feeds/health.atom").content)
    assert [entry.title for entry in read.entries] == ["other is blocked", "s is healthy again", "s is silent"]
    assert (
        read.entries[2].content[0].value == "<p>&lt;s&gt; is &amp; was (since 2025-01-01 00:00 UTC); look &amp; see</p>"
    )
    assert read.entries[2].link == "https://s.example/"
    tag = ask("/feeds/health.rss").headers["etag"]
    assert ask("/feeds/health.rss", headers={"If-None-Match": tag}).status_code == 304


def test_the_front_page_tells_how_the_sources_are(room: Room, ask: Ask) -> None:
    assert "<h2>Sources</h2>" not in ask("/").text
    save_reports(room.database, [found("gone", HealthState.RETIRED, T0)], T0)
    at = T0 + timedelta(days=1)
    save_reports(
        room.database,
        [found("a", HealthState.OK, T0), found("b", HealthState.SLOW, T0), found("c", HealthState.BLOCKED, T0)],
        at,
    )
    page = ask("/").text
    assert "<p>1 of 3 sources are healthy, as of 2025-01-02 00:00 UTC.</p>" in page
    assert "<li>c is blocked since 2025-01-01 00:00 UTC: &lt;c&gt; is &amp; was</li>" in page
    assert page.index("c is blocked") < page.index("b is slow")
    assert "gone is" not in page


def test_an_answer_is_packed_for_who_takes_it_so_and_head_has_no_body(room: Room) -> None:
    with room.client() as client:
        plain = client.get("/feeds/all.atom?full=1", headers={"Accept-Encoding": "identity"})
        with client.stream("GET", "/feeds/all.atom?full=1", headers={"Accept-Encoding": "gzip"}) as packed:
            assert packed.headers["content-encoding"] == "gzip"
            assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
        assert packed.headers["etag"] == plain.headers["etag"]
        head = client.head("/feeds/all.atom", headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"].startswith("W/")


@pytest.mark.parametrize(
    ("path", "status", "said"),
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
def test_what_is_not_there_is_told_in_words(room: Room, path: str, status: int, said: str) -> None:
    with room.client() as client:
        answer = client.request("GET", path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert said in answer.json()["detail"]
        assert client.post("/feeds/all.atom").status_code == 405


def test_limits_are_kept(room: Room, ask: Ask) -> None:
    assert len(titles(ask("/feeds/all.atom?limit=0"))) == 1
    assert len(titles(ask("/feeds/all.atom?limit=999999999"))) == 12
    for nasty in ('"', "NEAR(", "c++", "'; DROP TABLE articles", "*", "(" * 300, "\x00", "小米", "a" * 999):
        assert ask("/feeds/query.rss", params={"q": nasty}).status_code in (200, 400)


def test_browsers_are_told_that_nothing_is_a_page(room: Room, ask: Ask) -> None:
    room.keep(50, "x", title="<script>alert(1)</script>")
    for path in ("/feeds/all.rss", "/feeds/nothing.atom", "/opml", "/healthz"):
        answer = ask(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert b"<script" not in answer.content


@pytest.mark.parametrize(
    "host", ["evil.example", "reader.example.evil.example", "a/x?", "", "reader.example@evil.example"]
)
def test_a_host_that_is_not_ours_is_refused(room: Room, host: str) -> None:
    with room.client() as client:
        assert client.get("/feeds/all.atom", headers={"Host": host}).status_code == 400
        for good in ("reader.example:8080", "localhost", "127.0.0.1:8080", "[::1]:80", "192.168.1.7"):
            assert client.get("/healthz", headers={"Host": good}).status_code == 200


def test_a_token_opens_and_one_that_was_taken_away_does_not(room: Room) -> None:
    with room.database.write() as tx:
        secret, other = add_token(tx, "phone", T0), add_token(tx, "desk", T0)
        assert add_token(tx, "phone", T0) == ""
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    good = [
        ("/feeds/all.atom", {"Authorization": f"Bearer {secret}"}),
        ("/feeds/all.atom", {"Authorization": f"Basic {basic}"}),
        (f"/private/{secret}/feeds/all.atom", {}),
        (f"/private/{secret}/opml", {}),
    ]
    bad = [
        ("/feeds/all.atom", {}),
        ("/opml", {"Authorization": "Bearer "}),
        ("/feeds/all.atom", {"Authorization": f"Bearer {secret[:-1]}"}),
        ("/feeds/all.atom", {"Authorization": "Basic !!!"}),
        ("/private//feeds/all.atom", {}),
        ("/private/x/feeds/all.atom", {}),
        (f"/feeds/all.atom?token={secret}", {}),
    ]
    with room.client(find_token=room.token_of) as client:
        for path, headers in good:
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, path
            assert answer.headers["cache-control"].startswith("private")
            assert secret not in answer.text
        for path, headers in bad:
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401, path
            assert "Basic" in answer.headers["www-authenticate"]
        assert client.get("/healthz").status_code == 200
        with room.database.write() as tx:
            assert remove_token(tx, "phone")
            assert not remove_token(tx, "phone")
        assert client.get("/feeds/all.atom", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
        assert client.get("/feeds/all.atom", headers={"Authorization": f"Bearer {other}"}).status_code == 200


def test_what_is_muted_is_in_no_feed(room: Room) -> None:
    with replace(room, muted=("charger",)).client() as client:
        assert titles(client.get("/feeds/all.atom")) == [title for title in ALL if title not in CHARGERS]


def test_it_says_whether_it_is_up_and_ready(ask: Ask) -> None:
    assert (ask("/healthz").text, ask("/readyz").text) == ("ok\n", "ready\n")
