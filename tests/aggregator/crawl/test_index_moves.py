"""An index that moved: when it is asked for at its new address, and when at its own again."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregator.crawl.index_response import TRIED_AGAIN_AFTER, Judgement, address, followed
from storage.model.crawl import MOVED_AFTER, Endpoint
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site

OLD, NEW, THIRD = "https://a.example/feed", "https://b.example/rss", "https://c.example/rss"


def told(before: Endpoint, outcome: str = "ok", moved_to: str = "", gone_at: datetime | None = None) -> Judgement:
    """What an answer at the address that is asked now tells of a move."""
    after = Judgement(endpoint=Endpoint(**{**_fields(before), "gone_at": gone_at}), outcome=outcome)
    return followed(after, before, address(before), moved_to)


def _fields(endpoint: Endpoint) -> dict[str, object]:
    return {name: getattr(endpoint, name) for name in ("source", "url", "moved_to", "moves", "gone_at")}


def moved(times: int = MOVED_AFTER) -> Endpoint:
    endpoint = Endpoint(source="a", url=OLD)
    for _ in range(times):
        assert address(endpoint) == OLD
        endpoint = told(endpoint, moved_to=NEW).endpoint
    return endpoint


def test_it_is_asked_for_where_it_was_found_five_times_in_a_row() -> None:
    assert address(moved(MOVED_AFTER - 1)) == OLD
    assert address(moved()) == NEW
    interrupted = told(moved(MOVED_AFTER - 1), moved_to=THIRD).endpoint
    assert (address(interrupted), interrupted.moved_to, interrupted.moves) == (OLD, THIRD, 1)
    assert told(moved(3)).endpoint.moves == 0  # it answered at home


def test_a_failure_there_counts_against_the_move_alone() -> None:
    gone = told(moved(), "gone", gone_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (gone.outcome, gone.endpoint.gone_at, address(gone.endpoint)) == ("failed", None, OLD)
    assert address(told(moved(), "failed").endpoint) == OLD
    assert told(moved(2), "failed").endpoint.moves == 2  # at home a failure says nothing of where it leads


def test_its_own_address_is_tried_now_and_then_and_may_be_no_more() -> None:
    endpoint = moved()
    while address(endpoint) == NEW:
        endpoint = told(endpoint, "unmodified").endpoint
    assert endpoint.moves == TRIED_AGAIN_AFTER
    dead = told(endpoint, "gone", gone_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (dead.outcome, dead.endpoint.gone_at, address(dead.endpoint)) == ("failed", None, NEW)
    home = told(endpoint).endpoint
    assert (home.moved_to, address(home)) == ("", OLD)


def test_a_feed_is_polled_at_its_new_address_with_its_validators(home: Home, site: Site) -> None:
    site.feed(site.article("/a"), path="/new.xml")
    site.pages["/feed.xml"] = Answer(b"", 301, headers=(("Location", site.url("/new.xml")),))
    source = site.source(every=60.0)
    for _ in range(MOVED_AFTER):
        home.poll(source)
    site.log.clear()
    assert home.poll(source)["site"].is_polled
    assert site.paths() == ["/new.xml"]
    site.pages["/new.xml"] = Answer(b"gone", 410)
    home.poll(source)
    site.pages.pop("/feed.xml")
    site.feed(site.article("/b"))
    site.log.clear()
    assert home.poll(source)["site"].counts["kept"] == 1
    assert site.paths() == ["/feed.xml", "/b"]
