"""The search index in the order of time, with labels, and the vocabulary."""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQLITE_INDEX = """
DROP TABLE article_index;
DROP VIEW indexed_articles;
CREATE VIEW indexed_articles AS
SELECT articles.search_row AS rowid, evnews_indexed(texts.text) AS text, evnews_indexed(texts.title) AS title,
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
_POSTGRES_INDEX = """
CREATE TABLE past_index (text_id BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX past_index_words ON past_index USING gin (words)
"""


def upgrade() -> None:
    """Lay the index out anew; it is filled again by who opens the archive, as its `prepare` is known no more."""
    run(
        "ALTER TABLE articles ADD COLUMN labels TEXT NOT NULL DEFAULT '';"
        "CREATE TABLE vocabulary (word {ordered} NOT NULL PRIMARY KEY, titles INTEGER NOT NULL) {keyed};"
        "CREATE TABLE past_texts (text_id {ref} NOT NULL PRIMARY KEY REFERENCES texts (id),"
        " article_id {ref} NOT NULL REFERENCES articles (id));"
        "CREATE INDEX ix_past_texts_article_id ON past_texts (article_id);"
        "DELETE FROM meta WHERE name = 'prepare'"
    )
    run(_SQLITE_INDEX if dialect() == "sqlite" else _POSTGRES_INDEX)
