"""Archived feeds (RFC 5005): stable archive pages, and a feed with every article that is on no page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import feedparser
import pytest
from lxml import etree
from sqlalchemy import insert
from starlette.testclient import TestClient

from aggregator.web import archived_feeds as web_archived_feeds
from storage.db.tables import archived_feeds
from storage.readers import archived_feeds as stored_pages
from storage.readers.archived_feeds import PAGE_SIZE
from tests.aggregator.web.archive_server import BASE, T0, Room

FH = "{http://purl.org/syndication/history/1.0}archive"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def client(room: Room) -> Iterator[TestClient]:
    """Return a client of 120 articles, of which 60 name a charger; the oldest by publication arrived last."""
    for n in range(12, 120):
        room.keep(200 - n, f"{'battery' if n % 2 else 'charger'} x{n}", title=f"n{n}", seen=T0 + timedelta(hours=n))
    with room.client() as client:
        yield client


def ids(feed: Any) -> list[int]:
    return [int(entry.id.rpartition(":")[2]) for entry in feed.entries]


def links(feed: Any) -> dict[str, str]:
    return {link.rel: link.href for link in feed.feed.links}


def walk(client: TestClient, url: str) -> tuple[list[int], list[list[int]]]:
    """Follow every prev-archive link; return the article ids of the feed and those of each archive page."""
    read = feedparser.parse(client.get(url).content)
    assert not read.bozo
    feed_ids, pages = ids(read), []
    while following := links(read).get("prev-archive"):
        read = feedparser.parse(client.get(following).content)
        pages.append(ids(read))
    return feed_ids, pages


@pytest.mark.parametrize("form", ["atom", "rss"])
@pytest.mark.parametrize(
    ("path", "count", "unpaged"), [("all", 120, 20), ("source/s", 120, 20), ("search/chargers", 60, 10)]
)
def test_feed_and_archive_pages_hold_every_article(
    client: TestClient, form: str, path: str, count: int, unpaged: int
) -> None:
    feed_ids, pages = walk(client, f"{BASE}feeds/{path}.{form}")
    assert [len(page) for page in pages] == [PAGE_SIZE] * (count // PAGE_SIZE)
    assert {*feed_ids, *(article_id for page in pages for article_id in page)} == set(
        range(1, 121) if count == 120 else range(1, 120, 2)
    )
    newest = sorted({*feed_ids} - {article_id for page in pages for article_id in page})
    assert len(newest) == unpaged
    assert [article_id for page in pages for article_id in page] == sorted(
        (article_id for page in pages for article_id in page), reverse=True
    )


def test_archive_page_links_to_feed_and_neighbours(client: TestClient) -> None:
    client.get("/feeds/all.atom")
    response = client.get("/feeds/all.atom?page=1")
    assert response.headers["cache-control"] == "public, max-age=86400"
    tree = etree.fromstring(response.content)
    assert tree.find(FH) is not None
    page_links = {link.get("rel"): link.get("href") for link in tree.findall(f"{ATOM}link")}
    assert page_links == {
        "alternate": BASE, "self": f"{BASE}feeds/all.atom?page=1", "current": f"{BASE}feeds/all.atom",
        "next-archive": f"{BASE}feeds/all.atom?page=2",
    }  # fmt: skip
    subscribed = etree.fromstring(client.get("/feeds/all.atom").content)
    assert subscribed.find(FH) is None
    assert "next" not in {link.get("rel") for link in subscribed.findall(f"{ATOM}link")}
    assert client.get("/feeds/all.atom?page=3").status_code == 404
    assert client.get("/feeds/all.atom?page=x").status_code == 400
    assert client.get("/feeds/all.json?page=2").json()["next_url"] == f"{BASE}feeds/all.json?page=1"


def test_archive_page_changes_only_by_edits(room: Room, client: TestClient) -> None:
    client.get("/feeds/all.atom")
    before = client.get("/feeds/all.atom?page=1")
    for n in range(300, 340):
        room.keep(n, f"late x{n}", seen=T0 + timedelta(days=9))
    room.keep(0, "charger x0 was edited", title="t00", seen=T0 + timedelta(days=9))
    client.get("/feeds/all.atom")
    after = client.get("/feeds/all.atom?page=1", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert ids(feedparser.parse(after.content)) == ids(feedparser.parse(before.content))
    again = client.get("/feeds/all.atom?page=1", headers={"If-None-Match": after.headers["etag"]})
    assert again.status_code == 304
    feed_ids, pages = walk(client, f"{BASE}feeds/all.atom")
    assert len(pages) == 3
    assert {*feed_ids, *(article_id for page in pages for article_id in page)} == set(range(1, 161))


def test_edited_entry_returns_to_the_feed(room: Room, client: TestClient) -> None:
    assert 5 not in ids(feedparser.parse(client.get("/feeds/source/s.atom").content))
    tag = client.get("/feeds/source/s.atom").headers["etag"]
    room.now = T0 + timedelta(days=10)
    room.keep(4, "charger x4 was edited", title="t04", seen=T0 + timedelta(days=9))
    response = client.get("/feeds/source/s.atom", headers={"If-None-Match": tag})
    assert response.status_code == 200
    assert ids(feedparser.parse(response.content)).count(5) == 1


def test_arrival_order_lists_latest_recorded_first(room: Room, client: TestClient) -> None:
    listed = ids(feedparser.parse(client.get("/feeds/all.atom?order=arrival").content))
    assert listed == list(range(120, 50, -1))
    long = ids(feedparser.parse(client.get("/feeds/all.rss?order=arrival&limit=200").content))
    assert long == list(range(120, 0, -1))
    short = feedparser.parse(client.get("/feeds/all.rss?order=arrival&limit=5").content)
    assert (ids(short), "prev-archive" in links(short)) == ([120, 119, 118, 117, 116], False)
    refused = client.get("/feeds/query.atom?q=x&order=arrival")
    assert (refused.status_code, "order=arrival is supported" in refused.json()["detail"]) == (400, True)


def test_large_archive_is_cut_into_pages_in_steps(
    room: Room, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_pages, "_MAX_SECONDS", 0.0)
    monkeypatch.setattr(stored_pages, "_ARTICLES_PER_STEP", 30)
    monkeypatch.setattr(web_archived_feeds, "_MIN_CUT_INTERVAL", 0.0)
    first = client.get("/feeds/all.atom")
    assert "prev-archive" not in links(feedparser.parse(first.content))
    again = client.get("/feeds/all.atom", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    for _ in range(6):
        room.keep(900, "x", seen=T0)
        feed_links = links(feedparser.parse(client.get("/feeds/all.atom").content))
    assert feed_links["prev-archive"] == f"{BASE}feeds/all.atom?page=2"


def test_requested_feed_is_cut_in_the_background(
    room: Room, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_pages, "_MAX_SECONDS", 0.0)
    monkeypatch.setattr(stored_pages, "_ARTICLES_PER_STEP", 30)
    monkeypatch.setattr(web_archived_feeds, "_MIN_CUT_INTERVAL", 0.0)
    context = room.serving()
    client.get("/feeds/all.atom")
    with room.database.write() as tx:
        row = {
            "feed": "search/gone",
            "query_digest": "",
            "last_article_id": 1,
            "pending_article_ids": "[]",
            "page_count": 0,
        }
        tx.execute(insert(archived_feeds), row)
    assert context.library.feeds_behind() == ["all", "search/gone"]
    context.feed_catalogue.cut_feeds(lambda: True)
    assert context.library.feeds_behind() == ["all", "search/gone"]
    context.feed_catalogue.cut_feeds(lambda: False)  # a removed feed does not hold up the others
    assert context.library.feeds_behind() == ["search/gone"]
    feed_links = links(feedparser.parse(client.get("/feeds/all.atom").content))
    assert feed_links["prev-archive"] == f"{BASE}feeds/all.atom?page=2"


def test_feed_with_few_matches_catches_up(room: Room, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_pages, "_ARTICLES_PER_STEP", 30)
    with room.database.write() as tx:
        row = {
            "feed": "search/rare",
            "query_digest": "",
            "last_article_id": 1,
            "pending_article_ids": "[]",
            "page_count": 0,
        }
        tx.execute(insert(archived_feeds), row)
    room.searches = {"rare": "x3"}
    context = room.serving()
    assert context.library.feeds_behind() == ["search/rare"]
    context.feed_catalogue.cut_feeds(lambda: False)
    assert context.library.feeds_behind() == []


def test_redefined_search_gets_new_archive_pages(room: Room, client: TestClient) -> None:
    assert len(walk(client, f"{BASE}feeds/search/chargers.atom")[1]) == 1
    room.searches = {"chargers": "battery"}
    feed_ids, pages = walk(client, f"{BASE}feeds/search/chargers.atom")
    assert {*feed_ids, *(article_id for page in pages for article_id in page)} == set(range(2, 121, 2))


def test_archive_pages_hold_the_first_recorded_article_of_a_text(room: Room, client: TestClient) -> None:
    text = "the same words " * 40
    for n in range(60):
        room.keep(500 + n, f"{text} {n // 2}", source=f"copy{n % 2}", seen=T0 + timedelta(days=9))
    feed_ids, pages = walk(client, f"{BASE}feeds/all.atom")
    all_ids = [*feed_ids, *(article_id for page in pages for article_id in page)]
    assert len(pages) == 3
    assert {article_id for article_id in all_ids if article_id > 120} == set(range(121, 181, 2))
