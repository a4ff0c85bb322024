"""Record captures and articles, and decide whether an article is new, unchanged or revised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.articles import lookup, snapshots
from storage.articles.derive import Alias, ArticleState, Snapshot, derive_state, find_revision_starts
from storage.articles.held_blocks import load_held_blocks, record_changed_blocks, rejudge
from storage.articles.lookup import kept_id
from storage.articles.observation import Observation, article_columns, observe
from storage.articles.revisions import write_revisions
from storage.articles.snapshots import ArticleSnapshots
from storage.db.database import acquire_write_lock
from storage.db.statements import CompiledStatement
from storage.db.tables import articles, captures, revisions, texts
from storage.duplicates import links
from storage.identity import key_digest, url_key
from storage.model.article import Article, Decision, DecisionKind
from storage.model.crawl import Capture, CheckResult, Rederived
from storage.model.page import Page
from storage.search import article_index, history
from storage.search.index.base import IndexedArticle
from storage.search.index.row_ids import row_id_of
from storage.stories import membership
from storage.text.clean import clean

_ShownRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""Row of _SELECT_SHOWN: an article with its shown title and text."""


def record_capture(tx: Connection, capture: Capture, page: Page, verdict: str = "", reason: str = "") -> int:
    """Record the place of a page's WARC record and what became of the page; return the id of the capture."""
    values = {
        "file": capture.file,
        "offset": capture.offset,
        "length": capture.length,
        "digest": capture.digest,
        "url": page.url,
        "url_digest": key_digest(url_key(page.url)),
        "status": page.status,
        "fetched_at": page.fetched_at,
        "source": page.source,
        "verdict": verdict,
        "reason": clean(reason, 1000),
    }
    return int(tx.execute(_UPSERT_CAPTURE[tx.dialect.name], values).scalar_one())


def record_captures(
    tx: Connection, captures: Sequence[Capture], hops: Sequence[Page], verdict: str = "", reason: str = ""
) -> int | None:
    """Record the captures of all hops of a request; return the id of the last, or None if pages are not kept."""
    capture_id = None
    for capture, hop in zip(captures, hops, strict=False):
        capture_id = record_capture(tx, capture, hop, verdict, reason)
    return capture_id


def record_article(tx: Connection, article: Article, page: Page, capture_id: int | None, now: datetime) -> Decision:
    """Record an article that was extracted from a page; return whether it is new, unchanged or revised.

    Copies are not linked: `links.link_recorded` does that with the decision. The same pages leave the same
    articles, addresses, texts and revisions in whatever order they are recorded; only the ids differ.
    """
    acquire_write_lock(tx)
    seen = observe(article, page)
    matches = snapshots.find_matches(tx, seen)
    if not matches:
        return _insert_article(tx, seen, capture_id, now)
    before = [_load_shown(tx, article_id) for article_id in sorted(matches)]
    kept = before[0]
    for merged in before[1:]:
        article_index.remove_shown(tx, merged)
        history.remove_past_texts(tx, merged.id)
        snapshots.merge_articles(tx, kept.id, merged.id)
    snapshot_id = snapshots.insert_snapshot(tx, kept.id, seen, capture_id)
    return _decide(tx, seen, snapshot_id, before, "; ".join(dict.fromkeys(matches.values())))


def _insert_article(tx: Connection, seen: Observation, capture_id: int | None, now: datetime) -> Decision:
    reason = "neither its address nor its text was kept before"
    values = _state_columns(_first_state(seen), seen.article.title, seen.article_json, seen.text_digest, now, reason)
    labels = article_index.build_article_labels(
        values | {"authors": seen.article.authors}, [topic.name for topic in seen.article.topics], is_revised=False
    )
    values |= {
        "first_seen": now,
        "search_row": article_index.find_free_row_id(tx, values["sort_time"]),
        "labels": labels,
    }
    row = _INSERT_ARTICLE.one(tx, values)
    snapshots.insert_first_snapshot(tx, row.id, seen, capture_id)
    title, text = clean(seen.article.title), clean(seen.article.text)
    entry = IndexedArticle(title=title, text=text, labels=labels, prepared_before=seen.article.prepared_text)
    article_index.add(tx, row.search_row, entry)
    if not seen.article.terms:  # with terms, the caller assigns a story at once
        membership.queue_recompute(tx, [row.id])
    return Decision(
        kind=DecisionKind.NEW,
        reason=reason,
        article_id=row.id,
        has_new_shown_text=True,
        changed_digests=(seen.text_digest,),
    )


