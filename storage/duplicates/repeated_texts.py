"""Where a source has shown one text before: at which addresses, under which titles, and what was promised there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from storage.db.tables import aliases, articles, leads, texts

MAX_APPEARANCES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAppearance:
    """A text at one article's address: the title it bore, the page's own or borrowed from its lead, and the lead's."""

    article_id: int
    title: str
    has_own_title: bool
    lead_title: str


def find_appearances(
    tx: Connection, source: str, text_digest: str, at: datetime, within: timedelta
) -> list[TextAppearance]:
    """Every lead of a source whose article shows a text and was fetched near a time; at most 40, the earliest first."""
    span = {"since": at - within, "until": at + within}
    rows = tx.execute(_SELECT_APPEARANCES, {"digest": text_digest, "from_source": source, **span})
    return [
        TextAppearance(
            article_id=row.id,
            title=row.title,
            has_own_title=dict(json.loads(row.origins)).get("title") != "lead",
            lead_title=str(json.loads(row.lead_json).get("title", "")),
        )
        for row in rows
    ]


_SELECT_APPEARANCES = (
    select(articles.c.id, articles.c.title, articles.c.origins, leads.c.lead_json)
    .join(texts, (texts.c.article_id == articles.c.id) & (texts.c.text_digest == articles.c.text_digest))
    .join(aliases, aliases.c.article_id == articles.c.id)
    .join(leads, (leads.c.source == articles.c.source) & (leads.c.url_digest == aliases.c.url_digest))
    .where(
        articles.c.text_digest == bindparam("digest"),
        articles.c.source == bindparam("from_source"),
        texts.c.fetched_at.between(bindparam("since"), bindparam("until")),
    )
    .order_by(articles.c.id)
    .limit(MAX_APPEARANCES)
)
