"""Sitemaps of every kind: indexes, urlsets, Google News, text, gzip, feeds."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime

import pytest

from spiders.parse.sitemap import read_sitemap
from storage.model.page import Lead, ParsedIndex

NOW = datetime(2026, 9, 1, tzinfo=UTC)
URL = "https://volt.example/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def read(body: str | bytes, **options: object) -> ParsedIndex:
    return read_sitemap(body if isinstance(body, bytes) else body.encode(), URL, now=NOW, **options)  # type: ignore[arg-type]


def test_urlset_gives_pages_newest_first():
    index = read(
        f'<?xml version="1.0" encoding="UTF-8"?><urlset {NS}><url><loc> https://volt.example/a?x=1&amp;y=2 </loc>'
        "<lastmod>2025-06-01</lastmod><priority>0.5</priority></url><url><loc>https://volt.example/b</loc>"
        "<lastmod>2025-06-03T14:00:00+02:00</lastmod></url></urlset>"
    )
    assert index == ParsedIndex(
        kind="sitemap",
        total=2,
        leads=(
            Lead(url="https://volt.example/b", updated=datetime(2025, 6, 3, 12, tzinfo=UTC)),
            Lead(url="https://volt.example/a?x=1&y=2", updated=datetime(2025, 6, 1, tzinfo=UTC)),
        ),
    )


@pytest.mark.parametrize("prefix", ["news", "n"])
def test_news_sitemap_gives_titles_and_dates(prefix: str):
    index = read(
        f'<urlset {NS} xmlns:{prefix}="http://www.google.com/schemas/sitemap-news/0.9" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>https://volt.example/a</loc>'
        f"<{prefix}:news><{prefix}:publication><{prefix}:name>Volt</{prefix}:name><{prefix}:language>nb</{prefix}:language>"
        f"</{prefix}:publication><{prefix}:publication_date>2025-06-03T14:00:00+02:00</{prefix}:publication_date>"
        f"<{prefix}:title>Vans &amp;amp; more</{prefix}:title>"
        f"<{prefix}:keywords>EV, vans,, EV</{prefix}:keywords></{prefix}:news>"
        "<image:image><image:loc>https://volt.example/i.jpg</image:loc></image:image></url></urlset>"
    )
    assert (index.title, index.language, index.total) == ("Volt", "nb", 1)
    assert index.leads[0] == Lead(
        url="https://volt.example/a",
        title="Vans & more",
        published=datetime(2025, 6, 3, 12, tzinfo=UTC),
        published_raw="2025-06-03T14:00:00+02:00",
        language="nb",
        image="https://volt.example/i.jpg",
        tags=("EV", "vans"),
    )


def test_sitemap_index_gives_its_children_newest_first_without_itself():
    index = read(
        f"<sitemapindex {NS}><sitemap><loc>/old.xml</loc><lastmod>2024-01-01</lastmod></sitemap>"
        f"<sitemap><loc>{URL}</loc><lastmod>2026-01-02</lastmod></sitemap>"
        "<sitemap><loc>https://volt.example/new.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
        "<sitemap><loc>file:///etc/passwd</loc></sitemap></sitemapindex>"
    )
    assert index == ParsedIndex(
        kind="sitemap", child_urls=("https://volt.example/new.xml", "https://volt.example/old.xml")
    )


def test_large_sitemap_index_is_limited_with_a_note():
    children = "".join(
        f"<sitemap><loc>/{n}.xml</loc><lastmod>2024-01-{n % 28 + 1:02d}</lastmod></sitemap>" for n in range(300)
    )
    index = read(f"<sitemapindex {NS}>{children}</sitemapindex>")
    assert len(index.child_urls) == 100
    assert index.child_urls[0] == "https://volt.example/27.xml"
    assert index.notes == ("names 300 sitemaps, the newest 100 are taken",)


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n", "# Pages of Volt\n"])
def test_text_sitemap_gives_its_urls(start: str):
    index = read(
        f"{start}https://volt.example/a\r\n  https://volt.example/b\n\nfile:///etc/passwd\nhttps://volt.example/a\n"
    )
    assert [lead.url for lead in index.leads] == ["https://volt.example/a", "https://volt.example/b"]
    assert (index.total, index.notes) == (2, ("entries that repeat an address or have none: 1",))


def test_gzip_is_decompressed():
    assert (
        read(
            gzip.compress(f"<urlset {NS}><url><loc>https://volt.example/a</loc></url></urlset>".encode(), mtime=0)
        ).total
        == 1
    )


def test_feed_as_a_sitemap_is_parsed():
    index = read("<rss><channel><item><title>T</title><link>https://volt.example/a</link></item></channel></rss>")
    assert (index.leads[0].url, index.leads[0].title) == ("https://volt.example/a", "T")


def test_other_and_missing_namespaces_are_accepted():
    for declared in (
        "",
        'xmlns="http://www.google.com/schemas/sitemap/0.84"',
        'xmlns="https://www.sitemaps.org/schemas/sitemap/0.9"',
    ):
        assert read(f"<urlset {declared}><url><loc>https://volt.example/a</loc></url></urlset>").total == 1
    assert (
        read(
            '<s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"><s:url><s:loc>/a</s:loc></s:url></s:urlset>'
        ).total
        == 1
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "empty"),
        ("<!doctype html><html></html>", "an HTML page, not a sitemap"),
        ("<catalog/>", "XML, but not a sitemap: its root is <catalog>"),
        ("nothing", "not a sitemap: not XML: no element in it"),
        (gzip.compress(bytes(60_000_000), mtime=0), "too large: over 52428800 bytes decompressed"),
        (
            f"<urlset {NS}><url><loc>https://volt.example/a</loc></url><url><lo",
            "cut off: the end of <urlset> is missing",
        ),
    ],
)
def test_problems_are_named(body: str | bytes, problem: str):
    assert read(body).problem == problem


def test_limit_keeps_the_newest_pages():
    pages = "".join(f"<url><loc>/{n}</loc><lastmod>2025-01-{n:02d}</lastmod></url>" for n in range(1, 29))
    index = read(f"<urlset {NS}>{pages}</urlset>", limit=2)
    assert [lead.url[-3:] for lead in index.leads] == ["/28", "/27"]
    assert (index.total, index.notes) == (28, ())


def test_fifty_thousand_pages_take_little_time():
    pages = "".join(
        f"<url><loc>https://volt.example/{n}</loc><lastmod>2025-06-03T10:00:00+02:00</lastmod></url>"
        for n in range(50_000)
    )
    began = time.process_time()
    assert read(f"<urlset {NS}>{pages}</urlset>").total == 50_000
    assert time.process_time() - began < 4
