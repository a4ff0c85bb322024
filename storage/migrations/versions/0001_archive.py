"""The archive as it was first laid out, for both dialects."""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE meta (name VARCHAR(40) NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE endpoints (
    source TEXT NOT NULL, address VARCHAR(64) NOT NULL, url TEXT NOT NULL,
    etag TEXT NOT NULL, last_modified TEXT NOT NULL, validators_url TEXT NOT NULL, digest TEXT NOT NULL,
    unmodified INTEGER NOT NULL, failures INTEGER NOT NULL, leads INTEGER NOT NULL,
    more TEXT NOT NULL, moved_to TEXT NOT NULL, gone_at {moment}, polled_at {moment},
    PRIMARY KEY (source, address)
);

CREATE TABLE polls (
    id {id}, source TEXT NOT NULL, address VARCHAR(64) NOT NULL, endpoint TEXT NOT NULL,
    started_at {moment} NOT NULL, ended_at {moment} NOT NULL, outcome TEXT NOT NULL,
    status INTEGER NOT NULL, bytes {big} NOT NULL, leads INTEGER NOT NULL, "new" INTEGER NOT NULL,
    truncated INTEGER NOT NULL, kept INTEGER NOT NULL, repeats INTEGER NOT NULL,
    refused INTEGER NOT NULL, failed INTEGER NOT NULL, reason TEXT NOT NULL,
    UNIQUE (source, address, started_at)
);
CREATE INDEX polls_by_source ON polls (source, id);

CREATE TABLE calendar (
    source TEXT NOT NULL PRIMARY KEY, next_poll_at {moment} NOT NULL, reason TEXT NOT NULL, set_at {moment} NOT NULL
);

CREATE TABLE robots (
    origin TEXT NOT NULL PRIMARY KEY, body {bytes} NOT NULL, good_at {moment}, etag TEXT NOT NULL,
    last_modified TEXT NOT NULL, checked_at {moment}, status INTEGER NOT NULL, reason TEXT NOT NULL
);

CREATE TABLE parked_hosts (host TEXT NOT NULL PRIMARY KEY, until {moment} NOT NULL, reason TEXT NOT NULL);

CREATE TABLE leads (
    id {id}, source TEXT NOT NULL, key VARCHAR(64) NOT NULL, url TEXT NOT NULL, said TEXT NOT NULL,
    published {moment}, state VARCHAR(10) NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL,
    due_at {moment}, owner TEXT, recorded_at {moment} NOT NULL, ended_at {moment},
    UNIQUE (source, key)
);
CREATE INDEX leads_due ON leads (source, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX leads_owned ON leads (owner) WHERE owner IS NOT NULL;

CREATE TABLE captures (
    id {id}, file TEXT NOT NULL, "offset" {big} NOT NULL, length {big} NOT NULL, digest TEXT NOT NULL,
    url TEXT NOT NULL, key VARCHAR(64) NOT NULL, status INTEGER NOT NULL, fetched_at {moment} NOT NULL,
    source TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (file, "offset")
);
CREATE INDEX ix_captures_key ON captures (key);

CREATE TABLE articles (
    id {id_once}, search_row {big} NOT NULL UNIQUE,
    url TEXT NOT NULL, key {ordered} NOT NULL, canonical_url TEXT NOT NULL, source TEXT NOT NULL,
    title TEXT NOT NULL, authors TEXT NOT NULL, published {moment}, published_date TEXT NOT NULL,
    published_raw TEXT NOT NULL, zone_known BOOLEAN NOT NULL, updated {moment}, language TEXT NOT NULL,
    summary TEXT NOT NULL, image TEXT NOT NULL, site_name TEXT NOT NULL, tags TEXT NOT NULL,
    words INTEGER NOT NULL, extractor TEXT NOT NULL, origins TEXT NOT NULL,
    first_seen {moment} NOT NULL, dated {moment} NOT NULL, revision INTEGER NOT NULL,
    text_digest VARCHAR(64) NOT NULL, copy_of {ref} REFERENCES articles (id), reason TEXT NOT NULL
);
CREATE INDEX articles_by_first_seen ON articles (first_seen, id);
CREATE INDEX articles_by_date ON articles (dated, id);
CREATE INDEX articles_by_source ON articles (source, dated, id);
CREATE INDEX ix_articles_text_digest ON articles (text_digest);
CREATE INDEX ix_articles_copy_of ON articles (copy_of);

CREATE TABLE texts (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), digest VARCHAR(64) NOT NULL,
    text_digest VARCHAR(64) NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    facts TEXT NOT NULL, fetched_at {moment} NOT NULL,
    UNIQUE (article_id, digest)
);

CREATE TABLE aliases (
    id {id}, digest VARCHAR(64) NOT NULL, article_id {ref} NOT NULL REFERENCES articles (id),
    key TEXT NOT NULL, url TEXT NOT NULL, asked BOOLEAN NOT NULL,
    UNIQUE (digest)
);
CREATE INDEX ix_aliases_article_id ON aliases (article_id);

CREATE TABLE claims (
    digest VARCHAR(64) NOT NULL, text_digest VARCHAR(64) NOT NULL,
    article_id {ref} NOT NULL REFERENCES articles (id), url TEXT NOT NULL,
    PRIMARY KEY (digest, text_digest)
);
CREATE INDEX ix_claims_article_id ON claims (article_id);

CREATE TABLE sightings (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), text_id {ref} NOT NULL REFERENCES texts (id),
    asked {ref} NOT NULL REFERENCES aliases (id), final {ref} NOT NULL REFERENCES aliases (id),
    twin VARCHAR(10) NOT NULL, source TEXT NOT NULL, fetched_at {moment} NOT NULL,
    capture_id {ref} REFERENCES captures (id)
);
CREATE INDEX ix_sightings_article_id ON sightings (article_id);

CREATE TABLE revisions (
    article_id {ref} NOT NULL REFERENCES articles (id), number INTEGER NOT NULL,
    sighting_id {ref} NOT NULL REFERENCES sightings (id), text_id {ref} NOT NULL REFERENCES texts (id),
    fetched_at {moment} NOT NULL,
    PRIMARY KEY (article_id, number)
);

CREATE TABLE merged (id {ref} NOT NULL PRIMARY KEY, article_id {ref} NOT NULL REFERENCES articles (id));
CREATE INDEX ix_merged_article_id ON merged (article_id)
"""

# The index keeps no copy of the text: it reads it through a view that prepares it, so that SQLite itself can
# tell whether index and articles agree. Tokens are made by prepare(), hence the plainest tokenizer.
_SQLITE_INDEX = """
CREATE VIEW indexed_articles AS
SELECT articles.search_row AS rowid, evnews_prepare(texts.title) AS title, evnews_prepare(texts.text) AS text
FROM articles
JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
JOIN texts ON texts.id = revisions.text_id;
CREATE VIRTUAL TABLE article_index USING fts5(
    title, text, content = 'indexed_articles', content_rowid = 'rowid', tokenize = 'ascii'
)
"""
_POSTGRES_INDEX = """
CREATE TABLE article_index (search_row BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX article_index_words ON article_index USING gin (words)
"""


def upgrade() -> None:
    """Make every table, its indexes and the search index."""
    run(_TABLES + ";" + (_SQLITE_INDEX if dialect() == "sqlite" else _POSTGRES_INDEX))
