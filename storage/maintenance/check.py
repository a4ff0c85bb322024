"""Whether the archive is what it says: the database, its index, and the bytes that its captures point to."""

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
"""Problems of one kind that are told one by one; the rest is counted."""
_BATCH_SIZE = 500

_RULES = (
    (
        "article {0} has no text to show",
        "SELECT id FROM articles WHERE revision < 1 OR NOT EXISTS (SELECT 1 FROM revisions"
        " JOIN texts ON texts.id = revisions.text_id AND texts.article_id = articles.id"
        " WHERE revisions.article_id = articles.id AND revisions.number = articles.revision)",
    ),
    (
        "article {0} has no address",
        "SELECT id FROM articles WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.article_id = articles.id)",
    ),
    (
        "article {0} was never fetched",
        "SELECT id FROM articles WHERE NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.article_id = articles.id)",
    ),
    (
        "article {0} is a copy of {1}, which is not known to tell the same text or is a copy itself",
        "SELECT a.id, a.copy_of FROM articles a JOIN articles o ON o.id = a.copy_of"
        " WHERE o.copy_of IS NOT NULL OR o.id = a.id OR (a.text_digest <> o.text_digest AND NOT EXISTS"
        " (SELECT 1 FROM similarities l WHERE l.text_digest = a.text_digest AND l.other_text_digest = o.text_digest))",
    ),
    (
        "article {0} is found by bands that are not in its signature",
        "SELECT DISTINCT article_id FROM signature_bands"
        " WHERE NOT EXISTS (SELECT 1 FROM signatures WHERE signatures.article_id = signature_bands.article_id)",
    ),
    (
        "lead {0} of {1} was kept, but no article has its address",
        "SELECT id, source FROM leads WHERE state = 'kept'"
        " AND NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.url_digest = leads.url_digest)",
    ),
    (
        "article {0} has topics that are dated otherwise than itself",
        "SELECT DISTINCT articles.id FROM articles JOIN article_topics ON article_topics.article_id = articles.id"
        " WHERE article_topics.sort_time <> articles.sort_time",
    ),
    (
        "article {0} tells no story",
        "SELECT id FROM articles WHERE copy_of IS NULL AND id NOT IN (SELECT article_id FROM story_members)"
        " AND id NOT IN (SELECT article_id FROM story_queue)",
    ),
    (
        "article {0} is a copy, yet is in story {1} beside its original",
        "SELECT t.article_id, t.story_id FROM story_members t JOIN articles a ON a.id = t.article_id"
        " WHERE a.copy_of IS NOT NULL AND a.id NOT IN (SELECT article_id FROM story_queue)",
    ),
    (
        "story {0} has the id of an article that is not in it",
        "SELECT DISTINCT story_id FROM story_members t WHERE NOT EXISTS"
        " (SELECT 1 FROM story_members f WHERE f.article_id = t.story_id AND f.story_id = t.story_id)",
    ),
    (
        "story {0} is not counted rightly",
        "SELECT c.story_id FROM (SELECT story_id, count(*) AS n, min(published_or_seen_at) AS f,"
        " max(published_or_seen_at) AS l FROM story_members"
        " GROUP BY story_id HAVING count(*) > 1) c LEFT JOIN stories s ON s.id = c.story_id"
        " WHERE s.id IS NULL OR s.articles <> c.n OR s.first_at <> c.f OR s.last_at <> c.l"
        " UNION SELECT id FROM stories WHERE (SELECT count(*) FROM story_members WHERE story_id = id) < 2",
    ),
    (
        "article {0} is found by terms, yet tells no story",
        "SELECT DISTINCT article_id FROM story_terms"
        " WHERE NOT EXISTS (SELECT 1 FROM story_members WHERE story_members.article_id = story_terms.article_id)",
    ),
    (
        "text {0} is searched as the past of article {1}, which never had it or shows it",
        "SELECT p.text_id, p.article_id FROM past_texts p WHERE NOT EXISTS"
        " (SELECT 1 FROM revisions r WHERE r.article_id = p.article_id AND r.text_id = p.text_id)"
        " OR EXISTS (SELECT 1 FROM articles a JOIN revisions r ON r.article_id = a.id AND r.number = a.revision"
        " WHERE a.id = p.article_id AND r.text_id = p.text_id)",
    ),
    (
        "article {0} was joined to {1}, yet is still there",
        "SELECT merged_articles.id, merged_articles.article_id FROM merged_articles JOIN articles ON"
        " articles.id = merged_articles.id",
    ),
)


