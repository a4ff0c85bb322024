"""Articles that an export holds are brought back, with their numbers, texts, revisions, copies and stories.

What an export does not hold is absent: the captures, other addresses, and why each was decided. Facts are written as if
each state of an article had been fetched when the export says that it was first seen; what is concluded is taken from
the export as it stands, not concluded anew.
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
_IMPORT_REASON = "brought back from an export"
_WITHDRAWAL_REASON = "withdrawn, as the export says"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedArticle:
    """An article as an export has it: what is shown of it (`article`), and its editions, oldest first.

    `past` are the texts of editions that are not shown, by their digests. `shown` is the number of the one that is.
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

    def article_at_revision(self, edition: RevisionSummary) -> Article:
        """What was shown in an edition; with an empty text where the export does not say it."""
        if edition.digest == self.revisions[self.shown_number - 1].digest:
            return self.article
        words = self.past_texts.get(edition.digest, "")
        return replace(
            self.article,
            title=edition.title,
            text=words,
            html="",
            prepared_text=None,
            text_digests=None,
            terms=b"",
            signature=b"",
        )


def begin_import(tx: Connection) -> bool:
    """Begin to bring articles back, or go on; False where the archive holds others already."""
    if get_value(tx, _IMPORT_KEY) is not None:
        return True
    if tx.execute(select(articles.c.id).limit(1)).first() is not None:
        return False
    set_value(tx, _IMPORT_KEY, "1")
    return True


def finish_import(tx: Connection, copies: Sequence[tuple[int, int]]) -> int:
    """Link copies, as (id, original), when all articles are there; returns how many have no original in the export."""
    digests = {row.id: row.text_digest for row in tx.execute(_SELECT_DIGESTS)} if copies else {}
    linked = [(one, other) for one, other in copies if one in digests and other in digests]
    for one, other in linked:
        tx.execute(_UPDATE_COPY_OF, {"article": one, "original": other})
        if digests[one] != digests[other]:
            add_similarities(tx, digests[one], {digests[other]: TextSimilarity(similarity=1.0, kind="near")})
    if tx.dialect.name == "postgresql":
        tx.execute(_ADVANCE_SEQUENCE)
    delete_value(tx, _IMPORT_KEY)
    return len(copies) - len(linked)


def import_article(tx: Connection, one: ImportedArticle) -> None:
    """Write an article with all that an export says of it, but whose copy it is and its story.

    Raises ValueError where its address is that of another that is there.
    """
    other = article_at(tx, key_digest(url_key(one.article.url)))
    if other is not None:
        raise ValueError(f"article {one.id} has the address of article {other}")
    seen = [_observation(one, edition) for edition in one.revisions]
    shown = seen[one.shown_number - 1]
    values = _row_values(one, shown)
    row = article_index.find_free_row_id(tx, values["sort_time"])
    authors = {"authors": one.article.authors}
    is_revised = any(edition.kind not in ("", EditKind.WITHDRAWN, EditKind.RESTORED) for edition in one.revisions)
    names = [topic.name for topic in one.topics]
    labels = article_index.build_article_labels(values | authors, names, is_revised=is_revised)
    tx.execute(insert(articles), values | {"id": one.id, "search_row": row, "labels": labels})
    _write_revisions(tx, one, seen)
    made = one.article
    article_index.add(
        tx,
        row,
        IndexedArticle(
            title=clean(made.title), text=clean(made.text), labels=labels, prepared_before=made.prepared_text
        ),
    )
    history.update_past_texts(tx, one.id)
    record_topics(tx, one.id, one.topics, one.catalogue_digest)


def _observation(one: ImportedArticle, edition: RevisionSummary) -> Observation:
    page = Page(url=one.article.url, status=200, fetched_at=edition.fetched_at, source=one.source)
    return replace(observe(one.article_at_revision(edition), page), digest=edition.digest)


def _row_values(one: ImportedArticle, shown: Observation) -> dict[str, Any]:
    """The columns of the article's row."""
    return article_columns(shown.article_json, one.first_seen) | {
        "url": one.article.url,
        "url_key": url_key(one.article.url),
        "source": one.source,
        "title": one.article.title,
        "first_seen": one.first_seen,
        "revision": one.shown_number,
        "text_digest": shown.text_digest,
        "copy_of": None,
        "reason": _IMPORT_REASON,
        "withdrawn": one.withdrawn_at,
    }  # fmt: skip


def _write_revisions(tx: Connection, one: ImportedArticle, seen: Sequence[Observation]) -> None:
    """Facts for each edition, and the revisions as they stand."""
    snapshot_store.insert_first_snapshot(tx, one.id, seen[0], None)
    rows, sighting = [], None
    for edition, observation in zip(one.revisions, seen, strict=True):
        look = None
        if edition.kind == EditKind.WITHDRAWN:
            looked = CheckResult(
                url=one.article.url,
                checked_at=edition.fetched_at,
                status=0,
                outcome="missing",
                reason=_WITHDRAWAL_REASON,
                is_certain=True,
            )
            snapshot_store.insert_check(tx, one.id, looked, None)
            look = tx.execute(_SELECT_LAST_CHECK, {"article": one.id}).scalar()
        else:
            snapshot_store.insert_snapshot(tx, one.id, observation, None)
            sighting = tx.execute(
                _SELECT_SNAPSHOT, {"article": one.id, "at": edition.fetched_at, "digest": edition.digest}
            ).one()
        assert sighting is not None  # the first edition is no withdrawal
        rows.append(
            {
                "article_id": one.id,
                "number": edition.number,
                "snapshot_id": sighting.id,
                "text_id": sighting.text_id,
                "fetched_at": edition.fetched_at,
                "check_id": look,
                "title": edition.title,
                "kind": edition.kind,
                "added": edition.added,
                "removed": edition.removed,
            }
        )
    tx.execute(delete(revisions).where(revisions.c.article_id == one.id))
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
# Articles that come later are numbered from there on.
_ADVANCE_SEQUENCE = text("SELECT setval(pg_get_serial_sequence('articles', 'id'), (SELECT max(id) FROM articles))")
