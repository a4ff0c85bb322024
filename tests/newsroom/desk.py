"""One publisher's Desk: what of it is public and how that reads now, what was taken back, what it does wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.newsroom.edits import corrected, revised
from tests.newsroom.manuscripts import Manuscript, manuscripts
from tests.newsroom.publishers import Publisher


@dataclass(slots=True)
class Desk:
    """One publisher's state. Of its own articles the oldest `public` are public, of its reprints all.

    `edits` are the kinds of edit that each article has gone through, by slug; `roundup` are other
    publishers' articles that it points to. A `box` of text stands in every article.
    """

    publisher: Publisher
    public: int
    changed: datetime
    reprints: list[Manuscript] = field(default_factory=list)
    edits: dict[str, list[str]] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    corrections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    box: str = ""
    is_redesigned: bool = False
    roundup: tuple[tuple[str, str], ...] = ()

    @property
    def own(self) -> tuple[Manuscript, ...]:
        """What its own authors wrote, oldest first."""
        return manuscripts(self.publisher.name)

    @property
    def articles(self) -> tuple[Manuscript, ...]:
        """Its own articles and its reprints, oldest first."""
        return tuple(sorted((*self.own, *self.reprints), key=lambda one: (one.published, one.slug)))

    def find(self, slug: str) -> Manuscript:
        """The article with a slug, as its author left it."""
        return next(one for one in self.articles if one.slug == slug)

    def is_public(self, article: Manuscript) -> bool:
        """Whether an article has been published."""
        return article in self.own[: self.public] or article in self.reprints

    def reads(self, article: Manuscript) -> Manuscript:
        """An article as it reads now: after all its edits and corrections."""
        made = revised(article, self.edits.get(article.slug, ()), self.publisher.update_note)
        return corrected(made, self.corrections.get(article.slug, ()))

    def publish(self, n: int) -> tuple[Manuscript, ...]:
        """Make the next `n` of its own articles public; returns them."""
        before, self.public = self.public, min(self.public + n, len(self.own))
        self.touch()
        return self.own[before : self.public]

    def at_fault(self, path: str) -> tuple[str, str]:
        """The kind and argument of the fault at a path; ("none", "") where there is none."""
        matching: Iterator[str] = (prefix for prefix in list(self.faults) if path.startswith(prefix))
        return self.faults.get(max(matching, key=len, default=""), ("none", ""))

    def touch(self) -> None:
        """Note a change: the clock that Last-Modified reads moves on by a whole second at least."""
        now = datetime.now(UTC).replace(microsecond=0)
        self.changed = max(now, self.changed + timedelta(seconds=1))


def first_public(public: int | Mapping[str, int] | None, name: str) -> int:
    """How many of a publisher's articles are public at the start: of each, or by name; None means all."""
    total = len(manuscripts(name))
    wanted = public.get(name, total) if isinstance(public, Mapping) else public
    return total if wanted is None else min(wanted, total)
