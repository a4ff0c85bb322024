"""A kept article joins the story that it tells: found by its terms, compared, grouped with those about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from aggregator.stories.cluster import (
    MIN_JOIN_SIMILARITY,
    STORY_WINDOW,
    ClusteredArticle,
    choose_headline_article,
    group_articles,
    publication_days,
    similarities_to,
    similarity_matrix,
)
from aggregator.stories.extract_terms import extract_terms
from storage.articles.topics import load_shown_text
from storage.model.article import Article, Decision, DecisionKind
from storage.stories import membership
from storage.stories.membership import MAX_INDEX_TERMS, MAX_LOADED_ARTICLES, StoryArticle, StoryStatus
from storage.stories.packed_terms import term_buckets, term_emphasis, unpack_terms
from storage.stories.term_frequencies import TermFrequencies, load_frequencies, update_frequencies

if TYPE_CHECKING:
    from storage.db.writer import Transaction

_MIN_SHARED_WEIGHT = 0.04
"""The part of what an article is found by that another must share to be compared with it."""
_MAX_STORIES = 4
"""Stories that one article may join, or bring together."""
_MAX_REGROUPED = 16
"""Articles of a story that may be grouped anew; a story of more stays whole, and its newest so many stand for it."""
_MIN_NEARBY_SIMILARITY = 0.7 * MIN_JOIN_SIMILARITY
"""How like an article must be to one of a story for the story to be looked at."""
_RECOMPUTES_PER_ARTICLE = 8
"""Articles whose places are looked at again along the way."""


@dataclass(slots=True)
class _NearbyArticles:
    """An article and the members of the stories that it may join: it stands first in each list, in story None."""

    ids: list[int]
    stories: list[int | None]
    articles: list[ClusteredArticle]
    unsplit: dict[int, list[int]] = field(default_factory=dict)

    def age_key(self, one: int) -> tuple[bool, float, int]:
        """What sorts its articles by time, those without a date last."""
        published = self.articles[one].published
        return published is None, published.timestamp() if published else 0.0, self.ids[one]


@dataclass(slots=True)
class _StoryAssignment:
    """Where an article belongs: its story with the members that were looked at, and the stories that change by it.

    `headlines` are the articles that name those, `is_whole` says that the story has more members.
    """

    story_id: int
    members: set[int]
    changed_stories: set[int] = field(default_factory=set)
    headlines: dict[int, int] = field(default_factory=dict)
    is_unsplit: bool = False


def assign_story(tx: Transaction, article: Article, decision: Decision) -> None:
    """Bring the stories in line with what an article shows now, and with what else has become due by it."""
    article_id = decision.article_id
    now = membership.load_story_status(tx, article_id)
    if now is not None and (decision.has_new_shown_text or _is_assignment_outdated(now)):
        known = article.terms if decision.kind in (DecisionKind.NEW, DecisionKind.COPY) else b""
        _assign(tx, article_id, now, known)
    recompute_queued(tx, _RECOMPUTES_PER_ARTICLE, excluded_id=article_id)


def add_to_story(tx: Transaction, article_id: int, story_id: int, told: bytes) -> None:
    """Put an article into a story that is known, by the terms that are made of its text; nothing is compared.

    The story is not counted.
    """
    now = membership.load_story_status(tx, article_id)
    if now is None or now.copy_of is not None:
        return
    common = load_frequencies(tx)
    me = ClusteredArticle(
        article_id=article_id,
        published=now.published_or_seen_at if now.has_publication_time else None,
        terms=unpack_terms(told),
    )
    membership.add_member(tx, article_id, story_id, now, told, _index_terms(me, common))
    update_frequencies(tx, article_id, common)


def reassign_story(tx: Transaction, article_id: int) -> None:
    """The same for an article of which another text is shown than before, without a page coming in."""
    now = membership.load_story_status(tx, article_id)
    if now is not None:
        _assign(tx, article_id, now, b"")


def recompute_queued(tx: Transaction, limit: int, excluded_id: int | None = None) -> int:
    """Look at the places of articles again that are due for it, up to so many; returns how many those were.

    `but` is one that has just been looked at.
    """
    ids = membership.pop_recompute_queue(tx, limit)
    for article_id in ids:
        now = membership.load_story_status(tx, article_id) if article_id != excluded_id else None
        if now is not None and _is_assignment_outdated(now):
            _assign(tx, article_id, now, b"")
    return len(ids)


def _is_assignment_outdated(now: StoryStatus) -> bool:
    """Whether a copy is in a story, an article that is none is not, or it is there with another time."""
    if now.copy_of is not None:
        return now.story_id is not None
    return now.indexed_time != now.published_or_seen_at


def _assign(tx: Transaction, article_id: int, now: StoryStatus, known: bytes) -> None:
    if now.copy_of is not None:
        membership.remove_member(tx, article_id)
        return
    told = known or extract_terms(*load_shown_text(tx, article_id), now.language)
    common = load_frequencies(tx)
    me = ClusteredArticle(
        article_id=article_id,
        published=now.published_or_seen_at if now.has_publication_time else None,
        terms=unpack_terms(told),
    )
    found_by = _index_terms(me, common)
    nearby = _find_nearby(tx, me, now.published_or_seen_at, found_by, common)
    place = _regroup_nearby(tx, nearby, common) if len(nearby.ids) > 1 else _StoryAssignment(article_id, {article_id})
    if now.story_id is not None:
        place.changed_stories |= {now.story_id, place.story_id}
    if now.story_id == article_id == place.story_id and not place.is_unsplit:
        place.changed_stories |= membership.split_story(tx, article_id, place.members)
    membership.add_member(tx, article_id, place.story_id, now, told, found_by)
    if place.changed_stories:
        membership.update_story_counts(tx, place.changed_stories, place.headlines)
    update_frequencies(tx, article_id, common)


def _index_terms(me: ClusteredArticle, common: TermFrequencies) -> dict[int, float]:
    """The buckets that tell most of what an article is about, with what they weigh."""
    used = term_buckets(me.terms)
    rarity = common.rarity[used]
    order = np.lexsort((used, -term_emphasis(me.terms) * rarity))[:MAX_INDEX_TERMS]
    return dict(zip(used[order].tolist(), rarity[order].tolist(), strict=True))


def _find_nearby(
    tx: Transaction, me: ClusteredArticle, told_at: datetime, found_by: dict[int, float], common: TermFrequencies
) -> _NearbyArticles:
    nearby = _NearbyArticles([me.article_id], [None], [me])
    since, until = told_at - STORY_WINDOW, told_at + STORY_WINDOW
    found = membership.find_story_candidates(tx, found_by, since, until, _MIN_SHARED_WEIGHT * sum(found_by.values()))
    near = membership.load_story_articles(tx, [one for one in found if one != me.article_id][:MAX_LOADED_ARTICLES])
    near = [one for one in near if since <= one.published_or_seen_at <= until]
    if not near:
        return nearby
    best: dict[int, float] = {}
    for one, likeness in zip(
        near, similarities_to(me, [*map(to_clustered, near)], common.rarity).tolist(), strict=True
    ):
        if likeness >= _MIN_NEARBY_SIMILARITY:
            best[one.story_id] = max(best.get(one.story_id, 0.0), likeness)
    for story_id in sorted(best, key=lambda story: (-best[story], story))[:_MAX_STORIES]:
        _add_members(nearby, story_id, membership.load_story_members(tx, story_id, _MAX_REGROUPED + 1))
    return nearby


def _add_members(nearby: _NearbyArticles, story_id: int, members: Sequence[StoryArticle]) -> None:
    first = len(nearby.ids)
    for one in members[:_MAX_REGROUPED]:
        if one.article_id != nearby.ids[0]:
            nearby.ids.append(one.article_id)
            nearby.stories.append(one.story_id)
            nearby.articles.append(to_clustered(one))
    if len(members) > _MAX_REGROUPED:
        nearby.unsplit[story_id] = list(range(first, len(nearby.ids)))


def to_clustered(one: StoryArticle) -> ClusteredArticle:
    """An article of a story, as it is compared."""
    return ClusteredArticle(
        article_id=one.article_id,
        published=one.published_or_seen_at if one.has_publication_time else None,
        terms=one.terms,
    )


def _regroup_nearby(tx: Transaction, nearby: _NearbyArticles, common: TermFrequencies) -> _StoryAssignment:
    """Group an article with those about it."""
    alike = similarity_matrix(nearby.articles, common.rarity)
    made = group_articles(alike, publication_days(nearby.articles), list(nearby.unsplit.values()))
    mine = next(group for group in made if 0 in group)
    place = _StoryAssignment(_choose_story_id(nearby, mine), {nearby.ids[one] for one in mine})
    place.is_unsplit = place.story_id in nearby.unsplit
    if len(mine) == 1:
        return place
    for group in made:
        story_id = _choose_story_id(nearby, group)
        if _move_group(tx, nearby, group, story_id, place.changed_stories) or group is mine:
            place.changed_stories.add(story_id)
            place.headlines[story_id] = nearby.ids[choose_headline_article(alike, sorted(group, key=nearby.age_key))]
    return place


def _choose_story_id(nearby: _NearbyArticles, group: Sequence[int]) -> int:
    """The id of a group: of the story that most of it was in, if the article that has that id is in it."""
    ids = {nearby.ids[one] for one in group}
    was = Counter(story for one in group if (story := nearby.stories[one]) is not None)
    kept = [story for story in was if story in ids or story in nearby.unsplit]
    return max(kept, key=lambda story: (was[story], -story)) if kept else min(ids)


def _move_group(
    tx: Transaction, nearby: _NearbyArticles, group: Sequence[int], story_id: int, touched: set[int]
) -> bool:
    """Put the members of a group into one story; whether any of them was in another."""
    others = {story for one in group if (story := nearby.stories[one]) not in (None, story_id)}
    for story in others & nearby.unsplit.keys():
        membership.move_all_members(tx, story, story_id)
    single = [nearby.ids[one] for one in group if nearby.stories[one] in others - nearby.unsplit.keys()]
    if single:
        membership.move_members(tx, single, story_id)
    touched |= others
    return bool(others)
