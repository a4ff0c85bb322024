"""Explain each fetch of an article or URL: the response, its result, and where its WARC record is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.explain.reason import FactValue, Reason
from aggregator.formatting import format_size, format_time, format_times
from storage.articles.derive import Snapshot
from storage.model.crawl import status_reason
from storage.provenance.model import Fetch, Provenance


def explain_fetches(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain the fetches in the order of time; identical successive ones count as one."""
    if not provenance.fetches:
        yield Reason(text="No fetched page is archived.")
    before: dict[tuple[int, str], Snapshot] = {}
    for run in _group_fetches(provenance.fetches):
        fetch = run.first
        words = f"{_describe_exchange(fetch)}. {_describe_result(fetch, before)}{run.repetition}."
        details = _list_locations(fetch, is_elsewhere=fetch.url != _find_main_url(provenance))
        yield Reason(text=words, at=fetch.at, facts=(*_collect_facts(fetch), *run.facts), details=details)
        if fetch.snapshot:
            before[fetch.snapshot.final_alias_id, fetch.snapshot.variant_key] = fetch.snapshot


def _find_main_url(provenance: Provenance) -> str:
    """Return the URL that is not repeated for each fetch."""
    return (
        provenance.article.url
        if provenance.article
        else provenance.discoveries[0].url
        if provenance.discoveries
        else provenance.requested
    )


@dataclass(frozen=True, slots=True)
class _FetchRun:
    """Successive fetches with the same result."""

    first: Fetch
    count: int = 1
    last_at: datetime | None = None

    @property
    def repetition(self) -> str:
        return f"; repeated {format_times(self.count - 1)}, last on {format_time(self.last_at)}" if self.last_at else ""

    @property
    def facts(self) -> tuple[tuple[str, FactValue], ...]:
        return ("times", self.count), ("last_at", self.last_at or self.first.at)


def _group_fetches(fetches: tuple[Fetch, ...]) -> Iterator[_FetchRun]:
    """Group successive fetches that found nothing new."""
    run: _FetchRun | None = None
    for fetch in fetches:
        if run and _is_uneventful(fetch) and _comparison_key(fetch) == _comparison_key(run.first):
            run = replace(run, count=run.count + 1, last_at=fetch.at)
            continue
        if run:
            yield run
        run = _FetchRun(fetch)
    if run:
        yield run


def _is_uneventful(fetch: Fetch) -> bool:
    return fetch.outcome == "unmodified" and fetch.capture is None


def _comparison_key(fetch: Fetch) -> tuple[object, ...]:
    return fetch.url, fetch.status, fetch.outcome, fetch.reason, fetch.capture


def _describe_exchange(fetch: Fetch) -> str:
    status = f"HTTP {fetch.status}" if fetch.status else "Fetched, but the page was not archived"
    exchange = fetch.exchange
    size = f", {format_size(exchange.size)}" if exchange and exchange.size is not None else ""
    conditional = _is_conditional(fetch)
    kind = {True: ", conditional request", False: ", unconditional request", None: ""}[conditional]
    return status + size + kind


def _is_conditional(fetch: Fetch) -> bool | None:
    """Return whether the request was conditional, as its WARC record or a 304 shows; None if unknown."""
    if fetch.exchange and fetch.exchange.is_conditional is not None:
        return fetch.exchange.is_conditional
    return True if fetch.status == 304 else None


def _describe_result(fetch: Fetch, before: dict[tuple[int, str], Snapshot]) -> str:
    if fetch.outcome:
        return _describe_check(fetch)
    if fetch.snapshot is not None:
        return _describe_text(fetch, before.get((fetch.snapshot.final_alias_id, fetch.snapshot.variant_key)))
    if fetch.verdict:
        kind = "" if fetch.verdict in ("failed", "refused") else f" ({fetch.verdict})"
        return f"No article{kind}{_describe_reason(fetch, ': ')}"
    if 300 <= fetch.status < 400:
        location = fetch.exchange.location if fetch.exchange else ""
        return f"Redirected to {location}" if location else "Redirected"
    return "Article"


def _describe_reason(fetch: Fetch, before: str) -> str:
    """Return the reason after `before`, or nothing if it only repeats the status."""
    return "" if fetch.reason in ("", status_reason(fetch.status)) else f"{before}{fetch.reason}"


def _describe_check(fetch: Fetch) -> str:
    """Describe a check of a stored article that returned no text."""
    if fetch.outcome == "unmodified":
        return "Not modified"
    if fetch.outcome == "missing":
        pending = "" if fetch.is_certain or fetch.revision_number else "; another check must confirm it"
        withdrawal = f"; recorded as withdrawn in revision {fetch.revision_number}" if fetch.revision_number else ""
        return f"Missing{_describe_reason(fetch, ', ')}{pending}{withdrawal}"
    if fetch.outcome == "outage":
        return (
            f"Missing{_describe_reason(fetch, ', ')}, like every page of the host then: an outage, which is no"
            " evidence about the article"
        )
    return f"No article this time{_describe_reason(fetch, ': ')}; the stored text stays"


def _describe_text(fetch: Fetch, before: Snapshot | None) -> str:
    """Describe what the text of a fetched page changed."""
    seen = fetch.snapshot
    assert seen is not None
    if fetch.revision_number == 1:
        return "First text of the article"
    if fetch.revision_number:
        return f"Edited text: revision {fetch.revision_number}"
    if before is None:
        return "Text already known from another URL or page of the article"
    if seen.digest == before.digest:
        return "Text unchanged"
    if seen.extractor != before.extractor:
        return f"Text extracted by {seen.extractor} instead of {before.extractor}; not counted as an edit"
    if seen.comparable_digest == before.comparable_digest and seen.page_data_digest == before.page_data_digest:
        return "Only parts differ that change with each request or are held back; not counted as an edit"
    return "The difference was already known from another page of the article or from embedded data"


def _collect_facts(fetch: Fetch) -> tuple[tuple[str, FactValue], ...]:
    capture, exchange = fetch.capture, fetch.exchange
    return (
        ("url", fetch.url),
        ("source", fetch.source or None),
        ("status", fetch.status or None),
        ("bytes", exchange.size if exchange else None),
        ("conditional", _is_conditional(fetch)),
        ("verdict", "article" if fetch.snapshot else fetch.outcome or fetch.verdict or None),
        ("reason", fetch.reason or None),
        ("revision", fetch.revision_number),
        ("file", capture.file if capture else None),
        ("offset", capture.offset if capture else None),
        ("length", capture.length if capture else None),
    )


def _list_locations(fetch: Fetch, *, is_elsewhere: bool) -> tuple[str, ...]:
    url = (fetch.url,) if is_elsewhere else ()
    if fetch.capture is None:
        return url
    problem = f"; it cannot be read: {fetch.exchange.error}" if fetch.exchange and fetch.exchange.error else ""
    return (*url, f"{fetch.capture.file} at byte {fetch.capture.offset}{problem}")
