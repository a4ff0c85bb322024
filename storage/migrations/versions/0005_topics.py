"""Topics: what articles are about."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE article_topics (
    article_id {ref} NOT NULL, topic TEXT NOT NULL, dated {moment} NOT NULL,
    body INTEGER NOT NULL, title INTEGER NOT NULL,
    PRIMARY KEY (article_id, topic),
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
) {keyed};
CREATE INDEX article_topics_by_topic ON article_topics (topic, dated, article_id);

CREATE TABLE topic_readings (
    article_id {ref} NOT NULL PRIMARY KEY, catalogue VARCHAR(16) NOT NULL,
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
