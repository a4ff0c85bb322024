"""Saved searches and their messages, and which places an index holds that is made beside the one that answers."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE saved_searches (
    name {ordered} NOT NULL PRIMARY KEY, seen_id {big} NOT NULL, seen_at {moment} NOT NULL
) {keyed};

CREATE TABLE alerts (
    id {id_once}, search {ordered} NOT NULL, channel VARCHAR(16) NOT NULL, article_ids TEXT NOT NULL,
    state VARCHAR(8) NOT NULL, made_at {moment} NOT NULL, due_at {moment}, told_at {moment},
    attempts INTEGER NOT NULL, sender VARCHAR(40) NOT NULL, trouble TEXT NOT NULL
);
CREATE INDEX alerts_by_due ON alerts (due_at);
CREATE INDEX alerts_by_search ON alerts (search, id);

CREATE TABLE tokens (
    name {ordered} NOT NULL PRIMARY KEY, digest VARCHAR(64) NOT NULL, made_at {moment} NOT NULL
) {keyed};

CREATE TABLE beside_rows (search_row {ref} NOT NULL PRIMARY KEY, labels TEXT NOT NULL)
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
