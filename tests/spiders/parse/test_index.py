"""read_index returns a ParsedIndex for any page."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spiders.discover import find_feeds, parse_robots_sitemaps
from spiders.parse.index import read_index
from spiders.source import SourceListing
from storage.model.page import Page, ParsedIndex

NOW = datetime(2026, 9, 1, tzinfo=UTC)
LISTING = SourceListing(url="https://volt.example/", css="a", pattern="/a")
FEED = b"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE rss [<!ENTITY x "y">]><rss version="2.0"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>V&eacute;</title>
<item><title>A &amp; B</title><link>http://a.example/1</link><guid isPermaLink="true">http://a.example/1</guid>
<pubDate>Tue, 03 Jun 2025 14:05:06 +0200</pubDate><dc:creator>Ida</dc:creator><media:content url="http://a.example/i.jpg"/>
<description><![CDATA[<p>Text &amp; more</p>]]></description><category>x</category></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/d/"><title type="xhtml"><div>T</div></title>
<entry><id>1</id><link rel="alternate" href="x"/><author><name>Ida</name></author>
<updated>2025-06-03T10:00:00Z</updated></entry></feed>"""
JSON = b'{"version":"1","title":"t","items":[{"id":1,"url":"http://a.example/","tags":["a"],"date_published":"2025-06-03"}]}'
SITEMAP = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://a.example/1</loc>
<lastmod>2025-06-03</lastmod></url></urlset>"""
HTML = b"""<!doctype html><html><head><base href="/d/"><link rel=alternate type="application/rss+xml" href=f></head>
<body><a href="/a/1" rel=next>One</a></body></html>"""


def page(body: bytes, *headers: tuple[str, str]) -> Page:
    return Page(url="https://volt.example/x", status=200, headers=headers, body=body, fetched_at=NOW)


def read(body: bytes, kind: str, *headers: tuple[str, str]) -> ParsedIndex:
    return read_index(page(body, *headers), kind, LISTING if kind == "listing" else None, 10, NOW)


@pytest.mark.parametrize(
    ("kind", "body"), [("feed", FEED), ("feed", ATOM), ("feed", JSON), ("sitemap", SITEMAP), ("listing", HTML)]
)
def test_each_kind_is_parsed(kind: str, body: bytes):
    index = read(body, kind)
    assert (index.kind, len(index.leads), index.total, index.problem) == (kind, 1, 1, "")


def test_content_codings_are_decoded():
    assert read(gzip.compress(FEED, mtime=0), "feed", ("Content-Encoding", "gzip")).total == 1


@pytest.mark.parametrize(
    ("body", "coding", "problem"),
    [
        (gzip.compress(FEED, mtime=0)[:-4], "gzip", "compressed body is cut off"),
        (b"not gzip", "gzip", "damaged content coding"),
        (gzip.compress(gzip.compress(FEED, mtime=0), mtime=0), "gzip, gzip", "layered content coding"),
        (FEED, "br", "unknown content coding"),
        (gzip.compress(bytes(20_000_000), mtime=0), "gzip", "too large"),
    ],
)
def test_undecodable_body_is_a_problem(body: bytes, coding: str, problem: str):
    for kind in ("feed", "sitemap", "listing"):
        index = read(body, kind, ("Content-Encoding", coding))
        assert (index.kind, index.leads, index.child_urls) == (kind, (), ())
        assert index.problem.startswith(problem)


@pytest.mark.parametrize("kind", ["feed", "sitemap", "listing"])
@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_empty_body_is_a_problem(kind: str, body: bytes):
    assert read(body, kind) == ParsedIndex(kind=kind, problem="empty")


def test_html_page_is_neither_feed_nor_sitemap():
    assert read(HTML, "feed").problem == "an HTML page, not a feed"
    assert read(HTML, "sitemap").problem == "an HTML page, not a sitemap"


def test_charset_from_http_is_used():
    body = "<rss><channel><title>Электромобили</title></channel></rss>".encode("koi8-r")
    assert read(body, "feed", ("Content-Type", "text/xml; Charset='KOI8-R'")).title == "Электромобили"


def test_parsing_imports_neither_scrapy_nor_sqlalchemy():
    heavy = ("scrapy", "twisted", "sqlalchemy")
    code = f"import sys, spiders.parse.index, spiders.discover; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def read_all_ways(body: bytes) -> None:
    for kind in ("feed", "sitemap", "listing"):
        index = read(body, kind)
        assert index.problem or index.leads or index.child_urls or not index.total
        assert len(index.leads) <= 10
        for lead in index.leads:
            assert lead.url.startswith(("http://", "https://"))
            text = lead.url + lead.id + lead.title + lead.summary + "".join(lead.authors + lead.tags)
            text.encode()  # no surrogate
            assert not any(ord(c) < 32 or ord(c) == 0x7F or c in "\ufffe\uffff" for c in text)
            assert lead.published is None or lead.published.utcoffset() is not None
    find_feeds(body, "https://volt.example/")
    parse_robots_sitemaps(body)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
@example(b"\xff\xfe<\x00r\x00")
@example(b"<rss>&#xD800;<item><link>http://[</link></item>")
@example(b'<?xml version="1.0" encoding="undefined"?><rss>\xff</rss>')
@example(b"<?xml encoding='\x00'?>\x00<feed>")
def test_random_bytes_never_raise(body: bytes):
    read_all_ways(body)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from([FEED, ATOM, JSON, SITEMAP, HTML]), st.integers(0, 2**32), st.integers(1, 12))
def test_mutated_indexes_never_raise(body: bytes, seed: int, changes: int):
    dice = random.Random(seed)
    scraps = (
        b"<",
        b">",
        b"&",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"\x00",
        b"\xff",
        b'"',
        b"</item>",
        b"<item>",
        b"&#x1F;",
        b"xmlns=",
        b"{",
        b"\xed\xa0\x80",
    )
    data = bytearray(body)
    for _ in range(changes):
        start = dice.randrange(len(data) + 1)
        data[start : start + dice.choice((0, 0, 1, 5, 40))] = dice.choice((*scraps, data[start : start + 30]))
    read_all_ways(bytes(data))


@pytest.mark.parametrize(("kind", "body"), [("feed", FEED), ("feed", ATOM), ("feed", JSON), ("sitemap", SITEMAP)])
def test_truncated_document_never_gives_half_a_url(kind: str, body: bytes) -> None:
    whole = {lead.url for lead in read(body, kind).leads}
    assert whole
    for at in range(1, len(body)):
        assert {lead.url for lead in read(body[:at], kind).leads} <= whole, body[:at][-60:]
