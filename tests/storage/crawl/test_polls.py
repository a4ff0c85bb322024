"""Index state, polls, robots.txt copies, parked hosts and due times are stored and loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.crawl.polls import (
    find_due_sources,
    load_endpoint,
    load_endpoints,
    load_parked_hosts,
    load_robots_copy,
    park_host,
    record_poll,
    save_endpoint,
    save_robots,
    schedule_source,
)
from storage.db.database import Database
from storage.model.crawl import IndexEndpoint, Poll, RobotsCopy
from storage.monitor import Monitor

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = "https://ev.example/feed?x=1"


def test_index_state_is_initial_until_it_is_saved(database: Database) -> None:
    full = IndexEndpoint(
        source="site",
        url=FEED,
        etag='W/"x"',
        last_modified="Thu",
        validators_url=FEED,
        digest="d",
        unmodified_streak=3,
        failure_streak=2,
        lead_count=10,
        moved_to="https://new.example/",
        gone_at=NOW,
        polled_at=NOW,
    )
    with database.write() as tx:
        assert load_endpoint(tx, "site", FEED) == IndexEndpoint(source="site", url=FEED)
        save_endpoint(tx, full)
        save_endpoint(tx, IndexEndpoint(source="site", url=FEED + "&y"))
        assert load_endpoint(tx, "site", FEED) == full
        assert load_endpoint(tx, "other", FEED) == IndexEndpoint(source="other", url=FEED)
        save_endpoint(tx, replace(full, gone_at=None, etag=""))
        assert load_endpoint(tx, "site", FEED) == replace(full, gone_at=None, etag="")
        assert {endpoint.url for endpoint in load_endpoints(tx, "site")} == {FEED, FEED + "&y"}


def test_index_url_may_have_50000_characters(database: Database) -> None:
    long = FEED + "".join(chr(97 + i * 7919 % 26) for i in range(50_000))
    with database.write() as tx:
        save_endpoint(tx, IndexEndpoint(source="site", url=long))
        assert load_endpoint(tx, "site", long).url == long


def test_polls_are_listed_newest_first_and_replaced_by_start_time(database: Database) -> None:
    polls = [
        Poll(
            source="site", url=FEED, started_at=NOW + n * HOUR, ended_at=NOW + n * HOUR, outcome="ok", status=200,
            bytes=5 * 2**31, leads=1, new=2, truncated=3, kept=4, repeats=5, refused=6, failed=7,
            code="timeout", reason="r" * n,
        )
        for n in range(3)
    ]  # fmt: skip
    with database.write() as tx:
        ids = [record_poll(tx, poll) for poll in polls]
        assert record_poll(tx, replace(polls[0], reason="replaced")) == ids[0]
    assert len(set(ids)) == 3
    monitor = Monitor(database)
    assert monitor.polls("site", 2) == [polls[2], polls[1]]
    assert monitor.polls("site", 9)[2].reason == "replaced"
    assert monitor.polls("other", 9) == []


def test_reason_is_cut_and_cleaned(database: Database) -> None:
    poll = Poll(source="s", url=FEED, started_at=NOW, ended_at=NOW, outcome="failed", reason="x\x00" * 100_000)
    with database.write() as tx:
        record_poll(tx, poll)
    assert Monitor(database).polls("s", 1)[0].reason.startswith("xxx")
    assert len(Monitor(database).polls("s", 1)[0].reason) <= 1000


def test_due_sources_are_the_never_polled_then_the_longest_overdue(database: Database) -> None:
    with database.write() as tx:
        schedule_source(tx, "late", NOW - HOUR, "every hour", NOW)
        schedule_source(tx, "later", NOW - 2 * HOUR, "every hour", NOW)
        schedule_source(tx, "now", NOW, "every hour", NOW)
        schedule_source(tx, "tomorrow", NOW + HOUR, "every hour", NOW)
        schedule_source(tx, "removed", NOW - HOUR, "every hour", NOW)
        sources = ["tomorrow", "now", "late", "fresh", "later"]
        assert find_due_sources(tx, sources, NOW) == ["fresh", "later", "late", "now"]
        schedule_source(tx, "later", NOW + HOUR, "Retry-After", NOW)
        assert find_due_sources(tx, sources, NOW) == ["fresh", "late", "now"]
        assert find_due_sources(tx, [], NOW) == []


def test_source_state_has_the_schedule_and_the_last_poll(database: Database) -> None:
    with database.write() as tx:
        schedule_source(tx, "site", NOW + HOUR, "every hour", NOW)
        for n, outcome in enumerate(("ok", "failed")):
            at = NOW + n * HOUR
            record_poll(
                tx, Poll(source="site", url=FEED, started_at=at, ended_at=at, outcome=outcome, reason="HTTP 503")
            )
    (state,) = Monitor(database).source_states()
    assert (state.name, state.next_poll_at, state.next_reason) == ("site", NOW + HOUR, "every hour")
    assert (state.last_poll_at, state.last_outcome, state.last_reason) == (NOW + HOUR, "failed", "HTTP 503")


def test_robots_copy_is_loaded_as_saved(database: Database) -> None:
    copy = RobotsCopy(
        origin="https://ev.example", body=b"User-agent: *\n\x00\xff", good_at=NOW, etag="e", last_modified="l",
        checked_at=NOW, status=200, reason="",
    )  # fmt: skip
    with database.write() as tx:
        assert load_robots_copy(tx, copy.origin) is None
        save_robots(tx, copy)
        assert load_robots_copy(tx, copy.origin) == copy
        failed = replace(copy, checked_at=NOW + HOUR, status=503, reason="HTTP 503")
        save_robots(tx, failed)
        assert load_robots_copy(tx, copy.origin) == failed


def test_parked_host_is_listed_until_its_end(database: Database) -> None:
    with database.write() as tx:
        park_host(tx, "ev.example", NOW + HOUR, "Retry-After: 3600")
        park_host(tx, "other.example", NOW + 2 * HOUR, "429")
        assert [host for host, _, _ in load_parked_hosts(tx, NOW)] == ["ev.example", "other.example"]
        assert load_parked_hosts(tx, NOW + HOUR) == [("other.example", NOW + 2 * HOUR, "429")]
        park_host(tx, "ev.example", NOW + 3 * HOUR, "again")
        assert ("ev.example", NOW + 3 * HOUR, "again") in load_parked_hosts(tx, NOW)
