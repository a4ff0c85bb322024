"""Poll times, poll outcomes and discovery delays of a source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aggregator.explain.polling import draw_chart, explain_polling
from storage.crawl import polls
from storage.crawl.leads import has_fetchable_leads, next_lead_due_at, record_leads
from storage.db.database import Database
from storage.model.crawl import IndexState, NextPoll, Poll
from storage.model.page import Lead
from storage.model.publishing_profile import PublishingProfile
from storage.provenance.polling import load_poll_timing
from tests.aggregator.schedule.simulated_source import FEED, NOW

MINUTE = timedelta(minutes=1)


def poll(at: int, new: int = 0, outcome: str = "ok", leads: int = 30) -> Poll:
    started = NOW + at * MINUTE
    return Poll(source="a", url=FEED, started_at=started, ended_at=started, outcome=outcome, leads=leads, new=new)


def test_next_poll_is_stored_and_loaded(database: Database) -> None:
    profile = PublishingProfile(first_at=1.0, at=2.0, days=3.25, entries=4.5, window=30, hours=(0.5,) * 24)
    parked = NextPoll(
        source="a",
        url=FEED,
        next_at=NOW + MINUTE,
        reason="every minute",
        publishing_profile=profile,
        failure_weight=1.5,
        failing_since=NOW,
        state=IndexState.PARKED,
        set_at=NOW,
    )
    for next_poll in (parked, NextPoll(source="a", url=FEED, next_at=NOW, set_at=NOW)):
        with database.write() as tx:
            polls.save_next_poll(tx, next_poll)
        with database.read() as tx:
            assert polls.load_next_polls(tx, "a") == [next_poll]
            assert polls.load_next_polls(tx, "b") == []
    with database.read() as tx:
        assert polls.load_learned_next_polls(tx) == []
    learned = replace(parked, state=IndexState.ASKED)
    with database.write() as tx:
        polls.save_next_poll(tx, learned)
    with database.read() as tx:
        assert polls.load_learned_next_polls(tx) == [learned]


def test_poll_scheduled_before_the_clock_was_set_back_is_due(database: Database) -> None:
    with database.write() as tx:
        polls.schedule_source(tx, "later", NOW + 30 * MINUTE, "", NOW)
        polls.schedule_source(tx, "ahead", NOW + timedelta(days=366), "", NOW + timedelta(days=365))
        assert polls.find_due_sources(tx, ["later", "ahead", "fresh"], NOW) == ["fresh", "ahead"]
        assert polls.find_due_sources(tx, ["later", "ahead"], NOW + timedelta(days=400)) == ["later", "ahead"]


def test_polls_since_a_time_are_counted(database: Database) -> None:
    with database.write() as tx:
        assert polls.count_polls_since(tx, NOW) == (0, None)
        for at in (-5, 1, 3):
            polls.record_poll(tx, poll(at))
        assert polls.count_polls_since(tx, NOW) == (2, NOW + MINUTE)


def test_recorded_lead_is_fetchable(database: Database) -> None:
    with database.write() as tx:
        assert not has_fetchable_leads(tx, "a", NOW)
        assert record_leads(tx, "a", [Lead(url="https://a.example/1", published=NOW)], NOW) == [NOW]
        assert has_fetchable_leads(tx, "a", NOW)
        assert not has_fetchable_leads(tx, "b", NOW)
        assert next_lead_due_at(tx, "a", NOW) is None


def test_poll_timing_is_loaded_and_explained(database: Database) -> None:
    leads = [Lead(url=f"https://a.example/{n}", published=NOW - n * MINUTE) for n in (5, 10, 20)]
    old = Lead(url="https://a.example/old", published=NOW - timedelta(days=40))
    with database.write() as tx:
        record_leads(tx, "a", [*leads, old], NOW)
        for at, new, outcome in (
            (0, 30, "ok"),
            (10, 3, "ok"),
            (20, 0, "unmodified"),
            (30, 0, "failed"),
            (40, 30, "ok"),
        ):
            polls.record_poll(tx, poll(at, new, outcome))
        polls.schedule_source(tx, "a", NOW + 50 * MINUTE, "every 10 min: 6 new a day", NOW)
        polls.save_next_poll(tx, NextPoll(source="a", url=FEED, next_at=NOW + 50 * MINUTE, reason="so", set_at=NOW))
    timing = load_poll_timing(database, "a")
    assert timing.delays == (300.0, 600.0, 1200.0)
    assert timing.full_poll_count == 1  # the first poll does not count
    sections = explain_polling(timing, NOW)
    words = "\n".join(reason.text for section in sections for reason in section.reasons)
    assert [section.name for section in sections] == ["next", "polls", "delay"]
    assert "every 10 min: 6 new a day" in words
    assert "█▁·!█" in words
    assert "within 10 minutes, 95 of 100 within 20" in words
    assert "may have been missed" in words
    assert explain_polling(load_poll_timing(database, "b"), NOW) == []


def test_chart_has_one_character_per_poll() -> None:
    assert draw_chart([]) == ""
    assert draw_chart([poll(0, 1), poll(1, 8), poll(2), poll(3, outcome="gone")]) == "▁█·!"