def _first_state(seen: Observation) -> ArticleState:
    """Return the state of an article that has a single observation."""
    spellings = [
        Alias(
            id=number,
            url_digest=address.url_digest,
            url_key=address.url_key,
            url=address.url,
            is_requested=address.is_requested,
        )
        for number, address in enumerate(seen.addresses)
    ]
    snapshot = Snapshot(
        id=0,
        text_id=0,
        digest=seen.digest,
        requested_alias_id=0,
        final_alias_id=len(spellings) - 1,
        variant_key=seen.variant_key,
        source=seen.source,
        fetched_at=seen.fetched_at,
        comparable_digest=seen.comparable_digest,
        page_data_digest=seen.page_data_digest,
        extractor=seen.article.extractor,
    )
    return derive_state(spellings, {seen.canonical_digest}, [snapshot])


def record_check(tx: Connection, article_id: int, check: CheckResult, capture_id: int | None) -> Decision | None:
    """Record that a request for an article's address returned no text.

    Return the decision that the article was withdrawn, or None if nothing changed.
    """
    acquire_write_lock(tx)
    article_id = kept_id(tx, article_id)
    if not snapshots.insert_check(tx, article_id, check, capture_id):
        return None
    before = _load_shown(tx, article_id)
    state, _ = _derive(tx, article_id)
    if state.shown_number == before.revision:
        return None
    written = _write_state(tx, state, [before], before.reason)
    links.link_copies(tx, written.changed_digests)
    reason = f"{check.reason} at {check.checked_at:%Y-%m-%d %H:%M} UTC: withdrawn; its text stays"
    return Decision(kind=DecisionKind.REVISED, reason=reason, article_id=article_id)


def find_article_id_by_url(tx: Connection, url: str) -> int | None:
    """Return the id of the article that was fetched at an address, in any spelling."""
    return lookup.article_at(tx, key_digest(url_key(url)))


def record_reextraction(tx: Connection, snapshot_id: int, article: Article, page: Page) -> Rederived:
    """Replace the text of a snapshot by a new extraction of its page, and derive its article's state again."""
    acquire_write_lock(tx)
    article_id = snapshots.article_id_of_snapshot(tx, snapshot_id)
    before = _load_shown(tx, article_id)
    history.remove_past_texts(tx, article_id)
    snapshots.replace_text(tx, snapshot_id, observe(article, page))
    return _rederive_from(tx, article_id, before)


def rederive(tx: Connection, article_id: int) -> Rederived:
    """Derive an article's state again after the facts that it depends on have changed."""
    return _rederive_from(tx, article_id, _load_shown(tx, article_id))


def _rederive_from(tx: Connection, article_id: int, before: _ShownRow) -> Rederived:
    """Derive an article's state again. `before` is its former row, as indexed."""
    revisions_before = tx.execute(_COUNT_REVISIONS, {"article": article_id}).scalar_one()
    state, _ = _derive(tx, article_id)
    written = _write_state(tx, state, [before], before.reason)
    links.link_copies(tx, written.changed_digests)
    return Rederived(
        article_id=article_id,
        added_edits=len(state.revision_starts) - revisions_before,
        has_new_shown_text=written.has_new_shown_text,
    )


def _decide(tx: Connection, seen: Observation, snapshot_id: int, before: Sequence[_ShownRow], why: str) -> Decision:
    """Derive the state of an article to which a snapshot was added, write it, and return what the snapshot was.

    `before` are the articles that the snapshot belongs to, the first of which remains; `why` says why it belongs.
    """
    article_id = before[0].id
    state, stored = _derive(tx, article_id)
    starts_without_snapshot = find_revision_starts(
        state.alias.id, (snapshot for snapshot in stored.snapshots if snapshot.id != snapshot_id), stored.checks
    )
    is_revised = len(state.revision_starts) > len(starts_without_snapshot)
    reason = f"{why}; nothing in it is new"
    if is_revised:
        changed = "title" if before[0].text_digest == seen.text_digest else "text"
        reason = f"{why}; another {changed}: revision {state.shown_number} of {len(state.revision_starts)} is shown"
    merged_ids = tuple(row.id for row in before[1:])
    if merged_ids:
        reason += f"; it joins article {', '.join(map(str, merged_ids))} to this one"
    written = _write_state(tx, state, before, reason if is_revised or merged_ids else before[0].reason)
    return Decision(
        kind=DecisionKind.REVISED if is_revised else DecisionKind.SAME,
        reason=reason,
        article_id=article_id,
        merged_ids=merged_ids,
        has_new_shown_text=written.has_new_shown_text,
        changed_digests=written.changed_digests,
    )


