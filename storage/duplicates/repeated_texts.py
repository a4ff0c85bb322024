"""Where a source has shown one text before: at which addresses, under which titles, and what was promised there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from storage.db.tables import aliases, articles, leads, texts

MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A text at one article's address: the title it bore, the page's own or borrowed from its lead, and the lead's."""

    article_id: int
    title: str
    is_own: bool
    told: str


def showings(tx: Connection, source: str, text_digest: str, at: datetime, within: timedelta) -> list[Showing]:
    """Every lead of a source whose article shows a text and was fetched near a time; at most 40, the earliest first."""
    span = {"since": at - within, "until": at + within}
    rows = tx.execute(_SHOWN, {"digest": text_digest, "from_source": source, **span})
    return [
        Showing(
            article_id=row.id,
            title=row.title,
            is_own=dict(json.loads(row.origins)).get("title") != "lead",
            told=str(json.loads(row.said).get("title", "")),
        )
        for row in rows
    ]


_SHOWN = (
    select(articles.c.id, articles.c.title, articles.c.origins, leads.c.said)
    .join(texts, (texts.c.article_id == articles.c.id) & (texts.c.text_digest == articles.c.text_digest))
    .join(aliases, aliases.c.article_id == articles.c.id)
    .join(leads, (leads.c.source == articles.c.source) & (leads.c.key == aliases.c.digest))
    .where(
        articles.c.text_digest == bindparam("digest"),
        articles.c.source == bindparam("from_source"),
        texts.c.fetched_at.between(bindparam("since"), bindparam("until")),
    )
    .order_by(articles.c.id)
    .limit(MOST)
)
