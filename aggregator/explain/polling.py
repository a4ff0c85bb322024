"""Explain a source's schedule: when its indexes are polled next, its recent polls, and the delay of its articles."""

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
    """Return the sections that have at least one reason."""
    sections = (
        Section(name="next", title="Next polls", reasons=tuple(_explain_next_polls(timing, now))),
        Section(name="polls", title="Recent polls", reasons=tuple(_explain_recent_polls(timing))),
        Section(name="delay", title="Delay until articles are found", reasons=tuple(_explain_delays(timing))),
    )
    return [section for section in sections if section.reasons]


def _explain_next_polls(timing: PollTiming, now: datetime) -> Iterator[Reason]:
    if timing.next_poll_at is not None:
        when = "now" if timing.next_poll_at <= now else f"at {format_time(timing.next_poll_at)}"
        yield Reason(
            text=f"The source is due {when}: {timing.reason}.",
            facts=(("next_poll_at", timing.next_poll_at), ("reason", timing.reason)),
        )
    for index in timing.index_polls:
        when = "is not polled" if index.state == IndexState.RETIRED else f"is polled at {format_time(index.next_at)}"
        yield Reason(
            text=f"An index {when}: {index.reason}.",
            facts=(
                ("url", index.url), ("next_at", index.next_at), ("reason", index.reason), ("state", str(index.state)),
                ("failing_since", index.failing_since),
            ),
            details=(index.url,),
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
            f" the right; {format_count(new, 'new article')}.",
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
    """Return one character per poll: a bar for the number of new entries, a dot for none, "!" for a failure."""
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
            text=f"In {format_count(timing.full_poll_count, 'poll')} of the last {len(timing.polls)}"
            " every entry of an index was new, so earlier entries may have been missed.",
            facts=(("full_polls", timing.full_poll_count), ("polls", len(timing.polls))),
        )


def _quantile_minutes(delays: Sequence[float], share: float) -> float:
    return round(delays[min(int(len(delays) * share), len(delays) - 1)] / 60, 1)
