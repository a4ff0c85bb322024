"""When each index is read again, and what was learned of how often it names something new."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE appointments (
    source {ordered} NOT NULL, address VARCHAR(64) NOT NULL, url TEXT NOT NULL, next_at {moment} NOT NULL,
    reason TEXT NOT NULL, rhythm TEXT NOT NULL, strain {real} NOT NULL, failing_since {moment}, state TEXT NOT NULL,
    set_at {moment} NOT NULL, PRIMARY KEY (source, address)
) {keyed};

CREATE INDEX polls_started_at ON polls (started_at)
"""


def upgrade() -> None:
    """Make the table, and the index by which the polls of a day are counted."""
    run(_TABLES)
