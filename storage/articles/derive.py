"""What follows from all that was seen of one article: its address, its revisions, which one is shown.

Pure functions of facts, whatever their order: so the archive comes out the same in any order
of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.identity import host_of
from storage.text.diff import EditKind
from storage.text.headlines import Headlines, find_new_headline

ABSENCE_CONFIRMED_AFTER = timedelta(hours=1)
"""How much later a page must still be missing to count as withdrawn, where its server does not say that it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An address under which the article was fetched: `url` as spelled, `asked` if it was asked so."""

    id: int
    url_digest: str
    url_key: str
    url: str
    is_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One fetch that gave this article: from alias `asked` to alias `final`, with the text `text_id`.

    What readings by the same `extractor` are compared by: `wording` and `stated`, digests of what the page
    shows and of what its own data says where that is otherwise (else the same); `echoed`, marks of the paragraphs
    that its data has, and `variants` of those that it has in other words, each with the mark of these;
    `headlines`, the title and what each place of the page says as such.
    """

    id: int
    text_id: int
    digest: str
    requested_alias_id: int
    final_alias_id: int
    variant_key: str
    source: str
    fetched_at: datetime
    comparable_digest: str = ""
    page_data_digest: str = ""
    extractor: str = ""
    in_page_data: frozenset[int] = frozenset()
    differs_in_page_data: frozenset[tuple[int, int]] = frozenset()
    headlines: Headlines = ()

    def is_edited_since(self, before: Snapshot) -> bool:
        """Whether something was edited between two readings.

        What the page shows, unless its data said so before; or what its data says of a paragraph that it had
        before too, unless it only catches up with what is shown; or a headline.
        """
        if find_new_headline(before.headlines, self.headlines):
            return True
        if self.comparable_digest != before.comparable_digest:
            return self.comparable_digest != before.page_data_digest
        return any(shown in before.in_page_data for shown, _ in self.differs_in_page_data - before.differs_in_page_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One fetch of an alias of the article that gave no text.

    `outcome` is "missing" or "unmodified"; `sure` that nothing more is needed to believe that it is missing.
    """

    id: int
    alias_id: int
    checked_at: datetime
    outcome: str
    is_certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStart:
    """What began a revision: a sighting with another wording, or a `look` that found the article withdrawn.

    `edit` is set where it is known without comparing texts.
    """

    snapshot: Snapshot
    at: datetime
    check: Check | None = None
    edit: EditKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleState:
    """What an article comes to: its address, what began its revisions, the number shown, its source."""

    alias: Alias
    revision_starts: tuple[RevisionStart, ...]
    shown_number: int
    source: str
    withdrawn_at: datetime | None = None

    @property
    def is_revised(self) -> bool:
        """Whether it was edited: being withdrawn or restored is no edit."""
        return any(step.check is None and step.edit is None for step in self.revision_starts[1:])

    @property
    def shown_text_id(self) -> int:
        """The id of the text that is shown."""
        return self.revision_starts[self.shown_number - 1].snapshot.text_id


def choose_spelling(one: tuple[str, bool], other: tuple[str, bool]) -> tuple[str, bool]:
    """Of two spellings (url, asked) of one address: the one that was asked, secure, short, first in the alphabet."""
    return min(one, other, key=lambda s: (not s[1], not s[0].lower().startswith("https:"), len(s[0]), s[0]))


def derive_state(
    aliases: Sequence[Alias], declared: Collection[str], sightings: Sequence[Snapshot], looks: Sequence[Check] = ()
) -> ArticleState:
    """The article that these facts make; `declared` holds digests of the canonical keys its pages declare."""
    ordered = sort_by_time(sightings)
    alias = _choose_alias(aliases, declared, {s.final_alias_id for s in sightings})
    covering = [s for s in ordered if alias.id in (s.requested_alias_id, s.final_alias_id)]
    absences = _confirmed_absences(looks, covering, alias.id)
    steps, numbers = _number_revisions(ordered, absences, alias.id)
    plainest = min(s.variant_key for s in covering)
    shown = [s for s in covering if s.variant_key == plainest][-1]
    gone = absences[-1].checked_at if absences and absences[-1].checked_at > covering[-1].fetched_at else None
    return ArticleState(
        alias=alias,
        revision_starts=steps,
        shown_number=max(n for n, one in enumerate(steps, 1) if one.check) if gone else numbers[shown.id],
        source=min((s.fetched_at, s.source) for s in ordered)[1],
        withdrawn_at=gone,
    )


def find_revision_starts(
    alias_id: int, sightings: Iterable[Snapshot], looks: Sequence[Check]
) -> tuple[RevisionStart, ...]:
    """What began each revision, as far as these tell, of an article that is shown at an alias."""
    ordered = sort_by_time(sightings)
    covering = [s for s in ordered if alias_id in (s.requested_alias_id, s.final_alias_id)]
    return _number_revisions(ordered, _confirmed_absences(looks, covering, alias_id), alias_id)[0]


def _choose_alias(aliases: Sequence[Alias], declared: Collection[str], finals: Collection[int]) -> Alias:
    """The canonical address if it was fetched, else the lowest key.

    An address on a host that only ever led elsewhere (a shortener, a tracker, somebody who
    points at another's page) is a way in, not a name.
    """
    hosts = {host_of(a.url_key) for a in aliases if a.id in finals}
    own = [a for a in aliases if host_of(a.url_key) in hosts]
    return min([a for a in own if a.url_digest in declared] or own, key=lambda a: a.url_key)


def sort_by_time(sightings: Iterable[Snapshot]) -> list[Snapshot]:
    """Sightings in the order in which they were made."""
    return sorted(sightings, key=lambda s: (s.fetched_at, s.digest, s.final_alias_id, s.variant_key))


def _confirmed_absences(looks: Sequence[Check], covering: Sequence[Snapshot], alias_id: int) -> list[Check]:
    """The first look of each time that the article was not there at an alias, where that is certain.

    It is where the server said that it is gone for good, or where it is missing still, an hour later or
    more, and nobody has seen it in between.
    """
    events: list[tuple[datetime, Check | None]] = [(s.fetched_at, None) for s in covering]
    events += [(look.checked_at, look) for look in looks if look.alias_id == alias_id]
    found: list[Check] = []
    first: Check | None = None
    confirmed = False
    for at, look in sorted(events, key=lambda event: (event[0], event[1].id if event[1] else 0)):
        if look is None or look.outcome != "missing":
            first, confirmed = None, False
            continue
        first = first or look
        if not confirmed and (look.is_certain or at - first.checked_at >= ABSENCE_CONFIRMED_AFTER):
            confirmed = True
            found.append(first)
    return found


def _number_revisions(
    ordered: Sequence[Snapshot], absences: Sequence[Check], alias_id: int
) -> tuple[tuple[RevisionStart, ...], Mapping[int, int]]:
    """What began each revision, and each sighting's revision number.

    Each variant (address and twin) changes on its own: a print page that says other words than
    the article does not make a new revision each time the two are fetched in turn. A variant
    that catches up with what another has said since shares that revision. Only readings by one
    extractor are compared: where another read the page, its reading is what later ones are compared with.
    An absence of the alias begins a revision with the text that was there, and so does its return.
    """
    steps: list[RevisionStart] = []
    numbers: dict[int, int] = {}
    current: dict[tuple[int, str], tuple[int, Snapshot]] = {}
    waiting = sorted(absences, key=lambda look: look.checked_at)
    shown: Snapshot | None = None
    is_gone = False

    def withdraw(until: datetime | None) -> bool:
        nonlocal is_gone
        while waiting and shown is not None and (until is None or waiting[0].checked_at < until):
            look = waiting.pop(0)
            if not is_gone:
                was = steps[numbers[shown.id] - 1].snapshot  # whose text is shown, and stays
                steps.append(RevisionStart(snapshot=was, at=look.checked_at, check=look, edit=EditKind.WITHDRAWN))
                is_gone = True
        return is_gone

    for sighting in ordered:
        variant = (sighting.final_alias_id, sighting.variant_key)
        covers = alias_id in (sighting.requested_alias_id, sighting.final_alias_id)
        mine, before = current.get(variant, (0, sighting))
        same = [n for n, last in current.values() if n >= mine and not sighting.is_edited_since(last)]
        if withdraw(sighting.fetched_at) and covers:
            steps.append(RevisionStart(snapshot=sighting, at=sighting.fetched_at, edit=EditKind.RESTORED))
            is_gone, same = False, [len(steps)]
        elif not same and mine and before.extractor != sighting.extractor:
            same = [mine]
        elif not same:
            steps.append(RevisionStart(snapshot=sighting, at=sighting.fetched_at))
            same = [len(steps)]
        numbers[sighting.id] = max(same)
        current[variant] = (max(same), sighting)
        if covers and (shown is None or sighting.variant_key <= shown.variant_key):
            shown = sighting
    withdraw(None)
    return tuple(steps), numbers
