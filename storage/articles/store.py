"""The way in: captures and articles are kept, and it is decided what each article is to the archive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

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


def record_capture(tx: Connection, capture: Capture, page: Page, verdict: str = "", reason: str = "") -> int:
    """Keep where a page lies on the tape and what became of it; returns the capture's id."""
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
    """Rows for where the hops lie on the tape; the last one's id, or None where pages are not kept."""
    last = None
    for capture, hop in zip(captures, hops, strict=False):
        last = record_capture(tx, capture, hop, verdict, reason)
    return last


def record_article(tx: Connection, article: Article, page: Page, capture_id: int | None, now: datetime) -> Decision:
    """Keep an article that was made of a page, and say what it is: new, the same again, a revision, a copy.

    The same pages leave the same archive in whatever order they are recorded: the same articles
    with the same addresses, texts, revisions and links of copies; only ids tell the order.
    """
    acquire_write_lock(tx)
    seen = observe(article, page)
    found = snapshots.find_matches(tx, seen)
    if not found:
        return _insert_article(tx, seen, capture_id, now)
    ids = sorted(found)
    before = [tx.execute(_SELECT_SHOWN, {"article": article_id}).one() for article_id in ids]
    for shown in before[1:]:
        article_index.remove_shown(tx, shown)
        history.remove_past_texts(tx, shown.id)
        snapshots.merge_articles(tx, ids[0], shown.id)
    sighting = snapshots.insert_snapshot(tx, ids[0], seen, capture_id)
    decision = _decide(tx, seen, sighting, before, "; ".join(dict.fromkeys(found.values())))
    links.link_copies(tx, {shown.text_digest for shown in before})
    return decision


def _insert_article(tx: Connection, seen: Observation, capture_id: int | None, now: datetime) -> Decision:
    spelled = [
        Alias(id=i, url_digest=a.url_digest, url_key=a.url_key, url=a.url, is_requested=a.is_requested)
        for i, a in enumerate(seen.addresses)
    ]
    only = Snapshot(
        id=0,
        text_id=0,
        digest=seen.digest,
        requested_alias_id=0,
        final_alias_id=len(spelled) - 1,
        variant_key=seen.variant_key,
        source=seen.source,
        fetched_at=seen.fetched_at,
        comparable_digest=seen.comparable_digest,
        page_data_digest=seen.page_data_digest,
        extractor=seen.article.extractor,
    )
    made = derive_state(spelled, {seen.canonical_digest}, [only])
    reason = "neither its address nor its text was kept before"
    values = _state_columns(made, seen.article.title, seen.article_json, seen.text_digest, now, reason)
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
    if not seen.article.terms:  # who has them places it at once
        membership.queue_recompute(tx, [row.id])
    links.link_copies(tx, [seen.text_digest])
    original, why, many = links.copy_status(tx, row.id)
    if original is not None:
        return Decision(kind=DecisionKind.COPY, reason=why, article_id=row.id, has_new_shown_text=True)
    if many:
        reason = f"new address; the original of {many} kept before with the same text"
    return Decision(kind=DecisionKind.NEW, reason=reason, article_id=row.id, has_new_shown_text=True)


def record_check(tx: Connection, article_id: int, look: CheckResult, capture_id: int | None) -> Decision | None:
    """Write down that an article's address was asked for again and gave no text.

    Returns what that decided: nothing, or that the article was withdrawn.
    """
    acquire_write_lock(tx)
    article_id = kept_id(tx, article_id)
    if not snapshots.insert_check(tx, article_id, look, capture_id):
        return None
    before = tx.execute(_SELECT_SHOWN, {"article": article_id}).one()
    made, _ = _derived(tx, article_id)
    if made.shown_number == before.revision:
        return None
    _write_state(tx, made, [before], before.reason)
    reason = f"{look.reason} at {look.checked_at:%Y-%m-%d %H:%M} UTC: withdrawn; its text stays"
    return Decision(kind=DecisionKind.REVISED, reason=reason, article_id=article_id)


def find_article_id_by_url(tx: Connection, url: str) -> int | None:
    """The id of the article that was fetched at an address, in any spelling of it."""
    return lookup.article_at(tx, key_digest(url_key(url)))


def record_reextraction(tx: Connection, sighting_id: int, article: Article, page: Page) -> Rederived:
    """An old page of an article was read again, as pages are read now: that reading takes the place of the old one."""
    acquire_write_lock(tx)
    article_id = snapshots.article_id_of_snapshot(tx, sighting_id)
    before = tx.execute(_SELECT_SHOWN, {"article": article_id}).one()
    history.remove_past_texts(tx, article_id)
    snapshots.replace_text(tx, sighting_id, observe(article, page))
    redrawn = _rederive_from(tx, article_id, before)
    links.link_copies(tx, [before.text_digest])
    return redrawn


def rederive(tx: Connection, article_id: int) -> Rederived:
    """Conclude anew what an article is, after something that its conclusions stand on has changed."""
    return _rederive_from(tx, article_id, tx.execute(_SELECT_SHOWN, {"article": article_id}).one())


