"""Derive the state of an article from its snapshots: its address, its revisions and the revision that is shown.

Pure functions of facts in any order, so the archive does not depend on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.identity import host_of
from storage.text.diff import EditKind
from storage.text.headlines import Headlines, find_new_headline

ABSENCE_CONFIRMED_AFTER = timedelta(hours=1)
"""Time for which a page must be missing to count as withdrawn if its server does not answer 410."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An address under which an article was fetched; `is_requested` if this spelling was requested."""

    id: int
    url_digest: str
    url_key: str
    url: str
    is_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A fetch that returned this article: requested at one alias, answered at another, with a text.

    Snapshots by the same `extractor` are compared by: `comparable_digest` and `page_data_digest`, digests of the text
    as shown and as the page's data words it (equal if it does not differ); `in_page_data`, digests of the paragraphs
    that the data has; `differs_in_page_data`, of those that it words differently, each with the digest of its wording;
    and `headlines`, the title in each place of the page.
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
        """Return whether a headline, the shown text or the page's data was edited between two snapshots.

        A new shown text is no edit if the page's data had it before. A new wording in the data counts for paragraphs
        that the data had before, unless it only catches up with the shown text.
        """
        if find_new_headline(before.headlines, self.headlines):
            return True
        if self.comparable_digest != before.comparable_digest:
            return self.comparable_digest != before.page_data_digest
        return any(shown in before.in_page_data for shown, _ in self.differs_in_page_data - before.differs_in_page_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A fetch of an alias of the article that returned no text.

    `outcome` is "missing" or "unmodified"; `is_certain` says that a missing page needs no confirmation.
    """

    id: int
    alias_id: int
    checked_at: datetime
    outcome: str
    is_certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStart:
    """Start of a revision: a snapshot with another wording, or a `check` that found the article withdrawn.

    `edit` is set if the kind of edit is known without comparing texts.
    """

    snapshot: Snapshot
    at: datetime
    check: Check | None = None
    edit: EditKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleState:
    """State of an article: its address, the starts of its revisions, the number of the shown one, its source."""

    alias: Alias
    revision_starts: tuple[RevisionStart, ...]
    shown_number: int
    source: str
    withdrawn_at: datetime | None = None

    @property
    def is_revised(self) -> bool:
        """True if the article was edited; withdrawing and restoring are no edits."""
        return any(start.check is None and start.edit is None for start in self.revision_starts[1:])

    @property
    def shown_text_id(self) -> int:
        """Id of the text that is shown."""
        return self.revision_starts[self.shown_number - 1].snapshot.text_id


def choose_spelling(first: tuple[str, bool], second: tuple[str, bool]) -> tuple[str, bool]:
    """Return the better (url, is_requested): requested, https, shorter, alphabetically first."""
    return min(first, second, key=lambda s: (not s[1], not s[0].lower().startswith("https:"), len(s[0]), s[0]))


def derive_state(
    aliases: Sequence[Alias], declared: Collection[str], snapshots: Sequence[Snapshot], checks: Sequence[Check] = ()
) -> ArticleState:
    """Derive the state of an article; `declared` holds the digests of the canonical URLs that its pages declare."""
    ordered = sort_by_time(snapshots)
    alias = _choose_alias(aliases, declared, {s.final_alias_id for s in snapshots})
    covering = [s for s in ordered if alias.id in (s.requested_alias_id, s.final_alias_id)]
    absences = _confirmed_absences(checks, covering, alias.id)
    starts, numbers = _number_revisions(ordered, absences, alias.id)
    plainest = min(s.variant_key for s in covering)
    shown = [s for s in covering if s.variant_key == plainest][-1]
    withdrawn_at = absences[-1].checked_at if absences and absences[-1].checked_at > covering[-1].fetched_at else None
    return ArticleState(
        alias=alias,
        revision_starts=starts,
        shown_number=max(number for number, start in enumerate(starts, 1) if start.check)
        if withdrawn_at
        else numbers[shown.id],
        source=min((s.fetched_at, s.source) for s in ordered)[1],
        withdrawn_at=withdrawn_at,
    )


def find_revision_starts(
    alias_id: int, snapshots: Iterable[Snapshot], checks: Sequence[Check]
) -> tuple[RevisionStart, ...]:
    """Return the starts of the revisions that these snapshots and checks give an article shown at an alias."""
    ordered = sort_by_time(snapshots)
    covering = [s for s in ordered if alias_id in (s.requested_alias_id, s.final_alias_id)]
    return _number_revisions(ordered, _confirmed_absences(checks, covering, alias_id), alias_id)[0]


def _choose_alias(aliases: Sequence[Alias], declared: Collection[str], finals: Collection[int]) -> Alias:
    """Return the canonical address if it was fetched, else the address with the lowest key.

    An address on a host that only redirects to others (a shortener, a tracker) is not considered.
    """
    hosts = {host_of(a.url_key) for a in aliases if a.id in finals}
    own = [a for a in aliases if host_of(a.url_key) in hosts]
    return min([a for a in own if a.url_digest in declared] or own, key=lambda a: a.url_key)


def sort_by_time(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    return sorted(snapshots, key=lambda s: (s.fetched_at, s.digest, s.final_alias_id, s.variant_key))


def _confirmed_absences(checks: Sequence[Check], covering: Sequence[Snapshot], alias_id: int) -> list[Check]:
    """Return the first check of each confirmed absence of the article at an alias.

    An absence is confirmed if the server answered 410, or if the page is still missing after
    ABSENCE_CONFIRMED_AFTER without a snapshot in between.
    """
    events: list[tuple[datetime, Check | None]] = [(s.fetched_at, None) for s in covering]
    events += [(check.checked_at, check) for check in checks if check.alias_id == alias_id]
    absences: list[Check] = []
    first: Check | None = None
    confirmed = False
    for at, check in sorted(events, key=lambda event: (event[0], event[1].id if event[1] else 0)):
        if check is None or check.outcome != "missing":
            first, confirmed = None, False
            continue
        first = first or check
        if not confirmed and (check.is_certain or at - first.checked_at >= ABSENCE_CONFIRMED_AFTER):
            confirmed = True
            absences.append(first)
    return absences


def _number_revisions(
    ordered: Sequence[Snapshot], absences: Sequence[Check], alias_id: int
) -> tuple[tuple[RevisionStart, ...], Mapping[int, int]]:
    """Return the start of each revision, and the revision number of each snapshot by its id.

    Each variant (address and variant key) changes on its own: a print page with other words than the article makes no
    new revision each time both are fetched in turn. A variant that catches up with another shares its revision. Only
    snapshots by the same extractor are compared; a snapshot by another extractor becomes the new basis of comparison.
    An absence of the alias starts a revision with the text before it, and so does the end of the absence.
    """
    starts: list[RevisionStart] = []
    numbers: dict[int, int] = {}
    current: dict[tuple[int, str], tuple[int, Snapshot]] = {}
    pending = sorted(absences, key=lambda check: check.checked_at)
    shown: Snapshot | None = None
    is_gone = False

    def withdraw(until: datetime | None) -> bool:
        nonlocal is_gone
        while pending and shown is not None and (until is None or pending[0].checked_at < until):
            check = pending.pop(0)
            if not is_gone:
                shown_snapshot = starts[numbers[shown.id] - 1].snapshot  # its text remains shown
                starts.append(
                    RevisionStart(snapshot=shown_snapshot, at=check.checked_at, check=check, edit=EditKind.WITHDRAWN)
                )
                is_gone = True
        return is_gone

    for snapshot in ordered:
        variant = (snapshot.final_alias_id, snapshot.variant_key)
        covers = alias_id in (snapshot.requested_alias_id, snapshot.final_alias_id)
        own_number, before = current.get(variant, (0, snapshot))
        same = [n for n, last in current.values() if n >= own_number and not snapshot.is_edited_since(last)]
        if withdraw(snapshot.fetched_at) and covers:
            starts.append(RevisionStart(snapshot=snapshot, at=snapshot.fetched_at, edit=EditKind.RESTORED))
            is_gone, same = False, [len(starts)]
        elif not same and own_number and before.extractor != snapshot.extractor:
            same = [own_number]
        elif not same:
            starts.append(RevisionStart(snapshot=snapshot, at=snapshot.fetched_at))
            same = [len(starts)]
        numbers[snapshot.id] = max(same)
        current[variant] = (max(same), snapshot)
        if covers and (shown is None or snapshot.variant_key <= shown.variant_key):
            shown = snapshot
    withdraw(None)
    return tuple(starts), numbers
