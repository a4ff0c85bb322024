"""The schema of the archive: tables, search index and views, for SQLite and PostgreSQL."""

from __future__ import annotations

from storage.migrations.ddl import current_dialect, execute_ddl

revision = "schema_0001"
down_revision = None
branch_labels = None
depends_on = None

_CRAWL_TABLES = """
CREATE TABLE key_values (name VARCHAR(40) NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE endpoints (
    source TEXT NOT NULL, url_digest VARCHAR(64) NOT NULL, url TEXT NOT NULL,
    etag TEXT NOT NULL, last_modified TEXT NOT NULL, validators_url TEXT NOT NULL, digest TEXT NOT NULL,
    unmodified_streak INTEGER NOT NULL, failure_streak INTEGER NOT NULL, lead_count INTEGER NOT NULL,
    child_urls TEXT NOT NULL, moved_to TEXT NOT NULL, gone_at {moment}, polled_at {moment},
    move_streak INTEGER NOT NULL,
    PRIMARY KEY (source, url_digest)
);

CREATE TABLE polls (
    id {id}, source TEXT NOT NULL, url_digest VARCHAR(64) NOT NULL, url TEXT NOT NULL,
    started_at {moment} NOT NULL, ended_at {moment} NOT NULL, outcome TEXT NOT NULL,
    status INTEGER NOT NULL, bytes {big} NOT NULL, leads INTEGER NOT NULL, "new" INTEGER NOT NULL,
    truncated INTEGER NOT NULL, kept INTEGER NOT NULL, repeats INTEGER NOT NULL,
    refused INTEGER NOT NULL, failed INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
    revisits INTEGER NOT NULL, revisits_changed INTEGER NOT NULL,
    UNIQUE (source, url_digest, started_at)
);
CREATE INDEX polls_by_source ON polls (source, id);
CREATE INDEX polls_by_start ON polls (started_at);

CREATE TABLE poll_schedule (
    source TEXT NOT NULL PRIMARY KEY, next_poll_at {moment} NOT NULL, reason TEXT NOT NULL, set_at {moment} NOT NULL
);

CREATE TABLE next_polls (
    source {ordered} NOT NULL, url_digest VARCHAR(64) NOT NULL, url TEXT NOT NULL, next_at {moment} NOT NULL,
    reason TEXT NOT NULL, publishing_profile TEXT NOT NULL, failure_weight {real} NOT NULL, failing_since {moment},
    state TEXT NOT NULL, set_at {moment} NOT NULL,
    PRIMARY KEY (source, url_digest)
) {keyed};

CREATE TABLE robots (
    origin TEXT NOT NULL PRIMARY KEY, body {bytes} NOT NULL, good_at {moment}, etag TEXT NOT NULL,
    last_modified TEXT NOT NULL, checked_at {moment}, status INTEGER NOT NULL, reason TEXT NOT NULL
);

CREATE TABLE parked_hosts (host TEXT NOT NULL PRIMARY KEY, until {moment} NOT NULL, reason TEXT NOT NULL);

CREATE TABLE leads (
    id {id}, source TEXT NOT NULL, url_digest VARCHAR(64) NOT NULL, url TEXT NOT NULL, lead_json TEXT NOT NULL,
    published {moment}, state VARCHAR(10) NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, due_at {moment}, owner TEXT, recorded_at {moment} NOT NULL, ended_at {moment},
    renewals INTEGER NOT NULL,
    UNIQUE (source, url_digest)
);
CREATE INDEX leads_by_due ON leads (source, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX leads_by_owner ON leads (owner) WHERE owner IS NOT NULL;
CREATE INDEX leads_by_recorded ON leads (source, recorded_at, published);

CREATE TABLE captures (
    id {id}, file TEXT NOT NULL, "offset" {big} NOT NULL, length {big} NOT NULL, digest TEXT NOT NULL,
    url TEXT NOT NULL, url_digest VARCHAR(64) NOT NULL, status INTEGER NOT NULL, fetched_at {moment} NOT NULL,
    source TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (file, "offset")
);
CREATE INDEX ix_captures_url_digest ON captures (url_digest);

CREATE TABLE revisit_schedule (
    article_id {ref} NOT NULL PRIMARY KEY, source {ordered} NOT NULL, published_at {moment} NOT NULL,
    due_at {moment} NOT NULL, interval_seconds {big} NOT NULL
) {keyed};
CREATE INDEX revisit_schedule_by_due ON revisit_schedule (source, due_at);

CREATE TABLE revisits (
    id {id}, source {ordered} NOT NULL, revisited_at {moment} NOT NULL, outcome VARCHAR(10) NOT NULL
);
CREATE INDEX revisits_by_time ON revisits (source, revisited_at);

CREATE TABLE source_health (
    source {ordered} NOT NULL PRIMARY KEY, state VARCHAR(12) NOT NULL, since {moment} NOT NULL,
    checked_at {moment} NOT NULL, findings TEXT NOT NULL, reported_state VARCHAR(12) NOT NULL
) {keyed};

CREATE TABLE health_events (
    id {id}, source {ordered} NOT NULL, home_url TEXT NOT NULL, state VARCHAR(12) NOT NULL, at {moment} NOT NULL,
    findings TEXT NOT NULL
);
CREATE INDEX health_events_by_source ON health_events (source, id);

CREATE TABLE feed_audits (
    source {ordered} NOT NULL PRIMARY KEY, audited_at {moment} NOT NULL, since {moment} NOT NULL,
    in_both INTEGER NOT NULL, feed_only INTEGER NOT NULL, sitemap_only INTEGER NOT NULL, missed INTEGER NOT NULL,
    reason TEXT NOT NULL
) {keyed}
"""

