"""When sources stopped to be well, and when they were well again."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE turns (
    id {id}, source {ordered} NOT NULL, home TEXT NOT NULL, state VARCHAR(12) NOT NULL, at {moment} NOT NULL,
    findings TEXT NOT NULL
)
"""


def upgrade() -> None:
    """Make the table."""
    run(_TABLE)
    run("CREATE INDEX turns_by_source ON turns (source, id)")
