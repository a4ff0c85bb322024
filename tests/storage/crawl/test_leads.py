"""Leads are written down once, leased to one, and brought to an end by nobody else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from storage.archive import open_database
from storage.crawl.leads import (
    MAX_RENEWALS,
    RENEW_AFTER,
    count_leads,
    finish_lead,
    lease_leads,
    record_leads,
    release_leads,
)
from storage.db.database import Database
from storage.model.crawl import LeadState, LeasedLead
from storage.model.page import Lead

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SITE = "https://ev.example"


def leads(*names: str, **said: str) -> list[Lead]:
    return [Lead(url=f"{SITE}/{name}", **said) for name in names]  # type: ignore[arg-type]  # strings alone


def record(database: Database, found: list[Lead], source: str = "site") -> int:
    with database.write() as tx:
        return len(record_leads(tx, source, found, NOW))


def lease(database: Database, owner: str, now: datetime = NOW, limit: int = 100) -> list[LeasedLead]:
    with database.write() as tx:
        return lease_leads(tx, "site", owner, now, now + timedelta(minutes=10), limit)


def urls(found: list[LeasedLead]) -> list[str]:
    return [one.lead.url.removeprefix(SITE + "/") for one in found]


def test_each_lead_is_new_once(database: Database) -> None:
    assert record(database, leads("a", "b", "a")) == 2
    assert record(database, leads("b", "c")) == 1
    assert record(database, leads("a?utm_source=x")) == 0
    assert record(database, leads("a"), source="other") == 1
    with database.read() as connection:
        assert count_leads(connection, "site").waiting == 3


def test_a_lead_comes_back_as_the_index_said_it(database: Database) -> None:
    said = Lead(
        url=SITE + "/a?utm_source=rss#x",
        id="guid\x001",
        title="T\ud800",
        summary="S",
        authors=("A", "B"),
        published=NOW,
        published_raw="today",
        zone_known=False,
        updated=LATER,
        language="en",
        image="https://i.example/x",
        tags=("t",),
    )
    record(database, [said, Lead(url=SITE + "/plain")])
    by_url = {one.lead.url: one.lead for one in lease(database, "me")}
    found = by_url[said.url]
    assert (found.id, found.title) == ("guid1", "T\ufffd")
    for name in (
        "url",
        "summary",
        "authors",
        "published",
        "published_raw",
        "zone_known",
        "updated",
        "language",
        "image",
        "tags",
    ):
        assert getattr(found, name) == getattr(said, name), name
    assert by_url[SITE + "/plain"] == Lead(url=SITE + "/plain")


def test_what_cannot_be_fetched_is_no_lead(database: Database) -> None:
    odd = ["ftp://ev.example/a", "javascript:alert(1)", "", "https://", "/relative", "https://ev.example/" + "a" * 2083]
    assert record(database, [Lead(url=url) for url in odd]) == 0
    assert record(database, [Lead(url=SITE + "/" + "a" * (2082 - len(SITE)))]) == 1


def test_a_waiting_lead_gets_what_the_index_says_now(database: Database) -> None:
    record(database, leads("a", "b", title="first"))
    (taken,) = lease(database, "me", limit=1)
    record(database, leads("a", "b", title="second"))
    with database.write() as tx:
        release_leads(tx, "me")
    assert {one.lead.title for one in lease(database, "me") if one.id == taken.id} == {"first"}
    assert {one.lead.title for one in lease(database, "you", now=LATER) if one.id != taken.id} == {"second"}


def test_the_newest_is_taken_first_then_in_order(database: Database) -> None:
    dated = [Lead(url=f"{SITE}/{day}", published=NOW - timedelta(days=day)) for day in (3, 1, 2)]
    record(database, [*leads("x", "y"), *dated])
    assert urls(lease(database, "me", limit=2)) == ["1", "2"]
    assert urls(lease(database, "me")) == ["3", "x", "y"]


def test_a_lead_is_leased_to_one_until_the_lease_ends(database: Database) -> None:
    record(database, leads("a", "b", "c"))
    first = lease(database, "first", limit=2)
    assert len(first) == 2
    assert len(lease(database, "second")) == 1
    assert lease(database, "third", now=NOW + timedelta(minutes=9)) == []
    assert len(lease(database, "third", now=LATER)) == 3


def test_a_lost_lease_cannot_be_finished(database: Database) -> None:
    record(database, leads("a"))
    (slow,) = lease(database, "slow")
    (quick,) = lease(database, "quick", now=LATER)
    assert slow.id == quick.id
    with database.write() as tx:
        assert not finish_lead(tx, slow, "slow", LeadState.REFUSED, "late", LATER)
        assert finish_lead(tx, quick, "quick", LeadState.KEPT, "in time", LATER)
        assert not finish_lead(tx, quick, "quick", LeadState.REFUSED, "again", LATER)
    with database.read() as connection:
        counts = count_leads(connection, "site")
    assert (counts.kept, counts.refused, counts.leased) == (1, 0, 0)


@pytest.mark.parametrize("state", [LeadState.KEPT, LeadState.REFUSED])
def test_an_end_is_for_good(database: Database, state: LeadState) -> None:
    record(database, leads("a"))
    (mine,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, mine, "me", state, "r", NOW)
    assert record(database, leads("a", title="news")) == 0
    assert lease(database, "me", now=NOW + timedelta(days=999)) == []


def test_a_retry_waits_for_its_time_and_counts_attempts(database: Database) -> None:
    record(database, leads("a"))
    now = NOW
    for attempt in range(3):
        (mine,) = lease(database, "me", now=now)
        assert mine.attempts == attempt
        with database.write() as tx:
            finish_lead(tx, mine, "me", LeadState.RETRY, "HTTP 503", now, now + timedelta(hours=1))
        assert lease(database, "me", now=now + timedelta(minutes=59)) == []
        now += timedelta(hours=1)
        with database.read() as connection:
            counts = count_leads(connection, "site")
        assert (counts.retry, counts.due_at) == (1, now)


def test_a_retry_needs_a_time(database: Database) -> None:
    record(database, leads("a"))
    (mine,) = lease(database, "me")
    with pytest.raises(ValueError, match="time"), database.write() as tx:
        finish_lead(tx, mine, "me", LeadState.RETRY, "r", NOW)


def test_leases_given_back_count_no_attempt(database: Database) -> None:
    record(database, leads("a", "b"))
    first, second = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, first, "me", LeadState.RETRY, "r", NOW, NOW)
    (again,) = lease(database, "me")
    with database.write() as tx:
        assert release_leads(tx, "me", [again.id]) == 1
        assert release_leads(tx, "you") == 0
        assert release_leads(tx, "me") == 1
    with database.read() as connection:
        counts = count_leads(connection, "site")
    assert (counts.retry, counts.waiting, counts.leased) == (1, 1, 0)
    assert {one.id: one.attempts for one in lease(database, "me")} == {first.id: 1, second.id: 0}


def test_many_leads_at_once(database: Database) -> None:
    many = leads(*[str(n) for n in range(1300)])
    assert record(database, many) == 1300
    assert record(database, many) == 0
    taken = lease(database, "me", limit=1300)
    with database.write() as tx:
        assert release_leads(tx, "me", [one.id for one in taken]) == 1300


def test_two_who_lease_at_once_share(database: Database) -> None:
    record(database, leads(*[str(n) for n in range(60)]))
    taken: dict[str, list[LeasedLead]] = {}

    def take(owner: str) -> None:
        taken[owner] = [one for _ in range(10) for one in lease(database, owner, limit=3)]

    threads = [Thread(target=take, args=(owner,)) for owner in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [one.id for part in taken.values() for one in part]
    assert len(ids) == len(set(ids)) == 60


_LEASE_AND_STALL = """
import sys
from datetime import datetime, timedelta
from storage.archive import open_database
from storage.crawl.leads import lease_leads
now = datetime.fromisoformat(sys.argv[2])
database = open_database(sys.argv[1])
with database.write() as tx:
    lease_leads(tx, "site", "dead", now, now + timedelta(minutes=10), 10)
