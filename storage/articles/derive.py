"""What follows from all that was seen of one article: its address, its revisions, which one is shown.

Pure functions of facts, whatever their order: so the archive comes out the same in any order
of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.identity import host_of
from storage.text.diff import Edit
from storage.text.headlines import Headlines, new_headline

CONFIRMED_AFTER = timedelta(hours=1)
"""How much later a page must still be missing to count as withdrawn, where its server does not say that it is gone."""


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
    """One fetch that gave this article: from alias `asked` to alias `final`, with the text `text_id`.

    What readings by the same `extractor` are compared by: `wording` and `stated`, digests of what the page
    shows and of what its own data says where that is otherwise (else the same); `echoed`, marks of the paragraphs
    that its data has, and `variants` of those that it has in other words, each with the mark of these;
    `headlines`, the title and what each place of the page says as such.
    """

    id: int
    text_id: int
    digest: str
    asked: int
    final: int
    twin: str
    source: str
    fetched_at: datetime
    wording: str = ""
    stated: str = ""
    extractor: str = ""
    echoed: frozenset[int] = frozenset()
    variants: frozenset[tuple[int, int]] = frozenset()
    headlines: Headlines = ()

    def is_edited_since(self, before: Sighting) -> bool:
        """Whether something was edited between two readings.

        What the page shows, unless its data said so before; or what its data says of a paragraph that it had
        before too, unless it only catches up with what is shown; or a headline.
        """
        if new_headline(before.headlines, self.headlines):
            return True
        if self.wording != before.wording:
            return self.wording != before.stated
        return any(shown in before.echoed for shown, _ in self.variants - before.variants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One fetch of an alias of the article that gave no text.

    `outcome` is "missing" or "unmodified"; `sure` that nothing more is needed to believe that it is missing.
    """

    id: int
    alias_id: int
    looked_at: datetime
    outcome: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What began a revision: a sighting with another wording, or a `look` that found the article withdrawn.

    `edit` is set where it is known without comparing texts.
    """

    sighting: Sighting
    at: datetime
    look: Look | None = None
    edit: Edit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What an article comes to: its address, what began its revisions, the number shown, its source."""

    alias: Alias
    revisions: tuple[Step, ...]
    shown: int
    source: str
    withdrawn: datetime | None = None

    @property
    def is_revised(self) -> bool:
        """Whether it was edited: being withdrawn or restored is no edit."""
        return any(step.look is None and step.edit is None for step in self.revisions[1:])

    @property
    def shown_text(self) -> int:
        """The id of the text that is shown."""
        return self.revisions[self.shown - 1].sighting.text_id


def better_spelling(one: tuple[str, bool], other: tuple[str, bool]) -> tuple[str, bool]:
    """Of two spellings (url, asked) of one address: the one that was asked, secure, short, first in the alphabet."""
    return min(one, other, key=lambda s: (not s[1], not s[0].lower().startswith("https:"), len(s[0]), s[0]))


def arrange(
    aliases: Sequence[Alias], declared: Collection[str], sightings: Sequence[Sighting], looks: Sequence[Look] = ()
) -> Arrangement:
    """The article that these facts make; `declared` holds digests of the canonical keys its pages declare."""
    ordered = in_time(sightings)
    alias = _chosen(aliases, declared, {s.final for s in sightings})
    covering = [s for s in ordered if alias.id in (s.asked, s.final)]
    absences = _absences(looks, covering, alias.id)
    steps, numbers = _numbered(ordered, absences, alias.id)
    plainest = min(s.twin for s in covering)
    shown = [s for s in covering if s.twin == plainest][-1]
    gone = absences[-1].looked_at if absences and absences[-1].looked_at > covering[-1].fetched_at else None
    return Arrangement(
        alias=alias,
        revisions=steps,
        shown=max(n for n, one in enumerate(steps, 1) if one.look) if gone else numbers[shown.id],
        source=min((s.fetched_at, s.source) for s in ordered)[1],
        withdrawn=gone,
    )


def steps_of(alias_id: int, sightings: Iterable[Sighting], looks: Sequence[Look]) -> tuple[Step, ...]:
    """What began each revision, as far as these tell, of an article that is shown at an alias."""
    ordered = in_time(sightings)
    covering = [s for s in ordered if alias_id in (s.asked, s.final)]
    return _numbered(ordered, _absences(looks, covering, alias_id), alias_id)[0]


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


def _absences(looks: Sequence[Look], covering: Sequence[Sighting], alias_id: int) -> list[Look]:
    """The first look of each time that the article was not there at an alias, where that is certain.

    It is where the server said that it is gone for good, or where it is missing still, an hour later or
    more, and nobody has seen it in between.
    """
    events: list[tuple[datetime, Look | None]] = [(s.fetched_at, None) for s in covering]
    events += [(look.looked_at, look) for look in looks if look.alias_id == alias_id]
    found: list[Look] = []
    first: Look | None = None
    confirmed = False
    for at, look in sorted(events, key=lambda event: (event[0], event[1].id if event[1] else 0)):
        if look is None or look.outcome != "missing":
            first, confirmed = None, False
            continue
        first = first or look
        if not confirmed and (look.sure or at - first.looked_at >= CONFIRMED_AFTER):
            confirmed = True
            found.append(first)
    return found


def _numbered(
    ordered: Sequence[Sighting], absences: Sequence[Look], alias_id: int
) -> tuple[tuple[Step, ...], Mapping[int, int]]:
    """What began each revision, and each sighting's revision number.

    Each variant (address and twin) changes on its own: a print page that says other words than
    the article does not make a new revision each time the two are fetched in turn. A variant
    that catches up with what another has said since shares that revision. Only readings by one
    extractor are compared: where another read the page, its reading is what later ones are compared with.
    An absence of the alias begins a revision with the text that was there, and so does its return.
    """
    steps: list[Step] = []
    numbers: dict[int, int] = {}
    current: dict[tuple[int, str], tuple[int, Sighting]] = {}
    waiting = sorted(absences, key=lambda look: look.looked_at)
    shown: Sighting | None = None
    is_gone = False

    def withdraw(until: datetime | None) -> bool:
        nonlocal is_gone
        while waiting and shown is not None and (until is None or waiting[0].looked_at < until):
            look = waiting.pop(0)
            if not is_gone:
                was = steps[numbers[shown.id] - 1].sighting  # whose text is shown, and stays
                steps.append(Step(sighting=was, at=look.looked_at, look=look, edit=Edit.WITHDRAWN))
                is_gone = True
        return is_gone

    for sighting in ordered:
        variant = (sighting.final, sighting.twin)
        covers = alias_id in (sighting.asked, sighting.final)
        mine, before = current.get(variant, (0, sighting))
        same = [n for n, last in current.values() if n >= mine and not sighting.is_edited_since(last)]
        if withdraw(sighting.fetched_at) and covers:
            steps.append(Step(sighting=sighting, at=sighting.fetched_at, edit=Edit.RESTORED))
            is_gone, same = False, [len(steps)]
        elif not same and mine and before.extractor != sighting.extractor:
            same = [mine]
        elif not same:
            steps.append(Step(sighting=sighting, at=sighting.fetched_at))
            same = [len(steps)]
        numbers[sighting.id] = max(same)
        current[variant] = (max(same), sighting)
        if covers and (shown is None or sighting.twin <= shown.twin):
            shown = sighting
    withdraw(None)
    return tuple(steps), numbers
