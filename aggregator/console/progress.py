"""The crawl as it runs: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from aggregator.console.summary import COUNTS, index_word, why
from aggregator.crawl.runner import PollResult
from aggregator.crawl.tally import Tally

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

NAMED = 4
"""How many of the sources under way are named."""


class Progress:
    """A context manager around a crawl, on stderr; `quiet` shows nothing (JSON is on stdout)."""

    def __init__(self, tally: Tally, *, quiet: bool, endless: bool = False) -> None:
        self._tally, self._quiet, self._endless = tally, quiet, endless
        self._started = time.monotonic()
        self._live: Live | None = None

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False)
            self._live = Live(get_renderable=self._shown, console=console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._live:
            self._live.stop()
            self._live = None

    def polled(self, result: PollResult) -> None:
        """One source is done: a line of its own, where no display counts it or no table will tell."""
        if self._quiet or (self._live and not self._endless):
            return
        line = poll_line(result)
        if self._endless:
            line = f"{result.next_poll_at:%H:%M:%S} next  {line}"
        else:
            line = f"[{self._tally.done}/{self._tally.sources}] {line}"
        print(line, file=sys.stderr, flush=True)

    def _shown(self) -> Text:
        from rich.text import Text

        return Text("\n".join(progress_lines(self._tally, self.seconds)), no_wrap=True, overflow="ellipsis")


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
