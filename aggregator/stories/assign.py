"""Assign articles to stories: find similar articles by their terms and group them."""

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
"""Minimum share of an article's term weight that a candidate must have in common with it."""
_MAX_STORIES = 4
"""Maximum number of stories that one article may join or merge."""
_MAX_REGROUPED = 16
"""Maximum number of articles in a story that can be split; of a larger one, the newest ones represent it."""
_MIN_NEARBY_SIMILARITY = 0.7 * MIN_JOIN_SIMILARITY
"""Minimum similarity to any article of a story for the story to be considered."""
_RECOMPUTES_PER_ARTICLE = 8
"""Number of queued articles whose stories are recomputed with each stored article."""


@dataclass(slots=True)
class _NearbyArticles:
    """An article and the members of the stories that it may join.

    The article is the first item of each list and its story is None. `unsplit` maps a story that stays whole to the
    positions of the members that represent it.
    """

    ids: list[int]
    stories: list[int | None]
    articles: list[ClusteredArticle]
    unsplit: dict[int, list[int]] = field(default_factory=dict)

    def age_key(self, position: int) -> tuple[bool, float, int]:
        """Return a key that sorts articles by publication time, those without one last."""
        published = self.articles[position].published
        return published is None, published.timestamp() if published else 0.0, self.ids[position]


@dataclass(slots=True)
class _StoryAssignment:
    """The story of an article with its members among the nearby articles, and the stories that change.

    `headlines` maps changed stories to the article that names them. `is_unsplit` says that the story has more members.
    """

    story_id: int
    members: set[int]
    changed_stories: set[int] = field(default_factory=set)
    headlines: dict[int, int] = field(default_factory=dict)
    is_unsplit: bool = False


def assign_story(tx: Transaction, article: Article, decision: Decision) -> None:
    """Update the story of an article that was just stored, and the stories of some queued articles."""
    article_id = decision.article_id
    status = membership.load_story_status(tx, article_id)
    if status is not None and (decision.has_new_shown_text or _is_assignment_outdated(status)):
        is_shown = decision.kind in (DecisionKind.NEW, DecisionKind.COPY)
        _assign(tx, article_id, status, article.terms if is_shown else b"")
    recompute_queued(tx, _RECOMPUTES_PER_ARTICLE, excluded_id=article_id)


def add_to_story(tx: Transaction, article_id: int, story_id: int, packed_terms: bytes) -> None:
    """Add an article with the terms of its text to a known story, without comparing it.

    The counts of the story are not updated.
    """
    status = membership.load_story_status(tx, article_id)
    if status is None or status.copy_of is not None:
        return
    frequencies = load_frequencies(tx)
    article = _clustered(article_id, status, packed_terms)
    membership.add_member(tx, article_id, story_id, status, packed_terms, _index_terms(article, frequencies))
    update_frequencies(tx, article_id, frequencies)


def reassign_story(tx: Transaction, article_id: int) -> None:
    """Update the story of an article whose shown text changed without a new page."""
    status = membership.load_story_status(tx, article_id)
    if status is not None:
        _assign(tx, article_id, status, b"")


def recompute_queued(tx: Transaction, limit: int, excluded_id: int | None = None) -> int:
    """Recompute the stories of up to `limit` queued articles; return the number taken from the queue.

    `excluded_id` is an article whose story was just computed.
    """
    ids = membership.pop_recompute_queue(tx, limit)
    for article_id in ids:
        status = membership.load_story_status(tx, article_id) if article_id != excluded_id else None
        if status is not None and _is_assignment_outdated(status):
            _assign(tx, article_id, status, b"")
    return len(ids)


def _is_assignment_outdated(status: StoryStatus) -> bool:
    """Return whether a copy is in a story, or another article is in none or is indexed with another time."""
    if status.copy_of is not None:
        return status.story_id is not None
    return status.indexed_time != status.published_or_seen_at


def _assign(tx: Transaction, article_id: int, status: StoryStatus, packed_terms: bytes) -> None:
    """Assign an article to its story. Its terms are extracted from the shown text if `packed_terms` is empty."""
    if status.copy_of is not None:
        membership.remove_member(tx, article_id)
        return
    packed_terms = packed_terms or extract_terms(*load_shown_text(tx, article_id), status.language)
    frequencies = load_frequencies(tx)
    article = _clustered(article_id, status, packed_terms)
    index_terms = _index_terms(article, frequencies)
    nearby = _find_nearby(tx, article, status.published_or_seen_at, index_terms, frequencies)
    assignment = (
        _regroup_nearby(tx, nearby, frequencies) if len(nearby.ids) > 1 else _StoryAssignment(article_id, {article_id})
    )
    if status.story_id is not None:
        assignment.changed_stories |= {status.story_id, assignment.story_id}
    if status.story_id == article_id == assignment.story_id and not assignment.is_unsplit:
        assignment.changed_stories |= membership.split_story(tx, article_id, assignment.members)
    membership.add_member(tx, article_id, assignment.story_id, status, packed_terms, index_terms)
    if assignment.changed_stories:
        membership.update_story_counts(tx, assignment.changed_stories, assignment.headlines)
    update_frequencies(tx, article_id, frequencies)


