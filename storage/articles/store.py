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

from storage.articles import snapshots as facts
from storage.articles.derive import Alias, Arrangement, Sighting, arrange, steps_of
from storage.articles.held_blocks import held_of, judge_again, note_blocks
from storage.articles.observation import Observation, article_columns, observe
from storage.articles.revisions import write_revisions
from storage.articles.snapshots import Facts
from storage.db.database import write_lock
from storage.db.statements import Ready
from storage.db.tables import articles, captures, revisions, texts
from storage.duplicates import links
from storage.identity import key_digest, url_key
from storage.model.article import Article, Decision, Kind
from storage.model.crawl import Capture, Looked, Redrawn
from storage.model.page import Page
from storage.search import article_index as indexing
from storage.search import history as past
from storage.search.index.base import Entry
from storage.search.index.row_ids import row_of
from storage.stories import membership as stories
from storage.text.clean import clean


def record_capture(tx: Connection, capture: Capture, page: Page, verdict: str = "", reason: str = "") -> int:
    """Keep where a page lies on the tape and what became of it; returns the capture's id."""
    values = {
        "file": capture.file,
        "offset": capture.offset,
        "length": capture.length,
        "digest": capture.digest,
        "url": page.url,
        "key": key_digest(url_key(page.url)),
        "status": page.status,
        "fetched_at": page.fetched_at,
        "source": page.source,
        "verdict": verdict,
        "reason": clean(reason, 1000),
    }
    return int(tx.execute(_CAPTURE[tx.dialect.name], values).scalar_one())


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
    write_lock(tx)
    seen = observe(article, page)
    found = facts.matches(tx, seen)
    if not found:
        return _keep_new(tx, seen, capture_id, now)
    ids = sorted(found)
    before = [tx.execute(_SHOWN, {"article": article_id}).one() for article_id in ids]
    for shown in before[1:]:
        indexing.take(tx, shown)
        past.forget(tx, shown.id)
        facts.join(tx, ids[0], shown.id)
    sighting = facts.add(tx, ids[0], seen, capture_id)
    decision = _conclude(tx, seen, sighting, before, "; ".join(dict.fromkeys(found.values())))
    links.conclude(tx, {shown.text_digest for shown in before})
    return decision


def _keep_new(tx: Connection, seen: Observation, capture_id: int | None, now: datetime) -> Decision:
    spelled = [Alias(id=i, digest=a.digest, key=a.key, url=a.url, asked=a.asked) for i, a in enumerate(seen.addresses)]
    only = Sighting(
        id=0,
        text_id=0,
        digest=seen.digest,
        asked=0,
        final=len(spelled) - 1,
        twin=seen.twin,
        source=seen.source,
        fetched_at=seen.fetched_at,
        wording=seen.wording,
        stated=seen.stated,
        extractor=seen.article.extractor,
    )
    made = arrange(spelled, {seen.canonical}, [only])
    reason = "neither its address nor its text was kept before"
    values = _columns(made, seen.article.title, seen.facts, seen.text_digest, now, reason)
    labels = indexing.labels_of(
        values | {"authors": seen.article.authors}, [topic.name for topic in seen.article.topics], is_revised=False
    )
    values |= {"first_seen": now, "search_row": indexing.free_row(tx, values["dated"]), "labels": labels}
    row = _INSERT.one(tx, values)
    facts.begin(tx, row.id, seen, capture_id)
    title, text = clean(seen.article.title), clean(seen.article.text)
    entry = Entry(title=title, text=text, labels=labels, made=seen.article.prepared)
    indexing.put(tx, row.search_row, entry)
    if not seen.article.terms:  # who has them places it at once
        stories.due(tx, [row.id])
    links.conclude(tx, [seen.text_digest])
    original, why, many = links.standing(tx, row.id)
    if original is not None:
        return Decision(kind=Kind.COPY, reason=why, article_id=row.id, shows_anew=True)
    if many:
        reason = f"new address; the original of {many} kept before with the same text"
    return Decision(kind=Kind.NEW, reason=reason, article_id=row.id, shows_anew=True)


def record_look(tx: Connection, article_id: int, look: Looked, capture_id: int | None) -> Decision | None:
    """Write down that an article's address was asked for again and gave no text.

    Returns what that decided: nothing, or that the article was withdrawn.
    """
    write_lock(tx)
    article_id = facts.kept_id(tx, article_id)
    if not facts.add_look(tx, article_id, look, capture_id):
        return None
    before = tx.execute(_SHOWN, {"article": article_id}).one()
    made, _ = _drawn(tx, article_id)
    if made.shown == before.revision:
        return None
    _show(tx, made, [before], before.reason)
    reason = f"{look.reason} at {look.looked_at:%Y-%m-%d %H:%M} UTC: withdrawn; its text stays"
    return Decision(kind=Kind.REVISED, reason=reason, article_id=article_id)


def article_at(tx: Connection, url: str) -> int | None:
    """The id of the article that was fetched at an address, in any spelling of it."""
    return facts.article_at(tx, key_digest(url_key(url)))


def record_rereading(tx: Connection, sighting_id: int, article: Article, page: Page) -> Redrawn:
    """An old page of an article was read again, as pages are read now: that reading takes the place of the old one."""
    write_lock(tx)
    article_id = facts.article_of(tx, sighting_id)
    before = tx.execute(_SHOWN, {"article": article_id}).one()
    past.forget(tx, article_id)
    facts.reread(tx, sighting_id, observe(article, page))
    redrawn = _redraw(tx, article_id, before)
    links.conclude(tx, [before.text_digest])
    return redrawn


