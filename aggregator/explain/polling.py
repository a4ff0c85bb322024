"""Why a source is polled when it is: its indexes' next times, how its polls went, and how late articles are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from aggregator.explain.reason import Reason, Section
from aggregator.formatting import counted, moment
from storage.model.crawl import WELL, Poll, Standing
from storage.provenance.polling import Timing

CHARTED = 60
_BARS = "▁▂▃▄▅▆▇█"
_FAILED, _NOTHING = "!", "·"


def polling(timing: Timing, now: datetime) -> list[Section]:
    """The sections that have something to say."""
    made = (
        Section(name="next", title="When it is polled next", reasons=tuple(_next(timing, now))),
        Section(name="polls", title="Its last polls", reasons=tuple(_polls(timing))),
        Section(name="delay", title="How soon its articles are found", reasons=tuple(_delay(timing))),
    )
    return [section for section in made if section.reasons]


def _next(timing: Timing, now: datetime) -> Iterator[Reason]:
    if timing.next_poll_at is not None:
        when = "now" if timing.next_poll_at <= now else f"at {moment(timing.next_poll_at)}"
        yield Reason(
            words=f"The source is due {when}: {timing.reason}.",
            facts=(("next_poll_at", timing.next_poll_at), ("reason", timing.reason)),
        )
    for one in timing.appointments:
        when = "is not polled" if one.state == Standing.RETIRED else f"is read at {moment(one.next_at)}"
        yield Reason(
            words=f"An index {when}: {one.reason}.",
            facts=(
                ("url", one.url), ("next_at", one.next_at), ("reason", one.reason), ("state", str(one.state)),
                ("failing_since", one.failing_since),
            ),
            beneath=(one.url,),
        )  # fmt: skip


def _polls(timing: Timing) -> Iterator[Reason]:
    by_index: dict[str, list[Poll]] = {}
    for poll in timing.polls:
        by_index.setdefault(poll.endpoint, []).append(poll)
    for url, polls in by_index.items():
        charted = polls[:CHARTED][::-1]
        new = sum(poll.new for poll in polls)
        yield Reason(
            words=f"{chart(charted)}  {counted(len(polls), 'poll')} since {moment(polls[-1].started_at)}, the latest on"
            f" the right, brought {counted(new, 'article')}.",
            facts=(
                ("url", url), ("polls", len(polls)), ("new", new), ("since", polls[-1].started_at),
                ("failed", sum(poll.outcome not in WELL for poll in polls)),
            ),
            beneath=(url,),
        )  # fmt: skip


def chart(polls: Sequence[Poll]) -> str:
    """A sign a poll: how much was new, nothing, or that it failed."""
    most = max((poll.new for poll in polls), default=0)
    signs = []
    for poll in polls:
        if poll.outcome not in WELL:
            signs.append(_FAILED)
        elif not poll.new:
            signs.append(_NOTHING)
        else:
            signs.append(_BARS[(poll.new * len(_BARS) - 1) // most])
    return "".join(signs)


def _delay(timing: Timing) -> Iterator[Reason]:
    if timing.delays:
        half, most = (_minutes(timing.delays, share) for share in (0.5, 0.95))
        yield Reason(
            words=f"Half of its last {counted(len(timing.delays), 'article')} were found within {half:g} minutes,"
            f" 95 of 100 within {most:g}.",
            facts=(("articles", len(timing.delays)), ("median_minutes", half), ("p95_minutes", most)),
        )
    if timing.full:
        yield Reason(
            words=f"In {counted(timing.full, 'poll')} of the last {len(timing.polls)} all that an index named was new:"
            " what came before may have been missed.",
            facts=(("full_polls", timing.full), ("polls", len(timing.polls))),
        )


def _minutes(delays: Sequence[float], share: float) -> float:
    return round(delays[min(int(len(delays) * share), len(delays) - 1)] / 60, 1)
