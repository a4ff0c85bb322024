"""The front page: where to point a reader, how the sources are, and what came last, as plain HTML for any browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from html import escape

from aggregator.health.findings import HealthState, load_findings
from storage.crawl.health import SourceHealth
from storage.library import Library
from storage.model.article import KeptArticle
from storage.model.search import Query
from storage.text.clean import clean_line

_ARTICLE_COUNT = 30
_STALE_AFTER = timedelta(hours=1)
"""What was looked at so long before the others is no source of the catalogue any more."""
_FEED_LINKS = (
    ("opml", "all feeds as OPML, for any reader to import"),
    ("feeds/all.atom", "everything"),
    ("feeds/changes.atom", "what publishers changed"),
    ("feeds/stories.atom", "what several sources tell"),
    ("feeds/health.atom", "which sources are not well, or are again"),
    ("api/v1/openapi.json", "the JSON API"),
)


def render_front_page(library: Library, conditions: Mapping[str, SourceHealth], muted: tuple[str, ...]) -> bytes:
    """The page as UTF-8."""
    found = library.search(Query(limit=_ARTICLE_COUNT, muted=muted)).hits
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>evnews</title></head><body>',
        "<h1>evnews</h1>",
        "<p>Point your feed reader at one of these, or at a search: <code>/feeds/query.atom?q=battery</code></p>",
        *_render_list(f'<a href="/{escape(path)}">/{escape(path)}</a>: {escape(words)}' for path, words in _FEED_LINKS),
        *_render_sources(conditions),
        "<h2>Latest articles</h2>",
    ]
    if not found:
        lines.append("<p>None yet: they appear here as they are kept.</p>")
    lines += _render_list(_render_article(hit.article) for hit in found)
    return "\n".join([*lines, "</body></html>\n"]).encode("utf-8", "replace")


def _render_sources(conditions: Mapping[str, SourceHealth]) -> list[str]:
    """How the sources are, those that are not well one by one; nothing where nobody looked yet."""
    if not conditions:
        return []
    last = max(one.checked_at for one in conditions.values())
    current = [one for one in conditions.values() if last - one.checked_at < _STALE_AFTER]
    ill = [one for one in current if one.state != HealthState.OK]
    ill.sort(key=lambda one: (HealthState(one.state).rank, one.source))
    return [
        "<h2>Sources</h2>",
        f"<p>{len(current) - len(ill)} of {len(current)} are well, as of {last:%Y-%m-%d %H:%M} UTC.</p>",
        *(_render_list(map(_render_source_health, ill)) if ill else []),
    ]


def _render_source_health(health: SourceHealth) -> str:
    words = "; ".join(found.evidence for found in load_findings(health.findings))
    since = f"{health.since:%Y-%m-%d %H:%M} UTC"
    return escape(clean_line(f"{health.source} is {health.state} since {since}: {words}"))


def _render_article(article: KeptArticle) -> str:
    dated = article.published or article.first_seen
    title = escape(article.title or article.url)
    return (
        f"<time>{dated:%Y-%m-%d %H:%M}</time> {escape(article.source)}: "
        f'<a href="{escape(article.url)}" rel="noreferrer nofollow">{title}</a>'
    )


def _render_list(items: Iterable[str]) -> list[str]:
    return ["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"]
