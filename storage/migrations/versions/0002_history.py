"""What was seen when articles were fetched again, what that came to, and what was learned about a source's pages."""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE articles ADD COLUMN truncated BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE articles ADD COLUMN withdrawn {moment};

ALTER TABLE texts ADD COLUMN extractor TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN hints_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE texts ADD COLUMN dropped TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN variants TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN wording VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN stated VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN judged_with VARCHAR(16) NOT NULL DEFAULT '';
UPDATE texts SET wording = digest, stated = digest;

ALTER TABLE sightings ADD COLUMN etag TEXT NOT NULL DEFAULT '';
ALTER TABLE sightings ADD COLUMN last_modified TEXT NOT NULL DEFAULT '';

CREATE INDEX sightings_by_source ON sightings (source, fetched_at);

CREATE TABLE looks (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), alias_id {ref} NOT NULL REFERENCES aliases (id),
    looked_at {moment} NOT NULL, status INTEGER NOT NULL, outcome VARCHAR(12) NOT NULL, sure BOOLEAN NOT NULL,
    reason TEXT NOT NULL, capture_id {ref} REFERENCES captures (id)
);
CREATE INDEX ix_looks_article_id ON looks (article_id);

ALTER TABLE revisions ADD COLUMN look_id {ref} REFERENCES looks (id);
ALTER TABLE revisions ADD COLUMN kind VARCHAR(12) NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX revisions_by_time ON revisions (fetched_at, article_id) WHERE number > 1;

CREATE TABLE changed_blocks (
    source TEXT NOT NULL, block {big} NOT NULL, article_id {ref} NOT NULL REFERENCES articles (id),
    changed_at {moment} NOT NULL,
    PRIMARY KEY (source, block, article_id)
);
CREATE INDEX ix_changed_blocks_article_id ON changed_blocks (article_id);
CREATE TABLE held_blocks (
    source TEXT NOT NULL, block {big} NOT NULL, words TEXT NOT NULL, held_at {moment} NOT NULL,
    PRIMARY KEY (source, block)
);

CREATE TABLE paragraph_windows (
    source TEXT NOT NULL, article_id {big} NOT NULL, paragraphs {bytes} NOT NULL,
    PRIMARY KEY (source, article_id)
);
CREATE TABLE source_hints (
    source TEXT NOT NULL, version INTEGER NOT NULL, paragraphs {bytes} NOT NULL, learned TEXT NOT NULL,
    made_at {moment} NOT NULL,
    PRIMARY KEY (source, version)
);

ALTER TABLE polls ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE polls ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leads ADD COLUMN again INTEGER NOT NULL DEFAULT 0
"""
_EXTRACTORS = {
    "sqlite": "UPDATE texts SET extractor = coalesce(json_extract(facts, '$.extractor'), '')",
    "postgresql": "UPDATE texts SET extractor = coalesce(CAST(facts AS json) ->> 'extractor', '')",
}


def upgrade() -> None:
    """Add columns and tables; what was kept before was read by the extractor that its facts name."""
    run(_TABLES)
    run(_EXTRACTORS[dialect()])
