"""The front page as plain HTML: links to the feeds, the health of the sources, the latest articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from html import escape

from aggregator.formatting import format_minute
from aggregator.health.findings import HealthState, load_findings
from storage.crawl.health import SourceHealth
from storage.library import Library
from storage.model.article import KeptArticle
from storage.model.search import Query
from storage.text.clean import clean_line

_ARTICLE_COUNT = 30
_STALE_AFTER = timedelta(hours=1)
"""Time after which a source that was not examined with the others counts as removed from the catalogue."""
_FEED_LINKS = (
    ("opml", "all feeds as OPML, to import into a feed reader"),
    ("feeds/all.atom", "all articles"),
    ("feeds/changes.atom", "edits, withdrawals and restorations"),
    ("feeds/stories.atom", "stories covered by several sources"),
    ("feeds/health.atom", "changes in the health of sources"),
    ("api/v1/openapi.json", "the JSON API"),
)


def render_front_page(library: Library, conditions: Mapping[str, SourceHealth], muted: tuple[str, ...]) -> bytes:
    """Return the page in UTF-8."""
    hits = library.search(Query(limit=_ARTICLE_COUNT, muted=muted)).hits
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>evnews</title></head><body>',
        "<h1>evnews</h1>",
        "<p>Subscribe to one of these feeds, or to a search: <code>/feeds/query.atom?q=battery</code></p>",
        *_render_list(f'<a href="/{escape(path)}">/{escape(path)}</a>: {escape(label)}' for path, label in _FEED_LINKS),
        *_render_sources(conditions),
        "<h2>Latest articles</h2>",
    ]
    if not hits:
        lines.append("<p>No articles yet.</p>")
    lines += _render_list(_render_article(hit.article) for hit in hits)
    return "\n".join([*lines, "</body></html>\n"]).encode("utf-8", "replace")


def _render_sources(conditions: Mapping[str, SourceHealth]) -> list[str]:
    """Return the health of the sources, listing the unhealthy ones; empty before the first examination."""
    if not conditions:
        return []
    last = max(health.checked_at for health in conditions.values())
    current = [health for health in conditions.values() if last - health.checked_at < _STALE_AFTER]
    unhealthy = [health for health in current if health.state != HealthState.OK]
    unhealthy.sort(key=lambda health: (HealthState(health.state).rank, health.source))
    return [
        "<h2>Sources</h2>",
        f"<p>{len(current) - len(unhealthy)} of {len(current)} sources are healthy, as of {format_minute(last)}.</p>",
        *(_render_list(map(_render_source_health, unhealthy)) if unhealthy else []),
    ]


def _render_source_health(health: SourceHealth) -> str:
    evidence = "; ".join(finding.evidence for finding in load_findings(health.findings))
    since = format_minute(health.since)
    return escape(clean_line(f"{health.source} is {health.state} since {since}: {evidence}"))


def _render_article(article: KeptArticle) -> str:
    dated = article.published or article.first_seen
    title = escape(article.title or article.url)
    return (
        f"<time>{dated:%Y-%m-%d %H:%M}</time> {escape(article.source)}: "
        f'<a href="{escape(article.url)}" rel="noreferrer nofollow">{title}</a>'
    )


def _render_list(items: Iterable[str]) -> list[str]:
    return ["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"]
