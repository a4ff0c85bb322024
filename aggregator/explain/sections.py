"""Explain everything known about an article or URL: all sections in the order in which they are shown."""

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
"""Yields the reasons of one section; none if the section does not apply."""


def build_sections(provenance: Provenance, now: datetime) -> list[Section]:
    """Return the sections that have at least one reason."""
    sections = (
        Section(name=name, title=title, reasons=tuple(explain(provenance, now))) for name, title, explain in SECTIONS
    )
    return [section for section in sections if section.reasons]


def format_heading(provenance: Provenance) -> str:
    """Return the heading of an explanation: the article, or the URL without one."""
    article = provenance.article
    return f"Article {article.id}: {article.title}" if article else f"No article: {provenance.requested}"


def explain_summary(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain the state of the article, or why the URL has none."""
    if provenance.article is None:
        yield from _explain_missing_article(provenance)
        return
    article = provenance.article
    if provenance.moved_from is not None:
        words = f"Article {provenance.moved_from} was merged into article {article.id}, which is shown here."
        yield Reason(text=words, facts=(("moved_from", provenance.moved_from),))
    yield Reason(
        text=f"Kept from {article.source} since {format_time(article.first_seen)}: {_describe_state(article)}.",
        facts=(
            ("id", article.id), ("url", article.url), ("source", article.source), ("title", article.title),
            ("first_seen", article.first_seen), ("revision", article.revision), ("copy_of", article.copy_of),
            ("withdrawn", article.withdrawn), ("truncated", article.truncated), ("reason", article.reason),
        ),
        details=(article.url,),
    )  # fmt: skip
    yield Reason(text=f"Latest decision about the article: {article.reason}.", facts=(("reason", article.reason),))


def _describe_state(article: KeptArticle) -> str:
    shown = [f"revision {article.revision} of {len(article.revisions)} is shown"]
    shown += [f"a copy of article {article.copy_of}"] if article.copy_of is not None else []
    shown += [f"withdrawn on {format_time(article.withdrawn)}"] if article.withdrawn else []
    return "; ".join(shown)


def _explain_missing_article(provenance: Provenance) -> Iterator[Reason]:
    states = {discovery.state for discovery in provenance.discoveries}
    state = next((state for state in _STATE_DESCRIPTIONS if state in states), None)
    if state is not None:
        yield Reason(text=_STATE_DESCRIPTIONS[state], facts=(("url", provenance.requested), ("state", state)))
    elif provenance.fetches:
        words = "The URL was fetched as part of a redirect and is not an article."
        yield Reason(text=words, facts=(("url", provenance.requested), ("state", None)))
    for number in provenance.claimed_by:
        words = f"A page of article {number} declares this URL canonical."
        yield Reason(text=words, facts=(("article", number),))


_STATE_DESCRIPTIONS = {
    LeadState.KEPT: "The page at this URL was stored as an article under another URL.",
    LeadState.LEASED: "The URL is being fetched.",
    LeadState.RETRY: "No article was found at this URL so far; it will be fetched again.",
    LeadState.WAITING: "The URL is waiting to be fetched.",
    LeadState.EXPIRED: "The article is older than its source keeps articles; it will not be fetched again.",
    LeadState.REFUSED: "No article was found at this URL; it will not be fetched again.",
}
"""Description of a URL without an article by the state of its leads; the first state that occurs counts."""

SECTIONS: tuple[tuple[str, str, SectionExplainer], ...] = (
    ("summary", "", explain_summary),
    ("found", "Discovery", explain_discovery),
    ("fetched", "Fetches", explain_fetches),
    ("tries", "Attempts", explain_attempts),
    ("fields", "Extracted fields", explain_fields),
    ("left-out", "Removed boilerplate", explain_boilerplate),
    ("identity", "URLs of the article", explain_identity),
    ("copies", "Copies and similar articles", explain_copies),
    ("story", "Story", explain_story),
    ("revisions", "Revisions", explain_revisions),
    ("presence", "Availability", explain_presence),
    ("topics", "Topics", explain_topics),
)
"""Name, heading and function of each section. A new section needs a function and a line here."""
