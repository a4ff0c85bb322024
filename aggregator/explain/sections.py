"""An account as sections of reasons, in their order: what a command or a page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from aggregator.explain.discovery import explain_attempts, explain_discovery
from aggregator.explain.duplicates import explain_copies, explain_identity
from aggregator.explain.extraction import explain_boilerplate, explain_fields, explain_topics
from aggregator.explain.fetches import explain_fetches
from aggregator.explain.reason import Reason, Section
from aggregator.explain.revisions import explain_presence, explain_revisions
from aggregator.explain.story import explain_story
from aggregator.formatting import format_time
from storage.model.article import KeptArticle
from storage.model.crawl import LeadState
from storage.provenance.model import Provenance

SectionExplainer = Callable[[Provenance, datetime], Iterator[Reason]]
"""Tells one kind of reasons, those of an account at a time; none where it has nothing to say."""


def build_sections(account: Provenance, now: datetime) -> list[Section]:
    """The sections that have something to say."""
    made = (Section(name=name, title=title, reasons=tuple(tell(account, now))) for name, title, tell in SECTIONS)
    return [section for section in made if section.reasons]


def format_heading(account: Provenance) -> str:
    """What the account is of, on one line."""
    article = account.article
    return f"Article {article.id}: {article.title}" if article else f"No article: {account.requested}"


def explain_summary(account: Provenance, now: datetime) -> Iterator[Reason]:
    """What it comes to, in a sentence or two."""
    if account.article is None:
        yield from _explain_missing_article(account)
        return
    article = account.article
    if account.moved_from is not None:
        words = f"Article {account.moved_from} proved to be article {article.id}, which this is."
        yield Reason(text=words, facts=(("moved_from", account.moved_from),))
    yield Reason(
        text=f"Kept from {article.source} since {format_time(article.first_seen)}: {_describe_state(article)}.",
        facts=(
            ("id", article.id), ("url", article.url), ("source", article.source), ("title", article.title),
            ("first_seen", article.first_seen), ("revision", article.revision), ("copy_of", article.copy_of),
            ("withdrawn", article.withdrawn), ("truncated", article.truncated), ("reason", article.reason),
        ),
        details=(article.url,),
    )  # fmt: skip
    yield Reason(text=f"The latest decision about it: {article.reason}.", facts=(("reason", article.reason),))


def _describe_state(article: KeptArticle) -> str:
    shown = [f"revision {article.revision} of {len(article.revisions)} is shown"]
    shown += [f"a copy of article {article.copy_of}"] if article.copy_of is not None else []
    shown += [f"withdrawn on {format_time(article.withdrawn)}"] if article.withdrawn else []
    return "; ".join(shown)


def _explain_missing_article(account: Provenance) -> Iterator[Reason]:
    states = {one.state for one in account.discoveries}
    state = next((one for one in _STATE_DESCRIPTIONS if one in states), None)
    if state is not None:
        yield Reason(text=_STATE_DESCRIPTIONS[state], facts=(("url", account.requested), ("state", state)))
    elif account.fetches:
        words = "It was fetched, as a step on the way from or to other addresses, and is no article."
        yield Reason(text=words, facts=(("url", account.requested), ("state", None)))
    for number in account.claimed_by:
        words = f"A page of article {number} calls it its canonical address."
        yield Reason(text=words, facts=(("article", number),))


_STATE_DESCRIPTIONS = {
    LeadState.KEPT: "What was fetched here became an article at another address.",
    LeadState.LEASED: "It is being fetched.",
    LeadState.RETRY: "No article came of it so far; it is to be asked for again.",
    LeadState.WAITING: "It waits to be fetched.",
    LeadState.EXPIRED: "It is older than it is to be kept, and is not asked for again.",
    LeadState.REFUSED: "No article came of it, and it is not asked for again.",
}
"""What an address without an article comes to, by how its leads stand; the first that one of them fits."""

SECTIONS: tuple[tuple[str, str, SectionExplainer], ...] = (
    ("summary", "", explain_summary),
    ("found", "Found by", explain_discovery),
    ("fetched", "Fetched", explain_fetches),
    ("tries", "Tries", explain_attempts),
    ("fields", "Read from the page", explain_fields),
    ("left-out", "Left out as boilerplate", explain_boilerplate),
    ("identity", "Why it is one article", explain_identity),
    ("copies", "Who else tells its text", explain_copies),
    ("story", "Who tells its story", explain_story),
    ("revisions", "Edits", explain_revisions),
    ("presence", "Still there?", explain_presence),
    ("topics", "Topics", explain_topics),
)
"""Name, heading and teller of each section; another kind of reason is a function beside these and a line here."""