def _derive(tx: Connection, article_id: int) -> tuple[ArticleState, ArticleSnapshots]:
    """Derive an article's state and write its revisions; return the state and the facts that it was derived from."""
    stored = snapshots.load_snapshots(tx, article_id)
    held = load_held_blocks(tx, {snapshot.source for snapshot in stored.snapshots})
    rejudged = len({snapshot.text_id for snapshot in stored.snapshots}) > 1 and rejudge(tx, article_id, held)
    if rejudged:
        stored = snapshots.load_snapshots(tx, article_id)
    state = derive_state(stored.aliases, stored.declared_digests, stored.snapshots, stored.checks)
    record_changed_blocks(tx, article_id, stored.snapshots)
    write_revisions(tx, article_id, state.revision_starts, held, rejudged=rejudged)
    return state, stored


@dataclass(frozen=True, slots=True)
class _WrittenState:
    """Changes made by writing an article's state: a new shown title or text, and the text digests to link again."""

    has_new_shown_text: bool
    changed_digests: tuple[str, ...]


def _write_state(tx: Connection, state: ArticleState, before: Sequence[_ShownRow], reason: str) -> _WrittenState:
    """Write an article's row and its index entry from its state.

    `before` are the articles that the row replaces, the first of which keeps its id.
    """
    text = tx.execute(_SELECT_TEXT, {"text_id": state.shown_text_id}).one()
    first_seen = min(row.first_seen for row in before)
    values = _state_columns(state, text.title, text.article_json, text.text_digest, first_seen, reason)
    _reindex(tx, state, before[0], values, IndexedArticle(title=text.title, text=text.text, labels=""))
    return _WrittenState(
        has_new_shown_text=(text.title, text.text) != (before[0].title, before[0].text),
        changed_digests=tuple(dict.fromkeys((text.text_digest, *(row.text_digest for row in before)))),
    )


def _load_shown(tx: Connection, article_id: int) -> _ShownRow:
    return tx.execute(_SELECT_SHOWN, {"article": article_id}).one()


def _reindex(
    tx: Connection, state: ArticleState, before: _ShownRow, values: dict[str, Any], shown: IndexedArticle
) -> None:
    """Write an article's row, and its index entry if title, text, labels or date changed."""
    topic_names = article_index.load_topic_names(tx, before.id)
    labels = article_index.build_article_labels(
        values | {"authors": json.loads(values["authors"])}, topic_names, is_revised=state.is_revised
    )
    entry = replace(shown, labels=labels)
    keeps_row_id = row_id_of(values["sort_time"]) == row_id_of(before.sort_time)
    is_changed = not keeps_row_id or entry != article_index.entry_from_row(before)
    if is_changed:
        article_index.remove_shown(tx, before)
    row_id = before.search_row if keeps_row_id else article_index.find_free_row_id(tx, values["sort_time"])
    tx.execute(_UPDATE_ARTICLE, values | {"article": before.id, "labels": labels, "search_row": row_id})
    if is_changed:
        article_index.add(tx, row_id, entry)
    history.update_past_texts(tx, before.id)


def _state_columns(
    state: ArticleState, title: str, article_json: str, text_digest: str, first_seen: datetime, reason: str
) -> dict[str, Any]:
    """Return the columns of an article's row that follow from its state."""
    return article_columns(article_json, first_seen) | {
        "url": state.alias.url,
        "url_key": state.alias.url_key,
        "source": state.source,
        "title": title,
        "revision": state.shown_number,
        "text_digest": text_digest,
        "reason": reason,
        "withdrawn": state.withdrawn_at,
    }


def _upsert_capture(statement: Any) -> Any:
    """Update the row if the same record is there already, because its batch ran twice."""
    updated = {name: statement.excluded[name] for name in ("verdict", "reason")}
    return statement.on_conflict_do_update(index_elements=["file", "offset"], set_=updated).returning(captures.c.id)


_UPSERT_CAPTURE = {
    "sqlite": _upsert_capture(insert_sqlite(captures)),
    "postgresql": _upsert_capture(insert_postgres(captures)),
}
_SELECT_SHOWN = (
    select(
        articles.c.id,
        articles.c.search_row,
        articles.c.labels,
        articles.c.sort_time,
        articles.c.first_seen,
        articles.c.text_digest,
        articles.c.reason,
        articles.c.revision,
        texts.c.title,
        texts.c.text,
    )
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id == bindparam("article"))
)
_DERIVED_COLUMNS = [c.name for c in articles.columns if c.name not in ("id", "first_seen", "copy_of")]
_INSERT_ARTICLE = CompiledStatement(
    insert(articles)
    .values({name: bindparam(name) for name in [*_DERIVED_COLUMNS, "first_seen"]})
    .returning(articles.c.id, articles.c.search_row)
)
_UPDATE_ARTICLE = (
    update(articles).where(articles.c.id == bindparam("article")).values({n: bindparam(n) for n in _DERIVED_COLUMNS})
)
_SELECT_TEXT = select(texts).where(texts.c.id == bindparam("text_id"))
_COUNT_REVISIONS = select(func.count()).select_from(revisions).where(revisions.c.article_id == bindparam("article"))
