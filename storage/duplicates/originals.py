"""Which of the articles that tell one text is the original, and whose copy each other is.

Pure functions of facts, whatever their order: so the archive comes out the same in any order of
arrival. Articles that show the same words are one telling; two tellings are alike where one was
measured to stand in the other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.identity import fold_text, host_of, url_key

COPY_WINDOW = timedelta(days=32)
"""How far apart two articles may be told and still be copies.

With the same words they are at any distance, and so they are where one names the other as its origin.
"""
MIN_SIMILARITY_ON_SITE = 0.9
"""How alike two texts of one site must be: its articles share its furniture, and its series their templates."""
_SECOND_LEVEL_DOMAINS = frozenset(["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateArticle:
    """An article among those that tell one text, and what it says of where the text is from.

    `told_at` is when it was published, or else first fetched.
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
class StoredSimilarity:
    """How two tellings are alike: the share of the shorter that stands in the other, and the kind of it."""

    similarity: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a telling's articles come from: the article `original`, and the reason in words."""

    original_id: int
    reason: str


DigestPair = tuple[str, str]
_NO_NAMES = frozenset[str]()


def find_originals(
    tellings: Mapping[str, Sequence[DuplicateArticle]], alike: Mapping[DigestPair, StoredSimilarity]
) -> dict[str, Origin]:
    """The original of every telling, by its digest; `alike` holds each pair of digests both ways round.

    In the order of who may be first, each telling is an original unless it is like one that is an
    original already; then it is a copy of the first of these. So a copy always stands in its
    original or holds it, however long the chain of likenesses behind it.
    """
    alike = _valid_similarities(tellings, alike)
    ranks = _origin_ranks(tellings, alike)
    ordered = {
        digest: sorted(members, key=lambda m: (ranks[m.id], *_age_key(m)))
        for digest, members in tellings.items()
        if members
    }
    firsts: list[str] = []
    found: dict[str, Origin] = {}
    for digest in sorted(ordered, key=lambda d: (ranks[ordered[d][0].id], *_age_key(ordered[d][0]))):
        mine = ordered[digest]
        root = next((first for first in firsts if (digest, first) in alike), digest)
        if root == digest:
            firsts.append(digest)
        original = ordered[root][0]
        other = mine[0] if root != digest else mine[min(1, len(mine) - 1)]
        found[digest] = Origin(
            original_id=original.id,
            reason=f"{_similarity_phrase(alike.get((digest, root)))} article {original.id},"
            f" {_origin_reason(original, other)}",
        )
    return found


def _valid_similarities(
    tellings: Mapping[str, Sequence[DuplicateArticle]], alike: Mapping[DigestPair, StoredSimilarity]
) -> dict[DigestPair, StoredSimilarity]:
    """The likenesses of which two articles can be meant: told within the window, and by two sites or nearly whole.

    Where one names the other as its origin, they are meant whenever they were told.
    """
    times = {
        digest: sorted((member.published_or_seen_at, host_of(member.url_key)) for member in members)
        for digest, members in tellings.items()
    }
    named = {digest: _union(map(_credited_names, members)) for digest, members in tellings.items()}
    called = {
        digest: _union(map(_publisher_names, members)) for digest, members in tellings.items() if any(named.values())
    }
    return {
        (one, other): found
        for (one, other), found in alike.items()
        if named.get(one, _NO_NAMES) & called.get(other, _NO_NAMES)
        or named.get(other, _NO_NAMES) & called.get(one, _NO_NAMES)
        or any(
            _is_within_window(at, "" if found.similarity >= MIN_SIMILARITY_ON_SITE else host, times.get(other, []))
            for at, host in times.get(one, [])
        )
    }


def _union(found: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*found)


def _is_within_window(at: datetime, host: str, told: Sequence[tuple[datetime, str]]) -> bool:
    """Whether any of these was told within the window of a time, by another host than this."""
    first, last = bisect_left(told, (at - COPY_WINDOW, "")), bisect_right(told, (at + COPY_WINDOW, "\uffff"))
    return any(theirs != host for _, theirs in told[first:last])


def _origin_ranks(
    tellings: Mapping[str, Sequence[DuplicateArticle]], alike: Mapping[DigestPair, StoredSimilarity]
) -> dict[int, int]:
    """0 whom another that tells the same names as its origin, 2 who names another, 1 who does neither, or both."""
    called = {m.id: _publisher_names(m) for members in tellings.values() for m in members}
    naming, named = set(), set()
    for one, members in tellings.items():
        pointing = [(m, words) for m in members if (words := _credited_names(m))]
        if not pointing:
            continue
        others = [m for digest, told in tellings.items() if digest == one or (one, digest) in alike for m in told]
        for member, words in pointing:
            found = {other.id for other in others if other.id != member.id and words & called[other.id]}
            if found - {m.id for m in others if called[m.id] == called[member.id]}:
                naming.add(member.id)
                named |= found
    return {m.id: 1 + (m.id in naming) - (m.id in named) for members in tellings.values() for m in members}


def _age_key(member: DuplicateArticle) -> tuple[bool, float, str, int]:
    return member.published is None, member.published.timestamp() if member.published else 0, member.url_key, member.id


def _similarity_phrase(alike: StoredSimilarity | None) -> str:
    if alike is None:
        return "same text as"
    share = f"{min(alike.similarity, 0.99):.0%}"
    if alike.kind == "part":
        return f"{share} of the shorter text stands in the other: the same as"
    return f"{share} the same text as"


def _origin_reason(original: DuplicateArticle, other: DuplicateArticle) -> str:
    if _credited_names(other) & _publisher_names(original):
        return "which it names as its origin"
    if original.published and other.published and original.published < other.published:
        return f"which was published first, on {original.published:%Y-%m-%d at %H:%M} UTC"
    if original.published and not other.published:
        return "which was published first, as far as is known"
    if original.published == other.published:
        return "which was published first or has the lower address"
    return "which others name as their origin"


def _credited_names(member: DuplicateArticle) -> frozenset[str]:
    """Whom an article names as its origin: the words of its credit line, the host that it declares."""
    names = (member.credit, host_of(url_key(member.original_url)) if member.original_url else "")
    return frozenset(filter(None, map(_fold_name, names))) - {_fold_name(host_of(member.url_key))}


def _publisher_names(member: DuplicateArticle) -> frozenset[str]:
    """By which words others may name an article's publisher: the site's name, the source's, the host, its own label."""
    host = host_of(member.url_key)
    labels = host.split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL_DOMAINS:
        labels.pop()
    return frozenset(filter(None, map(_fold_name, (member.site_name, member.source, host, *labels[-1:]))))


def _fold_name(name: str) -> str:
    return fold_text(name).removeprefix("the ").replace(" ", "")
