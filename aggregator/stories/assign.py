"""A kept article joins the story that it tells: found by its terms, compared, grouped with those about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from aggregator.stories.cluster import CLOSED, JOINS, Teller, groups, headline, likeness_to, likenesses, times
from aggregator.stories.extract_terms import terms
from storage.articles.topics import shown_text
from storage.model.article import Article, Decision, Kind
from storage.stories import membership as stories
from storage.stories.membership import FOUND_BY, TOLD_OF, Standing, Told
from storage.stories.packed_terms import buckets, emphasis, unpacked
from storage.stories.term_frequencies import Frequencies, count_up_to, frequencies

if TYPE_CHECKING:
    from storage.db.writer import Transaction

_LEAST_SHARED = 0.04
"""The part of what an article is found by that another must share to be compared with it."""
_STORIES = 4
"""Stories that one article may join, or bring together."""
_REGROUPED = 16
"""Articles of a story that may be grouped anew; a story of more stays whole, and its newest so many stand for it."""
_NEAR = 0.7 * JOINS
"""How like an article must be to one of a story for the story to be looked at."""
_OVERDUE = 8
"""Articles whose places are looked at again along the way."""


@dataclass(slots=True)
class _Nearby:
    """An article and the members of the stories that it may join: it stands first in each list, in story None."""

    ids: list[int]
    stories: list[int | None]
    tellers: list[Teller]
    whole: dict[int, list[int]] = field(default_factory=dict)

    def age(self, one: int) -> tuple[bool, float, int]:
        """What sorts its articles by time, those without a date last."""
        published = self.tellers[one].published
        return published is None, published.timestamp() if published else 0.0, self.ids[one]


@dataclass(slots=True)
class _Place:
    """Where an article belongs: its story with the members that were looked at, and the stories that change by it.

    `headlines` are the articles that name those, `is_whole` says that the story has more members.
    """

    story_id: int
    members: set[int]
    touched: set[int] = field(default_factory=set)
    headlines: dict[int, int] = field(default_factory=dict)
    is_whole: bool = False


def place_in_story(tx: Transaction, article: Article, decision: Decision) -> None:
    """Bring the stories in line with what an article shows now, and with what else has become due by it."""
    article_id = decision.article_id
    now = stories.standing(tx, article_id)
    if now is not None and (decision.shows_anew or _is_misplaced(now)):
        known = article.terms if decision.kind in (Kind.NEW, Kind.COPY) else b""
        _place(tx, article_id, now, known)
    replace_due(tx, _OVERDUE, but=article_id)


def put_in_story(tx: Transaction, article_id: int, story_id: int, told: bytes) -> None:
    """Put an article into a story that is known, by the terms that are made of its text; nothing is compared.

    The story is not counted.
    """
    now = stories.standing(tx, article_id)
    if now is None or now.copy_of is not None:
        return
    common = frequencies(tx)
    me = Teller(article_id=article_id, published=now.told_at if now.dated else None, terms=unpacked(told))
    stories.enter(tx, article_id, story_id, now, told, _telling(me, common))
    count_up_to(tx, article_id, common)


def place_again_in_story(tx: Transaction, article_id: int) -> None:
    """The same for an article of which another text is shown than before, without a page coming in."""
    now = stories.standing(tx, article_id)
    if now is not None:
        _place(tx, article_id, now, b"")


def replace_due(tx: Transaction, most: int, but: int | None = None) -> int:
    """Look at the places of articles again that are due for it, up to so many; returns how many those were.

    `but` is one that has just been looked at.
    """
    ids = stories.take_due(tx, most)
    for article_id in ids:
        now = stories.standing(tx, article_id) if article_id != but else None
        if now is not None and _is_misplaced(now):
            _place(tx, article_id, now, b"")
    return len(ids)


def _is_misplaced(now: Standing) -> bool:
    """Whether a copy is in a story, an article that is none is not, or it is there with another time."""
    if now.copy_of is not None:
        return now.story_id is not None
    return now.told_before != now.told_at


def _place(tx: Transaction, article_id: int, now: Standing, known: bytes) -> None:
    if now.copy_of is not None:
        stories.leave(tx, article_id)
        return
    told = known or terms(*shown_text(tx, article_id), now.language)
    common = frequencies(tx)
    me = Teller(article_id=article_id, published=now.told_at if now.dated else None, terms=unpacked(told))
    found_by = _telling(me, common)
    nearby = _nearby(tx, me, now.told_at, found_by, common)
    place = _regroup(tx, nearby, common) if len(nearby.ids) > 1 else _Place(article_id, {article_id})
    if now.story_id is not None:
        place.touched |= {now.story_id, place.story_id}
    if now.story_id == article_id == place.story_id and not place.is_whole:
        place.touched |= stories.part(tx, article_id, place.members)
    stories.enter(tx, article_id, place.story_id, now, told, found_by)
    if place.touched:
        stories.tally(tx, place.touched, place.headlines)
    count_up_to(tx, article_id, common)


def _telling(me: Teller, common: Frequencies) -> dict[int, float]:
    """The buckets that tell most of what an article is about, with what they weigh."""
    used = buckets(me.terms)
    rarity = common.rarity[used]
    order = np.lexsort((used, -emphasis(me.terms) * rarity))[:FOUND_BY]
    return dict(zip(used[order].tolist(), rarity[order].tolist(), strict=True))


def _nearby(tx: Transaction, me: Teller, told_at: datetime, found_by: dict[int, float], common: Frequencies) -> _Nearby:
    nearby = _Nearby([me.article_id], [None], [me])
    since, until = told_at - CLOSED, told_at + CLOSED
    found = stories.candidates(tx, found_by, since, until, _LEAST_SHARED * sum(found_by.values()))
    near = stories.told(tx, [one for one in found if one != me.article_id][:TOLD_OF])
    near = [one for one in near if since <= one.told_at <= until]
    if not near:
        return nearby
    best: dict[int, float] = {}
    for one, likeness in zip(near, likeness_to(me, [*map(teller, near)], common.rarity).tolist(), strict=True):
        if likeness >= _NEAR:
            best[one.story_id] = max(best.get(one.story_id, 0.0), likeness)
    for story_id in sorted(best, key=lambda story: (-best[story], story))[:_STORIES]:
        _add_members(nearby, story_id, stories.members(tx, story_id, _REGROUPED + 1))
    return nearby


def _add_members(nearby: _Nearby, story_id: int, members: Sequence[Told]) -> None:
    first = len(nearby.ids)
    for one in members[:_REGROUPED]:
        if one.article_id != nearby.ids[0]:
            nearby.ids.append(one.article_id)
            nearby.stories.append(one.story_id)
            nearby.tellers.append(teller(one))
    if len(members) > _REGROUPED:
        nearby.whole[story_id] = list(range(first, len(nearby.ids)))


def teller(one: Told) -> Teller:
    """An article of a story, as it is compared."""
    return Teller(article_id=one.article_id, published=one.told_at if one.dated else None, terms=one.terms)


def _regroup(tx: Transaction, nearby: _Nearby, common: Frequencies) -> _Place:
    """Group an article with those about it."""
    alike = likenesses(nearby.tellers, common.rarity)
    made = groups(alike, times(nearby.tellers), list(nearby.whole.values()))
    mine = next(group for group in made if 0 in group)
    place = _Place(_named(nearby, mine), {nearby.ids[one] for one in mine})
    place.is_whole = place.story_id in nearby.whole
    if len(mine) == 1:
        return place
    for group in made:
        story_id = _named(nearby, group)
        if _move(tx, nearby, group, story_id, place.touched) or group is mine:
            place.touched.add(story_id)
            place.headlines[story_id] = nearby.ids[headline(alike, sorted(group, key=nearby.age))]
    return place


def _named(nearby: _Nearby, group: Sequence[int]) -> int:
    """The id of a group: of the story that most of it was in, if the article that has that id is in it."""
    ids = {nearby.ids[one] for one in group}
    was = Counter(story for one in group if (story := nearby.stories[one]) is not None)
    kept = [story for story in was if story in ids or story in nearby.whole]
    return max(kept, key=lambda story: (was[story], -story)) if kept else min(ids)


def _move(tx: Transaction, nearby: _Nearby, group: Sequence[int], story_id: int, touched: set[int]) -> bool:
    """Put the members of a group into one story; whether any of them was in another."""
    others = {story for one in group if (story := nearby.stories[one]) not in (None, story_id)}
    for story in others & nearby.whole.keys():
        stories.rename(tx, story, story_id)
    single = [nearby.ids[one] for one in group if nearby.stories[one] in others - nearby.whole.keys()]
    if single:
        stories.move(tx, single, story_id)
    touched |= others
    return bool(others)
