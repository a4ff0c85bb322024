"""The result of polling one index, and its database row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from aggregator.crawl.index_response import Judgement
from storage.model.crawl import Poll


@dataclass(slots=True)
class IndexPoll:
    """Result of polling one index.

    `bytes` is the size of its body, `leads` the number of its leads. `new_published` has the publication time of each
    new lead, or None, and `all_published` those of all dated leads. `requested_delay` is the number of seconds until
    the next poll that the index or its cache headers ask for. A source is followed by its `is_main` indexes; an
    `is_backlog` index holds old articles.
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
        """Return the row, with counts of article pages."""
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
