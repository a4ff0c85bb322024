"""Compare articles by their terms and publication times, and group them into stories.

The similarity of two articles is the cosine of their TF-IDF vectors, of all terms and of the titles' terms, reduced by
the time between them. Groups are merged by the mean similarity of their members (average linkage), the closest first.
Two groups stay apart if they are much more similar within than to each other: reports of a crash and of the inquest
share every name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from storage.stories.packed_terms import Terms, term_buckets, term_emphasis, title_flags

Matrix = NDArray[np.float64]
Rarity = NDArray[np.float32]

STORY_WINDOW = timedelta(days=21)
"""Maximum time between an article and the nearest article of its story."""
SIMILARITY_HALF_LIFE = timedelta(days=5)
MIN_PAIR_SIMILARITY = 0.15
"""Minimum similarity of two articles that form a story."""
MIN_JOIN_SIMILARITY = 0.10
"""Minimum mean similarity of an article to the members of a story that it joins."""
_COHESION = 0.75
"""Minimum similarity of two stories that are merged, as a share of the similarity within the looser one."""
_COHESION_AT_ONCE = 0.50
"""Value of `_COHESION` for two stories of one hour, which are more likely to be one event."""
_COHESION_HALF_LIFE_DAYS = 1.0
"""Days between two stories after which half of the difference between both shares is gone."""
_CERTAIN_SIMILARITY = 0.30
"""Similarity at which two stories are merged in any case."""
_TITLE_WEIGHT = 0.4
"""Share of the titles' terms in a similarity."""
_MIN_NEARNESS = 0.6
_UNDATED_NEARNESS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredArticle:
    """An article as it is compared; `published` is None if unknown."""

    article_id: int
    published: datetime | None
    terms: Terms


def time_nearness(first: datetime | None, second: datetime | None) -> float:
    """Return the factor by which time reduces a similarity: 1 at once, 0.8 after five days, 0.6 at the limit."""
    gap = np.nan if first is None or second is None else (first - second) / timedelta(days=1)
    return float(_nearness(np.array(gap)))


def similarity_matrix(articles: Sequence[ClusteredArticle], rarity: Rarity) -> Matrix:
    """Return the similarity of every two articles, 0 to 1; `rarity` is the weight of a term of each bucket."""
    rows = np.repeat(np.arange(len(articles)), [len(article.terms) for article in articles])
    used, weights, titles = _weigh_terms(articles, rarity)
    _, columns, holders = np.unique(used, return_inverse=True, return_counts=True)
    shared = holders[columns] > 1
    kept = np.cumsum(holders > 1) - 1
    dense = np.zeros((2, len(articles), int((holders > 1).sum())))
    for plane, values in zip(dense, (weights, titles), strict=True):
        norms = _norms(rows, values, len(articles))
        plane[rows[shared], kept[columns[shared]]] = values[shared] / norms[rows[shared]]
    term_similarity = (1 - _TITLE_WEIGHT) * (dense[0] @ dense[0].T) + _TITLE_WEIGHT * (dense[1] @ dense[1].T)
    days = publication_days(articles)
    similarities: Matrix = term_similarity * _nearness(days[:, None] - days[None, :])
    np.fill_diagonal(similarities, 1.0)
    return similarities


def similarities_to(article: ClusteredArticle, others: Sequence[ClusteredArticle], rarity: Rarity) -> Matrix:
    """Return the similarity of an article to each of the others: one row of `similarity_matrix`, computed faster."""
    own_buckets, own_weights, own_titles = _weigh_terms([article], rarity)
    rows = np.repeat(np.arange(len(others)), [len(other.terms) for other in others])
    used, weights, titles = _weigh_terms(others, rarity)
    positions = np.searchsorted(own_buckets, used).clip(max=max(len(own_buckets) - 1, 0))
    shared = own_buckets[positions] == used if len(own_buckets) else np.zeros(len(used), np.bool_)
    similarities = np.zeros(len(others))
    for part, own, values in ((1 - _TITLE_WEIGHT, own_weights, weights), (_TITLE_WEIGHT, own_titles, titles)):
        norms = _norms(rows, values, len(others)) * (np.sqrt(own @ own) or 1.0)
        products = own[positions[shared]] * values[shared]
        similarities += part * np.bincount(rows[shared], products, len(others)) / norms
    return similarities * _nearness(publication_days(others) - publication_days([article]))


def _weigh_terms(articles: Sequence[ClusteredArticle], rarity: Rarity) -> tuple[NDArray[np.int64], Matrix, Matrix]:
    """Return the buckets of all articles' terms in sequence, their weights, and their weights in the titles."""
    terms = np.concatenate([article.terms for article in articles])
    used = term_buckets(terms)
    rare = rarity[used].astype(np.float64)
    return used, term_emphasis(terms) * rare, np.where(title_flags(terms), rare, 0.0)