def check_archive(database: Database, warc_dir: Path | None, max_captures: int | None = None) -> list[str]:
    """Everything that is wrong, in words; an empty list if nothing is. Without `warc_dir` the tape is not looked at.

    Of the tape about `most_captures` are read, others each time; all by default.
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
        for words, sql in _RULES:
            problems += _list_problems(words.format(*row) for row in connection.execute(text(sql)))
        if warc_dir is not None:
            problems += _list_problems(_check_captures(connection, warc_dir, max_captures))
    return problems


def reindex_archive(database: Database, progress: Callable[[int, int], None] | None = None) -> int:
    """Make the search index anew: beside the one that answers, or in its place where that is of another preparation."""
    with database.read() as connection:
        is_current = not _check_analyzer_version(connection)
    if is_current:
        return rebuild_index(database, progress)
    with database.write() as tx:
        acquire_write_lock(tx)
        return rebuild_in_place(tx, progress)


def _check_sqlite_integrity(connection: Connection) -> list[str]:
    try:
        said = list(connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars())
        strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except DatabaseError as error:
        return [f"the database is damaged: {error.orig}"]
    broken = [f"the database is damaged: {line}" for line in said if line != "ok"]
    return broken + _list_problems(
        f"row {row[1]} of {row[0]} points to a row of {row[2]} that is not there" for row in strays
    )


def _check_analyzer_version(connection: Connection) -> list[str]:
    kept = get_value(connection, ANALYZER_VERSION_KEY)
    if kept == str(ANALYZER_VERSION):
        return []
    return [
        f"the search index was prepared by version {kept} and is searched by version {ANALYZER_VERSION}; run"
        " `evnews db reindex`"
    ]


def _list_problems(problems: Iterator[str]) -> list[str]:
    found = list(problems)
    return found[:_MAX_LISTED] + (
        [f"... and {len(found) - _MAX_LISTED} more like that"] if len(found) > _MAX_LISTED else []
    )


def _check_captures(connection: Connection, folder: Path, most: int | None) -> Iterator[str]:
    """The captures' bytes are read and their digests compared; one file is open at a time."""
    name, file, asked = "", None, _SELECT_CAPTURES
    if most is not None:
        step = max(int(connection.execute(_COUNT_CAPTURES).scalar_one()) // most, 1)
        asked = asked.where(captures.c.id % step == randrange(step))  # noqa: S311 — chance, no secret
    try:
        for row in connection.execute(asked.execution_options(yield_per=_BATCH_SIZE)):
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
    """A tape file by the name its captures have: while it is written it ends in `.open`."""
    for path in (folder / name, folder / f"{name}.open"):
        if path.parent == folder and path.is_file():
            return path.open("rb")
    return None


def _check_capture(file: BinaryIO | None, offset: int, length: int, digest: str) -> str:
    if file is None:
        return "is missing"
    file.seek(offset)
    found = sha256()
    left = length
    while left and (data := file.read(min(left, 2**20))):
        found.update(data)
        left -= len(data)
    if left:
        return f"ends before byte {offset + length}"
    return "" if f"sha256:{found.hexdigest()}" == digest else f"holds other bytes at {offset}"


_COUNT_CAPTURES = select(func.count()).select_from(captures)
_SELECT_CAPTURES = select(
    captures.c.id, captures.c.file, captures.c.offset, captures.c.length, captures.c.digest, captures.c.url
).order_by(captures.c.file, captures.c.offset)
