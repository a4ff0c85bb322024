"""What a service has done and how it is, for Prometheus."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from aggregator.health.findings import HealthState
from aggregator.service.loop_lag import LoopLagMonitor
from spiders.source import Source
from storage.crawl.health import find_last_good_poll, load_source_health
from storage.db.database import Database
from storage.glance import count_waiting_leads, last_heartbeat

if TYPE_CHECKING:
    from aggregator.crawl.runner import CrawlRunner, PollResult

MAX_SOURCES = 1000
"""Sources that are told of one by one at most: each is a time series of its own."""


class Metrics(Collector):
    """Counts since the process began; a watcher of the service (`service.Watcher`), asked from another thread.

    Without a service, it tells what the archive knows.
    """

    def __init__(self, database: Database) -> None:
        self._database, self.lag = database, LoopLagMonitor()
        self._polls: Counter[str] = Counter()
        self._last_success: dict[str, datetime] = {}
        self._runner: CrawlRunner | None = None
        self._lock = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def render(self) -> tuple[bytes, str]:
        """All of it as Prometheus reads it, and the media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    # -- a watcher --

    def on_poll(self, result: PollResult) -> None:
        """A source was polled."""
        with self._lock:
            self._polls.update(poll.outcome for poll in result.polls)
            is_told = result.source in self._last_success or len(self._last_success) < MAX_SOURCES
            if result.has_succeeded and result.polls and is_told:
                self._last_success[result.source] = max(poll.ended_at for poll in result.polls)

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """It polls from now on, or another service does."""
        self._runner = runner

    def on_fatal_error(self, reason: str) -> None:
        """It cannot go on at present."""

    def load_last_success(self, sources: Sequence[Source]) -> None:
        """Look up when each source was last polled well, before this process began."""
        with self._database.read() as tx:
            found = {one.name: find_last_good_poll(tx, one.name) for one in sources[:MAX_SOURCES]}
        with self._lock:
            self._last_success = {name: at for name, at in found.items() if at is not None} | self._last_success

    # -- a collector --

    def collect(self) -> Iterable[Metric]:
        """Every metric as it is now."""
        yield from self._poll_metrics()
        runner = self._runner
        if runner is not None:
            yield from _crawl_metrics(runner)
            words = "The longest standstill of the event loop since this was last asked for"
            yield _build_gauge("evnews_loop_lag_seconds", words, self.lag.take_longest())
        yield _build_gauge("evnews_is_leader", "Whether this process polls", float(runner is not None))
        yield from self._archive_metrics()

    def _poll_metrics(self) -> Iterator[Metric]:
        with self._lock:
            polls, well = dict(self._polls), dict(self._last_success)
        yield _build_counter("evnews_polls", "Indexes that were asked, by outcome", "outcome", polls)
        words = "When a source's indexes were last read well"
        last = GaugeMetricFamily("evnews_source_last_success_timestamp_seconds", words, labels=["source"])
        for name, at in sorted(well.items()):
            last.add_metric([name], at.timestamp())
        yield last

    def _archive_metrics(self) -> Iterator[Metric]:
        with self._database.read() as tx:
            conditions, waiting, alive = load_source_health(tx), count_waiting_leads(tx), last_heartbeat(tx)
        states = Counter(one.state for one in conditions.values())
        by_state = GaugeMetricFamily("evnews_sources", "Sources by how they are", labels=["state"])
        for state, many in sorted(states.items()):
            by_state.add_metric([state], many)
        yield by_state
        ok = GaugeMetricFamily("evnews_source_ok", "Whether a source is well", labels=["source"])
        for name in sorted(conditions)[:MAX_SOURCES]:
            ok.add_metric([name], float(conditions[name].state == HealthState.OK))
        yield ok
        yield _build_gauge("evnews_leads_waiting", "Articles that are known of and not fetched yet", waiting)
        if alive is not None:
            yield _build_gauge("evnews_heartbeat_timestamp_seconds", "When a service was last alive", alive.timestamp())


def _crawl_metrics(runner: CrawlRunner) -> Iterator[Metric]:
    tally = runner.stats
    yield _build_counter(
        "evnews_pages", "Article pages that came to an end, by outcome", "outcome", dict(tally.outcomes)
    )
    yield _build_counter("evnews_kept", "Articles that were kept, by decision", "decision", dict(tally.decisions))
    yield _build_counter("evnews_refused", "Pages that were refused, by verdict", "verdict", dict(tally.verdicts))
    yield _build_counter("evnews_failures", "Pages that failed, by kind", "kind", dict(tally.failures))
    yield SummaryMetricFamily(
        "evnews_extraction_seconds", "How long reading a page took, with its wait for a worker",
        count_value=runner.ingest.pages_read, sum_value=runner.ingest.reading_seconds,
    )  # fmt: skip
    yield _build_gauge(
        "evnews_pages_in_hand", "Pages that were fetched and are not kept yet", runner.ingest.pending_pages
    )
    yield _build_gauge("evnews_polls_running", "Sources that are being polled", len(tally.running))


def _build_gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _build_counter(name: str, words: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, many in sorted(counts.items()):
        family.add_metric([value], many)
    return family
