"""Metrics of the service and the archive for Prometheus."""

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
from storage.monitor import count_waiting_leads, last_heartbeat

if TYPE_CHECKING:
    from aggregator.crawl.runner import CrawlRunner, PollResult

MAX_SOURCES = 1000
"""Maximum number of sources with metrics of their own: each is a time series."""


class Metrics(Collector):
    """Metrics since the process began, rendered in another thread; a `ServiceObserver`.

    Without a service only the metrics of the archive are given.
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
        """Return all metrics in the text format of Prometheus, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    # -- ServiceObserver --

    def on_poll(self, result: PollResult) -> None:
        """Count the polls of a source, and remember the last successful one."""
        with self._lock:
            self._polls.update(poll.outcome for poll in result.polls)
            is_listed = result.source in self._last_success or len(self._last_success) < MAX_SOURCES
            if result.has_succeeded and result.polls and is_listed:
                self._last_success[result.source] = max(poll.ended_at for poll in result.polls)

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """Add the metrics of the runner, or leave them out if another service polls."""
        self._runner = runner

    def on_fatal_error(self, reason: str) -> None:
        """Ignore the error: metrics have no text."""

    def load_last_success(self, sources: Sequence[Source]) -> None:
        """Load when each source was last polled successfully before this process began."""
        with self._database.read() as tx:
            stored = {source.name: find_last_good_poll(tx, source.name) for source in sources[:MAX_SOURCES]}
        with self._lock:
            self._last_success = {name: at for name, at in stored.items() if at is not None} | self._last_success

    # -- Collector --

    def collect(self) -> Iterable[Metric]:
        """Yield every metric with its present value."""
        yield from self._poll_metrics()
        runner = self._runner
        if runner is not None:
            yield from _crawl_metrics(runner)
            description = "Longest time that the event loop was blocked since the last scrape"
            yield _build_gauge("evnews_loop_lag_seconds", description, self.lag.take_longest())
        yield _build_gauge("evnews_is_leader", "Whether this process polls", float(runner is not None))
        yield from self._archive_metrics()

    def _poll_metrics(self) -> Iterator[Metric]:
        with self._lock:
            polls, last_success = dict(self._polls), dict(self._last_success)
        yield _build_counter("evnews_polls", "Polls of indexes, by outcome", "outcome", polls)
        description = "Time of the last successful poll of a source"
        last = GaugeMetricFamily("evnews_source_last_success_timestamp_seconds", description, labels=["source"])
        for name, at in sorted(last_success.items()):
            last.add_metric([name], at.timestamp())
        yield last

    def _archive_metrics(self) -> Iterator[Metric]:
        with self._database.read() as tx:
            health, waiting, heartbeat_at = load_source_health(tx), count_waiting_leads(tx), last_heartbeat(tx)
        states = Counter(source.state for source in health.values())
        by_state = GaugeMetricFamily("evnews_sources", "Sources, by health state", labels=["state"])
        for state, count in sorted(states.items()):
            by_state.add_metric([state], count)
        yield by_state
        ok = GaugeMetricFamily("evnews_source_ok", "Whether a source is healthy", labels=["source"])
        for name in sorted(health)[:MAX_SOURCES]:
            ok.add_metric([name], float(health[name].state == HealthState.OK))
        yield ok
        yield _build_gauge("evnews_leads_waiting", "Known articles that are not fetched yet", waiting)
        if heartbeat_at is not None:
            description = "Time of the last heartbeat of a service"
            yield _build_gauge("evnews_heartbeat_timestamp_seconds", description, heartbeat_at.timestamp())


def _crawl_metrics(runner: CrawlRunner) -> Iterator[Metric]:
    stats = runner.context.stats
    yield _build_counter("evnews_pages", "Processed article pages, by outcome", "outcome", dict(stats.outcomes))
    yield _build_counter("evnews_kept", "Stored articles, by decision", "decision", dict(stats.decisions))
    yield _build_counter("evnews_refused", "Refused pages, by verdict", "verdict", dict(stats.verdicts))
    yield _build_counter("evnews_failures", "Failed pages, by kind of error", "kind", dict(stats.failures))
    yield SummaryMetricFamily(
        "evnews_extraction_seconds", "Time to extract a page, including the wait for a worker",
        count_value=runner.context.ingest.pages_read, sum_value=runner.context.ingest.reading_seconds,
    )  # fmt: skip
    yield _build_gauge(
        "evnews_pages_in_hand", "Fetched pages that are not stored yet", runner.context.ingest.pending_pages
    )
    yield _build_gauge("evnews_polls_running", "Sources that are being polled", len(stats.running))


def _build_gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)


def _build_counter(name: str, description: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, description, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
