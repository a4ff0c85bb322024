"""What each token's owner has read and starred, and what a token may do."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE marks (
    token {ordered} NOT NULL, mark VARCHAR(8) NOT NULL, article_id {ref} NOT NULL, marked_at {moment} NOT NULL,
    PRIMARY KEY (token, mark, article_id)
) {keyed};
CREATE INDEX marks_by_article ON marks (article_id);

CREATE TABLE read_upto (token {ordered} NOT NULL PRIMARY KEY, arrived {moment} NOT NULL) {keyed};

ALTER TABLE tokens ADD COLUMN is_read_only BOOLEAN NOT NULL DEFAULT FALSE
"""


def upgrade() -> None:
    """Make the tables; the tokens that there are may write, as they might."""
    run(_TABLES)
