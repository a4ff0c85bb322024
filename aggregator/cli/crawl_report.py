"""What a crawl came to: the table at the end, and a poll as a record."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aggregator.cli.output import format_count
from aggregator.cli.terminal import Display, draw, say, table_of
from aggregator.crawl.runner import PollResult
from aggregator.crawl.stats import CrawlStats
from aggregator.feeds.json_records import format_optional_timestamp
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from rich.text import Text

COUNTS = ("kept", "repeats", "refused", "failed")


def print_summary(results: Iterable[PollResult], tally: CrawlStats, seconds: float) -> None:
    """A table with a row a source, problems last, and one line in all."""
    ordered = sorted(results, key=lambda result: (not result.has_succeeded, result.source))
    table = table_of("source", "index", *(f">{name}" for name in COUNTS), "why")
    for result in ordered:
        cells = [result.source, index_word(result), *(str(result.counts[name]) for name in COUNTS), why(result)]
        table.add_row(*cells, style="" if result.has_succeeded else "yellow")
    if ordered:
        draw(table)
    counts = tally.outcomes
    failed = sum(not result.has_succeeded for result in ordered)
    again = (
        f", {counts['again']} asked for again: {sum(r.counts['changed'] for r in ordered)} changed"
        if counts["again"]
        else ""
    )
    say(
        f"{format_count(len(ordered), 'source')} in {seconds:.1f} s: {counts['kept']} kept, {counts['repeats']} repeats, "
        f"{counts['refused']} refused, {counts['failed']} to be tried again{again}"
        + (f"; {format_count(failed, 'source')} could not be polled" if failed else "")
    )


def index_word(result: PollResult) -> str:
    """How a source's indexes were polled, in a word."""
    if result.error:
        return "error"
    outcomes = {poll.outcome for poll in result.polls}
    for outcome in ("failed", "refused", "parked", "gone", "ok"):
        if outcome in outcomes:
            return outcome
    if not outcomes:
        return "articles" if result.counts["fetches"] else "nothing due"
    return "unchanged"


def why(result: PollResult) -> str:
    """Every reason worth knowing, safe to print."""
    articles = [f"{reason} ({format_count(count, 'article')})" for reason, count in result.reasons]
    return safe_line("; ".join((*result.problems, *articles)))[:500]


def record_of(result: PollResult) -> dict[str, object]:
    """A poll as the fields of one JSON object (docs/json.md)."""
    return {
        "source": result.source,
        "polled": result.has_succeeded,
        **{name: result.counts[name] for name in (*COUNTS, "again", "changed")},
        "reasons": [{"reason": reason, "articles": count} for reason, count in result.reasons],
        "next_poll_at": format_optional_timestamp(result.next_poll_at),
        "next_reason": result.next_poll_reason,
        "error": result.error,
        "indexes": [
            {
                "url": poll.url, "outcome": poll.outcome, "status": poll.status, "bytes": poll.bytes,
                "leads": poll.leads, "new": poll.new, "truncated": poll.truncated, "reason": poll.reason,
                "started": format_optional_timestamp(poll.started_at), "ended": format_optional_timestamp(poll.ended_at),
            }
            for poll in result.polls
        ],
    }  # fmt: skip


NAMED = 4
"""How many of the sources under way are named."""


class Progress(Display):
    """A context manager around a crawl, on stderr; `quiet` shows nothing (JSON is on stdout)."""

    def __init__(self, tally: CrawlStats, *, quiet: bool, endless: bool = False) -> None:
        super().__init__(4, is_on=not quiet)
        self._tally, self._quiet, self._endless = tally, quiet, endless
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started

    def polled(self, result: PollResult) -> None:
        """One source is done: a line of its own, where no display counts it or no table will tell."""
        if self._quiet or (self.is_open and not self._endless):
            return
        if self._endless:
            print_next(result)
        else:
            print(f"[{self._tally.polled}/{self._tally.sources}] {poll_line(result)}", file=sys.stderr, flush=True)

    def _shown(self) -> Text:
        from rich.text import Text

        return Text("\n".join(progress_lines(self._tally, self.seconds)), no_wrap=True, overflow="ellipsis")


def print_next(result: PollResult) -> None:
    """What one of many polls of a source came to, and when the next is."""
    print(f"{result.next_poll_at:%H:%M:%S} next  {poll_line(result)}", file=sys.stderr, flush=True)


def progress_lines(tally: CrawlStats, seconds: float) -> tuple[str, str]:
    """How far a crawl is, and which sources it is at."""
    counts = tally.outcomes
    running = sorted(tally.running)
    more = f" and {len(running) - NAMED} more" if len(running) > NAMED else ""
    return (
        f"sources {tally.polled}/{tally.sources}  fetched {tally.fetched}  kept {counts['kept']}  "
        f"repeats {counts['repeats']}  refused {counts['refused']}  failed {counts['failed']}",
        f"{tally.pages / max(seconds, 0.001):.1f} pages/s  {', '.join(running[:NAMED])}{more}",
    )


def poll_line(result: PollResult) -> str:
    """What one poll came to, on one line."""
    counts = [f"{result.counts[name]} {name}" for name in COUNTS if result.counts[name]]
    line = ", ".join((f"{result.source}: {index_word(result)}", *counts))
    reasons = why(result)
    return f"{line} ({reasons})" if reasons else line
