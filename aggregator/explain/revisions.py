"""What became of it afterwards, in words: its revisions, what was held back, and whether it is still there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import counted, moment, quoted
from storage.articles.derive import CONFIRMED_AFTER
from storage.model.article import Edition
from storage.provenance.model import Account, Fetch


def edits(account: Account, now: datetime) -> Iterator[Reason]:
    """Every revision with its kind and figures, then what was held back as no edit."""
    article = account.article
    if article is None:
        return
    title = ""
    for one in article.revisions:
        shown = ", shown now" if one.number == article.revision and len(article.revisions) > 1 else ""
        named = f", under the title {quoted(one.title)}" if one.title != title else ""
        title = one.title
        yield Reason(
            words=f"Revision {one.number}{shown}: {_edit(one)}{named}.",
            at=one.fetched_at,
            facts=(
                ("revision", one.number), ("kind", one.kind or None), ("added", one.added), ("removed", one.removed),
                ("title", one.title), ("digest", one.digest), ("shown", one.number == article.revision),
            ),
        )  # fmt: skip
    if len(article.revisions) == 1:
        yield Reason(words=_never(_looked(account)))
    for block in account.held:
        yield Reason(
            words=f"Held back since {moment(block.held_at)}, no edit: a block that came or went on "
            f"{counted(block.articles, 'page')} of {block.source}, as in a redesign: {quoted(block.words)}",
            facts=(
                ("source", block.source), ("held_at", block.held_at), ("articles", block.articles),
                ("block", block.words),
            ),
        )  # fmt: skip


def _edit(one: Edition) -> str:
    if not one.kind:
        return "as it was first seen"
    if not one.added and not one.removed:
        return one.kind
    return f"an edit of kind {one.kind}, {counted(one.added, 'character')} came and {one.removed} went"


def _never(looks: int) -> str:
    return f"Nothing was edited, in {counted(looks, 'later look')}." if looks else "Its text was not seen again since."


def _looked(account: Account) -> int:
    """How often it was looked at after the first time."""
    return max(0, sum(fetch.sighting is not None or fetch.outcome == "unmodified" for fetch in account.fetches) - 1)


def presence(account: Account, now: datetime) -> Iterator[Reason]:
    """Whether it is still there, when that was last seen, and what is waiting to be confirmed."""
    article = account.article
    if article is None:
        return
    events = [fetch for fetch in account.fetches if _is_look(fetch, account.shown_alias)]
    there = [fetch for fetch in events if fetch.sighting or fetch.outcome == "unmodified"]
    if article.withdrawn:
        words = f"Withdrawn since {moment(article.withdrawn)}: its publisher no longer shows it; the text stays."
        yield Reason(words=words, facts=(("withdrawn", article.withdrawn),))
    elif (first := _unconfirmed(events)) is not None:
        yield Reason(
            words=f"Missing since {moment(first.at)} ({first.reason}), and not taken for withdrawn yet: a look on "
            f"{moment(first.at + CONFIRMED_AFTER)} or later must find it missing too.",
            facts=(("missing", first.at), ("confirmed_from", first.at + CONFIRMED_AFTER)),
        )
    if there:
        words = f"It was last there on {moment(there[-1].at)}."
        yield Reason(words=words, facts=(("last_there", there[-1].at),))
    for fetch in (one for one in events[-1:] if one.outcome in ("outage", "refused")):
        words = f"The last look, on {moment(fetch.at)}, tells nothing of it: {fetch.reason}."
        yield Reason(words=words, facts=(("last_look", fetch.at), ("outcome", fetch.outcome)))


def _is_look(fetch: Fetch, alias_id: int) -> bool:
    """Whether a fetch tells if the article is at an address of its own."""
    if fetch.sighting is not None:
        return alias_id in (fetch.sighting.asked, fetch.sighting.final)
    return bool(fetch.outcome) and fetch.alias_id == alias_id


def _unconfirmed(events: list[Fetch]) -> Fetch | None:
    """The first of the looks at the end that did not find it."""
    first: Fetch | None = None
    for fetch in events:
        first = (first or fetch) if fetch.outcome == "missing" else None
    return first
