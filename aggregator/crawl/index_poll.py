"""What happened at one index in one poll, as it is gathered, and the row that it leaves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from aggregator.crawl.index_response import Judgement
from storage.model.crawl import Poll


@dataclass(slots=True)
class IndexPoll:
    """One index's poll so far; sizes in bytes, counts of leads.

    `came` are the leads that were not known, each with when it was published as far as its index says; `named` is
    when all that it names was published. `asks` are the seconds that the index, or its host, wants to be left alone.
    `is_main` tells the indexes by which a source is followed from those that only add to them; `is_backlog` those
    that hold what is old.
    """

    endpoint: str
    started_at: datetime
    ended_at: datetime
    judgement: Judgement
    status: int = 0
    bytes: int = 0
    leads: int = 0
    truncated: int = 0
    new_published: tuple[datetime | None, ...] = ()
    all_published: tuple[datetime, ...] = ()
    requested_delay: float = 0.0
    is_main: bool = True
    is_backlog: bool = False

    def to_poll(self, source: str, counts: Counter[str]) -> Poll:
        """The row, with the counts of article pages that stand on it."""
        return Poll(
            source=source,
            url=self.endpoint,
            started_at=self.started_at,
            ended_at=self.ended_at,
            outcome=self.judgement.outcome,
            status=self.status,
            bytes=self.bytes,
            leads=self.leads,
            new=len(self.new_published),
            truncated=self.truncated,
            kept=counts["kept"],
            repeats=counts["repeats"],
            refused=counts["refused"],
            failed=counts["failed"],
            code=self.judgement.code,
            reason=self.judgement.reason,
            revisits=counts["again"],
            revisits_changed=counts["changed"],
        )