_ARTICLE_TABLES = """
CREATE TABLE articles (
    id {id_once}, search_row {big} NOT NULL UNIQUE,
    url TEXT NOT NULL, url_key {ordered} NOT NULL, canonical_url TEXT NOT NULL, source TEXT NOT NULL,
    title TEXT NOT NULL, authors TEXT NOT NULL, published {moment}, published_date TEXT NOT NULL,
    published_raw TEXT NOT NULL, zone_known BOOLEAN NOT NULL, updated {moment}, language TEXT NOT NULL,
    summary TEXT NOT NULL, image TEXT NOT NULL, site_name TEXT NOT NULL, tags TEXT NOT NULL,
    words INTEGER NOT NULL, extractor TEXT NOT NULL, origins TEXT NOT NULL,
    first_seen {moment} NOT NULL, sort_time {moment} NOT NULL, revision INTEGER NOT NULL,
    text_digest VARCHAR(64) NOT NULL, copy_of {ref} REFERENCES articles (id), reason TEXT NOT NULL,
    truncated BOOLEAN NOT NULL, withdrawn {moment}, original_url TEXT NOT NULL, credit TEXT NOT NULL,
    labels TEXT NOT NULL
);
CREATE INDEX articles_by_first_seen ON articles (first_seen, id);
CREATE INDEX articles_by_date ON articles (sort_time, id);
CREATE INDEX articles_by_source ON articles (source, sort_time, id);
CREATE INDEX ix_articles_text_digest ON articles (text_digest);
CREATE INDEX ix_articles_copy_of ON articles (copy_of);

CREATE TABLE texts (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), digest VARCHAR(64) NOT NULL,
    text_digest VARCHAR(64) NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    article_json TEXT NOT NULL, fetched_at {moment} NOT NULL, extractor TEXT NOT NULL,
    boilerplate_version INTEGER NOT NULL, removed_boilerplate TEXT NOT NULL, differs_in_page_data TEXT NOT NULL,
    headlines TEXT NOT NULL, in_page_data TEXT NOT NULL, comparable_digest VARCHAR(64) NOT NULL,
    page_data_digest VARCHAR(64) NOT NULL, held_blocks_tag VARCHAR(16) NOT NULL,
    UNIQUE (article_id, digest)
);

CREATE TABLE aliases (
    id {id}, url_digest VARCHAR(64) NOT NULL, article_id {ref} NOT NULL REFERENCES articles (id),
    url_key TEXT NOT NULL, url TEXT NOT NULL, is_requested BOOLEAN NOT NULL,
    UNIQUE (url_digest)
);
CREATE INDEX ix_aliases_article_id ON aliases (article_id);

CREATE TABLE canonical_claims (
    url_digest VARCHAR(64) NOT NULL, text_digest VARCHAR(64) NOT NULL,
    article_id {ref} NOT NULL REFERENCES articles (id), url TEXT NOT NULL,
    PRIMARY KEY (url_digest, text_digest)
);
CREATE INDEX ix_canonical_claims_article_id ON canonical_claims (article_id);

CREATE TABLE snapshots (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), text_id {ref} NOT NULL REFERENCES texts (id),
    requested_alias_id {ref} NOT NULL REFERENCES aliases (id), final_alias_id {ref} NOT NULL REFERENCES aliases (id),
    variant_key VARCHAR(10) NOT NULL, source TEXT NOT NULL, fetched_at {moment} NOT NULL,
    capture_id {ref} REFERENCES captures (id), etag TEXT NOT NULL, last_modified TEXT NOT NULL
);
CREATE INDEX snapshots_by_source ON snapshots (source, fetched_at);
CREATE INDEX ix_snapshots_article_id ON snapshots (article_id);
CREATE INDEX ix_snapshots_text_id ON snapshots (text_id);
CREATE INDEX ix_snapshots_requested_alias_id ON snapshots (requested_alias_id);
CREATE INDEX ix_snapshots_final_alias_id ON snapshots (final_alias_id);
CREATE INDEX ix_snapshots_capture_id ON snapshots (capture_id);

CREATE TABLE article_checks (
    id {id}, article_id {ref} NOT NULL REFERENCES articles (id), alias_id {ref} NOT NULL REFERENCES aliases (id),
    checked_at {moment} NOT NULL, status INTEGER NOT NULL, outcome VARCHAR(12) NOT NULL, is_certain BOOLEAN NOT NULL,
    reason TEXT NOT NULL, capture_id {ref} REFERENCES captures (id)
);
CREATE INDEX ix_article_checks_article_id ON article_checks (article_id);
CREATE INDEX ix_article_checks_alias_id ON article_checks (alias_id);
CREATE INDEX ix_article_checks_capture_id ON article_checks (capture_id);

CREATE TABLE revisions (
    article_id {ref} NOT NULL REFERENCES articles (id), number INTEGER NOT NULL,
    snapshot_id {ref} NOT NULL REFERENCES snapshots (id), text_id {ref} NOT NULL REFERENCES texts (id),
    fetched_at {moment} NOT NULL, check_id {ref} REFERENCES article_checks (id), title TEXT NOT NULL,
    kind VARCHAR(12) NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL,
    PRIMARY KEY (article_id, number)
);
CREATE INDEX revisions_by_time ON revisions (fetched_at, article_id) WHERE number > 1;
CREATE INDEX ix_revisions_snapshot_id ON revisions (snapshot_id);
CREATE INDEX ix_revisions_text_id ON revisions (text_id);
CREATE INDEX ix_revisions_check_id ON revisions (check_id);

CREATE TABLE merged_articles (id {ref} NOT NULL PRIMARY KEY, article_id {ref} NOT NULL REFERENCES articles (id));
CREATE INDEX ix_merged_articles_article_id ON merged_articles (article_id);

CREATE TABLE past_texts (
    text_id {ref} NOT NULL PRIMARY KEY REFERENCES texts (id), article_id {ref} NOT NULL REFERENCES articles (id)
);
CREATE INDEX ix_past_texts_article_id ON past_texts (article_id)
"""

