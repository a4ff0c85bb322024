"""How it was read, in words: where each field is from, what was left out, which topics it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Figure, Reason
from aggregator.formatting import counted, moment, quoted, times
from storage.articles.boilerplate import FEWEST_ARTICLES, WINDOW
from storage.model.article import KeptArticle
from storage.provenance.model import Account

ORIGINS = {
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


def fields(account: Account, now: datetime) -> Iterator[Reason]:
    """The fields that are shown, each with its origin."""
    article = account.article
    if article is None:
        return
    origins = dict(article.origins)
    for name, value in _values(article):
        if value or name == "published":
            origin = origins.get(name, "")
            source = f", from {ORIGINS.get(origin, origin)}" if origin else ""
            facts = (("field", name), ("value", value), ("origin", origin or None))
            words = f"{name.replace('_', ' ')}: {_written(name, value)}{source}{_remark(article, name)}"
            yield Reason(words=words, facts=facts)
    if article.truncated:
        words = "truncated: only its beginning may be read without paying"
        yield Reason(words=words, facts=(("field", "truncated"), ("value", True), ("origin", None)))


def _values(article: KeptArticle) -> Iterator[tuple[str, Figure]]:
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


def _written(name: str, value: Figure) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, int):
        return counted(value, "word")
    return "not known" if value is None else quoted(str(value)) if name in ("title", "summary") else str(value)


def _remark(article: KeptArticle, name: str) -> str:
    """What else is to be known of a field's value."""
    if name == "text":
        return f", read by {article.extractor}" if article.extractor else ""
    if name != "published" or article.published is None:
        return ""
    zone = "its zone was printed" if article.zone_known else "no zone was printed: that of the source is assumed"
    printed = f", printed as {quoted(article.published_raw)}" if article.published_raw else ""
    return f"{printed}; {zone}; the day is {article.published_date or 'not printed'}"


def left_out(account: Account, now: datetime) -> Iterator[Reason]:
    """The paragraphs that are no part of the text, and by which version of what was learned."""
    known = account.left_out
    if known is None:
        return
    facts = (
        ("source", known.source), ("version", known.version), ("learned_at", known.made_at),
        ("paragraphs", known.paragraphs),
    )  # fmt: skip
    if not known.version:
        yield Reason(words=f"Nothing was known of {known.source}'s boilerplate when this text was read.", facts=facts)
        return
    version = f"version {known.version} of what is known of {known.source}'s boilerplate"
    learned = f" (of {moment(known.made_at)})" if known.made_at else ""
    if not known.paragraphs:
        yield Reason(words=f"Nothing was left out; it was read with {version}{learned}.", facts=facts)
        return
    yield Reason(
        words=f"{counted(len(known.paragraphs), 'paragraph')} left out by {version}{learned}: each stood in "
        f"{FEWEST_ARTICLES} or more of its latest {WINDOW} articles.",
        facts=facts,
    )
    for paragraph in known.paragraphs:
        yield Reason(words=quoted(paragraph), facts=(("source", known.source), ("paragraph", paragraph)))


def topics(account: Account, now: datetime) -> Iterator[Reason]:
    """The topics of the catalogue that it names, with how often."""
    if account.article is None:
        return
    if not account.catalogue:
        yield Reason(words="It was not yet read for topics.")
    elif not account.topics:
        yield Reason(words="It names no topic of the catalogue.", facts=(("catalogue", account.catalogue),))
    for one in account.topics:
        named = [f"{times(many)} in its {where}" for many, where in ((one.title, "title"), (one.body, "text")) if many]
        yield Reason(
            words=f"{one.name}: {' and '.join(named)}",
            facts=(
                ("topic", one.name), ("in_title", one.title), ("in_text", one.body), ("catalogue", account.catalogue)
            ),
        )  # fmt: skip
