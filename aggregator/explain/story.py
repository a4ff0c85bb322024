"""Its story in words: who else tells it, how alike they are, and by which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from aggregator.explain.reason import Reason
from aggregator.formatting import format_count, format_quote, format_time
from aggregator.stories.assign import to_clustered
from aggregator.stories.cluster import similarities_to, time_nearness
from aggregator.stories.extract_terms import count_terms
from storage.model.article import KeptArticle, Story
from storage.provenance.model import Provenance
from storage.stories.membership import StoryArticle
from storage.stories.packed_terms import counts_of_terms, term_buckets, word_bucket
from storage.stories.term_frequencies import TermFrequencies

_MAX_SHARED_WORDS = 8
"""Shared words that are named, those that weigh most."""


def explain_story(account: Provenance, now: datetime) -> Iterator[Reason]:
    """The story that it tells and its place in it, then every other article with what they share."""
    article, told = account.article, account.story
    if article is None:
        return
    if told is None:
        yield Reason(text="Its story has not been looked for yet; `evnews stories --refresh` does it.")
    elif len(told.members) == 1:
        whose = f"Its original, article {article.copy_of}," if article.copy_of else "It"
        yield Reason(text=f"{whose} tells its story alone.", facts=(("story", told.id), ("articles", 1)))
    else:
        yield _describe_position(article, told)
        for me in (one for one in account.story_members if one.article_id == (article.copy_of or article.id)):
            yield from _explain_other_articles(article, me, account)


def _describe_position(article: KeptArticle, story: Story) -> Reason:
    mine = article.copy_of or article.id
    place = next(at for at, one in enumerate(story.members, 1) if one.article_id == mine)
    first = story.members[0]
    when = "had it first" if place == 1 else f"was number {place}; {first.source} had it first, {format_time(first.at)}"
    whose = f"Its original, article {article.copy_of}," if article.copy_of else "It"
    many = f"{format_count(len(story.members), 'article')} of {format_count(story.source_count, 'source')}"
    return Reason(
        text=f"{whose} tells story {story.id} ({many}): {format_quote(story.title)}. It {when}.",
        facts=(
            ("story", story.id),
            ("articles", len(story.members)),
            ("sources", story.source_count),
            ("place", place),
        ),
    )


def _explain_other_articles(article: KeptArticle, own: StoryArticle, account: Provenance) -> Iterator[Reason]:
    common = account.term_frequencies
    others = [one for one in account.story_members if one.article_id != own.article_id]
    if common is None or not others:
        return
    alike = similarities_to(to_clustered(own), [to_clustered(one) for one in others], common.rarity)
    stems, _ = count_terms(article.title, article.text, article.language)
    spelled = {word_bucket(stem): word for stem, (_, word) in stems.items()}
    sources = {one.article_id: (one.source, one.title) for one in account.story.members} if account.story else {}
    for one, likeness in sorted(zip(others, alike.tolist(), strict=True), key=lambda pair: -pair[1]):
        source, title = sources[one.article_id]
        shared = _find_shared_words(own, one, common, spelled)
        near = time_nearness(
            own.published_or_seen_at if own.has_publication_time else None,
            one.published_or_seen_at if one.has_publication_time else None,
        )
        by = f" They share {', '.join(shared)}." if shared else " They share few words; others of the story link them."
        yield Reason(
            text=f"Article {one.article_id} ({source}) is {likeness:.2f} like it, of which time leaves {near:.2f}:"
            f" {format_quote(title)}.{by}",
            at=one.published_or_seen_at,
            facts=(
                ("article", one.article_id),
                ("source", source),
                ("likeness", round(likeness, 3)),
                ("terms", shared),
            ),
        )


def _find_shared_words(
    own: StoryArticle, other: StoryArticle, common: TermFrequencies, spelled: dict[int, str]
) -> tuple[str, ...]:
    both, mine, theirs = np.intersect1d(term_buckets(own.terms), term_buckets(other.terms), return_indices=True)
    weights = common.rarity[both] * (
        1 + np.log(counts_of_terms(own.terms)[mine] * counts_of_terms(other.terms)[theirs])
    )
    ranked = both[np.argsort(-weights, kind="stable")]
    return tuple(spelled[one] for one in ranked.tolist() if one in spelled)[:_MAX_SHARED_WORDS]
