"""What became of it afterwards, in words: its revisions, what was held back, and whether it is still there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_count, format_quote, format_time
from storage.articles.derive import ABSENCE_CONFIRMED_AFTER
from storage.model.article import RevisionSummary
from storage.provenance.model import Fetch, Provenance


def explain_revisions(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Every revision with its kind and figures, then what was held back as no edit."""
    article = account.article
    if article is None:
        return
    title = ""
    for one in article.revisions:
        shown = ", shown now" if one.number == article.revision and len(article.revisions) > 1 else ""
        named = f", under the title {format_quote(one.title)}" if one.title != title else ""
        title = one.title
        yield Reason(
            text=f"Revision {one.number}{shown}: {_describe_edit(one)}{named}.",
            at=one.fetched_at,
            facts=(
                ("revision", one.number), ("kind", one.kind or None), ("added", one.added), ("removed", one.removed),
                ("title", one.title), ("digest", one.digest), ("shown", one.number == article.revision),
            ),
        )  # fmt: skip
    if len(article.revisions) == 1:
        yield Reason(text=_describe_no_edit(_count_later_fetches(account)))
    for block in account.held_blocks:
        yield Reason(
            text=f"Held back since {format_time(block.held_at)}, no edit: a block that came or went on "
            f"{format_count(block.articles, 'page')} of {block.source}, as in a redesign: {format_quote(block.text)}",
            facts=(
                ("source", block.source), ("held_at", block.held_at), ("articles", block.articles),
                ("block", block.text),
            ),
        )  # fmt: skip


def _describe_edit(revision: RevisionSummary) -> str:
    if not revision.kind:
        return "as it was first seen"
    if not revision.added and not revision.removed:
        return revision.kind
    return (
        f"an edit of kind {revision.kind}, {format_count(revision.added, 'character')} came and {revision.removed} went"
    )


def _describe_no_edit(later_fetches: int) -> str:
    return (
        f"Nothing was edited, in {format_count(later_fetches, 'later look')}."
        if later_fetches
        else "Its text was not seen again since."
    )


def _count_later_fetches(account: Provenance) -> int:
    """How often it was looked at after the first time."""
    return max(0, sum(fetch.snapshot is not None or fetch.outcome == "unmodified" for fetch in account.fetches) - 1)


def explain_presence(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Whether it is still there, when that was last seen, and what is waiting to be confirmed."""
    article = account.article
    if article is None:
        return
    events = [fetch for fetch in account.fetches if _is_check(fetch, account.shown_alias_id)]
    there = [fetch for fetch in events if fetch.snapshot or fetch.outcome == "unmodified"]
    if article.withdrawn:
        words = f"Withdrawn since {format_time(article.withdrawn)}: its publisher no longer shows it; the text stays."
        yield Reason(text=words, facts=(("withdrawn", article.withdrawn),))
    elif (first := _find_unconfirmed(events)) is not None:
        yield Reason(
            text=f"Missing since {format_time(first.at)} ({first.reason}), and not taken for withdrawn yet: a look on "
            f"{format_time(first.at + ABSENCE_CONFIRMED_AFTER)} or later must find it missing too.",
            facts=(("missing", first.at), ("confirmed_from", first.at + ABSENCE_CONFIRMED_AFTER)),
        )
    if there:
        words = f"It was last there on {format_time(there[-1].at)}."
        yield Reason(text=words, facts=(("last_there", there[-1].at),))
    for fetch in (one for one in events[-1:] if one.outcome in ("outage", "refused")):
        words = f"The last look, on {format_time(fetch.at)}, tells nothing of it: {fetch.reason}."
        yield Reason(text=words, facts=(("last_look", fetch.at), ("outcome", fetch.outcome)))


def _is_check(fetch: Fetch, alias_id: int) -> bool:
    """Whether a fetch tells if the article is at an address of its own."""
    if fetch.snapshot is not None:
        return alias_id in (fetch.snapshot.requested_alias_id, fetch.snapshot.final_alias_id)
    return bool(fetch.outcome) and fetch.alias_id == alias_id


def _find_unconfirmed(events: list[Fetch]) -> Fetch | None:
    """The first of the looks at the end that did not find it."""
    first: Fetch | None = None
    for fetch in events:
        first = (first or fetch) if fetch.outcome == "missing" else None
    return first
