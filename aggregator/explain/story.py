"""Its story in words: who else tells it, how alike they are, and by which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from aggregator.explain.reason import Reason
from aggregator.formatting import counted, moment, quoted
from aggregator.stories.assign import teller
from aggregator.stories.cluster import likeness_to, nearness
from aggregator.stories.extract_terms import counted as counted_words
from storage.model.article import KeptArticle, Story
from storage.provenance.model import Account
from storage.stories.membership import Told
from storage.stories.packed_terms import bucket, buckets, counts
from storage.stories.term_frequencies import Frequencies

_WORDS = 8
"""Shared words that are named, those that weigh most."""


def story(account: Account, now: datetime) -> Iterator[Reason]:
    """The story that it tells and its place in it, then every other article with what they share."""
    article, told = account.article, account.story
    if article is None:
        return
    if told is None:
        yield Reason(words="Its story has not been looked for yet; `evnews stories --refresh` does it.")
    elif len(told.tellings) == 1:
        whose = f"Its original, article {article.copy_of}," if article.copy_of else "It"
        yield Reason(words=f"{whose} tells its story alone.", facts=(("story", told.id), ("articles", 1)))
    else:
        yield _place(article, told)
        for me in (one for one in account.tellers if one.article_id == (article.copy_of or article.id)):
            yield from _others(article, me, account)


def _place(article: KeptArticle, told: Story) -> Reason:
    mine = article.copy_of or article.id
    place = next(at for at, one in enumerate(told.tellings, 1) if one.article_id == mine)
    first = told.tellings[0]
    when = "had it first" if place == 1 else f"was number {place}; {first.source} had it first, {moment(first.at)}"
    whose = f"Its original, article {article.copy_of}," if article.copy_of else "It"
    many = f"{counted(len(told.tellings), 'article')} of {counted(told.sources, 'source')}"
    return Reason(
        words=f"{whose} tells story {told.id} ({many}): {quoted(told.title)}. It {when}.",
        facts=(("story", told.id), ("articles", len(told.tellings)), ("sources", told.sources), ("place", place)),
    )


def _others(article: KeptArticle, me: Told, account: Account) -> Iterator[Reason]:
    common = account.frequencies
    others = [one for one in account.tellers if one.article_id != me.article_id]
    if common is None or not others:
        return
    alike = likeness_to(teller(me), [teller(one) for one in others], common.rarity)
    stems, _ = counted_words(article.title, article.text, article.language)
    spelled = {bucket(stem): word for stem, (_, word) in stems.items()}
    sources = {one.article_id: (one.source, one.title) for one in account.story.tellings} if account.story else {}
    for one, likeness in sorted(zip(others, alike.tolist(), strict=True), key=lambda pair: -pair[1]):
        source, title = sources[one.article_id]
        shared = _shared(me, one, common, spelled)
        near = nearness(me.told_at if me.dated else None, one.told_at if one.dated else None)
        by = f" They share {', '.join(shared)}." if shared else " They share few words; others of the story link them."
        yield Reason(
            words=f"Article {one.article_id} ({source}) is {likeness:.2f} like it, of which time leaves {near:.2f}:"
            f" {quoted(title)}.{by}",
            at=one.told_at,
            facts=(
                ("article", one.article_id),
                ("source", source),
                ("likeness", round(likeness, 3)),
                ("terms", shared),
            ),
        )


def _shared(me: Told, other: Told, common: Frequencies, spelled: dict[int, str]) -> tuple[str, ...]:
    both, mine, theirs = np.intersect1d(buckets(me.terms), buckets(other.terms), return_indices=True)
    weights = common.rarity[both] * (1 + np.log(counts(me.terms)[mine] * counts(other.terms)[theirs]))
    ranked = both[np.argsort(-weights, kind="stable")]
    return tuple(spelled[one] for one in ranked.tolist() if one in spelled)[:_WORDS]
