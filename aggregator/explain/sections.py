"""An account as sections of reasons, in their order: what a command or a page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from aggregator.explain.discovery import found, tries
from aggregator.explain.duplicates import copies, identity
from aggregator.explain.extraction import fields, left_out, topics
from aggregator.explain.fetches import fetched
from aggregator.explain.reason import Reason, Section
from aggregator.explain.revisions import edits, presence
from aggregator.explain.story import story
from aggregator.formatting import moment
from storage.model.article import KeptArticle
from storage.model.crawl import LeadState
from storage.provenance.model import Account

Telling = Callable[[Account, datetime], Iterator[Reason]]
"""Tells one kind of reasons, those of an account at a time; none where it has nothing to say."""


def sections(account: Account, now: datetime) -> list[Section]:
    """The sections that have something to say."""
    made = (Section(name=name, title=title, reasons=tuple(tell(account, now))) for name, title, tell in SECTIONS)
    return [section for section in made if section.reasons]


def heading(account: Account) -> str:
    """What the account is of, on one line."""
    article = account.article
    return f"Article {article.id}: {article.title}" if article else f"No article: {account.asked}"


def summary(account: Account, now: datetime) -> Iterator[Reason]:
    """What it comes to, in a sentence or two."""
    if account.article is None:
        yield from _not_kept(account)
        return
    article = account.article
    if account.moved_from is not None:
        words = f"Article {account.moved_from} proved to be article {article.id}, which this is."
        yield Reason(words=words, facts=(("moved_from", account.moved_from),))
    yield Reason(
        words=f"Kept from {article.source} since {moment(article.first_seen)}: {_shown(article)}.",
        facts=(
            ("id", article.id), ("url", article.url), ("source", article.source), ("title", article.title),
            ("first_seen", article.first_seen), ("revision", article.revision), ("copy_of", article.copy_of),
            ("withdrawn", article.withdrawn), ("truncated", article.truncated), ("reason", article.reason),
        ),
        beneath=(article.url,),
    )  # fmt: skip
    yield Reason(words=f"The latest decision about it: {article.reason}.", facts=(("reason", article.reason),))


def _shown(article: KeptArticle) -> str:
    shown = [f"revision {article.revision} of {len(article.revisions)} is shown"]
    shown += [f"a copy of article {article.copy_of}"] if article.copy_of is not None else []
    shown += [f"withdrawn on {moment(article.withdrawn)}"] if article.withdrawn else []
    return "; ".join(shown)


def _not_kept(account: Account) -> Iterator[Reason]:
    states = {one.state for one in account.namings}
    state = next((one for one in _STATES if one in states), None)
    if state is not None:
        yield Reason(words=_STATES[state], facts=(("url", account.asked), ("state", state)))
    elif account.fetches:
        words = "It was fetched, as a step on the way from or to other addresses, and is no article."
        yield Reason(words=words, facts=(("url", account.asked), ("state", None)))
    for number in account.claimed_by:
        words = f"A page of article {number} calls it its canonical address."
        yield Reason(words=words, facts=(("article", number),))


_STATES = {
    LeadState.KEPT: "What was fetched here became an article at another address.",
    LeadState.LEASED: "It is being fetched.",
    LeadState.RETRY: "No article came of it so far; it is to be asked for again.",
    LeadState.WAITING: "It waits to be fetched.",
    LeadState.EXPIRED: "It is older than it is to be kept, and is not asked for again.",
    LeadState.REFUSED: "No article came of it, and it is not asked for again.",
}
"""What an address without an article comes to, by how its leads stand; the first that one of them fits."""

SECTIONS: tuple[tuple[str, str, Telling], ...] = (
    ("summary", "", summary),
    ("found", "Found by", found),
    ("fetched", "Fetched", fetched),
    ("tries", "Tries", tries),
    ("fields", "Read from the page", fields),
    ("left-out", "Left out as boilerplate", left_out),
    ("identity", "Why it is one article", identity),
    ("copies", "Who else tells its text", copies),
    ("story", "Who tells its story", story),
    ("revisions", "Edits", edits),
    ("presence", "Still there?", presence),
    ("topics", "Topics", topics),
)
"""Name, heading and teller of each section; another kind of reason is a function beside these and a line here."""
