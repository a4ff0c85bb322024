"""Moved indexes: when they are requested at their new address, and when at the original one."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregator.crawl.index_response import RETRY_ORIGINAL_AFTER, Judgement, apply_move, choose_request_url
from storage.model.crawl import REDIRECTS_UNTIL_MOVED, IndexEndpoint
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site

OLD, NEW, THIRD = "https://a.example/feed", "https://b.example/rss", "https://c.example/rss"


def apply_response(
    before: IndexEndpoint, outcome: str = "ok", moved_to: str = "", gone_at: datetime | None = None
) -> Judgement:
    """Return the judgement on a response to the next request of an index."""
    after = Judgement(endpoint=IndexEndpoint(**{**_fields(before), "gone_at": gone_at}), outcome=outcome)
    return apply_move(after, before, choose_request_url(before), moved_to)


def _fields(endpoint: IndexEndpoint) -> dict[str, object]:
    return {name: getattr(endpoint, name) for name in ("source", "url", "moved_to", "move_streak", "gone_at")}


def moved(times: int = REDIRECTS_UNTIL_MOVED) -> IndexEndpoint:
    endpoint = IndexEndpoint(source="a", url=OLD)
    for _ in range(times):
        assert choose_request_url(endpoint) == OLD
        endpoint = apply_response(endpoint, moved_to=NEW).endpoint
    return endpoint


def test_index_is_requested_at_its_new_address_after_five_moves_in_a_row() -> None:
    assert choose_request_url(moved(REDIRECTS_UNTIL_MOVED - 1)) == OLD
    assert choose_request_url(moved()) == NEW
    interrupted = apply_response(moved(REDIRECTS_UNTIL_MOVED - 1), moved_to=THIRD).endpoint
    assert (choose_request_url(interrupted), interrupted.moved_to, interrupted.move_streak) == (OLD, THIRD, 1)
    assert apply_response(moved(3)).endpoint.move_streak == 0  # the original address responded


def test_failure_at_the_new_address_ends_the_move_only() -> None:
    gone = apply_response(moved(), "gone", gone_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (gone.outcome, gone.endpoint.gone_at, choose_request_url(gone.endpoint)) == ("failed", None, OLD)
    assert choose_request_url(apply_response(moved(), "failed").endpoint) == OLD
    assert apply_response(moved(2), "failed").endpoint.move_streak == 2  # a failure is no end of moves


def test_original_address_is_tried_now_and_then() -> None:
    endpoint = moved()
    while choose_request_url(endpoint) == NEW:
        endpoint = apply_response(endpoint, "unmodified").endpoint
    assert endpoint.move_streak == RETRY_ORIGINAL_AFTER
    dead = apply_response(endpoint, "gone", gone_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (dead.outcome, dead.endpoint.gone_at, choose_request_url(dead.endpoint)) == ("failed", None, NEW)
    home = apply_response(endpoint).endpoint
    assert (home.moved_to, choose_request_url(home)) == ("", OLD)


def test_moved_feed_is_polled_at_its_new_address_with_its_validators(home: Home, site: Site) -> None:
    site.feed(site.article("/a"), path="/new.xml")
    site.pages["/feed.xml"] = Answer(b"", 301, headers=(("Location", site.url("/new.xml")),))
    source = site.source(every=60.0)
    for _ in range(REDIRECTS_UNTIL_MOVED):
        home.poll(source)
    site.log.clear()
    assert home.poll(source)["site"].has_succeeded
    assert site.paths() == ["/new.xml"]
    site.pages["/new.xml"] = Answer(b"gone", 410)
    home.poll(source)
    site.pages.pop("/feed.xml")
    site.feed(site.article("/b"))
    site.log.clear()
    assert home.poll(source)["site"].counts["kept"] == 1
    assert site.paths() == ["/feed.xml", "/b"]
