"""Metrics of the service, read with the parser of Prometheus."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from aggregator.crawl.runner import PollResult
from aggregator.service.metrics import MAX_SOURCES, Metrics
from spiders.source import Source
from storage import monitor
from storage.crawl import polls as poll_store
from storage.crawl.health import SourceHealth, save_source_health
from storage.db.database import Database
from storage.model.crawl import Poll

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return the value of each series by its name and label values."""
    body, media_type = metrics.render()
    assert media_type.startswith("text/plain")
    families = text_string_to_metric_families(body.decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def result(source: str, *outcomes: str) -> PollResult:
    polls = tuple(
        Poll(source=source, url=f"https://{source}/{n}", started_at=NOW, ended_at=NOW, outcome=outcome)
        for n, outcome in enumerate(outcomes)
    )
    return PollResult(source=source, polls=polls, counts=Counter(), reasons=(), next_poll_at=NOW, next_poll_reason="")


def test_polls_are_counted_by_outcome_and_last_success_is_given(database: Database) -> None:
    metrics = Metrics(database)
    metrics.on_poll(result("a", "ok", "unmodified"))
    metrics.on_poll(result("b", "ok", "failed"))
    metrics.on_poll(result("a", "unmodified"))
    values = read(metrics)
    assert values["evnews_polls_total", "ok"] == values["evnews_polls_total", "unmodified"] == 2
    assert values["evnews_polls_total", "failed"] == 1
    last = "evnews_source_last_success_timestamp_seconds"
    assert values[last, "a"] == NOW.timestamp()
    assert (last, "b") not in values
    assert values["evnews_is_leader",] == 0


def test_last_success_before_the_process_is_loaded(database: Database) -> None:
    before = NOW - timedelta(hours=3)
    with database.write() as tx:
        for at, outcome in ((before, "ok"), (NOW, "failed")):
            poll_store.record_poll(tx, Poll(source="a", url="https://a/", started_at=at, ended_at=at, outcome=outcome))
        monitor.record_heartbeat(tx, NOW)
        for name, state in (("a", "failing"), ("b", "ok"), ("c", "ok")):
            save_source_health(tx, SourceHealth(source=name, state=state, since=NOW, checked_at=NOW))
    metrics = Metrics(database)
    metrics.load_last_success([Source(name=name, title=name, home="https://a/") for name in ("a", "b")])
    values = read(metrics)
    assert values["evnews_source_last_success_timestamp_seconds", "a"] == before.timestamp()
    assert (values["evnews_sources", "ok"], values["evnews_sources", "failing"]) == (2, 1)
    assert (values["evnews_source_ok", "a"], values["evnews_source_ok", "b"]) == (0, 1)
    assert values["evnews_heartbeat_timestamp_seconds",] == NOW.timestamp()
    assert values["evnews_leads_waiting",] == 0


def test_labels_are_bounded(database: Database) -> None:
    metrics = Metrics(database)
    for number in range(MAX_SOURCES + 5):
        metrics.on_poll(result(f"s{number}", "ok"))
    values = read(metrics)
    assert sum(name[0].endswith("last_success_timestamp_seconds") for name in values) == MAX_SOURCES
    assert values["evnews_polls_total", "ok"] == MAX_SOURCES + 5
