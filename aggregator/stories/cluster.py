"""Which articles tell the same story: how alike two are by their terms and times, and how they group; pure.

Two articles are alike by the terms that they share, those that few articles have before those that
many have (cosine of TF-IDF), all terms and the titles' apart; less alike the further apart they
were published. Groups grow by the average likeness between their members, the closest first. Where
two groups are more alike within themselves than to each other they stay apart, however alike: the
crash and the inquest share every name.
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
"""After its last article a story takes no other."""
SIMILARITY_HALF_LIFE = timedelta(days=5)
MIN_PAIR_SIMILARITY = 0.15
"""How alike two articles must be to be a story."""
MIN_JOIN_SIMILARITY = 0.10
"""How alike an article and the members of a story must be, in the mean, for it to join them."""
_COHESION = 0.75
"""How alike two stories must be to be one, as a part of how alike the members of the looser one are."""
_COHESION_AT_ONCE = 0.50
"""The same for two stories of one hour: what happens together is one event sooner."""
_COHESION_HALF_LIFE_DAYS = 1.0
"""Days between two stories after which half of that difference is gone."""
_CERTAIN_SIMILARITY = 0.30
"""However alike their members are among themselves: two stories that are so alike are one."""
_TITLE_WEIGHT = 0.4
"""What the titles' terms count beside all terms."""
_MIN_NEARNESS = 0.6
_UNDATED_NEARNESS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredArticle:
    """An article as a story sees it; `published` is None where it is not known."""

    article_id: int
    published: datetime | None
    terms: Terms


def time_nearness(one: datetime | None, other: datetime | None) -> float:
    """What the time between two articles leaves of their likeness: 1 at once, 0.8 after five days, 0.6 in the end."""
    gap = np.nan if one is None or other is None else (one - other) / timedelta(days=1)
    return float(_nearness(np.array(gap)))


def similarity_matrix(tellers: Sequence[ClusteredArticle], rarity: Rarity) -> Matrix:
    """How alike every two of some articles are, 0 to 1; `rarity` is what a term of each bucket weighs."""
    rows = np.repeat(np.arange(len(tellers)), [len(teller.terms) for teller in tellers])
    used, weights, titles = _weigh_terms(tellers, rarity)
    _, columns, holders = np.unique(used, return_inverse=True, return_counts=True)
    shared = holders[columns] > 1
    kept = np.cumsum(holders > 1) - 1
    dense = np.zeros((2, len(tellers), int((holders > 1).sum())))
    for plane, values in zip(dense, (weights, titles), strict=True):
        norms = _norms(rows, values, len(tellers))
        plane[rows[shared], kept[columns[shared]]] = values[shared] / norms[rows[shared]]
    words = (1 - _TITLE_WEIGHT) * (dense[0] @ dense[0].T) + _TITLE_WEIGHT * (dense[1] @ dense[1].T)
    days = publication_days(tellers)
    alike: Matrix = words * _nearness(days[:, None] - days[None, :])
    np.fill_diagonal(alike, 1.0)
    return alike


def similarities_to(me: ClusteredArticle, others: Sequence[ClusteredArticle], rarity: Rarity) -> Matrix:
    """How alike one article and each of some others are: a row of `likenesses`, for less."""
    mine, my_weights, my_titles = _weigh_terms([me], rarity)
    rows = np.repeat(np.arange(len(others)), [len(other.terms) for other in others])
    used, weights, titles = _weigh_terms(others, rarity)
    places = np.searchsorted(mine, used).clip(max=max(len(mine) - 1, 0))
    shared = mine[places] == used if len(mine) else np.zeros(len(used), np.bool_)
    words = np.zeros(len(others))
    for part, of_mine, of_theirs in ((1 - _TITLE_WEIGHT, my_weights, weights), (_TITLE_WEIGHT, my_titles, titles)):
        norms = _norms(rows, of_theirs, len(others)) * (np.sqrt(of_mine @ of_mine) or 1.0)
        products = of_mine[places[shared]] * of_theirs[shared]
        words += part * np.bincount(rows[shared], products, len(others)) / norms
    return words * _nearness(publication_days(others) - publication_days([me]))


