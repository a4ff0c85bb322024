"""Discovery of indexes from pages and robots.txt."""

from __future__ import annotations

from spiders.discover import COMMON_FEED_PATHS, DiscoveredFeed, find_feeds, parse_robots_sitemaps

URL = "https://volt.example/news/index.html"


def find_urls(page: str) -> list[str]:
    return [feed.url for feed in find_feeds(page.encode(), URL)]


def test_feeds_of_the_head_are_found_in_order_with_their_kind():
    page = """<html><head><link rel="stylesheet" href="/s.css"><link rel="alternate" hreflang="de" href="/de/">
    <link rel="alternate" type="application/rss+xml" title="Volt &amp; more" href="/feed/">
    <LINK REL="Alternate Home" TYPE="Application/Atom+XML; charset=utf-8" HREF="atom.xml">
    <link rel="alternate" type="application/feed+json" href="https://b.example/feed.json">
    <link rel="alternate" type="application/json+oembed" href="/oembed">
    <link rel="alternate" type="application/rss+xml" href="/feed/"></head></html>"""
    assert find_feeds(page.encode(), URL) == (
        DiscoveredFeed(url="https://volt.example/feed/", title="Volt & more", kind="rss"),
        DiscoveredFeed(url="https://volt.example/news/atom.xml", kind="atom"),
        DiscoveredFeed(url="https://b.example/feed.json", kind="json"),
    )


def test_comment_feeds_come_last():
    page = "".join(f'<link rel=alternate type="text/xml" href="{path}">' for path in ("/a/comments/feed/", "/feed/"))
    assert find_urls(page) == ["https://volt.example/feed/", "https://volt.example/a/comments/feed/"]


def test_links_that_look_like_feeds_are_found():
    page = """<a href="/rss">RSS</a><a href="/news/feed.xml">x</a><a href="/a/rss.php?x=1">y</a><a href="https://feeds.volt.example/v">z</a>
    <a href="/news/feedback">no</a><a href="/embrassons">no</a><a href="/about">no</a><a href="javascript:rss()">no</a>
    <link rel="feed" href="/hidden">"""
    assert find_urls(page) == [
        "https://volt.example/hidden",
        "https://volt.example/rss",
        "https://volt.example/news/feed.xml",
        "https://volt.example/a/rss.php?x=1",
        "https://feeds.volt.example/v",
    ]


def test_base_element_is_respected():
    assert find_urls('<base href="https://b.example/d/"><link rel="alternate" type="text/xml" href="f.xml">') == [
        "https://b.example/d/f.xml"
    ]


def test_pages_without_feeds_give_nothing():
    assert find_urls("") == []
    assert find_urls("words") == []
    assert find_feeds(b"\x1f\x8bxx", URL) == ()


def test_common_paths_are_unique_paths():
    assert all(path.startswith("/") for path in COMMON_FEED_PATHS)
    assert len(set(COMMON_FEED_PATHS)) == len(COMMON_FEED_PATHS)


def test_sitemaps_of_robots_txt_are_found():
    robots = b"""\xef\xbb\xbfSitemap: https://volt.example/a.xml\r\nUser-agent: *\nDisallow: /sitemap: x
  SITEMAP : https://volt.example/b.xml # news
    Sitemap: /relative.xml\nSitemap: file:///etc/passwd\nSitemap:\nSitemap: https://volt.example/a.xml"""
    assert parse_robots_sitemaps(robots) == ("https://volt.example/a.xml", "https://volt.example/b.xml")
    assert parse_robots_sitemaps(b"Sitemap: https://volt.example/a.xml\n" * 100_000) == ("https://volt.example/a.xml",)
    assert len(parse_robots_sitemaps(b"".join(b"Sitemap: https://volt.example/%d\n" % n for n in range(9999)))) == 100
