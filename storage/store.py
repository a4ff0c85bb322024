"""The way in: captures and articles are kept, and it is decided what each article is to the archive."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage import copies, facts
from storage.arrange import Alias, Arrangement, Sighting, arrange, in_time, numbered
from storage.article import Article, Decision, Kind
from storage.database import write_lock
from storage.identity import key_digest, url_key
from storage.observation import Observation, observe, read_facts
from storage.page import Page
from storage.search import index_of
from storage.state import Capture
from storage.tables import articles, captures, revisions, texts
from storage.text import clean


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
        index_of(tx.dialect.name).remove(tx, shown.search_row, shown.title, shown.text)
        facts.join(tx, ids[0], shown.id)
    sighting = facts.add(tx, ids[0], seen, capture_id)
    decision = _conclude(tx, seen, sighting, before, "; ".join(dict.fromkeys(found.values())))
    copies.conclude(tx, {shown.text_digest for shown in before})
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
    )
    made = arrange(spelled, {seen.canonical}, [only])
    reason = "neither its address nor its text was kept before"
    values = _columns(made, seen.article.title, seen.facts, seen.text_digest, now, reason)
    row = tx.execute(_INSERT, values | {"first_seen": now}).one()
    facts.begin(tx, row.id, seen, capture_id)
    index_of(tx.dialect.name).add(tx, row.search_row, clean(seen.article.title), clean(seen.article.text))
    copies.conclude(tx, [seen.text_digest])
    original, why, many = copies.standing(tx, row.id)
    if original is not None:
        return Decision(kind=Kind.COPY, reason=why, article_id=row.id, shows_anew=True)
    if many:
        reason = f"new address; the original of {many} kept before with the same text"
    return Decision(kind=Kind.NEW, reason=reason, article_id=row.id, shows_anew=True)


def _conclude(
    tx: Connection, seen: Observation, sighting: int, before: list[Row[*tuple[Any, ...]]], why: str
) -> Decision:
    """Draw an article's conclusions from its facts anew, write what differs, and say what the newcomer was."""
    article_id = before[0].id
    known = facts.of_article(tx, article_id)
    made = arrange(known.aliases, known.declared, known.sightings)
    without, _ = numbered(in_time(one for one in known.sightings if one.id != sighting))
    kind = Kind.REVISED if len(made.revisions) > len(without) else Kind.SAME
    reason = f"{why}; nothing in it is new"
    if kind is Kind.REVISED:
        what = "title" if before[0].text_digest == seen.text_digest else "text"
        reason = f"{why}; another {what}: revision {made.shown} of {len(made.revisions)} is shown"
    if len(before) > 1:
        reason += f"; it joins article {', '.join(str(one.id) for one in before[1:])} to this one"
    _rewrite_revisions(tx, article_id, made)
    anew = _show(tx, made, before, reason if kind is Kind.REVISED or len(before) > 1 else before[0].reason)
    joined = tuple(one.id for one in before[1:])
    return Decision(kind=kind, reason=reason, article_id=article_id, joined=joined, shows_anew=anew)


def _rewrite_revisions(tx: Connection, article_id: int, made: Arrangement) -> None:
    stored = [(row.number, row.sighting_id, row.text_id) for row in tx.execute(_REVISIONS, {"article": article_id})]
    wanted = [(number, one.id, one.text_id) for number, one in enumerate(made.revisions, 1)]
    if stored == wanted:
        return
    tx.execute(_DROP_REVISIONS, {"article": article_id})
    tx.execute(
        _INSERT_REVISIONS,
        [
            {
                "article_id": article_id,
                "number": n,
                "sighting_id": one.id,
                "text_id": one.text_id,
                "fetched_at": one.fetched_at,
            }
            for n, one in enumerate(made.revisions, 1)
        ],
    )


def _show(tx: Connection, made: Arrangement, before: list[Row[*tuple[Any, ...]]], reason: str) -> bool:
    """Bring an article's row, its place among the copies and the index in line with what is shown of it now.

    Returns whether that is another title or text than before.
    """
    row = tx.execute(_TEXT, {"text_id": made.shown_text}).one()
    first_seen = min(one.first_seen for one in before)
    values = _columns(made, row.title, row.facts, row.text_digest, first_seen, reason)
    tx.execute(_UPDATE, values | {"article": before[0].id})
    anew = (row.title, row.text) != (before[0].title, before[0].text)
    if anew:
        index = index_of(tx.dialect.name)
        index.remove(tx, before[0].search_row, before[0].title, before[0].text)
        index.add(tx, before[0].search_row, row.title, row.text)
    copies.conclude(tx, [row.text_digest])
    return anew


def _columns(
    made: Arrangement, title: str, said: str, text_digest: str, first_seen: datetime, reason: str
) -> dict[str, Any]:
    """The columns of an article's row that follow from what is shown of it."""
    values = read_facts(said)
    updated = values.pop("modified")
    lists = {name: json.dumps(values[name], ensure_ascii=False) for name in ("authors", "tags", "origins")}
    return values | lists | {
        "url": made.alias.url,
        "key": made.alias.key,
        "source": made.source,
        "title": title,
        "updated": updated,
        "dated": values["published"] or first_seen,
        "revision": made.shown,
        "text_digest": text_digest,
        "reason": reason,
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
        articles.c.first_seen,
        articles.c.text_digest,
        articles.c.reason,
        texts.c.title,
        texts.c.text,
    )
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id == bindparam("article"))
)
# The index's rows are numbered apart from the articles: nothing else may take the one for the other.
_NEXT_ROW = select(func.coalesce(func.max(articles.c.search_row), 0) + 1).scalar_subquery()
_DERIVED = [c.name for c in articles.columns if c.name not in ("id", "search_row", "first_seen", "copy_of")]
_INSERT = (
    insert(articles)
    .values({name: bindparam(name) for name in [*_DERIVED, "first_seen"]} | {"search_row": _NEXT_ROW})
    .returning(articles.c.id, articles.c.search_row)
)
_UPDATE = update(articles).where(articles.c.id == bindparam("article")).values({n: bindparam(n) for n in _DERIVED})
_TEXT = select(texts).where(texts.c.id == bindparam("text_id"))
_REVISIONS = select(revisions).where(revisions.c.article_id == bindparam("article")).order_by(revisions.c.number)
_DROP_REVISIONS = delete(revisions).where(revisions.c.article_id == bindparam("article"))
_INSERT_REVISIONS = insert(revisions)
