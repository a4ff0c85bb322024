"""OPML subscription lists: reading, writing and refusing them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.feeds.opml import OpmlError, OutlineFeed, read_opml, write_opml
from spiders.source import Source

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def read(body: str) -> tuple[OutlineFeed, ...]:
    return read_opml(f'<opml version="2.0"><body>{body}</body></opml>'.encode())


def test_list_with_folders_is_read_in_order():
    feeds = read(
        '<outline text="Cars"><outline text="Electric" title="EV"><outline type="rss" text="Volt &amp; more" title=""'
        ' xmlUrl="https://volt.example/feed" htmlUrl="https://volt.example/" language="en_GB"/></outline>'
        '<outline text="Bus" xmlUrl="http://bus.example/f"/></outline>'
        '<outline xmlUrl="https://c.example/" category="/News/X"/>'
    )
    assert feeds == (
        OutlineFeed(
            title="Volt & more",
            xml_url="https://volt.example/feed",
            html_url="https://volt.example/",
            language="en-GB",
            category="Cars/EV",
        ),
        OutlineFeed(title="Bus", xml_url="http://bus.example/f", category="Cars"),
        OutlineFeed(title="", xml_url="https://c.example/", category="News/X"),
    )


@pytest.mark.parametrize(
    "outline",
    [
        '<outline text="A" xmlurl="http://a.example/"/>',
        '<outline text="A" XMLURL="http://a.example/"/>',
        '<outline text="A" type="link" xmlUrl=" http://a.example/ "/>',
        '<OUTLINE text="A" xmlUrl="http://a.example/"/>',
        '<o:outline xmlns:o="http://opml.org/spec2" text="A" xmlUrl="http://a.example/"/>',
        '<outline text="A" xmlUrl="http://a.example/"></outlin></unexpected>',
        '<outline text="A" xmlUrl="http://a.example/">',
        '<outline text="A" xmlUrl="http://a.example/"/><outline text="again" xmlUrl="http://a.example/"/>',
        '<outline text="&#65;&nbsp;" xmlUrl="http://a.example/"/>',
    ],
)
def test_malformed_lists_are_read(outline: str):
    assert read(outline) == (OutlineFeed(title="A", xml_url="http://a.example/"),)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://a.example/",
        "",
        "a.example/feed",
        "http://",
        "http://" + "a" * 3000,
    ],
)
def test_only_web_addresses_are_accepted_and_others_are_reported(address: str):
    problems = () if not address else (f'xmlUrl = "{address[:200]}": not an http or https URL',)
    feeds = read(f'<outline text="A" xmlUrl="{address}" htmlUrl="{address}"/><outline xmlUrl="http://b.example/"/>')
    assert [feed.xml_url for feed in feeds] == ["http://b.example/", *("" for _ in problems)]
    assert tuple(feed.problem for feed in feeds[1:]) == problems
    assert read(f'<outline text="A" xmlUrl="http://a.example/" htmlUrl="{address}"/>')[0].html_url == ""


def test_included_list_is_not_followed():
    feeds = read('<outline text="A" type="include" xmlUrl="http://a.example/l.opml"/>')
    assert [(feed.xml_url, feed.problem) for feed in feeds] == [
        ("", 'xmlUrl = "http://a.example/l.opml": another list, which is not followed')
    ]


def test_entities_are_not_expanded(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("secret text")
    feeds = read_opml(
        f'<!DOCTYPE opml [<!ENTITY f SYSTEM "file://{secret}">]><opml><body><outline text="&f;" xmlUrl="http://a.example/"/></body></opml>'.encode()
    )
    assert [feed.title for feed in feeds] == ["&f;", ""]
    assert feeds[1].problem == "uses entities of its own (f), which are not expanded"


def test_truncated_list_reports_a_problem():
    feeds = read_opml(b'<opml><body><outline text="A" xmlUrl="http://a.example/"/><outline text="B" xml')
    assert feeds == (
        OutlineFeed(title="A", xml_url="http://a.example/"),
        OutlineFeed(title="", xml_url="", problem="cut off: the end of <opml> is missing"),
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not XML: no element in it"),
        (b"<html><body/></html>", "not OPML: the root element is <html>"),
        (b"<opml>" + b" " * 2**20, "larger than 1048576 bytes"),
        (b"<opml><body>" + b"<outline/>" * 20_001 + b"</body></opml>", "more than 20000 outlines"),
    ],
)
def test_other_documents_are_refused_with_a_reason(body: bytes, message: str):
    with pytest.raises(OpmlError, match=message):
        read_opml(body)


def test_deeply_nested_list_is_read_to_a_limit():
    deep = "".join(f'<outline text="{n}"><outline text="f" xmlUrl="http://a.example/{n}"/>' for n in range(10_000))
    assert 1 < len(read(deep)) < 100


def test_outline_with_many_attributes_is_read():
    attributes = " ".join(f'a{n}="x"' for n in range(80_000))
    assert read(f'<outline {attributes} xmlUrl="http://a.example/"/>') == (
        OutlineFeed(title="", xml_url="http://a.example/"),
    )


def test_written_list_has_every_feed_of_the_sources():
    sources = [
        Source(
            name="volt",
            title="Volt <&> \x00",
            home="https://volt.example/",
            language="nb",
            feeds=("https://volt.example/a?x=1&y=2", "https://volt.example/b"),
        ),
        Source(name="maps", title="Maps", home="", sitemaps=("https://maps.example/s.xml",)),
    ]
    data = write_opml(sources, "My <list>", NOW)
    assert read_opml(data) == (
        OutlineFeed(
            title="Volt <&>", xml_url="https://volt.example/a?x=1&y=2", html_url="https://volt.example/", language="nb"
        ),
        OutlineFeed(
            title="Volt <&>", xml_url="https://volt.example/b", html_url="https://volt.example/", language="nb"
        ),
    )
    assert b"<title>My &lt;list&gt;</title>" in data
    assert b"<dateCreated>Tue, 01 Sep 2026 12:00:00 GMT</dateCreated>" in data


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=30), st.sampled_from(["https://a.example/f", "http://b.example/?x=1&y='\"<>"])),
        max_size=4,
    )
)
def test_written_list_is_read_back(pairs: list[tuple[str, str]]):
    sources = [Source(name="a", title=title, home="", feeds=(url,)) for title, url in pairs]
    assert len(read_opml(write_opml(sources, "t", NOW))) == len({url for _, url in pairs})


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda noise: b'<opml><body><outline text="a"' + noise + b"/></body></opml>")
)
def test_any_bytes_give_a_list_or_an_opml_error(body: bytes):
    try:
        feeds = read_opml(body)
    except OpmlError:
        return
    assert all(feed.xml_url.startswith(("http://", "https://")) or feed.problem for feed in feeds)
