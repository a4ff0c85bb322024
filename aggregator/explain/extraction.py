"""How it was read, in words: where each field is from, what was left out, which topics it names."""

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
    "html": "the page as it is shown",
    "lead": "what its index said",
    "url": "its address",
    "publisher": "the publisher's name, since no person is named",
    "declared": "what the page declares",
    "hint": "the catalogue or the index",
    "guessed": "a guess from the text",
    "htmldate": "a search of the page by htmldate",
}
"""What the short names of origins mean; one that is not here stands for itself."""


def explain_fields(account: Provenance, now: datetime) -> Iterator[Reason]:
    """The fields that are shown, each with its origin."""
    article = account.article
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
        words = "truncated: only its beginning may be read without paying"
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
    """What else is to be known of a field's value."""
    if name == "text":
        return f", read by {article.extractor}" if article.extractor else ""
    if name != "published" or article.published is None:
        return ""
    zone = "its zone was printed" if article.zone_known else "no zone was printed: that of the source is assumed"
    printed = f", printed as {format_quote(article.published_raw)}" if article.published_raw else ""
    return f"{printed}; {zone}; the day is {article.published_date or 'not printed'}"


def explain_boilerplate(account: Provenance, now: datetime) -> Iterator[Reason]:
    """The paragraphs that are no part of the text, and by which version of what was learned."""
    known = account.boilerplate
    if known is None:
        return
    facts = (
        ("source", known.source), ("version", known.version), ("learned_at", known.learned_at),
        ("paragraphs", known.paragraphs),
    )  # fmt: skip
    if not known.version:
        yield Reason(text=f"Nothing was known of {known.source}'s boilerplate when this text was read.", facts=facts)
        return
    version = f"version {known.version} of what is known of {known.source}'s boilerplate"
    learned = f" (of {format_time(known.learned_at)})" if known.learned_at else ""
    if not known.paragraphs:
        yield Reason(text=f"Nothing was left out; it was read with {version}{learned}.", facts=facts)
        return
    yield Reason(
        text=f"{format_count(len(known.paragraphs), 'paragraph')} left out by {version}{learned}: each stood in "
        f"{MIN_ARTICLES} or more of its latest {LEARNING_WINDOW} articles.",
        facts=facts,
    )
    for paragraph in known.paragraphs:
        yield Reason(text=format_quote(paragraph), facts=(("source", known.source), ("paragraph", paragraph)))


def explain_topics(account: Provenance, now: datetime) -> Iterator[Reason]:
    """The topics of the catalogue that it names, with how often."""
    if account.article is None:
        return
    if not account.catalogue_digest:
        yield Reason(text="It was not yet read for topics.")
    elif not account.topics:
        yield Reason(text="It names no topic of the catalogue.", facts=(("catalogue", account.catalogue_digest),))
    for one in account.topics:
        named = [
            f"{format_times(many)} in its {where}"
            for many, where in ((one.title_count, "title"), (one.body_count, "text"))
            if many
        ]
        yield Reason(
            text=f"{one.name}: {' and '.join(named)}",
            facts=(
                ("topic", one.name),
                ("in_title", one.title_count),
                ("in_text", one.body_count),
                ("catalogue", account.catalogue_digest),
            ),
        )
