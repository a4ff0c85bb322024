"""The crawl as it runs: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from aggregator.cli.crawl_report import COUNTS, index_word, why
from aggregator.cli.display import Display
from aggregator.crawl.runner import PollResult
from aggregator.crawl.stats import Tally

if TYPE_CHECKING:
    from rich.text import Text

NAMED = 4
"""How many of the sources under way are named."""


class Progress(Display):
    """A context manager around a crawl, on stderr; `quiet` shows nothing (JSON is on stdout)."""

    def __init__(self, tally: Tally, *, quiet: bool, endless: bool = False) -> None:
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
            print(f"[{self._tally.done}/{self._tally.sources}] {poll_line(result)}", file=sys.stderr, flush=True)

    def _shown(self) -> Text:
        from rich.text import Text

        return Text("\n".join(progress_lines(self._tally, self.seconds)), no_wrap=True, overflow="ellipsis")


def print_next(result: PollResult) -> None:
    """What one of many polls of a source came to, and when the next is."""
    print(f"{result.next_poll_at:%H:%M:%S} next  {poll_line(result)}", file=sys.stderr, flush=True)


def progress_lines(tally: Tally, seconds: float) -> tuple[str, str]:
    """How far a crawl is, and which sources it is at."""
    counts = tally.outcomes
    running = sorted(tally.running)
    more = f" and {len(running) - NAMED} more" if len(running) > NAMED else ""
    return (
        f"sources {tally.done}/{tally.sources}  fetched {tally.fetched}  kept {counts['kept']}  "
        f"repeats {counts['repeats']}  refused {counts['refused']}  failed {counts['failed']}",
        f"{tally.pages / max(seconds, 0.001):.1f} pages/s  {', '.join(running[:NAMED])}{more}",
    )


def poll_line(result: PollResult) -> str:
    """What one poll came to, on one line."""
    counts = [f"{result.counts[name]} {name}" for name in COUNTS if result.counts[name]]
    line = ", ".join((f"{result.source}: {index_word(result)}", *counts))
    reasons = why(result)
    return f"{line} ({reasons})" if reasons else line
