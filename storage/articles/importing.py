"""Import articles from an export, with their ids, texts, revisions, copies and stories.

An export lacks the captures, the other addresses and the reasons of decisions. Each revision is written as a snapshot
fetched at the time that the export gives. Revisions and copies are taken from the export, not derived again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from storage.articles import snapshots as snapshot_store
from storage.articles.lookup import article_at
from storage.articles.observation import Observation, article_columns, observe
from storage.articles.topics import record_topics
from storage.db.key_value import delete_value, get_value, set_value
from storage.db.tables import article_checks, articles, revisions, snapshots, texts
from storage.duplicates.links import add_similarities
from storage.identity import key_digest, url_key
from storage.model.article import Article, RevisionSummary, Topic
from storage.model.crawl import CheckResult
from storage.model.page import Page
from storage.model.similarity import TextSimilarity
from storage.search import article_index, history
from storage.search.index.base import IndexedArticle
from storage.text.clean import clean
from storage.text.diff import EditKind

_IMPORT_KEY = "import_unfinished"
_IMPORT_REASON = "imported from an export"
_WITHDRAWAL_REASON = "withdrawn according to the export"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedArticle:
    """An article of an export: its shown content (`article`) and its revisions, oldest first.

    `shown_number` is the number of the shown revision. `past_texts` maps digests to the texts of the other revisions.
    """

    id: int
    article: Article
    source: str
    first_seen: datetime
    shown_number: int
    copy_of: int | None
    withdrawn_at: datetime | None
    story_id: int | None
    topics: tuple[Topic, ...]
    catalogue_digest: str
    revisions: tuple[RevisionSummary, ...]
    past_texts: Mapping[str, str]

    def article_at_revision(self, revision: RevisionSummary) -> Article:
        """Return the content of a revision; its text is empty if the export lacks it."""
        if revision.digest == self.revisions[self.shown_number - 1].digest:
            return self.article
        words = self.past_texts.get(revision.digest, "")
        return replace(
            self.article,
            title=revision.title,
            text=words,
            html="",
            prepared_text=None,
            text_digests=None,
            terms=b"",
            signature=b"",
        )


def begin_import(tx: Connection) -> bool:
    """Begin an import, or continue an unfinished one; return False if the archive already holds articles."""
    if get_value(tx, _IMPORT_KEY) is not None:
        return True
    if tx.execute(select(articles.c.id).limit(1)).first() is not None:
        return False
    set_value(tx, _IMPORT_KEY, "1")
    return True


def finish_import(tx: Connection, copies: Sequence[tuple[int, int]]) -> int:
    """Link copies, given as (id, id of the original), after all articles are imported, and end the import.

    Return the number of copies whose original is not in the export.
    """
    digests = {row.id: row.text_digest for row in tx.execute(_SELECT_DIGESTS)} if copies else {}
    linked = [(copy, original) for copy, original in copies if copy in digests and original in digests]
    for copy, original in linked:
        tx.execute(_UPDATE_COPY_OF, {"article": copy, "original": original})
        if digests[copy] != digests[original]:
            add_similarities(tx, digests[copy], {digests[original]: TextSimilarity(similarity=1.0, kind="near")})
    if tx.dialect.name == "postgresql":
        tx.execute(_ADVANCE_SEQUENCE)
    delete_value(tx, _IMPORT_KEY)
    return len(copies) - len(linked)


def import_article(tx: Connection, imported: ImportedArticle) -> None:
    """Write an exported article, without its original and its story.

    Raise ValueError if a stored article has its address.
    """
    stored_id = article_at(tx, key_digest(url_key(imported.article.url)))
    if stored_id is not None:
        raise ValueError(f"article {imported.id} has the address of article {stored_id}")
    observations = [_observation(imported, revision) for revision in imported.revisions]
    shown = observations[imported.shown_number - 1]
    values = _row_values(imported, shown)
    row = article_index.find_free_row_id(tx, values["sort_time"])
    authors = {"authors": imported.article.authors}
    is_revised = any(
        revision.kind not in ("", EditKind.WITHDRAWN, EditKind.RESTORED) for revision in imported.revisions
    )
    names = [topic.name for topic in imported.topics]
    labels = article_index.build_article_labels(values | authors, names, is_revised=is_revised)
    tx.execute(insert(articles), values | {"id": imported.id, "search_row": row, "labels": labels})
    _write_revisions(tx, imported, observations)
    article = imported.article
    article_index.add(
        tx,
        row,
        IndexedArticle(
            title=clean(article.title), text=clean(article.text), labels=labels, prepared_before=article.prepared_text
        ),
    )
    history.update_past_texts(tx, imported.id)
    record_topics(tx, imported.id, imported.topics, imported.catalogue_digest)


def _observation(imported: ImportedArticle, revision: RevisionSummary) -> Observation:
    page = Page(url=imported.article.url, status=200, fetched_at=revision.fetched_at, source=imported.source)
    return replace(observe(imported.article_at_revision(revision), page), digest=revision.digest)


def _row_values(imported: ImportedArticle, shown: Observation) -> dict[str, Any]:
    return article_columns(shown.article_json, imported.first_seen) | {
        "url": imported.article.url,
        "url_key": url_key(imported.article.url),
        "source": imported.source,
        "title": imported.article.title,
        "first_seen": imported.first_seen,
        "revision": imported.shown_number,
        "text_digest": shown.text_digest,
        "copy_of": None,
        "reason": _IMPORT_REASON,
        "withdrawn": imported.withdrawn_at,
    }  # fmt: skip


def _write_revisions(tx: Connection, imported: ImportedArticle, observations: Sequence[Observation]) -> None:
    """Write a snapshot or a check for each revision, and the revisions as exported."""
    snapshot_store.insert_first_snapshot(tx, imported.id, observations[0], None)
    rows, snapshot = [], None
    for revision, observation in zip(imported.revisions, observations, strict=True):
        check_id = None
        if revision.kind == EditKind.WITHDRAWN:
            check = CheckResult(
                url=imported.article.url,
                checked_at=revision.fetched_at,
                status=0,
                outcome="missing",
                reason=_WITHDRAWAL_REASON,
                is_certain=True,
            )
            snapshot_store.insert_check(tx, imported.id, check, None)
            check_id = tx.execute(_SELECT_LAST_CHECK, {"article": imported.id}).scalar()
        else:
            snapshot_store.insert_snapshot(tx, imported.id, observation, None)
            snapshot = tx.execute(
                _SELECT_SNAPSHOT, {"article": imported.id, "at": revision.fetched_at, "digest": revision.digest}
            ).one()
        assert snapshot is not None  # the first revision is never a withdrawal
        rows.append(
            {
                "article_id": imported.id,
                "number": revision.number,
                "snapshot_id": snapshot.id,
                "text_id": snapshot.text_id,
                "fetched_at": revision.fetched_at,
                "check_id": check_id,
                "title": revision.title,
                "kind": revision.kind,
                "added": revision.added,
                "removed": revision.removed,
            }
        )
    tx.execute(delete(revisions).where(revisions.c.article_id == imported.id))
    tx.execute(insert(revisions), rows)


_SELECT_DIGESTS = select(articles.c.id, articles.c.text_digest)
_UPDATE_COPY_OF = update(articles).where(articles.c.id == bindparam("article")).values(copy_of=bindparam("original"))
_SELECT_SNAPSHOT = (
    select(snapshots.c.id, snapshots.c.text_id)
    .join(texts, texts.c.id == snapshots.c.text_id)
    .where(
        snapshots.c.article_id == bindparam("article"),
        snapshots.c.fetched_at == bindparam("at"),
        texts.c.digest == bindparam("digest"),
    )
)
_SELECT_LAST_CHECK = select(func.max(article_checks.c.id)).where(article_checks.c.article_id == bindparam("article"))
# New articles get ids above the imported ones.
_ADVANCE_SEQUENCE = text("SELECT setval(pg_get_serial_sequence('articles', 'id'), (SELECT max(id) FROM articles))")