_DERIVED_TABLES = """
CREATE TABLE changed_blocks (
    source TEXT NOT NULL, block {big} NOT NULL, article_id {ref} NOT NULL REFERENCES articles (id),
    changed_at {moment} NOT NULL,
    PRIMARY KEY (source, block, article_id)
);
CREATE INDEX ix_changed_blocks_article_id ON changed_blocks (article_id);

CREATE TABLE held_blocks (
    source TEXT NOT NULL, block {big} NOT NULL, text TEXT NOT NULL, held_at {moment} NOT NULL,
    PRIMARY KEY (source, block)
);

CREATE TABLE recent_paragraphs (
    source TEXT NOT NULL, article_id {big} NOT NULL, paragraphs {bytes} NOT NULL,
    PRIMARY KEY (source, article_id)
);

CREATE TABLE source_boilerplate (
    source TEXT NOT NULL, version INTEGER NOT NULL, paragraphs {bytes} NOT NULL, learned TEXT NOT NULL,
    learned_at {moment} NOT NULL,
    PRIMARY KEY (source, version)
);

CREATE TABLE signatures (
    article_id {ref} NOT NULL PRIMARY KEY REFERENCES articles (id), published_or_seen_at {moment} NOT NULL,
    bands {bytes} NOT NULL
);

CREATE TABLE signature_bands (
    bucket_key {big} NOT NULL, article_id {ref} NOT NULL,
    PRIMARY KEY (bucket_key, article_id)
) {keyed};

CREATE TABLE similarities (
    text_digest VARCHAR(64) NOT NULL, other_text_digest VARCHAR(64) NOT NULL, similarity {real} NOT NULL,
    kind VARCHAR(10) NOT NULL,
    PRIMARY KEY (text_digest, other_text_digest)
) {keyed};

CREATE TABLE article_topics (
    article_id {ref} NOT NULL, topic TEXT NOT NULL, sort_time {moment} NOT NULL,
    body_count INTEGER NOT NULL, title_count INTEGER NOT NULL,
    PRIMARY KEY (article_id, topic),
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
) {keyed};
CREATE INDEX article_topics_by_topic ON article_topics (topic, sort_time, article_id);

CREATE TABLE topic_scans (
    article_id {ref} NOT NULL PRIMARY KEY, catalogue_digest VARCHAR(16) NOT NULL,
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);

CREATE TABLE story_members (
    article_id {ref} NOT NULL PRIMARY KEY REFERENCES articles (id), story_id {ref} NOT NULL,
    published_or_seen_at {moment} NOT NULL, has_publication_time BOOLEAN NOT NULL, terms {bytes} NOT NULL
);
CREATE INDEX story_members_by_story ON story_members (story_id, published_or_seen_at);

CREATE TABLE story_terms (
    bucket_key {big} NOT NULL, article_id {ref} NOT NULL,
    PRIMARY KEY (bucket_key, article_id)
) {keyed};

CREATE TABLE stories (
    id {ref} NOT NULL PRIMARY KEY, headline_article_id {ref} NOT NULL, articles INTEGER NOT NULL,
    sources INTEGER NOT NULL, first_at {moment} NOT NULL, last_at {moment} NOT NULL
);
CREATE INDEX stories_by_last ON stories (last_at, id);

CREATE TABLE story_queue (article_id {ref} NOT NULL PRIMARY KEY);

CREATE TABLE term_counts (
    id INTEGER NOT NULL PRIMARY KEY, articles {big} NOT NULL, last_id {big} NOT NULL, counts {bytes} NOT NULL
);

CREATE TABLE vocabulary (word {ordered} NOT NULL PRIMARY KEY, title_count INTEGER NOT NULL) {keyed};

CREATE TABLE shadow_rows (search_row {ref} NOT NULL PRIMARY KEY, labels TEXT NOT NULL)
"""

