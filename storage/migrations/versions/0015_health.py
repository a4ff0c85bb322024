"""How sources are: what was found of each, and when what a source names was named."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE conditions (
    source {ordered} NOT NULL PRIMARY KEY, state VARCHAR(12) NOT NULL, since {moment} NOT NULL,
    checked_at {moment} NOT NULL, findings TEXT NOT NULL, told VARCHAR(12) NOT NULL
) {keyed};

CREATE INDEX leads_named ON leads (source, recorded_at, published)
"""


def upgrade() -> None:
    """Make the table, and the index by which a source's volume is read."""
    run(_TABLES)
