"""What a crawl has done so far, for whoever watches it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class CrawlStats:
    """Counts over all polls of a process; `outcomes` counts article pages by what became of them.

    `decisions` tells the kept ones apart by what they were decided to be, `verdicts` the refused ones by why, and
    `faults` the failed ones by whether asking again can help.
    """

    sources: int = 0
    polled: int = 0
    running: set[str] = field(default_factory=set)
    fetched: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: str) -> None:
        """One more article page came to an end."""
        self.outcomes[outcome] += 1

    @property
    def pages(self) -> int:
        """Article pages that came to an end."""
        return sum(self.outcomes.values())
