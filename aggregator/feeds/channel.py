"""The channel and entries that every feed format writes, independent of where they come from.

Texts are clean and URLs are http(s) or empty, so a writer only has to encode them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import quote

from storage.model.article import KeptArticle
from storage.text.clean import clean, clean_line

_WEB_URL = re.compile(r"https?://(?=[^\s/?#\\])[^\x00-\x1f\x7f\ud800-\udfff]+", re.IGNORECASE)


def is_web_url(text: str) -> bool:
    """Return whether the text is an absolute http or https URL without control characters and lone surrogates."""
    return bool(_WEB_URL.fullmatch(text))


def encode_web_url(text: str) -> str:
    """Return a percent-encoded http or https URL, or an empty string for any other text."""
    return quote(text, safe=":/?#[]@!$&'()*+,;=%-._~") if is_web_url(text) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """An entry of a feed. `id` never changes; `updated` is the time of the last change of its content.

    `summary` is plain text, `html` was sanitised at intake. `publishers` are its source and the sources of its copies.
    `states` are the states for a reader as (term, label), which only Atom can express.
    """

    id: str
    title: str
    url: str
    updated: datetime
    published: datetime | None = None
    authors: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    summary: str = ""
    html: str = ""
    image: str = ""
    tags: tuple[str, ...] = ()
    states: tuple[tuple[str, str], ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A feed for any format, with its entries in order.

    `next_url` is the URL of older entries, as a feed of the same kind. An archive page (RFC 5005, section 4) has the
    URL of its feed in `current_url`; the feed and its pages link to the previous and the next page. `hub` is the WebSub
    hub that notifies subscribers. Raises ValueError unless `home` is an http(s) URL.
    """

    title: str
    home: str
    description: str = ""
    id: str = "urn:evnews:feed:all"
    self_url: str = ""
    next_url: str = ""
    current_url: str = ""
    prev_archive: str = ""
    next_archive: str = ""
    hub: str = ""
    entries: tuple[FeedEntry, ...] = ()

    def __post_init__(self) -> None:
        if not encode_web_url(self.home):
            raise ValueError(f"a feed's home must be an http or https URL, not {self.home!r}")

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Links of the feed as (relation, URL)."""
        links = (
            ("hub", self.hub), ("self", self.self_url), ("next", self.next_url), ("current", self.current_url),
            ("prev-archive", self.prev_archive), ("next-archive", self.next_archive),
        )  # fmt: skip
        return tuple((relation, url) for relation, url in links if url)

    @property
    def updated(self) -> datetime | None:
        """Time of the newest change of an entry, or None without entries."""
        return max((entry.updated for entry in self.entries), default=None)


def article_entry(article: KeptArticle, also: Sequence[str] = (), *, full: bool = True) -> FeedEntry:
    """Return an article as an entry, with its text or only its summary; `also` are the sources of its copies."""
    link = encode_web_url(article.url)
    changed = max([article.first_seen, *(revision.fetched_at for revision in article.revisions)])
    summary = clean(article.summary)
    body = (clean(article.html) or render_paragraphs(clean(article.text))) if full else ""
    publishers = tuple(dict.fromkeys(filter(None, map(clean_line, (article.source, *also)))))
    if also and body:
        body += f"<p>Also published by {escape(', '.join(publishers[1:]), quote=False)}.</p>"
    return FeedEntry(
        id=f"urn:evnews:article:{article.id}",
        title=clean_line(article.title) or link or f"Article {article.id}",
        url=link,
        updated=changed,
        published=article.published,
        authors=tuple(filter(None, map(clean_line, article.authors))),
        publishers=publishers,
        summary=summary or ("" if full else _shorten(article.text)),
        html=body,
        image=encode_web_url(article.image),
        tags=tuple(filter(None, map(clean_line, article.tags))),
        language=clean_line(article.language),
    )


def article_entries(articles: Iterable[KeptArticle], *, full: bool = True) -> tuple[FeedEntry, ...]:
    """Return articles as entries."""
    return tuple(article_entry(article, full=full) for article in articles)


def render_paragraphs(text: str) -> str:
    """Return plain text as HTML paragraphs."""
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.split("\n") if line.strip())


_SUMMARY_LENGTH = 400


def _shorten(text: str) -> str:
    """Return the beginning of a text, cut at a word."""
    text = clean_line(text[: _SUMMARY_LENGTH * 2])
    return text if len(text) <= _SUMMARY_LENGTH else text[:_SUMMARY_LENGTH].rsplit(" ", 1)[0] + " …"