_READER_TABLES = """
CREATE TABLE saved_searches (
    name {ordered} NOT NULL PRIMARY KEY, last_article_id {big} NOT NULL, last_run_at {moment} NOT NULL
) {keyed};

CREATE TABLE alerts (
    id {id_once}, search_name {ordered} NOT NULL, channel_digest VARCHAR(16) NOT NULL, article_ids TEXT NOT NULL,
    state VARCHAR(8) NOT NULL, created_at {moment} NOT NULL, due_at {moment}, sent_at {moment},
    attempts INTEGER NOT NULL, sender VARCHAR(40) NOT NULL, error TEXT NOT NULL
);
CREATE INDEX alerts_by_due ON alerts (due_at);
CREATE INDEX alerts_by_search ON alerts (search_name, id);

CREATE TABLE tokens (
    name {ordered} NOT NULL PRIMARY KEY, secret_digest VARCHAR(64) NOT NULL, created_at {moment} NOT NULL,
    is_read_only BOOLEAN NOT NULL
) {keyed};

CREATE TABLE entry_states (
    token {ordered} NOT NULL, state VARCHAR(8) NOT NULL, article_id {ref} NOT NULL, set_at {moment} NOT NULL,
    PRIMARY KEY (token, state, article_id)
) {keyed};
CREATE INDEX entry_states_by_article ON entry_states (article_id);

CREATE TABLE read_horizons (token {ordered} NOT NULL PRIMARY KEY, read_until {moment} NOT NULL) {keyed};

CREATE TABLE feed_pages (
    feed {ordered} NOT NULL, number INTEGER NOT NULL, article_ids TEXT NOT NULL,
    PRIMARY KEY (feed, number)
) {keyed};

CREATE TABLE archived_feeds (
    feed {ordered} NOT NULL PRIMARY KEY, query_digest TEXT NOT NULL, last_article_id {big} NOT NULL,
    pending_article_ids TEXT NOT NULL, page_count INTEGER NOT NULL
) {keyed}
"""