def redraw(tx: Connection, article_id: int) -> Redrawn:
    """Conclude anew what an article is, after something that its conclusions stand on has changed."""
    return _redraw(tx, article_id, tx.execute(_SHOWN, {"article": article_id}).one())


def _redraw(tx: Connection, article_id: int, before: Row[*tuple[Any, ...]]) -> Redrawn:
    """The same, from what was shown of it `before`: the index knows it by that."""
    many = tx.execute(_MANY_REVISIONS, {"article": article_id}).scalar_one()
    made, _ = _drawn(tx, article_id)
    anew = _show(tx, made, [before], before.reason)
    return Redrawn(article_id=article_id, edits=len(made.revisions) - many, shows_anew=anew)


def _conclude(
    tx: Connection, seen: Observation, sighting: int, before: list[Row[*tuple[Any, ...]]], why: str
) -> Decision:
    """Draw an article's conclusions from its facts anew, write what differs, and say what the newcomer was."""
    article_id = before[0].id
    made, known = _drawn(tx, article_id)
    without = steps_of(made.alias.id, (one for one in known.sightings if one.id != sighting), known.looks)
    kind = Kind.REVISED if len(made.revisions) > len(without) else Kind.SAME
    reason = f"{why}; nothing in it is new"
    if kind is Kind.REVISED:
        what = "title" if before[0].text_digest == seen.text_digest else "text"
        reason = f"{why}; another {what}: revision {made.shown} of {len(made.revisions)} is shown"
    if len(before) > 1:
        reason += f"; it joins article {', '.join(str(one.id) for one in before[1:])} to this one"
    anew = _show(tx, made, before, reason if kind is Kind.REVISED or len(before) > 1 else before[0].reason)
    joined = tuple(one.id for one in before[1:])
    return Decision(kind=kind, reason=reason, article_id=article_id, joined=joined, shows_anew=anew)


def _drawn(tx: Connection, article_id: int) -> tuple[Arrangement, Facts]:
    """What an article comes to, and of what; its revisions are written, judged without what is held back."""
    known = facts.of_article(tx, article_id)
    held = held_of(tx, {one.source for one in known.sightings})
    anew = len({one.text_id for one in known.sightings}) > 1 and judge_again(tx, article_id, held)
    if anew:
        known = facts.of_article(tx, article_id)
    made = arrange(known.aliases, known.declared, known.sightings, known.looks)
    note_blocks(tx, article_id, known.sightings)
    write_revisions(tx, article_id, made.revisions, held, anew=anew)
    return made, known


def _show(tx: Connection, made: Arrangement, before: list[Row[*tuple[Any, ...]]], reason: str) -> bool:
    """Bring an article's row, its place among the copies and the index in line with what is shown of it now.

    Returns whether that is another title or text than before.
    """
    row = tx.execute(_TEXT, {"text_id": made.shown_text}).one()
    first_seen = min(one.first_seen for one in before)
    values = _columns(made, row.title, row.facts, row.text_digest, first_seen, reason)
    _index_anew(tx, made, before[0], values, Entry(title=row.title, text=row.text, labels=""))
    anew = (row.title, row.text) != (before[0].title, before[0].text)
    links.conclude(tx, [row.text_digest])
    return anew


def _index_anew(
    tx: Connection, made: Arrangement, before: Row[*tuple[Any, ...]], values: dict[str, Any], shown: Entry
) -> None:
    """Write an article's row, and its place in the index where title, text, labels or date are others than before."""
    names = indexing.topic_names(tx, before.id)
    labels = indexing.labels_of(values | {"authors": json.loads(values["authors"])}, names, is_revised=made.is_revised)
    entry = replace(shown, labels=labels)
    stays = row_of(values["dated"]) == row_of(before.dated)
    anew = not stays or entry != indexing.entry_of(before)
    if anew:
        indexing.take(tx, before)
    place = before.search_row if stays else indexing.free_row(tx, values["dated"])
    tx.execute(_UPDATE, values | {"article": before.id, "labels": labels, "search_row": place})
    if anew:
        indexing.put(tx, place, entry)
    past.remember(tx, before.id)


def _columns(
    made: Arrangement, title: str, said: str, text_digest: str, first_seen: datetime, reason: str
) -> dict[str, Any]:
    """The columns of an article's row that follow from what is shown of it."""
    return article_columns(said, first_seen) | {
        "url": made.alias.url,
        "key": made.alias.key,
        "source": made.source,
        "title": title,
        "revision": made.shown,
        "text_digest": text_digest,
        "reason": reason,
        "withdrawn": made.withdrawn,
    }  # fmt: skip


def _capturing(statement: Any) -> Any:
    """The same record again (a batch that was run twice) has the row it had."""
    renewed = {name: statement.excluded[name] for name in ("verdict", "reason")}
    return statement.on_conflict_do_update(index_elements=["file", "offset"], set_=renewed).returning(captures.c.id)


_CAPTURE = {"sqlite": _capturing(insert_sqlite(captures)), "postgresql": _capturing(insert_postgres(captures))}
_SHOWN = (
    select(
        articles.c.id,
        articles.c.search_row,
        articles.c.labels,
        articles.c.dated,
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
_DERIVED = [c.name for c in articles.columns if c.name not in ("id", "first_seen", "copy_of")]
_INSERT = Ready(
    insert(articles)
    .values({name: bindparam(name) for name in [*_DERIVED, "first_seen"]})
    .returning(articles.c.id, articles.c.search_row)
)
_UPDATE = update(articles).where(articles.c.id == bindparam("article")).values({n: bindparam(n) for n in _DERIVED})
_TEXT = select(texts).where(texts.c.id == bindparam("text_id"))
_MANY_REVISIONS = select(func.count()).select_from(revisions).where(revisions.c.article_id == bindparam("article"))
