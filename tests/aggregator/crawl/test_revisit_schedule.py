"""Schedule of revisits: ages, share of a host's requests, and results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.crawl.revisit_schedule import (
    REVISIT_AGES,
    interval_factor,
    remaining_revisits,
    schedule_first,
    schedule_next,
    select_due,
)
from aggregator.crawl.runner import CrawlRunner, PollResult
from spiders.source import Source
from storage.crawl.revisit_schedule import RevisitCounts, RevisitResult, ScheduledRevisit
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BUSY_EDITORS = RevisitCounts(revisits=100, changed=20)


def first_revisit(published: datetime = NOW) -> ScheduledRevisit:
    revisit = schedule_first(1, "a", published, NOW)
    assert revisit is not None
    return revisit


def after(
    revisit: ScheduledRevisit,
    outcome: RevisitResult = RevisitResult.SAME,
    history: RevisitCounts = BUSY_EDITORS,
    *,
    is_active: bool = False,
) -> ScheduledRevisit | None:
    return schedule_next(revisit, outcome, history, revisit.due_at, has_active_story=is_active)


def list_ages(history: RevisitCounts, *, is_active: bool = False) -> list[timedelta]:
    """Return the ages at which an article without edits is revisited."""
    revisit: ScheduledRevisit | None = first_revisit()
    ages = []
    while revisit is not None:
        ages.append(revisit.due_at - revisit.published_at)
        assert len(ages) < 100
        revisit = after(revisit, history=history, is_active=is_active)
    return ages


def test_article_is_revisited_at_every_age_and_then_no_more() -> None:
    assert list_ages(BUSY_EDITORS) == list(REVISIT_AGES)


def test_source_without_edits_is_revisited_less_often() -> None:
    rare = list_ages(RevisitCounts(revisits=500, changed=0))
    assert len(rare) < len(REVISIT_AGES) - 1
    assert set(rare) < set(REVISIT_AGES)
    assert rare[-1] == REVISIT_AGES[-1]
    assert interval_factor(RevisitCounts()) == 1.0 < interval_factor(RevisitCounts(revisits=500, changed=0))


def test_revisit_after_an_edit_is_earlier() -> None:
    revisit = first_revisit()
    for _ in range(4):
        revisit = after(revisit) or revisit
    usual, edited = after(revisit), after(revisit, RevisitResult.CHANGED)
    assert usual is not None
    assert edited is not None
    assert edited.due_at - revisit.due_at == 12 * HOUR < usual.due_at - revisit.due_at


def test_articles_of_an_active_story_are_revisited_twice_a_day() -> None:
    active = list_ages(RevisitCounts(revisits=500, changed=0), is_active=True)
    week = [age for age in active if DAY < age < 7 * DAY]
    assert len(week) >= 11
    assert active[-1] == REVISIT_AGES[-1]


def test_first_revisit_of_an_old_article_is_at_its_next_age() -> None:
    assert first_revisit(NOW - 2 * DAY).due_at == NOW + DAY
    assert first_revisit(NOW + DAY).due_at == NOW + 15 * MINUTE  # a date in the future
    assert schedule_first(1, "a", NOW - 40 * DAY, NOW) is None


def test_failed_revisit_is_retried_within_the_hour_and_not_for_ever() -> None:
    revisit: ScheduledRevisit | None = first_revisit()
    assert revisit is not None
    again = after(revisit, RevisitResult.FAILED)
    assert again is not None
    assert again.due_at == revisit.due_at + HOUR
    missed = 0
    while revisit is not None and missed < 100:
        missed, revisit = missed + 1, after(revisit, RevisitResult.MISSING)
    assert revisit is None
    assert 10 < missed < 30


def test_missing_old_article_is_confirmed_within_the_hour() -> None:
    late = ScheduledRevisit(
        article_id=1, source="a", published_at=NOW - 7 * DAY, due_at=NOW, interval_seconds=4 * 86_400
    )
    confirmed = after(late, RevisitResult.MISSING)
    assert confirmed is not None
    assert confirmed.due_at == NOW + HOUR
    rest = after(confirmed, RevisitResult.MISSING)
    assert rest is not None
    assert rest.due_at - confirmed.due_at > 3 * DAY


@given(st.integers(0, 10_000), st.integers(0, 2_000))
def test_revisits_stay_below_a_fifth_of_all_requests(requests: int, revisits: int) -> None:
    more = remaining_revisits(requests, revisits)
    assert more >= 0
    if more:
        assert (revisits + more) / (revisits + more + requests) < 0.2


@pytest.mark.parametrize("most", [0, 1, 5, 8, 30])
def test_young_articles_are_revisited_first_and_every_fourth_is_the_longest_due(most: int) -> None:
    young = [
        ScheduledRevisit(article_id=n, source="a", published_at=NOW, due_at=NOW, interval_seconds=900)
        for n in range(10)
    ]
    old = [
        ScheduledRevisit(article_id=100 + n, source="a", published_at=NOW, due_at=NOW - DAY, interval_seconds=86_400)
        for n in range(10)
    ]
    taken = select_due(old + young, most)
    assert len({due_revisit.article_id for due_revisit in taken}) == len(taken) == min(most, 20)
    if most == 8:
        assert sum(due_revisit.article_id >= 100 for due_revisit in taken) == 2


# -- scheduled polls --------------------------------------------------------------------------------------------------


def due(home: Home, source: Source) -> PollResult:
    async def work(runner: CrawlRunner) -> PollResult:
        return await runner.poll(source, only_due=True)

    return home.run(work, source)


def count_requests(site: Site, path: str) -> int:
    return sum(request.path == path for request in site.log)


def published(home: Home, site: Site, *paths: str) -> Source:
    """Return a source whose articles were just stored."""
    source = site.source(every=86_400.0)
    site.feed(*(site.article(path) for path in paths))
    result = home.poll(source)["site"]
    assert result.counts["kept"] == len(paths)
    return source


PATHS = tuple(f"/a{n}" for n in range(12))


def test_scheduled_poll_finds_edits(home: Home, site: Site) -> None:
    source = published(home, site, *PATHS)
    for path in PATHS:
        site.article(path, "A passage that was not there before, about the range in winter.")
    site.log.clear()
    home.clock.forward(minutes=20)
    result = due(home, source)
    assert (result.counts["again"], result.counts["changed"]) == (3, 3)
    assert sum(count_requests(site, path) for path in PATHS) == 3


def test_revisits_wait_while_their_share_of_requests_is_spent(home: Home, site: Site) -> None:
    source = published(home, site, *PATHS)
    site.log.clear()
    for _ in range(20 * 4):  # within the day in which one feed and twelve pages were requested
        home.clock.forward(minutes=15)
        due(home, source)
    assert sum(count_requests(site, path) for path in PATHS) == 3
    assert count_requests(site, "/feed.xml") == 0


def test_first_revisit_is_after_a_quarter_of_an_hour(home: Home, site: Site) -> None:
    source = site.source(every=86_400.0)
    site.feed(*(site.article(path) for path in PATHS))
    result = home.poll(source)["site"]
    assert result.next_poll_reason == "a stored article is due for a revisit"
    assert 14 * MINUTE < result.next_poll_at - home.clock() <= 16 * MINUTE


def test_source_without_revisits_is_not_revisited(home: Home, site: Site) -> None:
    source = site.source(every=86_400.0, revisit=False)
    site.feed(*(site.article(path) for path in PATHS))
    home.poll(source)
    site.log.clear()
    home.clock.forward(hours=2)
    due(home, source)
    assert site.log == []


def test_scheduled_poll_finds_withdrawn_articles(home: Home, site: Site) -> None:
    source = published(home, site, *PATHS)
    for path in PATHS:
        site.pages[path] = Answer(b"gone", 410)
    home.clock.forward(minutes=20)
    result = due(home, source)
    assert (result.counts["again"], result.counts["changed"]) == (3, 3)
