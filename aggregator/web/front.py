"""The front page: where to point a reader, and what came last, as plain HTML for any browser."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from storage.article import KeptArticle, Query
from storage.library import Library

_SHOWN = 30
_FEEDS = (
    ("opml", "all feeds as OPML, for any reader to import"),
    ("feeds/all.atom", "everything"),
    ("feeds/changes.atom", "what publishers changed"),
    ("feeds/stories.atom", "what several sources tell"),
    ("feeds/health.atom", "which sources fail"),
    ("api/v1/openapi.json", "the JSON API"),
)


def front_page(library: Library, muted: tuple[str, ...]) -> bytes:
    """The page as UTF-8."""
    found = library.search(Query(limit=_SHOWN, muted=muted)).hits
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>evnews</title></head><body>',
        "<h1>evnews</h1>",
        "<p>Point your feed reader at one of these, or at a search: <code>/feeds/query.atom?q=battery</code></p>",
        *_list(f'<a href="/{escape(path)}">/{escape(path)}</a>: {escape(words)}' for path, words in _FEEDS),
        "<h2>Latest articles</h2>",
    ]
    if not found:
        lines.append("<p>None yet: they appear here as they are kept.</p>")
    lines += _list(_article(hit.article) for hit in found)
    return "\n".join([*lines, "</body></html>\n"]).encode("utf-8", "replace")


def _article(article: KeptArticle) -> str:
    dated = article.published or article.first_seen
    title = escape(article.title or article.url)
    return (
        f"<time>{dated:%Y-%m-%d %H:%M}</time> {escape(article.source)}: "
        f'<a href="{escape(article.url)}" rel="noreferrer nofollow">{title}</a>'
    )


def _list(items: Iterable[str]) -> list[str]:
    return ["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"]
