"""Find the articles of a source that show the same text, with the titles of pages and leads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from storage.db.tables import aliases, articles, leads, texts

MAX_APPEARANCES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAppearance:
    """Titles of an article that shows a text: that of the article and that of its lead.

    `has_own_title` is False if the article's title comes from the lead.
    """

    article_id: int
    title: str
    has_own_title: bool
    lead_title: str


def find_appearances(
    tx: Connection, source: str, text_digest: str, at: datetime, within: timedelta
) -> list[TextAppearance]:
    """Return the articles of a source that show a text and were fetched near a time, lowest id first.

    There is one appearance per lead, at most MAX_APPEARANCES.
    """
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