def _rederive_from(tx: Connection, article_id: int, before: Row[*tuple[Any, ...]]) -> Rederived:
    """The same, from what was shown of it `before`: the index knows it by that."""
    many = tx.execute(_COUNT_REVISIONS, {"article": article_id}).scalar_one()
    made, _ = _derived(tx, article_id)
    anew = _write_state(tx, made, [before], before.reason)
    return Rederived(article_id=article_id, added_edits=len(made.revision_starts) - many, has_new_shown_text=anew)


def _decide(
    tx: Connection, seen: Observation, sighting: int, before: list[Row[*tuple[Any, ...]]], why: str
) -> Decision:
    """Draw an article's conclusions from its facts anew, write what differs, and say what the newcomer was."""
    article_id = before[0].id
    made, known = _derived(tx, article_id)
    without = find_revision_starts(made.alias.id, (one for one in known.snapshots if one.id != sighting), known.checks)
    kind = DecisionKind.REVISED if len(made.revision_starts) > len(without) else DecisionKind.SAME
    reason = f"{why}; nothing in it is new"
    if kind is DecisionKind.REVISED:
        what = "title" if before[0].text_digest == seen.text_digest else "text"
        reason = f"{why}; another {what}: revision {made.shown_number} of {len(made.revision_starts)} is shown"
    if len(before) > 1:
        reason += f"; it joins article {', '.join(str(one.id) for one in before[1:])} to this one"
    anew = _write_state(
        tx, made, before, reason if kind is DecisionKind.REVISED or len(before) > 1 else before[0].reason
    )
    joined = tuple(one.id for one in before[1:])
    return Decision(kind=kind, reason=reason, article_id=article_id, merged_ids=joined, has_new_shown_text=anew)


def _derived(tx: Connection, article_id: int) -> tuple[ArticleState, ArticleSnapshots]:
    """What an article comes to, and of what; its revisions are written, judged without what is held back."""
    known = snapshots.load_snapshots(tx, article_id)
    held = load_held_blocks(tx, {one.source for one in known.snapshots})
    anew = len({one.text_id for one in known.snapshots}) > 1 and rejudge(tx, article_id, held)
    if anew:
        known = snapshots.load_snapshots(tx, article_id)
    made = derive_state(known.aliases, known.declared_digests, known.snapshots, known.checks)
    record_changed_blocks(tx, article_id, known.snapshots)
    write_revisions(tx, article_id, made.revision_starts, held, rejudged=anew)
    return made, known


def _write_state(tx: Connection, made: ArticleState, before: list[Row[*tuple[Any, ...]]], reason: str) -> bool:
    """Bring an article's row, its place among the copies and the index in line with what is shown of it now.

    Returns whether that is another title or text than before.
    """
    row = tx.execute(_SELECT_TEXT, {"text_id": made.shown_text_id}).one()
    first_seen = min(one.first_seen for one in before)
    values = _state_columns(made, row.title, row.article_json, row.text_digest, first_seen, reason)
    _reindex(tx, made, before[0], values, IndexedArticle(title=row.title, text=row.text, labels=""))
    anew = (row.title, row.text) != (before[0].title, before[0].text)
    links.link_copies(tx, [row.text_digest])
    return anew


def _reindex(
    tx: Connection, made: ArticleState, before: Row[*tuple[Any, ...]], values: dict[str, Any], shown: IndexedArticle
) -> None:
    """Write an article's row, and its place in the index where title, text, labels or date are others than before."""
    names = article_index.load_topic_names(tx, before.id)
    labels = article_index.build_article_labels(
        values | {"authors": json.loads(values["authors"])}, names, is_revised=made.is_revised
    )
    entry = replace(shown, labels=labels)
    stays = row_id_of(values["sort_time"]) == row_id_of(before.sort_time)
    anew = not stays or entry != article_index.entry_from_row(before)
    if anew:
        article_index.remove_shown(tx, before)
    place = before.search_row if stays else article_index.find_free_row_id(tx, values["sort_time"])
    tx.execute(_UPDATE_ARTICLE, values | {"article": before.id, "labels": labels, "search_row": place})
    if anew:
        article_index.add(tx, place, entry)
    history.update_past_texts(tx, before.id)


def _state_columns(
    made: ArticleState, title: str, said: str, text_digest: str, first_seen: datetime, reason: str
) -> dict[str, Any]:
    """The columns of an article's row that follow from what is shown of it."""
    return article_columns(said, first_seen) | {
        "url": made.alias.url,
        "url_key": made.alias.url_key,
        "source": made.source,
        "title": title,
        "revision": made.shown_number,
        "text_digest": text_digest,
        "reason": reason,
        "withdrawn": made.withdrawn_at,
    }  # fmt: skip


def _upsert_capture(statement: Any) -> Any:
    """The same record again (a batch that was run twice) has the row it had."""
    renewed = {name: statement.excluded[name] for name in ("verdict", "reason")}
    return statement.on_conflict_do_update(index_elements=["file", "offset"], set_=renewed).returning(captures.c.id)


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