def _clustered(article_id: int, status: StoryStatus, packed_terms: bytes) -> ClusteredArticle:
    return ClusteredArticle(
        article_id=article_id,
        published=status.published_or_seen_at if status.has_publication_time else None,
        terms=unpack_terms(packed_terms),
    )


def _index_terms(article: ClusteredArticle, frequencies: TermFrequencies) -> dict[int, float]:
    """Return the buckets of the most significant terms with their weights, at most MAX_INDEX_TERMS."""
    buckets = term_buckets(article.terms)
    rarity = frequencies.rarity[buckets]
    order = np.lexsort((buckets, -term_emphasis(article.terms) * rarity))[:MAX_INDEX_TERMS]
    return dict(zip(buckets[order].tolist(), rarity[order].tolist(), strict=True))


def _find_nearby(
    tx: Transaction, article: ClusteredArticle, at: datetime, weights: dict[int, float], frequencies: TermFrequencies
) -> _NearbyArticles:
    """Return the article with the members of the stories that hold the most similar articles near it in time."""
    nearby = _NearbyArticles([article.article_id], [None], [article])
    since, until = at - STORY_WINDOW, at + STORY_WINDOW
    min_weight = _MIN_SHARED_WEIGHT * sum(weights.values())
    candidate_ids = membership.find_story_candidates(tx, weights, since, until, min_weight)
    other_ids = [candidate_id for candidate_id in candidate_ids if candidate_id != article.article_id]
    candidates = [
        candidate
        for candidate in membership.load_story_articles(tx, other_ids[:MAX_LOADED_ARTICLES])
        if since <= candidate.published_or_seen_at <= until
    ]
    if not candidates:
        return nearby
    similarities = similarities_to(article, [*map(to_clustered, candidates)], frequencies.rarity).tolist()
    best: dict[int, float] = {}
    for candidate, similarity in zip(candidates, similarities, strict=True):
        if similarity >= _MIN_NEARBY_SIMILARITY:
            best[candidate.story_id] = max(best.get(candidate.story_id, 0.0), similarity)
    for story_id in sorted(best, key=lambda story_id: (-best[story_id], story_id))[:_MAX_STORIES]:
        _add_members(nearby, story_id, membership.load_story_members(tx, story_id, _MAX_REGROUPED + 1))
    return nearby


def _add_members(nearby: _NearbyArticles, story_id: int, members: Sequence[StoryArticle]) -> None:
    first = len(nearby.ids)
    for member in members[:_MAX_REGROUPED]:
        if member.article_id != nearby.ids[0]:
            nearby.ids.append(member.article_id)
            nearby.stories.append(member.story_id)
            nearby.articles.append(to_clustered(member))
    if len(members) > _MAX_REGROUPED:
        nearby.unsplit[story_id] = list(range(first, len(nearby.ids)))


def to_clustered(article: StoryArticle) -> ClusteredArticle:
    """Convert a member of a story to the form in which articles are compared."""
    return ClusteredArticle(
        article_id=article.article_id,
        published=article.published_or_seen_at if article.has_publication_time else None,
        terms=article.terms,
    )


def _regroup_nearby(tx: Transaction, nearby: _NearbyArticles, frequencies: TermFrequencies) -> _StoryAssignment:
    """Group an article with the nearby ones, and move those whose story changes by it."""
    similarities = similarity_matrix(nearby.articles, frequencies.rarity)
    groups = group_articles(similarities, publication_days(nearby.articles), list(nearby.unsplit.values()))
    own_group = next(group for group in groups if 0 in group)
    assignment = _StoryAssignment(_choose_story_id(nearby, own_group), {nearby.ids[position] for position in own_group})
    assignment.is_unsplit = assignment.story_id in nearby.unsplit
    if len(own_group) == 1:
        return assignment
    for group in groups:
        story_id = _choose_story_id(nearby, group)
        if _move_group(tx, nearby, group, story_id, assignment.changed_stories) or group is own_group:
            assignment.changed_stories.add(story_id)
            headline = choose_headline_article(similarities, sorted(group, key=nearby.age_key))
            assignment.headlines[story_id] = nearby.ids[headline]
    return assignment


def _choose_story_id(nearby: _NearbyArticles, group: Sequence[int]) -> int:
    """Return the id of the story that most of a group was in, if the article with that id is in the group."""
    ids = {nearby.ids[position] for position in group}
    former = Counter(story for position in group if (story := nearby.stories[position]) is not None)
    usable = [story for story in former if story in ids or story in nearby.unsplit]
    return max(usable, key=lambda story: (former[story], -story)) if usable else min(ids)


def _move_group(
    tx: Transaction, nearby: _NearbyArticles, group: Sequence[int], story_id: int, changed_stories: set[int]
) -> bool:
    """Move the members of a group to one story; return whether any of them was in another."""
    former = {story for position in group if (story := nearby.stories[position]) not in (None, story_id)}
    for story in former & nearby.unsplit.keys():
        membership.move_all_members(tx, story, story_id)
    split = former - nearby.unsplit.keys()
    moved_ids = [nearby.ids[position] for position in group if nearby.stories[position] in split]
    if moved_ids:
        membership.move_members(tx, moved_ids, story_id)
    changed_stories |= former
    return bool(former)
