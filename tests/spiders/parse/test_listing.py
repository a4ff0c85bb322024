"""Listing pages: selected links, their titles, and the next page."""

from __future__ import annotations

import gzip

import pytest

from spiders.parse.listing import read_listing
from spiders.source import SourceListing
from storage.model.page import ParsedIndex

URL = "https://volt.example/news/"
PAGE = """<!doctype html><html lang="nb"><head><title>Volt &ndash; news</title>
<link rel="next" href="/news/?page=2"></head><body>
<nav><a href="/about">About us</a><a href="/news/">News</a></nav>
<article class="card"><a href="/news/2025/van"><img src="/i.jpg" alt=""></a>
<h2><a href="/news/2025/van#top">A <b>van</b> &amp; more</a></h2></article>
<article class="card"><h2><a href="2025/bus" title="A bus"></a></h2></article>
<a class="more" href="/news/2025/truck"><h3>A truck</h3></a>
<a href="javascript:alert(1)">x</a><a href="mailto:a@volt.example">mail</a><a>none</a>
</body></html>"""


def read(listing: SourceListing, page: str | bytes = PAGE, **options: object) -> ParsedIndex:
    return read_listing(page if isinstance(page, bytes) else page.encode(), URL, listing, **options)  # type: ignore[arg-type]


def test_pattern_selects_links_by_url():
    index = read(SourceListing(url=URL, pattern=r"/news/\d{4}/"))
    assert [(lead.url, lead.title) for lead in index.leads] == [
        ("https://volt.example/news/2025/van", "A van & more"),
        ("https://volt.example/news/2025/bus", "A bus"),
        ("https://volt.example/news/2025/truck", "A truck"),
    ]
    assert (index.kind, index.title, index.language, index.total, index.problem) == (
        "listing",
        "Volt – news",
        "nb",
        3,
        "",
    )
    assert index.child_urls == ("https://volt.example/news/?page=2",)


@pytest.mark.parametrize(
    ("css", "pattern", "ends"),
    [
        (".card h2 a", "", ["van", "bus"]),
        (".card", "", ["van", "bus"]),
        ("article.card", "bus", ["bus"]),
        ("a.more h3", "", ["truck"]),
        ("a.more, .card", "", ["van", "bus", "truck"]),
    ],
)
def test_css_selects_links_or_their_containers(css: str, pattern: str, ends: list[str]):
    assert [
        lead.url.rpartition("/")[2] for lead in read(SourceListing(url=URL, css=css, pattern=pattern)).leads
    ] == ends


def test_limit_keeps_the_first_links():
    index = read(SourceListing(url=URL, pattern="/2025/"), limit=1)
    assert ([lead.title for lead in index.leads], index.total) == (["A van & more"], 3)


def test_base_element_is_respected_if_it_is_a_web_url():
    page = '<base href="{}"><a href="x/1">One</a>'
    assert (
        read(SourceListing(url=URL, pattern="/x/"), page.format("https://b.example/d/")).leads[0].url
        == "https://b.example/d/x/1"
    )
    assert (
        read(SourceListing(url=URL, pattern="/x/"), page.format("file:///etc/")).leads[0].url
        == "https://volt.example/news/x/1"
    )


def test_charset_from_http_precedes_the_page():
    words = "<a href=/x>größer und schöner geladen</a>"
    assert (
        read(SourceListing(url=URL, pattern="x"), words.encode("cp1252"), charset="windows-1252").leads[0].title
        == "größer und schöner geladen"
    )
    assert (
        read(SourceListing(url=URL, pattern="x"), f"<meta charset=latin1>{words}".encode("latin1")).leads[0].title
        == "größer und schöner geladen"
    )


@pytest.mark.parametrize(
    ("page", "listing", "problem"),
    [
        ("", SourceListing(url=URL, pattern="x"), "empty"),
        (PAGE, SourceListing(url=URL, pattern="/nowhere/"), "no link on the page is selected"),
        (PAGE, SourceListing(url=URL, css="a[", pattern=""), "the catalogue's selector or pattern is wrong"),
        (
            PAGE,
            SourceListing(url=URL, css="a:gibberish(1)", pattern=""),
            "the catalogue's selector or pattern is wrong",
        ),
        (PAGE, SourceListing(url=URL, pattern="("), "the catalogue's selector or pattern is wrong"),
        (gzip.compress(PAGE.encode(), mtime=0)[:50], SourceListing(url=URL, pattern="x"), "compressed body is cut off"),
    ],
)
def test_problems_are_named(page: str | bytes, listing: SourceListing, problem: str):
    index = read(listing, page)
    assert (index.leads, index.problem.partition(":")[0]) == ((), problem)
