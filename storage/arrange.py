"""What follows from all that was seen of one article: its address, its revisions, which one is shown.

Pure functions of facts, whatever their order: so the archive comes out the same in any order
of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.identity import host_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An address under which the article was fetched: `url` as spelled, `asked` if it was asked so."""

    id: int
    digest: str
    key: str
    url: str
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One fetch that gave this article: from alias `asked` to alias `final`, with the text `text_id`."""

    id: int
    text_id: int
    digest: str
    asked: int
    final: int
    twin: str
    source: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What an article comes to: its address, the sightings that began a revision, the number shown, its source."""

    alias: Alias
    revisions: tuple[Sighting, ...]
    shown: int
    source: str

    @property
    def shown_text(self) -> int:
        """The id of the text that is shown."""
        return self.revisions[self.shown - 1].text_id


def better_spelling(one: tuple[str, bool], other: tuple[str, bool]) -> tuple[str, bool]:
    """Of two spellings (url, asked) of one address: the one that was asked, secure, short, first in the alphabet."""
    return min(one, other, key=lambda s: (not s[1], not s[0].lower().startswith("https:"), len(s[0]), s[0]))


def arrange(aliases: Sequence[Alias], declared: Collection[str], sightings: Sequence[Sighting]) -> Arrangement:
    """The article that these facts make; `declared` holds digests of the canonical keys its pages declare."""
    ordered = in_time(sightings)
    alias = _chosen(aliases, declared, {s.final for s in sightings})
    revisions, numbers = numbered(ordered)
    covering = [s for s in ordered if alias.id in (s.asked, s.final)]
    plainest = min(s.twin for s in covering)
    shown = [s for s in covering if s.twin == plainest][-1]
    return Arrangement(
        alias=alias,
        revisions=revisions,
        shown=numbers[shown.id],
        source=min((s.fetched_at, s.source) for s in ordered)[1],
    )


def _chosen(aliases: Sequence[Alias], declared: Collection[str], finals: Collection[int]) -> Alias:
    """The canonical address if it was fetched, else the lowest key.

    An address on a host that only ever led elsewhere (a shortener, a tracker, somebody who
    points at another's page) is a way in, not a name.
    """
    hosts = {host_of(a.key) for a in aliases if a.id in finals}
    own = [a for a in aliases if host_of(a.key) in hosts]
    return min([a for a in own if a.digest in declared] or own, key=lambda a: a.key)


def in_time(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Sightings in the order in which they were made."""
    return sorted(sightings, key=lambda s: (s.fetched_at, s.digest, s.final, s.twin))


def numbered(ordered: Sequence[Sighting]) -> tuple[tuple[Sighting, ...], Mapping[int, int]]:
    """The sightings that began a revision, and each sighting's revision number.

    Each variant (address and twin) changes on its own: a print page that says other words than
    the article does not make a new revision each time the two are fetched in turn. A variant
    that catches up with what another has said since shares that revision.
    """
    revisions: list[Sighting] = []
    numbers: dict[int, int] = {}
    current: dict[tuple[int, str], int] = {}
    for sighting in ordered:
        variant = (sighting.final, sighting.twin)
        mine = current.get(variant, 0)
        same = [n for n in current.values() if n >= mine and revisions[n - 1].digest == sighting.digest]
        if not same:
            revisions.append(sighting)
            same = [len(revisions)]
        numbers[sighting.id] = current[variant] = max(same)
    return tuple(revisions), numbers
