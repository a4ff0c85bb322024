"""Progress and final summary of a crawl."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aggregator.cli.terminal import LiveDisplay, draw, make_table, print_folded
from aggregator.feeds.json_records import format_optional_timestamp
from aggregator.formatting import format_count
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from rich.text import Text

    from aggregator.crawl.runner import PollResult
    from aggregator.crawl.stats import CrawlStats

COUNTS = ("kept", "repeats", "refused", "failed")
MAX_NAMES = 4
"""Number of running sources that are named."""
MAX_REASON = 500


def print_summary(results: Iterable[PollResult], tally: CrawlStats, seconds: float) -> None:
    """Print a table with one row per source, failed sources last, and a line of totals."""
    ordered = sorted(results, key=lambda result: (not result.has_succeeded, result.source))
    table = make_table("source", "index", *(f">{name}" for name in COUNTS), "reason")
    for result in ordered:
        cells = [result.source, index_outcome(result), *(str(result.counts[name]) for name in COUNTS), reasons(result)]
        table.add_row(*cells, style="" if result.has_succeeded else "yellow")
    if ordered:
        draw(table)
    counts = tally.outcomes
    failed = sum(not result.has_succeeded for result in ordered)
    changed = sum(result.counts["changed"] for result in ordered)
    revisited = f", {counts['again']} revisited ({changed} changed)" if counts["again"] else ""
    print_folded(
        f"{format_count(len(ordered), 'source')} in {seconds:.1f} s: {counts['kept']} kept,"
        f" {counts['repeats']} repeats, "
        f"{counts['refused']} refused, {counts['failed']} to retry{revisited}"
        + (f"; {format_count(failed, 'source')} could not be polled" if failed else "")
    )


def index_outcome(result: PollResult) -> str:
    """Return one word for the outcome of polling a source's indexes."""
    if result.error:
        return "error"
    outcomes = {poll.outcome for poll in result.polls}
    for outcome in ("failed", "refused", "parked", "gone", "ok"):
        if outcome in outcomes:
            return outcome
    if not outcomes:
        return "articles" if result.counts["fetches"] else "nothing due"
    return "unchanged"


def reasons(result: PollResult) -> str:
    """Return the reasons of failures and refusals in one line, safe to print."""
    articles = [f"{reason} ({format_count(count, 'article')})" for reason, count in result.reasons]
    return safe_line("; ".join((*result.problems, *articles)))[:MAX_REASON]


def poll_fields(result: PollResult) -> dict[str, object]:
    """Return the fields of a poll's JSON object (docs/json.md)."""
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
                "url": poll.url,
                "outcome": poll.outcome,
                "status": poll.status,
                "bytes": poll.bytes,
                "leads": poll.leads,
                "new": poll.new,
                "truncated": poll.truncated,
                "reason": poll.reason,
                "started": format_optional_timestamp(poll.started_at),
                "ended": format_optional_timestamp(poll.ended_at),
            }
            for poll in result.polls
        ],
    }


class CrawlProgress(LiveDisplay):
    """A context manager that shows a crawl's progress on stderr; `quiet` shows nothing."""

    def __init__(self, tally: CrawlStats, *, quiet: bool, endless: bool = False) -> None:
        super().__init__(4, is_on=not quiet)
        self._tally, self._quiet, self._endless = tally, quiet, endless
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def polled(self, result: PollResult) -> None:
        """Print a line about a finished poll, unless the live display or the final table shows it."""
        if self._quiet or (self.is_open and not self._endless):
            return
        if self._endless:
            print_next_poll(result)
        else:
            print(f"[{self._tally.polled}/{self._tally.sources}] {poll_line(result)}", file=sys.stderr, flush=True)

    def _render(self) -> Text:
        from rich.text import Text

        return Text("\n".join(progress_lines(self._tally, self.seconds)), no_wrap=True, overflow="ellipsis")


def print_next_poll(result: PollResult) -> None:
    """Print the outcome of a source's poll and the time of the next one, on stderr."""
    print(f"{result.next_poll_at:%H:%M:%S} next  {poll_line(result)}", file=sys.stderr, flush=True)


def progress_lines(tally: CrawlStats, seconds: float) -> tuple[str, str]:
    """Return a line of counts, and a line with the rate and the running sources."""
    counts = tally.outcomes
    running = sorted(tally.running)
    more = f" and {len(running) - MAX_NAMES} more" if len(running) > MAX_NAMES else ""
    return (
        f"sources {tally.polled}/{tally.sources}  fetched {tally.fetched}  kept {counts['kept']}  "
        f"repeats {counts['repeats']}  refused {counts['refused']}  failed {counts['failed']}",
        f"{tally.pages / max(seconds, 0.001):.1f} pages/s  {', '.join(running[:MAX_NAMES])}{more}",
    )


def poll_line(result: PollResult) -> str:
    """Return the outcome of one poll in one line."""
    counts = [f"{result.counts[name]} {name}" for name in COUNTS if result.counts[name]]
    line = ", ".join((f"{result.source}: {index_outcome(result)}", *counts))
    reason = reasons(result)
    return f"{line} ({reason})" if reason else line
