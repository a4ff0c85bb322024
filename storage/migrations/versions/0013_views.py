"""Views for people who open the archive with tools of their own: their names and columns stay."""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# SQLite keeps a time as microseconds since 1970; there a view spells it as every other output does.
_SPELLED = {"sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', {0} / 1000000, 'unixepoch')", "postgresql": "{0}"}

_VIEWS = """
CREATE VIEW articles_view AS SELECT
    a.id, a.url, a.canonical_url, a.source, a.title, a.authors, {published} AS published, a.published_date,
    {updated} AS updated, a.language, a.summary, t.text, a.image, a.tags, a.words, {first_seen} AS first_seen,
    a.revision, a.copy_of, a.truncated, {withdrawn} AS withdrawn,
    (SELECT s.story_id FROM tellers s WHERE s.article_id = coalesce(a.copy_of, a.id)) AS story
FROM articles a
JOIN revisions r ON r.article_id = a.id AND r.number = a.revision
JOIN texts t ON t.id = r.text_id;

CREATE VIEW revisions_view AS SELECT
    r.article_id, r.number AS revision, {seen} AS seen, r.kind, r.added, r.removed, r.title, t.text
FROM revisions r JOIN texts t ON t.id = r.text_id;

CREATE VIEW stories_view AS SELECT
    s.id AS story, h.title, {first_at} AS first_at, {last_at} AS last_at, s.articles, s.sources
FROM stories s LEFT JOIN articles h ON h.id = s.headline_id;

CREATE VIEW story_articles_view AS SELECT
    m.story_id AS story, m.article_id, a.source, a.title, a.url, {told_at} AS told_at
FROM tellers m JOIN articles a ON a.id = m.article_id;

CREATE VIEW topics_view AS SELECT n.article_id, n.topic, n.title AS in_title, n.body AS in_text FROM article_topics n;

CREATE VIEW captures_view AS SELECT
    c.url, {fetched_at} AS fetched_at, c.status, c.source, c.verdict, c.file, c."offset", c.length, c.digest
FROM captures c
"""
_TIMES = {
    "published": "a.published", "updated": "a.updated", "first_seen": "a.first_seen", "withdrawn": "a.withdrawn",
    "seen": "r.fetched_at", "first_at": "s.first_at", "last_at": "s.last_at", "told_at": "m.told_at",
    "fetched_at": "c.fetched_at",
}  # fmt: skip


def upgrade() -> None:
    """Make the views."""
    spelled = _SPELLED[dialect()]
    run(_VIEWS.format(**{name: spelled.format(column) for name, column in _TIMES.items()}))
