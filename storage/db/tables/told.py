"""When an article was told to the world, as SQL: when it was published, else when it was first fetched."""

from __future__ import annotations

from sqlalchemy import func, select

from storage.db.tables import articles, sightings

_FETCHED = select(func.min(sightings.c.fetched_at)).where(sightings.c.article_id == articles.c.id).scalar_subquery()
TOLD_AT = func.coalesce(articles.c.published, _FETCHED, articles.c.first_seen).label("told_at")
