"""Explain an article's story: which articles belong to it, how similar they are, and which words they share."""

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
"""Maximum number of shared words that are listed, those with the greatest weight first."""


def explain_story(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain the article's story and its rank in it, then every other article of the story."""
    article, story = provenance.article, provenance.story
    if article is None:
        return
    if story is None:
        yield Reason(text="The article has no story yet; `evnews stories --refresh` assigns one.")
    elif len(story.members) == 1:
        yield Reason(
            text=f"{_name_member(article)} is the only article of its story.",
            facts=(("story", story.id), ("articles", 1)),
        )
    else:
        yield _describe_position(article, story)
        for member in provenance.story_members:
            if member.article_id == (article.copy_of or article.id):
                yield from _explain_other_articles(article, member, provenance)


def _describe_position(article: KeptArticle, story: Story) -> Reason:
    member_id = article.copy_of or article.id
    rank = next(rank for rank, member in enumerate(story.members, 1) if member.article_id == member_id)
    first = story.members[0]
    order = "first" if rank == 1 else f"number {rank}; {first.source} was first, on {format_time(first.at)}"
    sentence = f"It was {order}."
    size = f"{format_count(len(story.members), 'article')} of {format_count(story.source_count, 'source')}"
    return Reason(
        text=f"{_name_member(article)} belongs to story {story.id} ({size}): {format_quote(story.title)}. {sentence}",
        facts=(
            ("story", story.id),
            ("articles", len(story.members)),
            ("sources", story.source_count),
            ("rank", rank),
        ),
    )


def _name_member(article: KeptArticle) -> str:
    """Return the subject of a sentence about the story: the original stands for its copies."""
    return f"The original, article {article.copy_of}," if article.copy_of else "The article"


def _explain_other_articles(article: KeptArticle, own: StoryArticle, provenance: Provenance) -> Iterator[Reason]:
    frequencies = provenance.term_frequencies
    others = [member for member in provenance.story_members if member.article_id != own.article_id]
    if frequencies is None or not others:
        return
    similarities = similarities_to(to_clustered(own), [to_clustered(other) for other in others], frequencies.rarity)
    stems, _ = count_terms(article.title, article.text, article.language)
    spellings = {word_bucket(stem): word for stem, (_, word) in stems.items()}
    members = {member.article_id: member for member in provenance.story.members} if provenance.story else {}
    for other, similarity in sorted(zip(others, similarities.tolist(), strict=True), key=lambda pair: -pair[1]):
        member = members[other.article_id]
        shared = _find_shared_words(own, other, frequencies, spellings)
        near = time_nearness(
            own.published_or_seen_at if own.has_publication_time else None,
            other.published_or_seen_at if other.has_publication_time else None,
        )
        link = (
            f"They share {', '.join(shared)}."
            if shared
            else "They share few words; other articles of the story link them."
        )
        yield Reason(
            text=f"Article {other.article_id} ({member.source}) has a similarity of {similarity:.2f}, and a factor"
            f" of {near:.2f} for the time between them: {format_quote(member.title)}. {link}",
            at=other.published_or_seen_at,
            facts=(
                ("article", other.article_id),
                ("source", member.source),
                ("similarity", round(similarity, 3)),
                ("terms", shared),
            ),
        )


def _find_shared_words(
    own: StoryArticle, other: StoryArticle, frequencies: TermFrequencies, spellings: dict[int, str]
) -> tuple[str, ...]:
    shared, own_at, other_at = np.intersect1d(term_buckets(own.terms), term_buckets(other.terms), return_indices=True)
    weights = frequencies.rarity[shared] * (
        1 + np.log(counts_of_terms(own.terms)[own_at] * counts_of_terms(other.terms)[other_at])
    )
    ranked = shared[np.argsort(-weights, kind="stable")]
    return tuple(spellings[bucket] for bucket in ranked.tolist() if bucket in spellings)[:_MAX_SHARED_WORDS]
