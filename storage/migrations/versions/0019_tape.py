"""By which page a text was read, and an article was looked at: for taking pages off the tape."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_INDEXES = """
CREATE INDEX ix_sightings_capture_id ON sightings (capture_id);

CREATE INDEX ix_looks_capture_id ON looks (capture_id)
"""


def upgrade() -> None:
    """Make the indexes."""
    run(_INDEXES)
