"""Topics: what articles are about."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE article_topics (
    article_id {ref} NOT NULL REFERENCES articles (id) ON DELETE CASCADE, topic TEXT NOT NULL,
    dated {moment} NOT NULL, body INTEGER NOT NULL, title INTEGER NOT NULL,
    PRIMARY KEY (article_id, topic)
){in_key_order};
CREATE INDEX article_topics_by_topic ON article_topics (topic, dated, article_id);

CREATE TABLE topic_readings (
    article_id {ref} NOT NULL PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    catalogue VARCHAR(16) NOT NULL
)
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
