"""Renders what machines read: RSS, Atom, JSON Feed, RDF, sitemaps, robots.txt."""

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
    """robots.txt: all but /private/, and where the sitemap lies."""
    return f"User-agent: *\nDisallow: /private/\n\nSitemap: {base}/sitemap.xml\n"


def rss(at: Publisher, base: str, articles: Sequence[Truth], changed: datetime) -> str:
    """RSS 2.0 with guids that are no links, creators and categories."""
    return (
        _XML.format("utf-8")
        + '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>{escape(at.title)}</title><link>{base}/</link><description>{escape(at.title)}</description>"
        f'<language>{at.lang.lower()}</language><atom:link rel="self" href="{base}{at.index_path}"/>'
        f"<lastBuildDate>{format_datetime(changed)}</lastBuildDate>\n"
        + "\n".join(_rss_item(at, base, one) for one in articles)
        + "\n</channel></rss>\n"
    )


def _rss_item(at: Publisher, base: str, one: Truth) -> str:
    return (
        f"<item><title>{escape(one.title)}</title><link>{escape(base + at_path(one) + at.track)}</link>"
        f'<guid isPermaLink="false">{at.name}-{one.slug}</guid>'
        + "".join(f"<dc:creator>{escape(name)}</dc:creator>" for name in one.authors)
        + f"<pubDate>{format_datetime(at.local(one.published))}</pubDate>"
        + "".join(f"<category>{escape(tag)}</category>" for tag in one.tags)
        + f"<description><![CDATA[<p>{escape(one.summary)}</p>]]></description></item>"
    )


def roundup(at: Publisher, base: str, named: Sequence[tuple[str, str]]) -> str:
    """RSS 2.0 with nothing but the (address, title)s of others' articles."""
    items = "\n".join(f"<item><title>{escape(title)}</title><link>{escape(url)}</link></item>" for url, title in named)
    return (
        _XML.format("utf-8") + f'<rss version="2.0"><channel><title>{escape(at.title)}</title><link>{base}/</link>'
        f"<description>{escape(at.title)}</description>\n{items}\n</channel></rss>\n"
    )


def atom(at: Publisher, base: str, articles: Sequence[Truth], changed: datetime) -> str:
    """Atom 1.0 with tag: ids and an author element a person."""
    return (
        _XML.format("utf-8")
        + f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{at.lang}"><id>tag:{at.host},2025:feed</id>'
        f"<title>{escape(at.title)}</title><updated>{changed.isoformat()}</updated>"
        f'<link rel="self" href="{base}{at.index_path}"/><link rel="alternate" type="text/html" href="{base}/"/>\n'
        + "\n".join(_atom_entry(at, base, one) for one in articles)
        + "\n</feed>\n"
    )


def _atom_entry(at: Publisher, base: str, one: Truth) -> str:
    return (
        f"<entry><id>tag:{at.host},2025:{one.slug}</id><title>{escape(one.title)}</title>"
        f'<link rel="alternate" type="text/html" href="{base}{at_path(one)}"/>'
        f"<published>{at.iso(one.published)}</published><updated>{at.iso(one.modified or one.published)}</updated>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in one.authors)
        + "".join(f'<category term="{escape(tag)}"/>' for tag in one.tags)
        + f'<summary type="text">{escape(one.summary)}</summary></entry>'
    )


def json_feed(at: Publisher, base: str, articles: Sequence[Truth]) -> str:
    """JSON Feed 1.1."""
    items = [
        {
            "id": base + at_path(one),
            "url": base + at_path(one),
            "title": one.title,
            "summary": one.summary,
            "date_published": at.iso(one.published),
            "date_modified": at.iso(one.modified or one.published),
            "authors": [{"name": name} for name in one.authors],
            "tags": list(one.tags),
            "language": at.lang,
            "image": f"{base}/media/{one.slug}.png",
            "content_text": one.summary,
        }
        for one in articles
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
    """RSS 1.0 in the publisher's own encoding; its dates have the zone that the publisher prints, or none."""
    places = "".join(f'<rdf:li rdf:resource="{base}{at_path(one)}"/>' for one in articles)
    return (
        _XML.format(at.encoding)
        + '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="{base}{at.index_path}">'
        f"<title>{escape(at.title)}</title><link>{base}/</link><description>{escape(at.title)}</description>"
        f"<dc:language>{at.lang}</dc:language><items><rdf:Seq>{places}</rdf:Seq></items></channel>\n"
        + "\n".join(_rdf_item(at, base, one) for one in articles)
        + "\n</rdf:RDF>\n"
    )


def _rdf_item(at: Publisher, base: str, one: Truth) -> str:
    url = base + at_path(one)
    return (
        f'<item rdf:about="{url}"><title>{escape(one.title)}</title><link>{url}</link>'
        f"<dc:creator>{escape('、'.join(one.authors))}</dc:creator><dc:date>{at.iso(one.published)}</dc:date>"
        f"<description>{escape(one.summary)}</description></item>"
    )


def sitemap_index(base: str, articles: Sequence[Truth]) -> str:
    """A sitemap index: the news sitemap, and one gzipped sitemap a month."""
    names = ["sitemap-news.xml", *(f"sitemap-{month}.xml.gz" for month in _months(articles))]
    items = "".join(f"<sitemap><loc>{base}/{name}</loc></sitemap>" for name in names)
    return f'{_XML.format("UTF-8")}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{items}</sitemapindex>\n'


def _months(articles: Sequence[Truth]) -> list[str]:
    return sorted({f"{one.published.astimezone(UTC):%Y-%m}" for one in articles}, reverse=True)


def month_sitemap(base: str, articles: Sequence[Truth], month: str) -> bytes:
    """The gzipped sitemap of one month (`2025-10`), in UTC."""
    chosen = [one for one in articles if f"{one.published.astimezone(UTC):%Y-%m}" == month]
    return gzip.compress(urlset(base, chosen).encode(), mtime=0)


def urlset(base: str, articles: Sequence[Truth], others: Sequence[str] = ()) -> str:
    """A plain sitemap of articles, after the other paths that it names."""
    items = [f"<url><loc>{base}{path}</loc></url>" for path in others]
    items += [
        f"<url><loc>{base}{at_path(one)}</loc><lastmod>{(one.modified or one.published).isoformat()}</lastmod></url>"
        for one in articles
    ]
    return (
        f'{_XML.format("UTF-8")}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(items)}</urlset>\n'
    )


def news_sitemap(at: Publisher, base: str, articles: Sequence[Truth]) -> str:
    """A Google News sitemap."""
    items = "\n".join(
        f"<url><loc>{base}{at_path(one)}</loc><news:news><news:publication><news:name>{escape(at.title)}</news:name>"
        f"<news:language>{at.language}</news:language></news:publication>"
        f"<news:publication_date>{at.iso(one.published)}</news:publication_date>"
        f"<news:title>{escape(one.title)}</news:title></news:news></url>"
        for one in articles
    )
    return (
        f'{_XML.format("UTF-8")}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{items}\n</urlset>\n'
    )
