"""Decide which of the articles with the same or similar texts is the original.

Pure functions of facts in any order, so the archive does not depend on the order of arrival. Articles that show the
same words form one group with one text digest; two groups are linked if a similarity of their texts was measured.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.identity import fold_text, host_of, url_key
from storage.model.similarity import TextSimilarity

COPY_WINDOW = timedelta(days=32)
"""Maximum time between the publication of two similar articles of which one is a copy.

The limit does not apply to equal texts, nor where one article credits the other as its origin.
"""
MIN_SIMILARITY_ON_SITE = 0.9
"""Minimum similarity of two texts of one site, whose articles share boilerplate and whose series share templates."""
_SECOND_LEVEL_DOMAINS = frozenset(["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateArticle:
    """An article with the same or a similar text as others, and what it says about the origin of the text.

    `published_or_seen_at` is the publication time, or else the time of the first fetch.
    """

    id: int
    url_key: str
    published_or_seen_at: datetime
    published: datetime | None
    original_url: str = ""
    credit: str = ""
    source: str = ""
    site_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The original of the articles that show one text, and the reason in words."""

    original_id: int
    reason: str


DigestPair = tuple[str, str]
_NO_NAMES = frozenset[str]()


def find_originals(
    articles: Mapping[str, Sequence[DuplicateArticle]], similarities: Mapping[DigestPair, TextSimilarity]
) -> dict[str, Origin]:
    """Return the origin of each group of `articles`, which are grouped by text digest.

    `similarities` holds each pair of digests in both directions. Groups are taken in the order of their best
    candidate for the original. Each group is an original itself, unless it is similar to an earlier original; then it
    is a copy of the first of those. So a copy is always similar to its original itself, never only to another copy.
    """
    similarities = _valid_similarities(articles, similarities)
    ranks = _origin_ranks(articles, similarities)
    ordered = {
        digest: sorted(members, key=lambda member: (ranks[member.id], *_age_key(member)))
        for digest, members in articles.items()
        if members
    }
    original_digests: list[str] = []
    origins: dict[str, Origin] = {}
    for digest in sorted(ordered, key=lambda digest: (ranks[ordered[digest][0].id], *_age_key(ordered[digest][0]))):
        members = ordered[digest]
        root = next((earlier for earlier in original_digests if (digest, earlier) in similarities), digest)
        if root == digest:
            original_digests.append(digest)
        original = ordered[root][0]
        copy = members[0] if root != digest else members[min(1, len(members) - 1)]
        origins[digest] = Origin(
            original_id=original.id,
            reason=f"{_similarity_phrase(similarities.get((digest, root)))} article {original.id},"
            f" {_origin_reason(original, copy)}",
        )
    return origins


def _valid_similarities(
    articles: Mapping[str, Sequence[DuplicateArticle]], similarities: Mapping[DigestPair, TextSimilarity]
) -> dict[DigestPair, TextSimilarity]:
    """Return the similarities that can make a copy.

    The articles must have been published within COPY_WINDOW, and by two sites or with nearly the same text; or one
    credits the other as its origin.
    """
    times = {
        digest: sorted((member.published_or_seen_at, host_of(member.url_key)) for member in members)
        for digest, members in articles.items()
    }
    credited = {digest: _union(map(_credited_names, members)) for digest, members in articles.items()}
    publishers = {
        digest: _union(map(_publisher_names, members)) for digest, members in articles.items() if any(credited.values())
    }
    return {
        (first, second): similarity
        for (first, second), similarity in similarities.items()
        if credited.get(first, _NO_NAMES) & publishers.get(second, _NO_NAMES)
        or credited.get(second, _NO_NAMES) & publishers.get(first, _NO_NAMES)
        or any(
            _is_within_window(
                at, "" if similarity.similarity >= MIN_SIMILARITY_ON_SITE else host, times.get(second, [])
            )
            for at, host in times.get(first, [])
        )
    }


def _union(name_sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*name_sets)


def _is_within_window(at: datetime, host: str, times: Sequence[tuple[datetime, str]]) -> bool:
    """Return whether any of the sorted (time, host) pairs lies within COPY_WINDOW and has another host."""
    first, last = bisect_left(times, (at - COPY_WINDOW, "")), bisect_right(times, (at + COPY_WINDOW, "\uffff"))
    return any(other_host != host for _, other_host in times[first:last])


def _origin_ranks(
    articles: Mapping[str, Sequence[DuplicateArticle]], similarities: Mapping[DigestPair, TextSimilarity]
) -> dict[int, int]:
    """Rank articles: 0 if credited by another with the text, 2 if it credits another, 1 if neither or both."""
    publishers = {member.id: _publisher_names(member) for members in articles.values() for member in members}
    crediting, credited = set(), set()
    for digest, members in articles.items():
        members_with_credit = [(member, names) for member in members if (names := _credited_names(member))]
        if not members_with_credit:
            continue
        similar = [
            article
            for similar_digest, group in articles.items()
            if similar_digest == digest or (digest, similar_digest) in similarities
            for article in group
        ]
        for member, names in members_with_credit:
            origin_ids = {a.id for a in similar if a.id != member.id and names & publishers[a.id]}
            # An article that credits only its own publisher credits no other origin.
            if origin_ids - {a.id for a in similar if publishers[a.id] == publishers[member.id]}:
                crediting.add(member.id)
                credited |= origin_ids
    return {
        member.id: 1 + (member.id in crediting) - (member.id in credited)
        for members in articles.values()
        for member in members
    }


def _age_key(member: DuplicateArticle) -> tuple[bool, float, str, int]:
    return member.published is None, member.published.timestamp() if member.published else 0, member.url_key, member.id


def _similarity_phrase(similarity: TextSimilarity | None) -> str:
    if similarity is None:
        return "same text as"
    share = f"{min(similarity.similarity, 0.99):.0%}"
    if similarity.kind == "part":
        return f"{share} of the shorter text stands in the other: the same as"
    return f"{share} the same text as"


def _origin_reason(original: DuplicateArticle, copy: DuplicateArticle) -> str:
    if _credited_names(copy) & _publisher_names(original):
        return "which it names as its origin"
    if original.published and copy.published and original.published < copy.published:
        return f"which was published first, on {original.published:%Y-%m-%d at %H:%M} UTC"
    if original.published and not copy.published:
        return "which was published first, as far as is known"
    if original.published == copy.published:
        return "which was published first or has the lower address"
    return "which others name as their origin"


def _credited_names(member: DuplicateArticle) -> frozenset[str]:
    """Return the folded names that an article credits: its credit line and the host of its declared original."""
    names = (member.credit, host_of(url_key(member.original_url)) if member.original_url else "")
    return frozenset(filter(None, map(_fold_name, names))) - {_fold_name(host_of(member.url_key))}


def _publisher_names(member: DuplicateArticle) -> frozenset[str]:
    """Return the folded names of an article's publisher: site name, source, host and the label of its domain."""
    host = host_of(member.url_key)
    labels = host.split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL_DOMAINS:
        labels.pop()
    return frozenset(filter(None, map(_fold_name, (member.site_name, member.source, host, *labels[-1:]))))


def _fold_name(name: str) -> str:
    return fold_text(name).removeprefix("the ").replace(" ", "")
