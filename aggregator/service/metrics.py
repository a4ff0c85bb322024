"""What a service has done and how it is, for Prometheus."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from aggregator.crawl.runner import Crew, PollResult
from aggregator.health.findings import State
from aggregator.service.loop_lag import Lag
from spiders.source import Source
from storage.crawl.health import conditions_of, last_well
from storage.db.database import Database
from storage.glance import last_beat, waiting_leads

MOST_SOURCES = 1000
"""Sources that are told of one by one at most: each is a time series of its own."""


class Metrics(Collector):
    """Counts since the process began; a watcher of the service (`service.Watcher`), asked from another thread.

    Without a service, it tells what the archive knows.
    """

    def __init__(self, database: Database) -> None:
        self._database, self.lag = database, Lag()
        self._polls: Counter[str] = Counter()
        self._well: dict[str, datetime] = {}
        self._crew: Crew | None = None
        self._lock = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def page(self) -> tuple[bytes, str]:
        """All of it as Prometheus reads it, and the media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    # -- a watcher --

    def polled(self, result: PollResult) -> None:
        """A source was polled."""
        with self._lock:
            self._polls.update(poll.outcome for poll in result.polls)
            is_told = result.source in self._well or len(self._well) < MOST_SOURCES
            if result.is_polled and result.polls and is_told:
                self._well[result.source] = max(poll.ended_at for poll in result.polls)

    def leads(self, crew: Crew | None) -> None:
        """It polls from now on, or another service does."""
        self._crew = crew

    def trouble(self, words: str) -> None:
        """It cannot go on at present."""

    def know(self, sources: Sequence[Source]) -> None:
        """Look up when each source was last polled well, before this process began."""
        with self._database.read() as tx:
            found = {one.name: last_well(tx, one.name) for one in sources[:MOST_SOURCES]}
        with self._lock:
            self._well = {name: at for name, at in found.items() if at is not None} | self._well

    # -- a collector --

    def collect(self) -> Iterable[Metric]:
        """Every metric as it is now."""
        yield from self._of_polls()
        crew = self._crew
        if crew is not None:
            yield from _of_crew(crew)
            words = "The longest standstill of the event loop since this was last asked for"
            yield _gauge("evnews_loop_lag_seconds", words, self.lag.longest())
        yield _gauge("evnews_is_leader", "Whether this process polls", float(crew is not None))
        yield from self._of_archive()

    def _of_polls(self) -> Iterator[Metric]:
        with self._lock:
            polls, well = dict(self._polls), dict(self._well)
        yield _counter("evnews_polls", "Indexes that were asked, by outcome", "outcome", polls)
        words = "When a source's indexes were last read well"
        last = GaugeMetricFamily("evnews_source_last_success_timestamp_seconds", words, labels=["source"])
        for name, at in sorted(well.items()):
            last.add_metric([name], at.timestamp())
        yield last

    def _of_archive(self) -> Iterator[Metric]:
        with self._database.read() as tx:
            conditions, waiting, alive = conditions_of(tx), waiting_leads(tx), last_beat(tx)
        states = Counter(one.state for one in conditions.values())
        by_state = GaugeMetricFamily("evnews_sources", "Sources by how they are", labels=["state"])
        for state, many in sorted(states.items()):
            by_state.add_metric([state], many)
        yield by_state
        ok = GaugeMetricFamily("evnews_source_ok", "Whether a source is well", labels=["source"])
        for name in sorted(conditions)[:MOST_SOURCES]:
            ok.add_metric([name], float(conditions[name].state == State.OK))
        yield ok
        yield _gauge("evnews_leads_waiting", "Articles that are known of and not fetched yet", waiting)
        if alive is not None:
            yield _gauge("evnews_heartbeat_timestamp_seconds", "When a service was last alive", alive.timestamp())


def _of_crew(crew: Crew) -> Iterator[Metric]:
    tally = crew.tally
    yield _counter("evnews_pages", "Article pages that came to an end, by outcome", "outcome", dict(tally.outcomes))
    yield _counter("evnews_kept", "Articles that were kept, by decision", "decision", dict(tally.decisions))
    yield _counter("evnews_refused", "Pages that were refused, by verdict", "verdict", dict(tally.verdicts))
    yield _counter("evnews_failures", "Pages that failed, by kind", "kind", dict(tally.faults))
    yield SummaryMetricFamily(
        "evnews_extraction_seconds", "How long reading a page took, with its wait for a worker",
        count_value=crew.ingest.read, sum_value=crew.ingest.reading_seconds,
    )  # fmt: skip
    yield _gauge("evnews_pages_in_hand", "Pages that were fetched and are not kept yet", crew.ingest.in_hand)
    yield _gauge("evnews_polls_running", "Sources that are being polled", len(tally.running))


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _counter(name: str, words: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, many in sorted(counts.items()):
        family.add_metric([value], many)
    return family
