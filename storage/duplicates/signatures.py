"""Near-duplicates in the database: articles found by their prints, likenesses kept, originals concluded from them.

`prints` are small samples of a text's shingles (whole numbers below 2**38) that two texts have in
common where one tells the other; what they are made of, and whether two texts are alike, is not
decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from storage.db.statements import Ready, insertion
from storage.db.tables import articles, prints, revisions, signatures, texts
from storage.db.tables.articles import TOLD_AT
from storage.duplicates.bands import (
    ANYTIME,
    anytime,
    in_stretches,
    mark_at,
    packed,
    places,
    stretch_at,
    stretch_of,
    unpacked,
)
from storage.duplicates.originals import WINDOW

COMMON = 64
"""Articles of one stretch that share a print, from which on it says nothing: a phrase, or a site's furniture."""
_LOOKED_AT = 60
_OF_EVERYBODYS = 8
_MOST_STRETCHES = 230
"""How far the origin that an article names is looked for: some forty years each way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an article shows, when it was told, whether it names an origin, and when its signature says it was told."""

    digest: str
    told_at: datetime
    names_origin: bool
    signed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that shares prints with another."""

    article_id: int
    digest: str
    prints: tuple[int, ...]


def told(tx: Connection, article_id: int) -> Told:
    """What is known of a kept article. It was told when it was published, else when it was first fetched."""
    return Told(**_TOLD.one(tx, {"article": article_id})._asdict())


def shown_texts(tx: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """The text that is shown of each article."""
    return {row.id: row.text for row in tx.execute(_TEXTS, {"ids": list(article_ids)})}


def candidates(tx: Connection, article_id: int, told: Told, marks: Sequence[int]) -> list[Candidate]:
    """Articles with other words that share prints with an article and were told within the window of it.

    Where either names an origin, the window is all time. One article for each text: first the originals
    of those that are copies, then the most prints in common. Prints that very many have lead to a few
    articles at most, and only where they are most of what the article has: it is either one that everybody
    tells, or nothing but a site's furniture.
    """
    if not marks:
        return []
    shared: dict[int, set[int]] = {}
    for row in _FIND.all(tx, {"places": _where_to_look(tx, told, marks)}):
        shared.setdefault(row.place, set()).add(row.article_id)
    rare, everybodys = set[tuple[int, int]](), set[tuple[int, int]]()
    for place, ids in shared.items():
        (rare if len(ids) < COMMON else everybodys).update((mark_at(place), one) for one in ids)
    found = _ranked(rare, article_id, _LOOKED_AT)
    if 2 * len({mark for mark, _ in everybodys}) > len(marks):
        found += [one for one in _ranked(everybodys, article_id, _OF_EVERYBODYS) if one not in found]
    if not found:
        return []
    namers = {one for place, ids in shared.items() if place >= ANYTIME for one in ids}
    return _described(tx, found, told, found if told.names_origin else namers)


def _where_to_look(tx: Connection, told: Told, marks: Sequence[int]) -> list[int]:
    """Places near in time, and of those that may be meant at any time; all of them for what names an origin."""
    if not told.names_origin:
        return places(marks, told.told_at - WINDOW, told.told_at + WINDOW) + anytime(marks)
    here = stretch_of(told.told_at)
    first, last = (tx.execute(one).scalar() for one in (_FIRST_PLACE, _LAST_PLACE))
    if first is None or last is None:
        return []
    return in_stretches(
        marks, max(stretch_at(first), here - _MOST_STRETCHES), min(stretch_at(last), here + _MOST_STRETCHES)
    )


def _ranked(shared: set[tuple[int, int]], article_id: int, most: int) -> list[int]:
    counts = Counter(one for _, one in shared)
    return sorted((one for one in counts if one != article_id), key=lambda one: (-counts[one], one))[:most]


def _described(tx: Connection, ranked: Sequence[int], told: Told, anytime: Collection[int]) -> list[Candidate]:
    """What is known of articles that were told within the window, or are among those that may be told at `anytime`."""
    rows = {row.article_id: row for row in _SIGNED.all(tx, {"ids": ranked})}
    originals = sorted({row.copy_of for row in rows.values()} - {None})
    if missing := [one for one in originals if one not in rows]:
        rows |= {row.article_id: row for row in _SIGNED.all(tx, {"ids": missing})}
    found: dict[str, Candidate] = {}
    for article_id in [*originals, *ranked]:
        row = rows.get(article_id)
        if row is None or row.text_digest == told.digest:
            continue
        if abs(row.told_at - told.told_at) <= WINDOW or article_id in anytime:
            one = Candidate(article_id=article_id, digest=row.text_digest, prints=unpacked(row.prints))
            found.setdefault(row.text_digest, one)
    return list(found.values())


def sign(tx: Connection, article_id: int, marks: Sequence[int], told: Told) -> None:
    """Let an article be found by these prints and no others: when it was told; at any time if it names an origin."""
    forget(tx, article_id)
    _SIGN.run(tx, {"article_id": article_id, "told_at": told.told_at, "prints": packed(marks)})
    found_at = places(marks, told.told_at, told.told_at) + (anytime(marks) if told.names_origin else [])
    if not found_at:
        return
    full = {row.place for row in _FULL.all(tx, {"places": found_at})}
    if rows := [{"place": place, "article_id": article_id} for place in found_at if place not in full]:
        _PRINT.run_many(tx, rows)


def forget(tx: Connection, article_id: int) -> None:
    """Let an article be found no more."""
    row = _SIGNATURE.first(tx, {"article": article_id})
    if row is None:
        return
    marks = unpacked(row.prints)
    if found_at := places(marks, row.told_at, row.told_at) + anytime(marks):
        tx.execute(_UNPRINT, {"article": article_id, "places": found_at})
    _UNSIGN.run(tx, {"article": article_id})


def is_signed(tx: Connection, article_id: int, told: Told) -> bool:
    """Whether an article can be found as what is told of it now wants it."""
    if told.signed_at != told.told_at or not told.names_origin:
        return told.signed_at == told.told_at
    marks = unpacked(_SIGNATURE.one(tx, {"article": article_id}).prints)
    found_at = anytime(marks)
    return not found_at or tx.execute(_IS_AT, {"article": article_id, "places": found_at}).first() is not None


_TOLD = Ready(
    select(
        articles.c.text_digest.label("digest"),
        TOLD_AT,
        or_(articles.c.credit != "", articles.c.original_url != "").label("names_origin"),
        signatures.c.told_at.label("signed_at"),
    )
    .outerjoin(signatures, signatures.c.article_id == articles.c.id)
    .where(articles.c.id == bindparam("article"))
)
_TEXTS = (
    select(articles.c.id, texts.c.text)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_FIND = Ready(select(prints).where(prints.c.place.in_(bindparam("places", expanding=True))))
_FULL = Ready(
    select(prints.c.place)
    .where(prints.c.place.in_(bindparam("places", expanding=True)))
    .group_by(prints.c.place)
    .having(func.count() >= COMMON)
)
_SIGNED = Ready(
    select(signatures, articles.c.text_digest, articles.c.copy_of)
    .join(articles, articles.c.id == signatures.c.article_id)
    .where(signatures.c.article_id.in_(bindparam("ids", expanding=True)))
)
_SIGNATURE = Ready(select(signatures).where(signatures.c.article_id == bindparam("article")))
_FIRST_PLACE = select(prints.c.place).order_by(prints.c.place).limit(1)
_LAST_PLACE = select(prints.c.place).where(prints.c.place < ANYTIME).order_by(prints.c.place.desc()).limit(1)
_IS_AT = (
    select(prints.c.place)
    .where(prints.c.place.in_(bindparam("places", expanding=True)), prints.c.article_id == bindparam("article"))
    .limit(1)
)
_SIGN = insertion(signatures)
_PRINT = insertion(prints)
_UNPRINT = delete(prints).where(
    prints.c.place.in_(bindparam("places", expanding=True)), prints.c.article_id == bindparam("article")
)
_UNSIGN = Ready(delete(signatures).where(signatures.c.article_id == bindparam("article")))
