"""Why a source is polled when it is: its indexes' next times, how its polls went, and how late articles are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from aggregator.explain.reason import Reason, Section
from aggregator.formatting import format_count, format_time
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, Poll
from storage.provenance.polling import PollTiming

CHARTED_POLLS = 60
_BARS = "▁▂▃▄▅▆▇█"
_FAILED_SIGN, _NOTHING_NEW_SIGN = "!", "·"


def explain_polling(timing: PollTiming, now: datetime) -> list[Section]:
    """The sections that have something to say."""
    made = (
        Section(name="next", title="When it is polled next", reasons=tuple(_explain_next_polls(timing, now))),
        Section(name="polls", title="Its last polls", reasons=tuple(_explain_recent_polls(timing))),
        Section(name="delay", title="How soon its articles are found", reasons=tuple(_explain_delays(timing))),
    )
    return [section for section in made if section.reasons]


def _explain_next_polls(timing: PollTiming, now: datetime) -> Iterator[Reason]:
    if timing.next_poll_at is not None:
        when = "now" if timing.next_poll_at <= now else f"at {format_time(timing.next_poll_at)}"
        yield Reason(
            text=f"The source is due {when}: {timing.reason}.",
            facts=(("next_poll_at", timing.next_poll_at), ("reason", timing.reason)),
        )
    for one in timing.index_polls:
        when = "is not polled" if one.state == IndexState.RETIRED else f"is read at {format_time(one.next_at)}"
        yield Reason(
            text=f"An index {when}: {one.reason}.",
            facts=(
                ("url", one.url), ("next_at", one.next_at), ("reason", one.reason), ("state", str(one.state)),
                ("failing_since", one.failing_since),
            ),
            details=(one.url,),
        )  # fmt: skip


def _explain_recent_polls(timing: PollTiming) -> Iterator[Reason]:
    by_index: dict[str, list[Poll]] = {}
    for poll in timing.polls:
        by_index.setdefault(poll.url, []).append(poll)
    for url, polls in by_index.items():
        charted = polls[:CHARTED_POLLS][::-1]
        new = sum(poll.new for poll in polls)
        yield Reason(
            text=f"{draw_chart(charted)}  {format_count(len(polls), 'poll')} since"
            f" {format_time(polls[-1].started_at)}, the latest on"
            f" the right, brought {format_count(new, 'article')}.",
            facts=(
                ("url", url),
                ("polls", len(polls)),
                ("new", new),
                ("since", polls[-1].started_at),
                ("failed", sum(poll.outcome not in SUCCESSFUL_OUTCOMES for poll in polls)),
            ),
            details=(url,),
        )


def draw_chart(polls: Sequence[Poll]) -> str:
    """A sign a poll: how much was new, nothing, or that it failed."""
    most = max((poll.new for poll in polls), default=0)
    signs = []
    for poll in polls:
        if poll.outcome not in SUCCESSFUL_OUTCOMES:
            signs.append(_FAILED_SIGN)
        elif not poll.new:
            signs.append(_NOTHING_NEW_SIGN)
        else:
            signs.append(_BARS[(poll.new * len(_BARS) - 1) // most])
    return "".join(signs)


def _explain_delays(timing: PollTiming) -> Iterator[Reason]:
    if timing.delays:
        half, most = (_quantile_minutes(timing.delays, share) for share in (0.5, 0.95))
        yield Reason(
            text=f"Half of its last {format_count(len(timing.delays), 'article')} were found within {half:g} minutes,"
            f" 95 of 100 within {most:g}.",
            facts=(("articles", len(timing.delays)), ("median_minutes", half), ("p95_minutes", most)),
        )
    if timing.full_poll_count:
        yield Reason(
            text=f"In {format_count(timing.full_poll_count, 'poll')} of the last {len(timing.polls)} all"
            " that an index named was new:"
            " what came before may have been missed.",
            facts=(("full_polls", timing.full_poll_count), ("polls", len(timing.polls))),
        )


def _quantile_minutes(delays: Sequence[float], share: float) -> float:
    return round(delays[min(int(len(delays) * share), len(delays) - 1)] / 60, 1)