print("leased", flush=True)
sys.stdin.read()
"""


def test_the_leases_of_a_killed_process_come_free(database_url: str) -> None:
    database = open_database(database_url)
    record(database, leads("a", "b"))
    command = [sys.executable, "-c", _LEASE_AND_STALL, database_url, NOW.isoformat()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "leased\n"
        process.kill()
    assert lease(database, "me") == []
    assert [one.attempts for one in lease(database, "me", now=LATER)] == [0, 0]
    database.close()


def named(database: Database, now: datetime, **dates: datetime) -> bool:
    """Whether a kept lead waits again once its index has named it with some dates."""
    with database.write() as tx:
        assert record_leads(tx, "site", [Lead(url=SITE + "/a", title="A", **dates)], now) == []  # type: ignore[arg-type]
        return bool(count_leads(tx, "site").waiting)


@pytest.mark.parametrize(
    ("hours", "dates", "is_again"),
    [
        (2, {"updated": 1.5}, True),
        (2, {"published": 1.5}, True),
        (2, {"updated": 1.5, "published": -9}, True),
        (2, {"updated": 0, "published": -9}, False),
        (2, {"updated": 2.5}, False),
        (2, {}, False),
        (0.9, {"updated": 0.5}, False),
    ],
)
def test_a_kept_lead_waits_again_where_its_index_dates_it_after_its_fetch(
    database: Database, hours: float, dates: dict[str, float], is_again: bool
) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, leased, "me", LeadState.KEPT, "new", NOW)
    at = {name: NOW + timedelta(hours=hour) for name, hour in dates.items()}
    assert named(database, NOW + timedelta(hours=hours), **at) is is_again


@pytest.mark.parametrize("state", [LeadState.REFUSED, LeadState.RETRY])
def test_only_what_was_kept_waits_again(database: Database, state: LeadState) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, leased, "me", state, "no", NOW, NOW + timedelta(days=9) if state == LeadState.RETRY else None)
    assert not named(database, NOW + timedelta(hours=3), updated=NOW + timedelta(hours=2))


def test_an_index_that_dates_its_articles_anew_each_time_is_followed_so_often_and_no_more(database: Database) -> None:
    record(database, leads("a"))
    followed = 0
    for round_ in range(MAX_RENEWALS + 5):
        now = NOW + (round_ + 1) * 2 * RENEW_AFTER
        for leased in lease(database, "me", now):
            with database.write() as tx:
                finish_lead(tx, leased, "me", LeadState.KEPT, "same", now)
        followed += named(database, now + 1.5 * RENEW_AFTER, updated=now + RENEW_AFTER)
    assert followed == MAX_RENEWALS
