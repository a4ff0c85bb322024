"""Stories: which articles tell the same news. Articles that were kept before are due for one."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE tellers (
    article_id {ref} NOT NULL PRIMARY KEY REFERENCES articles (id), story_id {ref} NOT NULL,
    told_at {moment} NOT NULL, dated BOOLEAN NOT NULL, terms {bytes} NOT NULL
);
CREATE INDEX tellers_by_story ON tellers (story_id, told_at);

CREATE TABLE story_terms (
    place {big} NOT NULL, article_id {ref} NOT NULL,
    PRIMARY KEY (place, article_id)
) {keyed};

CREATE TABLE stories (
    id {ref} NOT NULL PRIMARY KEY, headline_id {ref} NOT NULL, articles INTEGER NOT NULL, sources INTEGER NOT NULL,
    first_at {moment} NOT NULL, last_at {moment} NOT NULL
);
CREATE INDEX stories_by_last ON stories (last_at, id);

CREATE TABLE story_due (article_id {ref} NOT NULL PRIMARY KEY);

CREATE TABLE term_counts (
    id INTEGER NOT NULL PRIMARY KEY, articles {big} NOT NULL, last_id {big} NOT NULL, counts {bytes} NOT NULL
);

INSERT INTO story_due (article_id) SELECT id FROM articles WHERE copy_of IS NULL
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
