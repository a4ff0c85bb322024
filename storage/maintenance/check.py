"""Check an archive: the database, its search index and the WARC bytes that captures refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from random import randrange
from typing import BinaryIO

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DatabaseError

from storage.db.database import Database, acquire_write_lock
from storage.db.key_value import get_value
from storage.db.tables import captures
from storage.search.analyzer import ANALYZER_VERSION, ANALYZER_VERSION_KEY
from storage.search.article_index import rebuild_in_place
from storage.search.index import search_index
from storage.search.rebuild import rebuild_index

_MAX_LISTED = 10
"""Problems of one kind that are listed; further ones are only counted."""
_BATCH_SIZE = 500

_RULES = (
    (
        "article {0} has no current revision with a text (tables revisions, texts)",
        "SELECT id FROM articles WHERE revision < 1 OR NOT EXISTS (SELECT 1 FROM revisions"
        " JOIN texts ON texts.id = revisions.text_id AND texts.article_id = articles.id"
        " WHERE revisions.article_id = articles.id AND revisions.number = articles.revision)",
    ),
    (
        "article {0} has no URL (table aliases)",
        "SELECT id FROM articles WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.article_id = articles.id)",
    ),
    (
        "article {0} has no snapshot (table snapshots)",
        "SELECT id FROM articles WHERE NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.article_id = articles.id)",
    ),
    (
        "article {0} is a copy of {1}, but {1} is a copy itself or has no similar text (table similarities)",
        "SELECT a.id, a.copy_of FROM articles a JOIN articles o ON o.id = a.copy_of"
        " WHERE o.copy_of IS NOT NULL OR o.id = a.id OR (a.text_digest <> o.text_digest AND NOT EXISTS"
        " (SELECT 1 FROM similarities l WHERE l.text_digest = a.text_digest AND l.other_text_digest = o.text_digest))",
    ),
    (
        "article {0} has indexed MinHash bands but no signature (tables signature_bands, signatures)",
        "SELECT DISTINCT article_id FROM signature_bands"
        " WHERE NOT EXISTS (SELECT 1 FROM signatures WHERE signatures.article_id = signature_bands.article_id)",
    ),
    (
        "lead {0} of {1} was kept, but no article has its URL (table aliases)",
        "SELECT id, source FROM leads WHERE state = 'kept'"
        " AND NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.url_digest = leads.url_digest)",
    ),
    (
        "article {0} has topics with another date than its own (table article_topics)",
        "SELECT DISTINCT articles.id FROM articles JOIN article_topics ON article_topics.article_id = articles.id"
        " WHERE article_topics.sort_time <> articles.sort_time",
    ),
    (
        "article {0} belongs to no story (table story_members)",
        "SELECT id FROM articles WHERE copy_of IS NULL AND id NOT IN (SELECT article_id FROM story_members)"
        " AND id NOT IN (SELECT article_id FROM story_queue)",
    ),
    (
        "article {0} is a copy, but is a member of story {1} (table story_members)",
        "SELECT t.article_id, t.story_id FROM story_members t JOIN articles a ON a.id = t.article_id"
        " WHERE a.copy_of IS NOT NULL AND a.id NOT IN (SELECT article_id FROM story_queue)",
    ),
    (
        "story {0} has the id of an article that is not its member (table story_members)",
        "SELECT DISTINCT story_id FROM story_members t WHERE NOT EXISTS"
        " (SELECT 1 FROM story_members f WHERE f.article_id = t.story_id AND f.story_id = t.story_id)",
    ),
    (
        "story {0} has wrong counts or times (table stories)",
        "SELECT c.story_id FROM (SELECT story_id, count(*) AS n, min(published_or_seen_at) AS f,"
        " max(published_or_seen_at) AS l FROM story_members"
        " GROUP BY story_id HAVING count(*) > 1) c LEFT JOIN stories s ON s.id = c.story_id"
        " WHERE s.id IS NULL OR s.articles <> c.n OR s.first_at <> c.f OR s.last_at <> c.l"
        " UNION SELECT id FROM stories WHERE (SELECT count(*) FROM story_members WHERE story_id = id) < 2",
    ),
    (
        "article {0} has indexed terms but belongs to no story (tables story_terms, story_members)",
        "SELECT DISTINCT article_id FROM story_terms"
        " WHERE NOT EXISTS (SELECT 1 FROM story_members WHERE story_members.article_id = story_terms.article_id)",
    ),
    (
        "text {0} is indexed as a past text of article {1}, which shows it or never had it (table past_texts)",
        "SELECT p.text_id, p.article_id FROM past_texts p WHERE NOT EXISTS"
        " (SELECT 1 FROM revisions r WHERE r.article_id = p.article_id AND r.text_id = p.text_id)"
        " OR EXISTS (SELECT 1 FROM articles a JOIN revisions r ON r.article_id = a.id AND r.number = a.revision"
        " WHERE a.id = p.article_id AND r.text_id = p.text_id)",
    ),
    (
        "article {0} was merged into {1}, but still exists (table merged_articles)",
        "SELECT merged_articles.id, merged_articles.article_id FROM merged_articles JOIN articles ON"
        " articles.id = merged_articles.id",
    ),
)


def check_archive(database: Database, warc_dir: Path | None, max_captures: int | None = None) -> list[str]:
    """Return a message for each problem of the archive; empty if it is sound.

    Without `warc_dir`, WARC files are not read. With `max_captures`, only a random sample of about that many captures
    is compared with the WARC files.
    """
    problems: list[str] = []
    if database.dialect == "sqlite":
        with database.read() as connection:
            problems += _check_sqlite_integrity(connection)
    if problems:
        return problems
    with database.write() as tx:
        problems += search_index(database.dialect).find_problems(tx)
    with database.read() as connection:
        problems += _check_analyzer_version(connection)
        for message, sql in _RULES:
            problems += _list_problems(message.format(*row) for row in connection.execute(text(sql)))
        if warc_dir is not None:
            problems += _list_problems(_check_captures(connection, warc_dir, max_captures))
    return problems


def reindex_archive(database: Database, progress: Callable[[int, int], None] | None = None) -> int:
    """Rebuild the search index and return the number of articles in it.

    The old index answers searches meanwhile, unless another analyzer version prepared it: then it is replaced in place.
    """
    with database.read() as connection:
        is_current = not _check_analyzer_version(connection)
    if is_current:
        return rebuild_index(database, progress)
    with database.write() as tx:
        acquire_write_lock(tx)
        return rebuild_in_place(tx, progress)


def _check_sqlite_integrity(connection: Connection) -> list[str]:
    try:
        messages = list(connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars())
        dangling_rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except DatabaseError as error:
        return [f"the database is damaged: {error.orig}"]
    problems = [f"the database is damaged: {line}" for line in messages if line != "ok"]
    return problems + _list_problems(
        f"row {row[1]} of table {row[0]} refers to a missing row of table {row[2]}" for row in dangling_rows
    )


def _check_analyzer_version(connection: Connection) -> list[str]:
    version = get_value(connection, ANALYZER_VERSION_KEY)
    if version == str(ANALYZER_VERSION):
        return []
    return [
        f"the search index was prepared by version {version} of the analyzer, searches use version {ANALYZER_VERSION};"
        " run `evnews db reindex`"
    ]


def _list_problems(problems: Iterator[str]) -> list[str]:
    messages = list(problems)
    return messages[:_MAX_LISTED] + (
        [f"... and {len(messages) - _MAX_LISTED} more of this kind"] if len(messages) > _MAX_LISTED else []
    )


def _check_captures(connection: Connection, folder: Path, max_captures: int | None) -> Iterator[str]:
    """Yield a message for each capture whose bytes do not match its digest. One WARC file is open at a time."""
    name, file, statement = "", None, _SELECT_CAPTURES
    if max_captures is not None:
        step = max(int(connection.execute(_COUNT_CAPTURES).scalar_one()) // max_captures, 1)
        statement = statement.where(captures.c.id % step == randrange(step))  # noqa: S311 — a random sample, not a secret
    try:
        for row in connection.execute(statement.execution_options(yield_per=_BATCH_SIZE)):
            if row.file != name:
                if file:
                    file.close()
                name, file = row.file, _open_warc_file(folder, row.file)
            problem = _check_capture(file, row.offset, row.length, row.digest)
            if problem:
                yield f"capture {row.id} of {row.url[:200]}: {row.file} {problem}"
    finally:
        if file:
            file.close()


def _open_warc_file(folder: Path, name: str) -> BinaryIO | None:
    """Open a WARC file by the name that captures give; a file that is still written ends in `.open`."""
    for path in (folder / name, folder / f"{name}.open"):
        if path.parent == folder and path.is_file():
            return path.open("rb")
    return None


def _check_capture(file: BinaryIO | None, offset: int, length: int, digest: str) -> str:
    if file is None:
        return "is missing"
    file.seek(offset)
    state = sha256()
    remaining = length
    while remaining and (data := file.read(min(remaining, 2**20))):
        state.update(data)
        remaining -= len(data)
    if remaining:
        return f"ends before byte {offset + length}"
    return "" if f"sha256:{state.hexdigest()}" == digest else f"holds other bytes at {offset}"


_COUNT_CAPTURES = select(func.count()).select_from(captures)
_SELECT_CAPTURES = select(
    captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest, captures.c.url
).order_by(captures.c.file, captures.c.offset)
