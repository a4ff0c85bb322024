"""When kept articles are looked at again, and what looking came to."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE next_looks (
    article_id {ref} PRIMARY KEY, source {ordered} NOT NULL, begun_at {moment} NOT NULL, due_at {moment} NOT NULL,
    gap BIGINT NOT NULL
) {keyed};

CREATE INDEX next_looks_due ON next_looks (source, due_at);

CREATE TABLE second_looks (
    id {id}, source {ordered} NOT NULL, at {moment} NOT NULL, outcome VARCHAR(10) NOT NULL
);

CREATE INDEX second_looks_at ON second_looks (source, at)
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
