"""How it came in, in words: which index named it, what each fetch of it came to, and how its leads stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.intake.ingest import retry_delay
from aggregator.reasons.reason import Figure, Reason
from aggregator.reasons.saying import counted, moment, quoted, size, times
from storage.account import Account, Fetch, Naming
from storage.arrange import Sighting
from storage.identity import key_digest, url_key
from storage.state import LeadState


def found(account: Account, now: datetime) -> Iterator[Reason]:
    """Who named it, when first, and what its index says of it."""
    if not account.namings:
        yield Reason(words="No index named it, as far as is known.")
    for one in account.namings:
        yield Reason(
            words=f"{one.source} named it first on {moment(one.recorded_at)}{_unnoted(one)}:",
            facts=(
                ("source", one.source), ("url", one.url), ("first_at", one.recorded_at), ("indexes", one.indexes),
                ("title", one.title), ("published", one.published), ("index_id", one.id),
            ),
            beneath=(f"as {one.url}", *(f"{_one_of(one)} {index}" for index in one.indexes)),
        )  # fmt: skip
        if said := _said(one):
            yield Reason(words=f"Its index says of it: {said}.", facts=(("source", one.source), ("url", one.url)))


def _unnoted(one: Naming) -> str:
    return "" if one.indexes else ", in which of its indexes was not noted"


def _one_of(one: Naming) -> str:
    """Of several indexes that were read at once it is not known which it was."""
    return "in" if len(one.indexes) == 1 else "in one of"


def _said(one: Naming) -> str:
    said = [f"title {quoted(one.title)}"] if one.title else []
    said += [f"published {moment(one.published)}"] if one.published else []
    return ", ".join(said + ([f"id {quoted(one.id)}"] if one.id else []))


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


def tries(account: Account, now: datetime) -> Iterator[Reason]:
    """How each lead to it stands: how often it was tried, how it ended or when it is tried again."""
    for one in account.namings:
        code = _last_verdict(account, one)
        yield Reason(
            words=f"{_STANDING[one.state](one, code, now)}{_again(one)}",
            facts=(
                ("source", one.source), ("url", one.url), ("state", one.state), ("reason", one.reason or None),
                ("tried", _tried(one)), ("tries_left", _left(one, code)), ("due_at", _due(one)),
                ("next_poll_at", one.next_poll_at), ("ended_at", one.ended_at), ("taken_up_again", one.again),
                ("parked_until", one.parked_until),
            ),
            beneath=(one.url,) if len(account.namings) > 1 else (),
        )  # fmt: skip


def _last_verdict(account: Account, one: Naming) -> str:
    """The verdict of the last page that was kept of a lead's address."""
    pages = [fetch for fetch in account.fetches if fetch.verdict and key_digest(url_key(fetch.url)) == one.key]
    return pages[-1].verdict if pages else ""


def _tried(one: Naming) -> int:
    """How often it was asked for since it was last taken up; what ended it is not among the failures."""
    return one.attempts + (one.state in (LeadState.KEPT, LeadState.REFUSED))


def _left(one: Naming, code: str) -> int | None:
    """How often more it is tried, should the next tries end as the last one did."""
    if one.state != LeadState.RETRY:
        return None
    code, left = "" if code in ("failed", "refused") else code, 1
    while retry_delay(one.attempts - 1 + left, code) is not None:
        left += 1
    return left


def _due(one: Naming) -> datetime | None:
    """When it may be asked for; None where that is at any time."""
    return one.due_at if one.due_at and one.due_at.year > 1970 else None


def _waiting(one: Naming, code: str, now: datetime) -> str:
    return f"It waits to be fetched{_next_poll(one, now)}."


def _leased(one: Naming, code: str, now: datetime) -> str:
    until = f", until {moment(one.due_at)} at the latest" if one.due_at else ""
    return f"A crawl has it in hand{until}; {counted(one.attempts, 'failure')} so far."


def _retried(one: Naming, code: str, now: datetime) -> str:
    due = _due(one)
    left = _left(one, code) or 1
    more = "that is the last try" if left == 1 else f"{left} more tries, if they end likewise"
    last = "with this result" if one.attempts == 1 else "the last time with this result"
    return (
        f"Tried {times(one.attempts)}, {last}: {one.reason}. It is asked for again"
        f"{_next_poll(one, now, due)}. {more[:1].upper()}{more[1:]}."
    )


def _kept(one: Naming, code: str, now: datetime) -> str:
    when = f" on {moment(one.ended_at)}" if one.ended_at else ""
    failed = f" after {counted(one.attempts, 'failure')}" if one.attempts else ""
    return f"Kept for {one.source}{when}{failed}: {one.reason}."


def _refused(one: Naming, code: str, now: datetime) -> str:
    when = f" on {moment(one.ended_at)}" if one.ended_at else ""
    return f"Refused for good{when}, at try {_tried(one)}: {one.reason}. It is not asked for again."


def _next_poll(one: Naming, now: datetime, due: datetime | None = None) -> str:
    """At which poll that is, where it may not be before `due`."""
    which = f"first poll of {one.source} after {moment(due)}" if due and due > now else f"next poll of {one.source}"
    planned = ""
    if one.next_poll_at:
        planned = (
            " (the next is due now)" if one.next_poll_at <= now else f" (the next is due {moment(one.next_poll_at)})"
        )
    if one.parked_until:
        planned += f"; not before {moment(one.parked_until)}, for its host is left alone: {one.parked_reason}"
    return f" at the {which}{planned}"


def _again(one: Naming) -> str:
    if not one.again:
        return ""
    return f" It was taken up again {times(one.again)}, since its index dated it later than its last fetch."


_STANDING = {
    LeadState.WAITING: _waiting,
    LeadState.LEASED: _leased,
    LeadState.RETRY: _retried,
    LeadState.KEPT: _kept,
    LeadState.REFUSED: _refused,
}
