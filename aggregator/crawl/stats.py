"""Counters of a process and of a single poll."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from storage.model.article import DecisionKind

_COUNTED_AS: dict[str, str] = {
    DecisionKind.NEW: "kept",
    DecisionKind.REVISED: "kept",
    DecisionKind.COPY: "kept",
    DecisionKind.SAME: "repeats",
}


@dataclass(slots=True)
class CrawlStats:
    """Counts over all polls of a process.

    `outcomes` counts article pages by outcome, `decisions` the kept ones by decision, `verdicts` the refused ones by
    code, and `failures` the failed ones by kind (transient or permanent).
    """

    sources: int = 0
    polled: int = 0
    running: set[str] = field(default_factory=set)
    fetched: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def pages(self) -> int:
        """Number of article pages with an outcome."""
        return sum(self.outcomes.values())


@dataclass(slots=True)
class PollCounts:
    """Counts of one poll, which are also added to the counts of the process.

    `outcomes` counts article pages by outcome, `reasons` refusals and failures by reason. `closed_hosts` maps each host
    that this poll sends no further request to, to the reason.
    """

    process: CrawlStats
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    closed_hosts: dict[str, str] = field(default_factory=dict)

    def count(self, outcome: str, reason: str = "") -> None:
        """Count the outcome of an article page: a decision, `refused`, `failed` or `again`."""
        name = _COUNTED_AS.get(outcome, outcome)
        if name != outcome:
            self.process.decisions[outcome] += 1
        self.process.outcomes[name] += 1
        self.outcomes[name] += 1
        if reason:
            self.reasons[reason] += 1

    def count_refusal(self, code: str, reason: str) -> None:
        """Count a page that is no article."""
        self.process.verdicts[code] += 1
        self.count("refused", reason)

    def count_failure(self, kind: str, reason: str) -> None:
        """Count a failed request; a permanent failure counts as refused."""
        self.process.failures[kind] += 1
        self.count("failed" if kind == "transient" else "refused", reason)
