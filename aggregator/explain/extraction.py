"""Explain the extraction: the origin of each field, the removed boilerplate, and the topics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import FactValue, Reason
from aggregator.formatting import format_count, format_quote, format_time, format_times
from storage.articles.boilerplate import LEARNING_WINDOW, MIN_ARTICLES
from storage.model.article import KeptArticle
from storage.provenance.model import Provenance

ORIGIN_DESCRIPTIONS = {
    "json-ld": "the page's JSON-LD",
    "meta": "the page's meta tags",
    "html": "the visible page",
    "lead": "the entry in its index",
    "url": "its URL",
    "publisher": "the publisher's name, because the page names no person",
    "declared": "the page's declaration",
    "hint": "the catalogue or the index",
    "guessed": "a guess from the text",
    "htmldate": "a search of the page by htmldate",
}
"""Description of each origin of a field; an origin that is missing here describes itself."""


def explain_fields(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain each field of the shown text with its origin."""
    article = provenance.article
    if article is None:
        return
    origins = dict(article.origins)
    for name, value in _list_fields(article):
        if value or name == "published":
            origin = origins.get(name, "")
            source = f", from {ORIGIN_DESCRIPTIONS.get(origin, origin)}" if origin else ""
            facts = (("field", name), ("value", value), ("origin", origin or None))
            words = f"{name.replace('_', ' ')}: {_format_value(name, value)}{source}{_describe_field(article, name)}"
            yield Reason(text=words, facts=facts)
    if article.truncated:
        words = "truncated: only the beginning can be read without a subscription"
        yield Reason(text=words, facts=(("field", "truncated"), ("value", True), ("origin", None)))


def _list_fields(article: KeptArticle) -> Iterator[tuple[str, FactValue]]:
    yield "title", article.title
    yield "authors", article.authors
    yield "published", article.published
    yield "updated", article.updated
    yield "language", article.language
    yield "summary", article.summary
    yield "tags", article.tags
    yield "image", article.image
    yield "canonical_url", article.canonical_url
    yield "site_name", article.site_name
    yield "text", article.words


def _format_value(name: str, value: FactValue) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, int):
        return format_count(value, "word")
    return "not known" if value is None else format_quote(str(value)) if name in ("title", "summary") else str(value)


def _describe_field(article: KeptArticle, name: str) -> str:
    """Return further facts about a field's value, for the end of its sentence."""
    if name == "text":
        return f", extracted by {article.extractor}" if article.extractor else ""
    if name != "published" or article.published is None:
        return ""
    zone = "with time zone" if article.zone_known else "without time zone, so that of the source is assumed"
    printed = f", written as {format_quote(article.published_raw)}" if article.published_raw else ""
    return f"{printed}; {zone}; date {article.published_date or 'not written'}"


def explain_boilerplate(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain which paragraphs were removed as boilerplate, and by which version of the learned boilerplate."""
    known = provenance.boilerplate
    if known is None:
        return
    facts = (
        ("source", known.source), ("version", known.version), ("learned_at", known.learned_at),
        ("paragraphs", known.paragraphs),
    )  # fmt: skip
    if not known.version:
        yield Reason(text=f"No boilerplate of {known.source} was known when this text was extracted.", facts=facts)
        return
    version = f"version {known.version} of the boilerplate of {known.source}"
    learned = f" (learned on {format_time(known.learned_at)})" if known.learned_at else ""
    if not known.paragraphs:
        yield Reason(text=f"No paragraph was removed, with {version}{learned}.", facts=facts)
        return
    yield Reason(
        text=f"{format_count(len(known.paragraphs), 'paragraph')} removed with {version}{learned}: each occurred in "
        f"at least {MIN_ARTICLES} of the latest {LEARNING_WINDOW} articles.",
        facts=facts,
    )
    for paragraph in known.paragraphs:
        yield Reason(text=format_quote(paragraph), facts=(("source", known.source), ("paragraph", paragraph)))


def explain_topics(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain which topics of the catalogue the article mentions, and how often."""
    if provenance.article is None:
        return
    if not provenance.catalogue_digest:
        yield Reason(text="The article was not searched for topics yet.")
    elif not provenance.topics:
        yield Reason(
            text="The article mentions no topic of the catalogue.", facts=(("catalogue", provenance.catalogue_digest),)
        )
    for topic in provenance.topics:
        mentions = [
            f"{format_times(count)} in the {place}"
            for count, place in ((topic.title_count, "title"), (topic.body_count, "text"))
            if count
        ]
        yield Reason(
            text=f"{topic.name}: {' and '.join(mentions)}",
            facts=(
                ("topic", topic.name),
                ("in_title", topic.title_count),
                ("in_text", topic.body_count),
                ("catalogue", provenance.catalogue_digest),
            ),
        )
