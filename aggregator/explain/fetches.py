"""How it was fetched, in words: each exchange in the order of time, what it came to, and where it lies on the tape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.explain.reason import FactValue, Reason
from aggregator.formatting import format_size, format_time, format_times
from storage.articles.derive import Snapshot
from storage.provenance.model import Fetch, Provenance


def explain_fetches(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Every fetch in the order of time: its status, how it was asked for, what it came to, where it lies."""
    if not account.fetches:
        yield Reason(text="No page of it was kept.")
    before: dict[tuple[int, str], Snapshot] = {}
    for run in _group_fetches(account.fetches):
        fetch = run.first
        words = f"{_describe_exchange(fetch)}. {_describe_result(fetch, before)}{run.repetition}."
        beneath = _list_locations(fetch, is_elsewhere=fetch.url != _find_main_url(account))
        yield Reason(text=words, at=fetch.at, facts=(*_collect_facts(fetch), *run.facts), details=beneath)
        if fetch.snapshot:
            before[fetch.snapshot.final_alias_id, fetch.snapshot.variant_key] = fetch.snapshot


def _find_main_url(account: Provenance) -> str:
    """The address that need not be said again at each fetch."""
    return (
        account.article.url
        if account.article
        else account.discoveries[0].url
        if account.discoveries
        else account.requested
    )


@dataclass(frozen=True, slots=True)
class _FetchRun:
    """Fetches that follow each other and tell the same thing."""

    first: Fetch
    count: int = 1
    last_at: datetime | None = None

    @property
    def repetition(self) -> str:
        return (
            f"; the same {format_times(self.count - 1)} more, last on {format_time(self.last_at)}"
            if self.last_at
            else ""
        )

    @property
    def facts(self) -> tuple[tuple[str, FactValue], ...]:
        return ("times", self.count), ("last_at", self.last_at or self.first.at)


def _group_fetches(fetches: tuple[Fetch, ...]) -> Iterator[_FetchRun]:
    """Looks that found nothing new, time after time, as one."""
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
    status = f"HTTP {fetch.status}" if fetch.status else "Fetched, and the page was not kept"
    taped = fetch.exchange
    weight = f", {format_size(taped.size)}" if taped and taped.size is not None else ""
    conditional = _is_conditional(fetch)
    how = {True: ", asked conditionally", False: ", asked without conditions", None: ""}[conditional]
    return status + weight + how


def _is_conditional(fetch: Fetch) -> bool | None:
    """Known from the tape; a server answers 304 to nothing else."""
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
        return f"Led on to {fetch.exchange.location}" if fetch.exchange and fetch.exchange.location else "Led on"
    return "An article"


def _describe_reason(fetch: Fetch, before: str) -> str:
    """The reason, unless it is no more than the status that was said already."""
    return "" if fetch.reason in ("", f"HTTP {fetch.status}") else f"{before}{fetch.reason}"


def _describe_check(fetch: Fetch) -> str:
    """What asking again for a kept article came to, where it gave no text."""
    if fetch.outcome == "unmodified":
        return "Not modified"
    if fetch.outcome == "missing":
        sure = "" if fetch.is_certain or fetch.revision_number else "; to be confirmed by another look"
        began = f"; withdrawn from here on: revision {fetch.revision_number}" if fetch.revision_number else ""
        return f"Missing{_describe_reason(fetch, ', ')}{sure}{began}"
    if fetch.outcome == "outage":
        return (
            f"Missing{_describe_reason(fetch, ', ')}, as all of its host was: an outage, which says"
            " nothing of the article"
        )
    return f"No article now{_describe_reason(fetch, ': ')}; the kept text stays"


def _describe_text(fetch: Fetch, before: Snapshot | None) -> str:
    """What a page that gave a text added to what was known."""
    seen = fetch.snapshot
    assert seen is not None
    if fetch.revision_number == 1:
        return "An article, its first text"
    if fetch.revision_number:
        return f"An article, with something edited: revision {fetch.revision_number}"
    if before is None:
        return "An article, with words that were known from another address or page of it"
    if seen.digest == before.digest:
        return "An article, the same as before"
    if seen.extractor != before.extractor:
        return f"An article, read by {seen.extractor} and not by {before.extractor} as before: that is no edit"
    if seen.comparable_digest == before.comparable_digest and seen.page_data_digest == before.page_data_digest:
        return "An article; what differs is rendered anew at each request, or held back: that is no edit"
    return "An article; what differs was known from another page of it, or from its own data"


def _collect_facts(fetch: Fetch) -> tuple[tuple[str, FactValue], ...]:
    capture, taped = fetch.capture, fetch.exchange
    return (
        ("url", fetch.url),
        ("source", fetch.source or None),
        ("status", fetch.status or None),
        ("bytes", taped.size if taped else None),
        ("conditional", _is_conditional(fetch)),
        ("verdict", "article" if fetch.snapshot else fetch.outcome or fetch.verdict or None),
        ("reason", fetch.reason or None),
        ("revision", fetch.revision_number),
        ("file", capture.file if capture else None),
        ("offset", capture.offset if capture else None),
        ("length", capture.length if capture else None),
    )


def _list_locations(fetch: Fetch, *, is_elsewhere: bool) -> tuple[str, ...]:
    address = (fetch.url,) if is_elsewhere else ()
    if fetch.capture is None:
        return address
    trouble = f"; it cannot be read: {fetch.exchange.error}" if fetch.exchange and fetch.exchange.error else ""
    return (*address, f"{fetch.capture.file} at byte {fetch.capture.offset}{trouble}")
