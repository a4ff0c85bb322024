"""Render RSS, Atom, JSON Feed, RDF, sitemaps and robots.txt."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from tests.newsroom.pages import at_path
from tests.newsroom.publishers import Publisher
from tests.newsroom.truth import Truth

_XML = '<?xml version="1.0" encoding="{}"?>\n'


def robots(base: str) -> str:
    """Render robots.txt: /private/ is disallowed, the sitemap is named."""
    return f"User-agent: *\nDisallow: /private/\n\nSitemap: {base}/sitemap.xml\n"


def rss(at: Publisher, base: str, articles: Sequence[Truth], changed: datetime) -> str:
    """Render RSS 2.0 with guids that are no links, creators and categories."""
    return (
        _XML.format("utf-8")
        + '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>{escape(at.title)}</title><link>{base}/</link><description>{escape(at.title)}</description>"
        f'<language>{at.lang.lower()}</language><atom:link rel="self" href="{base}{at.index_path}"/>'
        f"<lastBuildDate>{format_datetime(changed)}</lastBuildDate>\n"
        + "\n".join(_rss_item(at, base, article) for article in articles)
        + "\n</channel></rss>\n"
    )


def _rss_item(at: Publisher, base: str, article: Truth) -> str:
    return (
        f"<item><title>{escape(article.title)}</title><link>{escape(base + at_path(article) + at.track)}</link>"
        f'<guid isPermaLink="false">{at.name}-{article.slug}</guid>'
        + "".join(f"<dc:creator>{escape(name)}</dc:creator>" for name in article.authors)
        + f"<pubDate>{format_datetime(at.local(article.published))}</pubDate>"
        + "".join(f"<category>{escape(tag)}</category>" for tag in article.tags)
        + f"<description><![CDATA[<p>{escape(article.summary)}</p>]]></description></item>"
    )


def roundup(at: Publisher, base: str, entries: Sequence[tuple[str, str]]) -> str:
    """Render RSS 2.0 with the (URL, title) pairs of other publishers' articles."""
    items = "\n".join(
        f"<item><title>{escape(title)}</title><link>{escape(url)}</link></item>" for url, title in entries
    )
    return (
        _XML.format("utf-8") + f'<rss version="2.0"><channel><title>{escape(at.title)}</title><link>{base}/</link>'
        f"<description>{escape(at.title)}</description>\n{items}\n</channel></rss>\n"
    )


def atom(at: Publisher, base: str, articles: Sequence[Truth], changed: datetime) -> str:
    """Render Atom 1.0 with `tag:` ids and an author element per person."""
    return (
        _XML.format("utf-8")
        + f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{at.lang}"><id>tag:{at.host},2025:feed</id>'
        f"<title>{escape(at.title)}</title><updated>{changed.isoformat()}</updated>"
        f'<link rel="self" href="{base}{at.index_path}"/><link rel="alternate" type="text/html" href="{base}/"/>\n'
        + "\n".join(_atom_entry(at, base, article) for article in articles)
        + "\n</feed>\n"
    )


def _atom_entry(at: Publisher, base: str, article: Truth) -> str:
    return (
        f"<entry><id>tag:{at.host},2025:{article.slug}</id><title>{escape(article.title)}</title>"
        f'<link rel="alternate" type="text/html" href="{base}{at_path(article)}"/>'
        f"<published>{at.iso(article.published)}</published>"
        f"<updated>{at.iso(article.modified or article.published)}</updated>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in article.authors)
        + "".join(f'<category term="{escape(tag)}"/>' for tag in article.tags)
        + f'<summary type="text">{escape(article.summary)}</summary></entry>'
    )


def json_feed(at: Publisher, base: str, articles: Sequence[Truth]) -> str:
    """Render JSON Feed 1.1."""
    items = [
        {
            "id": base + at_path(article),
            "url": base + at_path(article),
            "title": article.title,
            "summary": article.summary,
            "date_published": at.iso(article.published),
            "date_modified": at.iso(article.modified or article.published),
            "authors": [{"name": name} for name in article.authors],
            "tags": list(article.tags),
            "language": at.lang,
            "image": f"{base}/media/{article.slug}.png",
            "content_text": article.summary,
        }
        for article in articles
    ]
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": at.title,
        "home_page_url": f"{base}/",
        "feed_url": base + at.index_path,
        "language": at.lang,
    }
    return json.dumps(head | {"items": items}, ensure_ascii=False)


def rdf(at: Publisher, base: str, articles: Sequence[Truth]) -> str:
    """Render RSS 1.0 in the publisher's encoding; dates have a zone only if the publisher prints it."""
    references = "".join(f'<rdf:li rdf:resource="{base}{at_path(article)}"/>' for article in articles)
    return (
        _XML.format(at.encoding)
        + '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="{base}{at.index_path}">'
        f"<title>{escape(at.title)}</title><link>{base}/</link><description>{escape(at.title)}</description>"
        f"<dc:language>{at.lang}</dc:language><items><rdf:Seq>{references}</rdf:Seq></items></channel>\n"
        + "\n".join(_rdf_item(at, base, article) for article in articles)
        + "\n</rdf:RDF>\n"
    )


def _rdf_item(at: Publisher, base: str, article: Truth) -> str:
    url = base + at_path(article)
    return (
        f'<item rdf:about="{url}"><title>{escape(article.title)}</title><link>{url}</link>'
        f"<dc:creator>{escape('、'.join(article.authors))}</dc:creator><dc:date>{at.iso(article.published)}</dc:date>"
        f"<description>{escape(article.summary)}</description></item>"
    )


def sitemap_index(base: str, articles: Sequence[Truth]) -> str:
    """Render a sitemap index: the news sitemap and a gzipped sitemap per month."""
    names = ["sitemap-news.xml", *(f"sitemap-{month}.xml.gz" for month in _months(articles))]
    items = "".join(f"<sitemap><loc>{base}/{name}</loc></sitemap>" for name in names)
    return f'{_XML.format("UTF-8")}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{items}</sitemapindex>\n'


def _months(articles: Sequence[Truth]) -> list[str]:
    return sorted({f"{article.published.astimezone(UTC):%Y-%m}" for article in articles}, reverse=True)


def month_sitemap(base: str, articles: Sequence[Truth], month: str) -> bytes:
    """Render the gzipped sitemap of a month (`2025-10`, in UTC)."""
    chosen = [article for article in articles if f"{article.published.astimezone(UTC):%Y-%m}" == month]
    return gzip.compress(urlset(base, chosen).encode(), mtime=0)


def urlset(base: str, articles: Sequence[Truth], others: Sequence[str] = ()) -> str:
    """Render a plain sitemap: the other paths, then the articles."""
    items = [f"<url><loc>{base}{path}</loc></url>" for path in others]
    items += [
        f"<url><loc>{base}{at_path(article)}</loc>"
        f"<lastmod>{(article.modified or article.published).isoformat()}</lastmod></url>"
        for article in articles
    ]
    return (
        f'{_XML.format("UTF-8")}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(items)}</urlset>\n'
    )


def news_sitemap(at: Publisher, base: str, articles: Sequence[Truth]) -> str:
    """Render a Google News sitemap."""
    items = "\n".join(
        f"<url><loc>{base}{at_path(article)}</loc><news:news><news:publication><news:name>{escape(at.title)}</news:name>"
        f"<news:language>{at.language}</news:language></news:publication>"
        f"<news:publication_date>{at.iso(article.published)}</news:publication_date>"
        f"<news:title>{escape(article.title)}</news:title></news:news></url>"
        for article in articles
    )
    return (
        f'{_XML.format("UTF-8")}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{items}\n</urlset>\n'
    )
