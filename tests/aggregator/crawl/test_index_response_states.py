"""State machine of an index: responses, redirects, 410, endless 304, failures and recovery in any order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aggregator.crawl.fetch_errors import FetchError
from aggregator.crawl.index_response import (
    UNCONDITIONAL_AFTER,
    IndexPoll,
    apply_move,
    build_conditional_headers,
    choose_request_url,
    find_permanent_move,
    judge_error,
    judge_index,
    judge_status,
)
from aggregator.schedule.next_poll import RETIRED_AFTER, PlanningTerms, plan_next_poll
from spiders.source import Source
from storage.model.crawl import REDIRECTS_UNTIL_MOVED, IndexEndpoint, IndexState, NextPoll, ReasonCode
from storage.model.page import Lead, Page, ParsedIndex

HOME = "https://a.example/feed"
ADDRESSES = (HOME, "https://a.example/rss", "https://b.example/feed")
SOURCE = Source(name="a", title="A", home="https://a.example/", feeds=(HOME,))
FAULTS = (
    FetchError("transient", ReasonCode.TIMEOUT, "timeout: no full answer in time"),
    FetchError("permanent", ReasonCode.ROBOTS_DISALLOWED, "robots: disallowed by robots.txt"),
    FetchError("parked", ReasonCode.HOST_PARKED, "its host asked to be left alone"),
    FetchError("transient", ReasonCode.CONNECTION_REFUSED, "connection refused"),
)
BOUND = timedelta(days=3)


class EndpointLife(RuleBasedStateMachine):
    """A server with an index at one of three addresses, and a schedule that polls it when it is due."""

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 3, 2, tzinfo=UTC)
        self.endpoint = IndexEndpoint(source="a", url=HOME)
        self.next_poll: NextPoll | None = None
        self.place, self.status, self.hop = HOME, 200, 301
        self.fault: FetchError | None = None
        self.edition, self.is_stuck = 1, False
        self.failing_since: datetime | None = None
        self.led_in_a_row = self.unmodified_in_a_row = 0
        self.dead: frozenset[str] = frozenset()

    # -- the server --

    @rule(place=st.sampled_from(ADDRESSES), hop=st.sampled_from([301, 308, 302]))
    def moves(self, place: str, hop: int) -> None:
        """Move the index to another address, to which the others redirect permanently or temporarily."""
        self.place, self.hop = place, hop

    @rule(status=st.sampled_from([200, 200, 200, 404, 410, 429, 500, 503]))
    def answers(self, status: int) -> None:
        self.status, self.fault = status, None

    @rule(dead=st.sets(st.sampled_from(ADDRESSES), max_size=2))
    def lets_addresses_die(self, dead: set[str]) -> None:
        """Let these addresses answer 404."""
        self.dead = frozenset(dead)

    @rule(fault=st.sampled_from(FAULTS))
    def breaks(self, fault: FetchError) -> None:
        self.fault = fault

    @rule()
    def publishes(self) -> None:
        self.edition += 1

    @rule(is_stuck=st.booleans())
    def always_answers_304(self, is_stuck: bool) -> None:
        self.is_stuck = is_stuck

    def _hops(self, asked: str) -> tuple[Page, ...]:
        headers = (("etag", f'"{self.edition}"'),)
        known = build_conditional_headers(self.endpoint) if self.endpoint.validators_url == self.place else ()
        hops: list[Page] = []
        if asked in self.dead:
            return (Page(url=asked, status=404, headers=(), body=b"", fetched_at=self.now, source="a"),)
        if asked != self.place:
            hops.append(Page(url=asked, status=self.hop, headers=(), body=b"", fetched_at=self.now, source="a"))
        is_same = known and (self.is_stuck or dict(known).get("If-None-Match") == f'"{self.edition}"')
        status = 404 if self.place in self.dead else 304 if self.status == 200 and is_same else self.status
        body = b"edition %d" % self.edition if status == 200 else b""
        final = Page(
            url=self.place, status=status, headers=headers, body=body, fetched_at=self.now, source="a",
            request_headers=tuple(known),
        )  # fmt: skip
        return (*hops, final)

    # -- the clock --

    @rule(polls=st.integers(1, 12))
    def time_passes(self, polls: int) -> None:
        """Poll this many times, each time when the index is due."""
        for _ in range(polls):
            if self.next_poll is not None:
                if self.next_poll.state == IndexState.RETIRED:
                    return
                self.now = max(self.now, self.next_poll.next_at)
            self._poll()

    @rule(polls=st.integers(4, 60))
    def much_time_passes(self, polls: int) -> None:
        """Poll many times without a change of the server."""
        self.time_passes(polls)

    @precondition(lambda self: self.next_poll is not None)
    @rule(days=st.integers(1, 400))
    def time_passes_without_polls(self, days: int) -> None:
        self.now += timedelta(days=days)

    def _poll(self) -> None:
        before, asked = self.endpoint, choose_request_url(self.endpoint)
        assert asked in (HOME, before.moved_to)
        if before.gone_at:
            return
        if self.fault is not None:
            judgement, page, leads = judge_error(before, self.fault, self.now), None, 0
            judgement = apply_move(judgement, before, asked, "")
        else:
            hops = self._hops(asked)
            page, leads = hops[-1], 30
            judgement = judge_status(before, page, self.now) or judge_index(
                before,
                page,
                ParsedIndex(leads=(Lead(url="https://a.example/1"),), total=1),
                find_permanent_move(hops),
                self.now,
            )
            judgement = apply_move(judgement, before, asked, find_permanent_move(hops))
        self.endpoint = judgement.endpoint
        self._judged(before, asked, judgement.outcome)
        poll = IndexPoll(
            endpoint=HOME, started_at=self.now, ended_at=self.now, judgement=judgement, leads=leads,
            status=page.status if page else 0,
        )  # fmt: skip
        terms = PlanningTerms(jitter=random.Random(1).random)
        self.next_poll = plan_next_poll(SOURCE, self.next_poll, poll, parked_until=None, now=self.now, terms=terms)

    def _judged(self, before: IndexEndpoint, asked: str, outcome: str) -> None:
        is_well = outcome in ("ok", "unmodified")
        self.failing_since = None if is_well else self.failing_since or self.now
        is_led_on = is_well and asked != self.place and self.hop in (301, 308)
        is_same_place = is_led_on and asked == HOME and self.place == before.moved_to
        self.led_in_a_row = self.led_in_a_row + 1 if is_same_place else int(is_led_on)
        if is_well and asked == HOME and self.place == HOME:
            assert (self.endpoint.moved_to, self.endpoint.move_streak) == ("", 0)
        if choose_request_url(self.endpoint) != HOME and asked == HOME and is_well:
            assert self.led_in_a_row >= REDIRECTS_UNTIL_MOVED or before.has_moved
            assert self.endpoint.moved_to == self.place
        if outcome == "gone":
            assert (asked, self.status) == (HOME, 410) or self.place != HOME
            assert not before.has_moved
        if asked != HOME or before.has_moved:
            assert self.endpoint.gone_at is None
        if is_well:
            self.unmodified_in_a_row = self.unmodified_in_a_row + 1 if self.endpoint.unmodified_streak else 0
        assert self.unmodified_in_a_row <= UNCONDITIONAL_AFTER  # an unconditional request follows

    @invariant()
    def next_poll_is_in_time_or_the_index_is_retired(self) -> None:
        if self.next_poll is None:
            return
        next_poll = self.next_poll
        assert next_poll.reason
        assert next_poll.next_at > next_poll.set_at
        if next_poll.state == IndexState.RETIRED:
            is_gone = self.endpoint.gone_at is not None
            assert is_gone or (self.failing_since and next_poll.set_at - self.failing_since >= RETIRED_AFTER)
        elif next_poll.state == IndexState.PARKED:
            assert self.failing_since
            assert next_poll.set_at - self.failing_since >= BOUND
            assert next_poll.next_at - next_poll.set_at <= BOUND
        else:
            assert next_poll.next_at - next_poll.set_at <= timedelta(days=1)
        if self.failing_since is None:
            assert (next_poll.failure_weight, next_poll.failing_since, next_poll.state) == (0.0, None, IndexState.ASKED)

    def teardown(self) -> None:
        """Check that an index back at its original address succeeds after two polls, unless it answered 410."""
        if getattr(self, "next_poll", None) is None or self.endpoint.gone_at:
            return
        self.fault, self.status, self.is_stuck, self.place = None, 200, False, HOME
        self.dead -= {HOME}
        self.next_poll = replace(self.next_poll, state=IndexState.ASKED) if self.next_poll else None
        for _ in range(2):
            self.now += timedelta(days=1)
            self._poll()
        assert self.endpoint.failure_streak == 0
        assert self.failing_since is None


EndpointLife.TestCase.settings = settings(max_examples=300, stateful_step_count=50)
TestEndpointLife = EndpointLife.TestCase
