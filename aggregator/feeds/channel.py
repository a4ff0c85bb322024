"""What every feed format writes: a channel and its entries, free of where they come from.

Texts are clean and addresses are http(s) or empty when they stand here: a writer only spells them.
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
    """Whether the text is an absolute http or https URL without control characters or half surrogates."""
    return bool(_WEB_URL.fullmatch(text))


def encode_web_url(text: str) -> str:
    """The URL with what no URI may hold percent-encoded, or an empty string unless it is http or https."""
    return quote(text, safe=":/?#[]@!$&'()*+,;=%-._~") if is_web_url(text) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One thing to read. `id` never changes; `updated` is when what it says last changed.

    `summary` is plain text, `html` was sanitised at intake. `publishers` are its source and those that tell it too.
    `states` are what a reader said of it, as (term, label): only Atom has a place for them.
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
    """An answer ready for any format: its name and id, its home, where it lies itself, and its entries in order.

    `next_url` is where older entries are, as a feed of the same kind. A page of a feed's archive (RFC 5005, section 4)
    has `current_url`, the feed that it is of; that feed and its pages name the page before and the one after. `hub`
    tells who subscribes there of changes (WebSub). Raises ValueError unless `home` is an http(s) address.
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
        """Where else it lies, as (relation, address)."""
        links = (
            ("hub", self.hub), ("self", self.self_url), ("next", self.next_url), ("current", self.current_url),
            ("prev-archive", self.prev_archive), ("next-archive", self.next_archive),
        )  # fmt: skip
        return tuple((relation, url) for relation, url in links if url)

    @property
    def updated(self) -> datetime | None:
        """When the newest change of an entry was; None without entries. Never the present time."""
        return max((entry.updated for entry in self.entries), default=None)


def article_entry(article: KeptArticle, also: Sequence[str] = (), *, full: bool = True) -> FeedEntry:
    """An article as an entry, with its text or only its summary; `also` are the sources of its copies."""
    link = encode_web_url(article.url)
    changed = max([article.first_seen, *(one.fetched_at for one in article.revisions)])
    summary = clean(article.summary)
    body = (clean(article.html) or render_paragraphs(clean(article.text))) if full else ""
    publishers = tuple(dict.fromkeys(filter(None, map(clean_line, (article.source, *also)))))
    if also and body:
        body += f"<p>Also told by {escape(', '.join(publishers[1:]), quote=False)}.</p>"
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
    """Articles as entries."""
    return tuple(article_entry(article, full=full) for article in articles)


def render_paragraphs(text: str) -> str:
    """Plain text as HTML."""
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.split("\n") if line.strip())


_SUMMARY_LENGTH = 400


def _shorten(text: str) -> str:
    """The beginning of a text, to a whole word."""
    text = clean_line(text[: _SUMMARY_LENGTH * 2])
    return text if len(text) <= _SUMMARY_LENGTH else text[:_SUMMARY_LENGTH].rsplit(" ", 1)[0] + " …"
