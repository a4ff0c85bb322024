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

from storage.terms import Terms

Matrix = NDArray[np.float64]

CLOSED = timedelta(days=21)
"""After its last article a story takes no other."""
HALF_LIFE = timedelta(days=5)
PAIR = 0.15
"""How alike two articles must be to be a story."""
JOINS = 0.10
"""How alike an article and the members of a story must be, in the mean, for it to join them."""
_COHESION = 0.75
"""How alike two stories must be to be one, as a part of how alike the members of the looser one are."""
_SURE = 0.30
"""However alike their members are among themselves: two stories that are so alike are one."""
_TITLES = 0.4
"""What the titles' terms count beside all terms."""
_AT_ANY_TIME = 0.6
_UNDATED = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """An article as a story sees it; `published` is None where it is not known."""

    article_id: int
    published: datetime | None
    terms: Terms


def nearness(one: datetime | None, other: datetime | None) -> float:
    """What the time between two articles leaves of their likeness: 1 at once, 0.8 after five days, 0.6 in the end."""
    if one is None or other is None:
        return _UNDATED
    return _AT_ANY_TIME + (1 - _AT_ANY_TIME) * float(0.5 ** (abs(one - other) / HALF_LIFE))


def likenesses(tellers: Sequence[Teller], rarity: NDArray[np.float32]) -> Matrix:
    """How alike every two of some articles are, 0 to 1; `rarity` is what a term of each bucket weighs."""
    words = alike_by_words(tellers, rarity)
    days = np.array([_days(teller.published) for teller in tellers])
    gaps = np.abs(days[:, None] - days[None, :])
    near = _AT_ANY_TIME + (1 - _AT_ANY_TIME) * 0.5 ** (gaps / (HALF_LIFE / timedelta(days=1)))
    alike: Matrix = words * np.where(np.isnan(gaps), _UNDATED, near)
    np.fill_diagonal(alike, 1.0)
    return alike


def alike_by_words(tellers: Sequence[Teller], rarity: NDArray[np.float32]) -> Matrix:
    """How alike every two are by their words alone; what stands in the diagonal says nothing."""
    rows = np.repeat(np.arange(len(tellers)), [len(teller.terms.buckets) for teller in tellers])
    buckets = np.concatenate([teller.terms.buckets for teller in tellers])
    titled = np.concatenate([teller.terms.titled for teller in tellers])
    rare = rarity[buckets].astype(np.float64)
    weights = (1 + np.log(np.concatenate([teller.terms.counts for teller in tellers]))) * rare
    shape = len(tellers), buckets, rows
    return (1 - _TITLES) * _cosines(*shape, weights) + _TITLES * _cosines(*shape, np.where(titled, rare, 0.0))


def _cosines(count: int, buckets: NDArray[np.int64], rows: NDArray[np.int64], weights: Matrix) -> Matrix:
    """The cosine of every two rows (not of a row with itself): only what two of them have is multiplied."""
    norms = np.sqrt(np.bincount(rows, weights * weights, count))
    norms[norms == 0] = 1
    _, columns, holders = np.unique(buckets, return_inverse=True, return_counts=True)
    shared = holders[columns] > 1
    if not shared.any():
        return np.zeros((count, count))
    places, columns = np.unique(columns[shared], return_inverse=True)
    dense = np.zeros((count, len(places)))
    dense[rows[shared], columns] = weights[shared] / norms[rows[shared]]
    product: Matrix = dense @ dense.T
    return product


def _days(at: datetime | None) -> float:
    return np.nan if at is None else at.timestamp() / 86400


def groups(alike: Matrix, together: Sequence[Sequence[int]] = ()) -> list[list[int]]:
    """Which of some articles tell the same story, by how alike they are; `together` are those that stay so.

    Each group ascending, the groups by their first.
    """
    bound = {one for block in together for one in block}
    members = [sorted(block) for block in together] + [[one] for one in range(len(alike)) if one not in bound]
    return sorted(_Grouping(alike, members).grown())


def headline(alike: Matrix, group: Sequence[int]) -> int:
    """The member of a group that is most like all others, the first of equals: its title names the story best."""
    within = alike[np.ix_(group, group)].sum(axis=1)
    return group[int(np.argmax(np.round(within, 9)))]


class _Grouping:
    """Groups that grow together two by two; `between` is the mean likeness of their members."""

    def __init__(self, alike: Matrix, members: list[list[int]]) -> None:
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
        self.open = self.between.copy()
        np.fill_diagonal(self.open, -1.0)

    def grown(self) -> list[list[int]]:
        """Join the closest two while any two may be joined."""
        while len(self.members) > 1:
            one, other = divmod(int(np.argmax(self.open)), len(self.members))
            if self.open[one, other] < JOINS:
                break
            if self.open[one, other] >= self._needed(one, other):
                self._join(one, other)
            else:
                self.open[one, other] = self.open[other, one] = -1.0
        return [sorted(block) for block in self.members if block]

    def _needed(self, one: int, other: int) -> float:
        if self.sizes[one] == 1 and self.sizes[other] == 1:
            return PAIR
        if self.sizes[one] == 1 or self.sizes[other] == 1:
            return JOINS
        return min(_COHESION * float(min(self.within[one], self.within[other])), _SURE)

    def _join(self, one: int, other: int) -> None:
        mine, theirs = self.sizes[one], self.sizes[other]
        size = mine + theirs
        pairs = self.within[one] * mine * (mine - 1) + self.within[other] * theirs * (theirs - 1)
        self.within[one] = (pairs + 2 * mine * theirs * self.between[one, other]) / (size * (size - 1))
        mean = (self.between[one] * mine + self.between[other] * theirs) / size
        for rows in (self.between, self.open):
            rows[one], rows[:, one] = mean, mean
            rows[other], rows[:, other], rows[one, one] = -1.0, -1.0, -1.0
        self.sizes[one], self.members[one], self.members[other] = size, self.members[one] + self.members[other], []
