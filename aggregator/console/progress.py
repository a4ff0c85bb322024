"""The crawl as it runs: a live display in a terminal, plain lines elsewhere, and the table at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from aggregator.crawl.runner import PollResult
from aggregator.crawl.tally import Tally
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from rich.live import Live

PLAIN_EVERY = 10.0
"""Seconds between two progress lines where there is no terminal."""


class Progress:
    """A context manager around a crawl; `quiet` shows nothing (JSON is on stdout)."""

    def __init__(self, tally: Tally, *, quiet: bool) -> None:
        self._tally, self._quiet = tally, quiet
        self._started = time.monotonic()
        self._told = 0.0
        self._live: Live | None = None

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(get_renderable=self._line, console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def polled(self, result: PollResult) -> None:
        """One source is done: where there is no live display, a line now and then."""
        if self._quiet or self._live:
            return
        if self.seconds - self._told >= PLAIN_EVERY:
            self._told = self.seconds
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        tally, counts = self._tally, self._tally.outcomes
        running = sorted(tally.running)
        names = ", ".join(running[:3]) + (f" and {len(running) - 3} more" if len(running) > 3 else "")
        return (
            f"sources {tally.done}/{tally.sources}  fetched {tally.fetched}  kept {counts['kept']}  "
            f"repeats {counts['repeats']}  refused {counts['refused']}  failed {counts['failed']}  "
            f"{tally.pages / max(self.seconds, 0.001):.1f} pages/s  {names}"
        )


def print_summary(results: Iterable[PollResult], tally: Tally, seconds: float) -> None:
    """A table with a row a source, problems last, and one line in all."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("source", "index"):
        table.add_column(title, no_wrap=True)
    for title in ("new", "kept", "repeats", "refused", "failed"):
        table.add_column(title, justify="right")
    table.add_column("why", overflow="fold", ratio=1)
    ordered = sorted(results, key=lambda result: (not result.is_polled, result.source))
    for result in ordered:
        counts = result.counts
        cells = [str(sum(p.new for p in result.polls)), *(str(counts[c]) for c in ("kept", "repeats", "refused", "failed"))]
        style = "" if result.is_polled else "yellow"
        table.add_row(Text(result.source), index_word(result), *cells, Text(why(result)), style=style)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    counts = tally.outcomes
    failed = sum(not result.is_polled for result in ordered)
    console.print(
        f"{len(ordered)} sources in {seconds:.1f} s: {counts['kept']} kept, {counts['repeats']} repeats, "
        f"{counts['refused']} refused, {counts['failed']} to be tried again; {failed} sources could not be polled",
        highlight=False,
    )


def index_word(result: PollResult) -> str:
    """How a source's indexes were polled, in a word."""
    if result.error:
        return "error"
    outcomes = {poll.outcome for poll in result.polls}
    for outcome in ("failed", "refused", "parked", "gone", "ok"):
        if outcome in outcomes:
            return outcome
    return "unchanged" if outcomes else "nothing to poll"


def why(result: PollResult) -> str:
    """Every reason worth knowing, safe to print."""
    articles = [f"{reason} ({count} articles)" if count > 1 else f"{reason} (1 article)" for reason, count in result.reasons]
    return safe_line("; ".join((*result.problems, *articles)))[:500]


def result_json(result: PollResult) -> str:
    """A poll as one JSON object (fields in docs/json.md)."""
    counts = result.counts
    return json.dumps(
        {
            "source": result.source,
            "polled": result.is_polled,
            "kept": counts["kept"],
            "repeats": counts["repeats"],
            "refused": counts["refused"],
            "failed": counts["failed"],
            "reasons": [{"reason": reason, "articles": count} for reason, count in result.reasons],
            "next_poll_at": result.next_poll_at.isoformat(),
            "next_reason": result.next_reason,
            "error": result.error,
            "indexes": [
                {
                    "url": poll.endpoint, "outcome": poll.outcome, "status": poll.status, "bytes": poll.bytes,
                    "leads": poll.leads, "new": poll.new, "truncated": poll.truncated, "reason": poll.reason,
                    "started": poll.started_at.isoformat(), "ended": poll.ended_at.isoformat(),
                }
                for poll in result.polls
            ],
        },
        ensure_ascii=False,
    )
