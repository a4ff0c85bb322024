"""How it was fetched, in words: each exchange in the order of time, what it came to, and where it lies on the tape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.explain.reason import Figure, Reason
from aggregator.formatting import moment, size, times
from storage.articles.derive import Sighting
from storage.provenance.model import Account, Fetch


def fetched(account: Account, now: datetime) -> Iterator[Reason]:
    """Every fetch in the order of time: its status, how it was asked for, what it came to, where it lies."""
    if not account.fetches:
        yield Reason(words="No page of it was kept.")
    before: dict[tuple[int, str], Sighting] = {}
    for run in _runs(account.fetches):
        fetch = run.first
        words = f"{_exchange(fetch)}. {_came_to(fetch, before)}{run.repeated}."
        beneath = _beneath(fetch, is_elsewhere=fetch.url != _main_address(account))
        yield Reason(words=words, at=fetch.at, facts=(*_figures(fetch), *run.figures), beneath=beneath)
        if fetch.sighting:
            before[fetch.sighting.final, fetch.sighting.twin] = fetch.sighting


def _main_address(account: Account) -> str:
    """The address that need not be said again at each fetch."""
    return account.article.url if account.article else account.namings[0].url if account.namings else account.asked


@dataclass(frozen=True, slots=True)
class _Run:
    """Fetches that follow each other and tell the same thing."""

    first: Fetch
    times: int = 1
    until: datetime | None = None

    @property
    def repeated(self) -> str:
        return f"; the same {times(self.times - 1)} more, last on {moment(self.until)}" if self.until else ""

    @property
    def figures(self) -> tuple[tuple[str, Figure], ...]:
        return ("times", self.times), ("last_at", self.until or self.first.at)


def _runs(fetches: tuple[Fetch, ...]) -> Iterator[_Run]:
    """Looks that found nothing new, time after time, as one."""
    run: _Run | None = None
    for fetch in fetches:
        if run and _is_dull(fetch) and _told(fetch) == _told(run.first):
            run = replace(run, times=run.times + 1, until=fetch.at)
            continue
        if run:
            yield run
        run = _Run(fetch)
    if run:
        yield run


def _is_dull(fetch: Fetch) -> bool:
    return fetch.outcome == "unmodified" and fetch.capture is None


def _told(fetch: Fetch) -> tuple[object, ...]:
    return fetch.url, fetch.status, fetch.outcome, fetch.reason, fetch.capture


def _exchange(fetch: Fetch) -> str:
    status = f"HTTP {fetch.status}" if fetch.status else "Fetched, and the page was not kept"
    taped = fetch.taped
    weight = f", {size(taped.size)}" if taped and taped.size is not None else ""
    conditional = _is_conditional(fetch)
    how = {True: ", asked conditionally", False: ", asked without conditions", None: ""}[conditional]
    return status + weight + how


def _is_conditional(fetch: Fetch) -> bool | None:
    """Known from the tape; a server answers 304 to nothing else."""
    if fetch.taped and fetch.taped.is_conditional is not None:
        return fetch.taped.is_conditional
    return True if fetch.status == 304 else None


def _came_to(fetch: Fetch, before: dict[tuple[int, str], Sighting]) -> str:
    if fetch.outcome:
        return _look(fetch)
    if fetch.sighting is not None:
        return _text(fetch, before.get((fetch.sighting.final, fetch.sighting.twin)))
    if fetch.verdict:
        kind = "" if fetch.verdict in ("failed", "refused") else f" ({fetch.verdict})"
        return f"No article{kind}{_because(fetch, ': ')}"
    if 300 <= fetch.status < 400:
        return f"Led on to {fetch.taped.location}" if fetch.taped and fetch.taped.location else "Led on"
    return "An article"


def _because(fetch: Fetch, before: str) -> str:
    """The reason, unless it is no more than the status that was said already."""
    return "" if fetch.reason in ("", f"HTTP {fetch.status}") else f"{before}{fetch.reason}"


def _look(fetch: Fetch) -> str:
    """What asking again for a kept article came to, where it gave no text."""
    if fetch.outcome == "unmodified":
        return "Not modified"
    if fetch.outcome == "missing":
        sure = "" if fetch.is_sure or fetch.began else "; to be confirmed by another look"
        began = f"; withdrawn from here on: revision {fetch.began}" if fetch.began else ""
        return f"Missing{_because(fetch, ', ')}{sure}{began}"
    if fetch.outcome == "outage":
        return f"Missing{_because(fetch, ', ')}, as all of its host was: an outage, which says nothing of the article"
    return f"No article now{_because(fetch, ': ')}; the kept text stays"


def _text(fetch: Fetch, before: Sighting | None) -> str:
    """What a page that gave a text added to what was known."""
    seen = fetch.sighting
    assert seen is not None
    if fetch.began == 1:
        return "An article, its first text"
    if fetch.began:
        return f"An article, with something edited: revision {fetch.began}"
    if before is None:
        return "An article, with words that were known from another address or page of it"
    if seen.digest == before.digest:
        return "An article, the same as before"
    if seen.extractor != before.extractor:
        return f"An article, read by {seen.extractor} and not by {before.extractor} as before: that is no edit"
    if seen.wording == before.wording and seen.stated == before.stated:
        return "An article; what differs is rendered anew at each request, or held back: that is no edit"
    return "An article; what differs was known from another page of it, or from its own data"


def _figures(fetch: Fetch) -> tuple[tuple[str, Figure], ...]:
    capture, taped = fetch.capture, fetch.taped
    return (
        ("url", fetch.url),
        ("source", fetch.source or None),
        ("status", fetch.status or None),
        ("bytes", taped.size if taped else None),
        ("conditional", _is_conditional(fetch)),
        ("verdict", "article" if fetch.sighting else fetch.outcome or fetch.verdict or None),
        ("reason", fetch.reason or None),
        ("revision", fetch.began),
        ("file", capture.file if capture else None),
        ("offset", capture.offset if capture else None),
        ("length", capture.length if capture else None),
    )


def _beneath(fetch: Fetch, *, is_elsewhere: bool) -> tuple[str, ...]:
    address = (fetch.url,) if is_elsewhere else ()
    if fetch.capture is None:
        return address
    trouble = f"; it cannot be read: {fetch.taped.trouble}" if fetch.taped and fetch.taped.trouble else ""
    return (*address, f"{fetch.capture.file} at byte {fetch.capture.offset}{trouble}")
