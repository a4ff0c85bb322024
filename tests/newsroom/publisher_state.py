"""The state of one publisher: published articles, edits, withdrawals and faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.newsroom.edits import apply_corrections, apply_edits
from tests.newsroom.publisher_articles import PublisherArticle, read_articles
from tests.newsroom.publishers import Publisher


@dataclass(slots=True)
class PublisherState:
    """The state of one publisher. The oldest `public` of its own articles are published, and all of its reprints.

    `edits` holds the kinds of edit made to each article, by slug; `roundup` the (URL, title) pairs of other
    publishers' articles that it lists; `box` a paragraph that is shown in every article.
    """

    publisher: Publisher
    public: int
    changed: datetime
    reprints: list[PublisherArticle] = field(default_factory=list)
    edits: dict[str, list[str]] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    corrections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    box: str = ""
    is_redesigned: bool = False
    roundup: tuple[tuple[str, str], ...] = ()

    @property
    def own(self) -> tuple[PublisherArticle, ...]:
        """Return its own articles, oldest first."""
        return read_articles(self.publisher.name)

    @property
    def articles(self) -> tuple[PublisherArticle, ...]:
        """Return its own articles and its reprints, oldest first."""
        return tuple(sorted((*self.own, *self.reprints), key=lambda article: (article.published, article.slug)))

    def find(self, slug: str) -> PublisherArticle:
        """Return the article with a slug, without its edits."""
        return next(article for article in self.articles if article.slug == slug)

    def is_public(self, article: PublisherArticle) -> bool:
        """Tell whether an article is published."""
        return article in self.own[: self.public] or article in self.reprints

    def current(self, article: PublisherArticle) -> PublisherArticle:
        """Return an article after all its edits and corrections."""
        edited = apply_edits(article, self.edits.get(article.slug, ()), self.publisher.update_note)
        return apply_corrections(edited, self.corrections.get(article.slug, ()))

    def publish(self, n: int) -> tuple[PublisherArticle, ...]:
        """Publish the next `n` of its own articles and return them."""
        before, self.public = self.public, min(self.public + n, len(self.own))
        self.touch()
        return self.own[before : self.public]

    def at_fault(self, path: str) -> tuple[str, str]:
        """Return the kind and argument of the fault at a path, ("none", "") if there is none."""
        matching: Iterator[str] = (prefix for prefix in list(self.faults) if path.startswith(prefix))
        return self.faults.get(max(matching, key=len, default=""), ("none", ""))

    def touch(self) -> None:
        """Move the time of the last change on by at least a second: Last-Modified has no smaller unit."""
        now = datetime.now(UTC).replace(microsecond=0)
        self.changed = max(now, self.changed + timedelta(seconds=1))


def initially_public(public: int | Mapping[str, int] | None, name: str) -> int:
    """Return how many articles of a publisher are published at the start: `public` or its entry, None means all."""
    total = len(read_articles(name))
    wanted = public.get(name, total) if isinstance(public, Mapping) else public
    return total if wanted is None else min(wanted, total)
