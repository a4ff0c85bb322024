"""Explain an article's revisions, the changes that were held back, and whether it is still available."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_count, format_quote, format_time
from storage.articles.derive import ABSENCE_CONFIRMED_AFTER
from storage.model.article import RevisionSummary
from storage.provenance.model import Fetch, Provenance


def explain_revisions(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain each revision with its kind and size, then the changes that were held back as no edit."""
    article = provenance.article
    if article is None:
        return
    title = ""
    for revision in article.revisions:
        shown = ", shown now" if revision.number == article.revision and len(article.revisions) > 1 else ""
        new_title = f", with the title {format_quote(revision.title)}" if revision.title != title else ""
        title = revision.title
        yield Reason(
            text=f"Revision {revision.number}{shown}: {_describe_edit(revision)}{new_title}.",
            at=revision.fetched_at,
            facts=(
                ("revision", revision.number), ("kind", revision.kind or None), ("added", revision.added),
                ("removed", revision.removed), ("title", revision.title), ("digest", revision.digest),
                ("shown", revision.number == article.revision),
            ),
        )  # fmt: skip
    if len(article.revisions) == 1:
        yield Reason(text=_describe_no_edit(_count_later_fetches(provenance)))
    for block in provenance.held_blocks:
        yield Reason(
            text=f"Held back since {format_time(block.held_at)} and not counted as an edit: a block that appeared or "
            f"disappeared on {format_count(block.articles, 'page')} of {block.source}, as in a redesign: "
            f"{format_quote(block.text)}",
            facts=(
                ("source", block.source), ("held_at", block.held_at), ("articles", block.articles),
                ("block", block.text),
            ),
        )  # fmt: skip


def _describe_edit(revision: RevisionSummary) -> str:
    if not revision.kind:
        return "the first text"
    if not revision.added and not revision.removed:
        return revision.kind
    return f"{revision.kind}, {format_count(revision.added, 'character')} added and {revision.removed} removed"


def _describe_no_edit(later_fetches: int) -> str:
    return (
        f"No edit was found in {format_count(later_fetches, 'later check')}."
        if later_fetches
        else "The article was not checked again yet."
    )


def _count_later_fetches(provenance: Provenance) -> int:
    """Return the number of successful checks after the first fetch."""
    return max(0, sum(fetch.snapshot is not None or fetch.outcome == "unmodified" for fetch in provenance.fetches) - 1)


def explain_presence(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain whether the article is still available, when it was last seen, and what must be confirmed."""
    article = provenance.article
    if article is None:
        return
    events = [fetch for fetch in provenance.fetches if _is_check(fetch, provenance.shown_alias_id)]
    available = [fetch for fetch in events if fetch.snapshot or fetch.outcome == "unmodified"]
    if article.withdrawn:
        words = f"Withdrawn since {format_time(article.withdrawn)}: the publisher no longer shows it. The text stays."
        yield Reason(text=words, facts=(("withdrawn", article.withdrawn),))
    elif (first := _find_unconfirmed(events)) is not None:
        yield Reason(
            text=f"Missing since {format_time(first.at)} ({first.reason}), but not counted as withdrawn yet: a check "
            f"on {format_time(first.at + ABSENCE_CONFIRMED_AFTER)} or later must confirm it.",
            facts=(("missing", first.at), ("confirmed_from", first.at + ABSENCE_CONFIRMED_AFTER)),
        )
    if available:
        words = f"Last available on {format_time(available[-1].at)}."
        yield Reason(text=words, facts=(("last_there", available[-1].at),))
    for fetch in (event for event in events[-1:] if event.outcome in ("outage", "refused")):
        words = f"The last check, on {format_time(fetch.at)}, is no evidence about the article: {fetch.reason}."
        yield Reason(text=words, facts=(("last_look", fetch.at), ("outcome", fetch.outcome)))


def _is_check(fetch: Fetch, alias_id: int) -> bool:
    """Return whether a fetch shows if the article is available at its own URL."""
    if fetch.snapshot is not None:
        return alias_id in (fetch.snapshot.requested_alias_id, fetch.snapshot.final_alias_id)
    return bool(fetch.outcome) and fetch.alias_id == alias_id


def _find_unconfirmed(events: list[Fetch]) -> Fetch | None:
    """Return the first of the latest successive checks that did not find the article."""
    first: Fetch | None = None
    for fetch in events:
        first = (first or fetch) if fetch.outcome == "missing" else None
    return first
