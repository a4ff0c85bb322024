"""Leads are recorded once, leased to one owner, and finished by that owner only."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import Connection, select, text

from storage.archive import open_database
from storage.crawl.leads import (
    MAX_RENEWALS,
    RENEW_AFTER,
    finish_lead,
    lease_leads,
    record_leads,
    release_leads,
)
from storage.db.database import Database
from storage.db.tables import leads as leads_table
from storage.model.crawl import LeadState, LeasedLead, ReasonCode
from storage.model.page import Lead

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SITE = "https://ev.example"


def leads(*names: str, **metadata: str) -> list[Lead]:
    return [Lead(url=f"{SITE}/{name}", **metadata) for name in names]  # type: ignore[arg-type]  # strings only


def record(database: Database, listed: list[Lead], source: str = "site") -> int:
    with database.write() as tx:
        return len(record_leads(tx, source, listed, NOW))


def lease(database: Database, owner: str, now: datetime = NOW, limit: int = 100) -> list[LeasedLead]:
    with database.write() as tx:
        return lease_leads(tx, "site", owner, now, now + timedelta(minutes=10), limit)


def urls(leased: list[LeasedLead]) -> list[str]:
    return [lease.lead.url.removeprefix(SITE + "/") for lease in leased]


def count_states(tx: Connection, source: str = "site") -> Counter[str]:
    return Counter(tx.execute(select(leads_table.c.state).where(leads_table.c.source == source)).scalars())


def test_lead_is_recorded_once_per_source(database: Database) -> None:
    assert record(database, leads("a", "b", "a")) == 2
    assert record(database, leads("b", "c")) == 1
    assert record(database, leads("a?utm_source=x")) == 0
    assert record(database, leads("a"), source="other") == 1
    with database.read() as connection:
        assert count_states(connection) == {"waiting": 3}


def test_leased_lead_has_the_metadata_of_its_index(database: Database) -> None:
    listed = Lead(
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
    record(database, [listed, Lead(url=SITE + "/plain")])
    by_url = {leased.lead.url: leased.lead for leased in lease(database, "me")}
    leased = by_url[listed.url]
    assert (leased.id, leased.title) == ("guid1", "T\ufffd")
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
        assert getattr(leased, name) == getattr(listed, name), name
    assert by_url[SITE + "/plain"] == Lead(url=SITE + "/plain")


def test_urls_that_cannot_be_fetched_are_not_recorded(database: Database) -> None:
    unfetchable = [
        "ftp://ev.example/a",
        "javascript:alert(1)",
        "",
        "https://",
        "/relative",
        "https://ev.example/" + "a" * 2083,
    ]
    assert record(database, [Lead(url=url) for url in unfetchable]) == 0
    assert record(database, [Lead(url=SITE + "/" + "a" * (2082 - len(SITE)))]) == 1


def test_waiting_lead_gets_the_current_metadata_and_leased_lead_does_not(database: Database) -> None:
    record(database, leads("a", "b", title="first"))
    (taken,) = lease(database, "me", limit=1)
    record(database, leads("a", "b", title="second"))
    with database.write() as tx:
        release_leads(tx, "me")
    assert {leased.lead.title for leased in lease(database, "me") if leased.id == taken.id} == {"first"}
    assert {leased.lead.title for leased in lease(database, "you", now=LATER) if leased.id != taken.id} == {"second"}


def test_newest_leads_are_leased_first_then_undated_ones_in_order(database: Database) -> None:
    dated = [Lead(url=f"{SITE}/{day}", published=NOW - timedelta(days=day)) for day in (3, 1, 2)]
    record(database, [*leads("x", "y"), *dated])
    assert urls(lease(database, "me", limit=2)) == ["1", "2"]
    assert urls(lease(database, "me")) == ["3", "x", "y"]


def test_lead_has_one_owner_until_its_lease_ends(database: Database) -> None:
    record(database, leads("a", "b", "c"))
    first = lease(database, "first", limit=2)
    assert len(first) == 2
    assert len(lease(database, "second")) == 1
    assert lease(database, "third", now=NOW + timedelta(minutes=9)) == []
    assert len(lease(database, "third", now=LATER)) == 3


def test_lost_lease_cannot_be_finished(database: Database) -> None:
    record(database, leads("a"))
    (slow,) = lease(database, "slow")
    (quick,) = lease(database, "quick", now=LATER)
    assert slow.id == quick.id
    with database.write() as tx:
        assert not finish_lead(tx, slow, "slow", LeadState.REFUSED, "late", LATER)
        assert finish_lead(tx, quick, "quick", LeadState.KEPT, "in time", LATER)
        assert not finish_lead(tx, quick, "quick", LeadState.REFUSED, "again", LATER)
    with database.read() as connection:
        assert count_states(connection) == {"kept": 1}


@pytest.mark.parametrize("state", [LeadState.KEPT, LeadState.REFUSED])
def test_finished_lead_is_never_leased_again(database: Database, state: LeadState) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, leased, "me", state, "r", NOW)
    assert record(database, leads("a", title="news")) == 0
    assert lease(database, "me", now=NOW + timedelta(days=999)) == []


def test_retry_is_leased_at_its_time_and_counts_attempts(database: Database) -> None:
    record(database, leads("a"))
    now = NOW
    for attempt in range(3):
        (leased,) = lease(database, "me", now=now)
        assert leased.attempts == attempt
        with database.write() as tx:
            finish_lead(tx, leased, "me", LeadState.RETRY, "HTTP 503", now, now + timedelta(hours=1))
        assert lease(database, "me", now=now + timedelta(minutes=59)) == []
        now += timedelta(hours=1)
        with database.read() as connection:
            rows = connection.execute(select(leads_table.c.state, leads_table.c.due_at)).all()
        assert rows == [("retry", now)]


def test_retry_without_a_time_is_an_error(database: Database) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with pytest.raises(ValueError, match="time"), database.write() as tx:
        finish_lead(tx, leased, "me", LeadState.RETRY, "r", NOW)


def test_released_lease_counts_no_attempt(database: Database) -> None:
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
        assert count_states(connection) == {"retry": 1, "waiting": 1}
    assert {leased.id: leased.attempts for leased in lease(database, "me")} == {first.id: 1, second.id: 0}


def test_1300_leads_are_recorded_leased_and_released_at_once(database: Database) -> None:
    listed = leads(*[str(n) for n in range(1300)])
    assert record(database, listed) == 1300
    assert record(database, listed) == 0
    taken = lease(database, "me", limit=1300)
    with database.write() as tx:
        assert release_leads(tx, "me", [leased.id for leased in taken]) == 1300


def test_concurrent_owners_never_lease_the_same_lead(database: Database) -> None:
    record(database, leads(*[str(n) for n in range(60)]))
    taken: dict[str, list[LeasedLead]] = {}

    def take(owner: str) -> None:
        taken[owner] = [leased for _ in range(10) for leased in lease(database, owner, limit=3)]

    threads = [Thread(target=take, args=(owner,)) for owner in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [leased.id for part in taken.values() for leased in part]
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


def test_leases_of_a_killed_process_end_by_time(database_url: str) -> None:
    database = open_database(database_url)
    record(database, leads("a", "b"))
    command = [sys.executable, "-c", _LEASE_AND_STALL, database_url, NOW.isoformat()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "leased\n"
        process.kill()
    assert lease(database, "me") == []
    assert [leased.attempts for leased in lease(database, "me", now=LATER)] == [0, 0]
    database.close()


def list_again(database: Database, now: datetime, **dates: datetime) -> bool:
    """List a recorded lead again with these dates; return whether it waits then."""
    with database.write() as tx:
        assert record_leads(tx, "site", [Lead(url=SITE + "/a", title="A", **dates)], now) == []  # type: ignore[arg-type]
        return bool(count_states(tx)["waiting"])


@pytest.mark.parametrize(
    ("hours", "dates", "is_waiting"),
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
def test_kept_lead_waits_again_if_its_index_dates_it_after_its_fetch(
    database: Database, hours: float, dates: dict[str, float], is_waiting: bool
) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, leased, "me", LeadState.KEPT, "new", NOW)
    at = {name: NOW + timedelta(hours=hour) for name, hour in dates.items()}
    assert list_again(database, NOW + timedelta(hours=hours), **at) is is_waiting


@pytest.mark.parametrize("state", [LeadState.REFUSED, LeadState.RETRY])
def test_lead_without_article_does_not_wait_again_for_a_new_date(database: Database, state: LeadState) -> None:
    record(database, leads("a"))
    (leased,) = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, leased, "me", state, "no", NOW, NOW + timedelta(days=9) if state == LeadState.RETRY else None)
    assert not list_again(database, NOW + timedelta(hours=3), updated=NOW + timedelta(hours=2))


def test_lead_that_gets_a_new_date_in_each_poll_is_renewed_a_limited_number_of_times(database: Database) -> None:
    record(database, leads("a"))
    followed = 0
    for round_ in range(MAX_RENEWALS + 5):
        now = NOW + (round_ + 1) * 2 * RENEW_AFTER
        for leased in lease(database, "me", now):
            with database.write() as tx:
                finish_lead(tx, leased, "me", LeadState.KEPT, "same", now)
        followed += list_again(database, now + 1.5 * RENEW_AFTER, updated=now + RENEW_AFTER)
    assert followed == MAX_RENEWALS


def test_end_of_a_lead_stores_its_code(database: Database) -> None:
    record(database, leads("a", "b"))
    first, second = lease(database, "me")
    with database.write() as tx:
        finish_lead(tx, first, "me", LeadState.KEPT, "new article", NOW, code="new")
        finish_lead(tx, second, "me", LeadState.REFUSED, "HTTP 404", NOW, code=ReasonCode.HTTP_NOT_FOUND)
    with database.read() as connection:
        rows = connection.execute(text("SELECT url, code, reason FROM leads ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        (f"{SITE}/a", "new", "new article"),
        (f"{SITE}/b", "http-not-found", "HTTP 404"),
    ]