def _weigh_terms(tellers: Sequence[ClusteredArticle], rarity: Rarity) -> tuple[NDArray[np.int64], Matrix, Matrix]:
    """The buckets of some articles, one after the other, what each weighs, and what it weighs in the title."""
    terms = np.concatenate([teller.terms for teller in tellers])
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


def publication_days(tellers: Sequence[ClusteredArticle]) -> Matrix:
    """When articles were published, in days since 1970; not a number where that is not known."""
    return np.array([np.nan if at is None else at.timestamp() / 86400 for at in (one.published for one in tellers)])


def group_articles(alike: Matrix, days: Matrix, together: Sequence[Sequence[int]] = ()) -> list[list[int]]:
    """Which of some articles tell the same story, by how alike they are and when they were published (`times`).

    `together` are those that stay so. Each group ascending, the groups by their first.
    """
    bound = {one for block in together for one in block}
    members = [sorted(block) for block in together] + [[one] for one in range(len(alike)) if one not in bound]
    return sorted(_Clustering(alike, days, members).merge_groups())


def choose_headline_article(alike: Matrix, group: Sequence[int]) -> int:
    """The member of a group that is most like all others, the first of equals: its title names the story best."""
    within = alike[np.ix_(group, group)].sum(axis=1)
    return group[int(np.argmax(np.round(within, 9)))]


class _Clustering:
    """Groups that grow together two by two; `between` is the mean likeness of their members."""

    def __init__(self, alike: Matrix, days: Matrix, members: list[list[int]]) -> None:
        self.days = days
        sums = np.array([alike[block].sum(axis=0) for block in members])
        between = np.array([sums[:, block].sum(axis=1) for block in members])
        self.members: list[list[int]] = members
        self.sizes = np.array([float(len(block)) for block in members])
        own = [alike[one, one] for one in range(len(alike))]
        selves = np.array([sum(own[one] for one in block) for block in members])
        self.within = np.array([
            (between[at, at] - selves[at]) / (size * (size - 1)) if size > 1 else 0.0
            for at, size in enumerate(self.sizes)
        ])  # fmt: skip
        self.between: Matrix = between / np.outer(self.sizes, self.sizes)
        self.candidates = self.between.copy()
        np.fill_diagonal(self.candidates, -1.0)

    def merge_groups(self) -> list[list[int]]:
        """Join the closest two while any two may be joined."""
        while len(self.members) > 1:
            one, other = divmod(int(np.argmax(self.candidates)), len(self.members))
            if self.candidates[one, other] < MIN_JOIN_SIMILARITY:
                break
            if self.candidates[one, other] >= self._min_similarity(one, other):
                self._join(one, other)
            else:
                self.candidates[one, other] = self.candidates[other, one] = -1.0
        return [sorted(block) for block in self.members if block]

    def _min_similarity(self, one: int, other: int) -> float:
        if self.sizes[one] == 1 and self.sizes[other] == 1:
            return MIN_PAIR_SIMILARITY
        if self.sizes[one] == 1 or self.sizes[other] == 1:
            return MIN_JOIN_SIMILARITY
        needed = _COHESION - (_COHESION - _COHESION_AT_ONCE) * float(
            0.5 ** (self._gap_in_days(one, other) / _COHESION_HALF_LIFE_DAYS)
        )
        return min(needed * float(min(self.within[one], self.within[other])), _CERTAIN_SIMILARITY)

    def _gap_in_days(self, one: int, other: int) -> float:
        """Days between the middles of two groups; infinite where one has no date."""
        days = (self.days[self.members[at]] for at in (one, other))
        means = [known.mean() for block in days if (known := block[~np.isnan(block)]).size]
        return abs(float(means[0] - means[1])) if len(means) == 2 else np.inf

    def _join(self, one: int, other: int) -> None:
        mine, theirs = self.sizes[one], self.sizes[other]
        size = mine + theirs
        pairs = self.within[one] * mine * (mine - 1) + self.within[other] * theirs * (theirs - 1)
        self.within[one] = (pairs + 2 * mine * theirs * self.between[one, other]) / (size * (size - 1))
        mean = (self.between[one] * mine + self.between[other] * theirs) / size
        for rows in (self.between, self.candidates):
            rows[one], rows[:, one] = mean, mean
            rows[other], rows[:, other], rows[one, one] = -1.0, -1.0, -1.0
        self.sizes[one], self.members[one], self.members[other] = size, self.members[one] + self.members[other], []