def _norms(rows: NDArray[np.int64], weights: Matrix, count: int) -> Matrix:
    norms: Matrix = np.sqrt(np.bincount(rows, weights * weights, count))
    norms[norms == 0] = 1
    return norms


def _nearness(gaps: Matrix) -> Matrix:
    near = _MIN_NEARNESS + (1 - _MIN_NEARNESS) * 0.5 ** (np.abs(gaps) / (SIMILARITY_HALF_LIFE / timedelta(days=1)))
    return np.where(np.isnan(gaps), _UNDATED_NEARNESS, near)


def publication_days(articles: Sequence[ClusteredArticle]) -> Matrix:
    """Return the publication times of articles in days since 1970, NaN if unknown."""
    times = [article.published for article in articles]
    return np.array([np.nan if at is None else at.timestamp() / 86400 for at in times])


def group_articles(similarities: Matrix, days: Matrix, fixed: Sequence[Sequence[int]] = ()) -> list[list[int]]:
    """Group articles into stories by their similarities and publication times; return sorted lists of positions.

    The members of each group in `fixed` stay together.
    """
    bound = {position for group in fixed for position in group}
    single = [[position] for position in range(len(similarities)) if position not in bound]
    return sorted(_Clustering(similarities, days, [sorted(group) for group in fixed] + single).merge_groups())


def choose_headline_article(similarities: Matrix, group: Sequence[int]) -> int:
    """Return the member of a group that is most similar to all others, the first of equals."""
    within = similarities[np.ix_(group, group)].sum(axis=1)
    return group[int(np.argmax(np.round(within, 9)))]


class _Clustering:
    """Groups that are merged in pairs. `between` holds the mean similarities between the members of two groups."""

    def __init__(self, similarities: Matrix, days: Matrix, members: list[list[int]]) -> None:
        self.days = days
        sums = np.array([similarities[block].sum(axis=0) for block in members])
        between = np.array([sums[:, block].sum(axis=1) for block in members])
        self.members: list[list[int]] = members
        self.sizes = np.array([float(len(block)) for block in members])
        diagonal = np.diagonal(similarities).tolist()
        selves = np.array([sum(diagonal[position] for position in block) for block in members])
        self.within = np.array([
            (between[at, at] - selves[at]) / (size * (size - 1)) if size > 1 else 0.0
            for at, size in enumerate(self.sizes)
        ])  # fmt: skip
        self.between: Matrix = between / np.outer(self.sizes, self.sizes)
        self.candidates = self.between.copy()
        np.fill_diagonal(self.candidates, -1.0)

    def merge_groups(self) -> list[list[int]]:
        """Merge the two closest groups as long as any two may be merged."""
        while len(self.members) > 1:
            first, second = divmod(int(np.argmax(self.candidates)), len(self.members))
            if self.candidates[first, second] < MIN_JOIN_SIMILARITY:
                break
            if self.candidates[first, second] >= self._min_similarity(first, second):
                self._join(first, second)
            else:
                self.candidates[first, second] = self.candidates[second, first] = -1.0
        return [sorted(block) for block in self.members if block]

    def _min_similarity(self, first: int, second: int) -> float:
        if self.sizes[first] == 1 and self.sizes[second] == 1:
            return MIN_PAIR_SIMILARITY
        if self.sizes[first] == 1 or self.sizes[second] == 1:
            return MIN_JOIN_SIMILARITY
        needed = _COHESION - (_COHESION - _COHESION_AT_ONCE) * float(
            0.5 ** (self._gap_in_days(first, second) / _COHESION_HALF_LIFE_DAYS)
        )
        return min(needed * float(min(self.within[first], self.within[second])), _CERTAIN_SIMILARITY)

    def _gap_in_days(self, first: int, second: int) -> float:
        """Return the days between the mean times of two groups; infinity if either has no dated article."""
        days = (self.days[self.members[at]] for at in (first, second))
        means = [known.mean() for block in days if (known := block[~np.isnan(block)]).size]
        return abs(float(means[0] - means[1])) if len(means) == 2 else np.inf

    def _join(self, first: int, second: int) -> None:
        first_size, second_size = self.sizes[first], self.sizes[second]
        size = first_size + second_size
        pairs = self.within[first] * first_size * (first_size - 1) + self.within[second] * second_size * (
            second_size - 1
        )
        self.within[first] = (pairs + 2 * first_size * second_size * self.between[first, second]) / (size * (size - 1))
        mean = (self.between[first] * first_size + self.between[second] * second_size) / size
        for rows in (self.between, self.candidates):
            rows[first], rows[:, first] = mean, mean
            rows[second], rows[:, second], rows[first, first] = -1.0, -1.0, -1.0
        self.sizes[first], self.members[first], self.members[second] = (
            size,
            self.members[first] + self.members[second],
            [],
        )
