"""Near-duplicates: signatures, their bands, and which articles tell the same text."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE articles ADD COLUMN original_url TEXT NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN credit TEXT NOT NULL DEFAULT '';

CREATE TABLE signatures (
    article_id {ref} NOT NULL PRIMARY KEY REFERENCES articles (id), told_at {moment} NOT NULL, prints {bytes} NOT NULL
);

CREATE TABLE prints (
    place {big} NOT NULL, article_id {ref} NOT NULL,
    PRIMARY KEY (place, article_id)
) {keyed};

CREATE TABLE likenesses (
    one VARCHAR(64) NOT NULL, other VARCHAR(64) NOT NULL, similarity {real} NOT NULL,
    kind VARCHAR(10) NOT NULL,
    PRIMARY KEY (one, other)
) {keyed}
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