# The SQLite index stores no copy of the text. It reads the text through a view that prepares it, so that SQLite can
# verify the index against the articles. `evnews_index_text` produces the tokens, so the tokenizer is the simplest one.
_SQLITE_INDEX = """
CREATE VIEW indexed_articles AS
SELECT articles.search_row AS rowid, evnews_index_text(texts.text) AS text, evnews_index_text(texts.title) AS title,
    articles.labels AS labels
FROM articles
JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
JOIN texts ON texts.id = revisions.text_id;
CREATE VIRTUAL TABLE article_index USING fts5(
    text, title, labels, content = 'indexed_articles', content_rowid = 'rowid', tokenize = 'ascii'
);
INSERT INTO article_index (article_index, rank) VALUES ('automerge', 8);
CREATE VIRTUAL TABLE past_index USING fts5(text, title, content = '', tokenize = 'ascii')
"""

# Uncompressed vectors (EXTERNAL): PostgreSQL checks a phrase by reading them, and pglz takes longer to unpack one than
# the server takes to read it.
_POSTGRES_INDEX = """
CREATE TABLE article_index (search_row BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL);
ALTER TABLE article_index ALTER COLUMN words SET STORAGE EXTERNAL;
CREATE INDEX article_index_words ON article_index USING gin (words);
CREATE TABLE past_index (text_id BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX past_index_words ON past_index USING gin (words)
"""

# Views for people who open the archive with tools of their own. Their names and columns never change.
_VIEWS = """
CREATE VIEW articles_view AS SELECT
    a.id, a.url, a.canonical_url, a.source, a.title, a.authors, {published} AS published, a.published_date,
    {updated} AS updated, a.language, a.summary, t.text, a.image, a.tags, a.words, {first_seen} AS first_seen,
    a.revision, a.copy_of, a.truncated, {withdrawn} AS withdrawn,
    (SELECT s.story_id FROM story_members s WHERE s.article_id = coalesce(a.copy_of, a.id)) AS story
FROM articles a
JOIN revisions r ON r.article_id = a.id AND r.number = a.revision
JOIN texts t ON t.id = r.text_id;

CREATE VIEW revisions_view AS SELECT
    r.article_id, r.number AS revision, {seen} AS seen, r.kind, r.added, r.removed, r.title, t.text
FROM revisions r JOIN texts t ON t.id = r.text_id;

CREATE VIEW stories_view AS SELECT
    s.id AS story, h.title, {first_at} AS first_at, {last_at} AS last_at, s.articles, s.sources
FROM stories s LEFT JOIN articles h ON h.id = s.headline_article_id;

CREATE VIEW story_articles_view AS SELECT
    m.story_id AS story, m.article_id, a.source, a.title, a.url, {told_at} AS told_at
FROM story_members m JOIN articles a ON a.id = m.article_id;

CREATE VIEW topics_view AS SELECT
    n.article_id, n.topic, n.title_count AS in_title, n.body_count AS in_text
FROM article_topics n;

CREATE VIEW captures_view AS SELECT
    c.url, {fetched_at} AS fetched_at, c.status, c.source, c.verdict, c.file, c."offset", c.length, c.digest
FROM captures c
"""
_TIME_COLUMNS = {
    "published": "a.published", "updated": "a.updated", "first_seen": "a.first_seen", "withdrawn": "a.withdrawn",
    "seen": "r.fetched_at", "first_at": "s.first_at", "last_at": "s.last_at", "told_at": "m.published_or_seen_at",
    "fetched_at": "c.fetched_at",
}  # fmt: skip
# SQLite stores a time as microseconds since 1970. A view shows it as every other output does.
_TIME_FORMATS = {"sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', {0} / 1000000, 'unixepoch')", "postgresql": "{0}"}


def upgrade() -> None:
    """Create every table, the search index and the views."""
    for tables in (_CRAWL_TABLES, _ARTICLE_TABLES, _DERIVED_TABLES, _READER_TABLES):
        execute_ddl(tables)
    execute_ddl(_SQLITE_INDEX if current_dialect() == "sqlite" else _POSTGRES_INDEX)
    time_format = _TIME_FORMATS[current_dialect()]
    execute_ddl(_VIEWS.format(**{name: time_format.format(column) for name, column in _TIME_COLUMNS.items()}))
