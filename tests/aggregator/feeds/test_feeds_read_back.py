"""Atom and JSON Feed: any stored articles give valid feeds, and feedparser reads back every field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel, article_entries, article_entry
from aggregator.feeds.formats import FEED_FORMATS
from aggregator.feeds.jsonfeed import json_feed
from storage.model.article import KeptArticle
from storage.text.clean import clean, clean_line
from tests.aggregator.feeds.test_feed_formats import _text, any_article, article

ATOM = "{http://www.w3.org/2005/Atom}"
SEEN = datetime(2025, 3, 4, 8, 37, tzinfo=UTC)


def channel(*articles: KeptArticle, title: str = "EV news", next_url: str = "") -> Channel:
    return Channel(
        title=title, home="https://reader.example/", self_url="https://reader.example/feeds/all.x", next_url=next_url,
        entries=article_entries(articles),
    )  # fmt: skip


def as_atom(feed: Channel) -> etree._Element:
    return etree.fromstring(b"".join(atom_feed(feed)), etree.XMLParser(recover=False, resolve_entities=False))


@given(st.lists(any_article, max_size=3), _text)
def test_any_articles_give_a_valid_atom_feed(articles: list[KeptArticle], title: str) -> None:
    """Each entry has the elements that RFC 4287 requires: id, title, updated and author."""
    feed = as_atom(channel(*articles, title=title))
    assert feed.tag == f"{ATOM}feed"
    assert (feed.findtext(f"{ATOM}title") or "") == clean_line(title)
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [f"urn:evnews:article:{kept.id}" for kept in articles]
    for entry, kept in zip(entries, articles, strict=True):
        assert entry.findtext(f"{ATOM}title")
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or "")
        assert (
            entry.find(f"{ATOM}content") is not None
            or entry.find(f"{ATOM}link") is not None
            or (entry.find(f"{ATOM}summary") is not None)
        )
        if clean(kept.html):
            assert entry.findtext(f"{ATOM}content") == clean(kept.html)
        for link in entry.findall(f"{ATOM}link"):
            assert link.get("href", "").lower().startswith(("http://", "https://"))


@given(st.lists(any_article, max_size=3), _text)
def test_any_articles_give_a_valid_json_feed(articles: list[KeptArticle], title: str) -> None:
    """Each item has an id and one kind of content; unknown authors, URLs and images are left out."""
    feed = json.loads(b"".join(json_feed(channel(*articles, title=title))))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    for item, kept in zip(feed["items"], articles, strict=True):
        assert item["id"] == f"urn:evnews:article:{kept.id}"
        assert ("content_html" in item) != ("content_text" in item)
        assert [author["name"] for author in item.get("authors", [])] == [
            name for name in map(clean_line, kept.authors) if name
        ]
        for key in ("url", "image"):
            assert key not in item or item[key].lower().startswith(("http://", "https://"))


@pytest.mark.parametrize("name", ["rss", "atom"])
def test_feedparser_reads_back_every_field(name: str) -> None:
    feed = channel(article(7), next_url="https://reader.example/feeds/all.x?page=2")
    read = feedparser.parse(b"".join(FEED_FORMATS[name].write(feed)))
    assert not read.bozo
    links = {link["rel"]: link["href"] for link in read.feed.links}
    assert links["self"] == "https://reader.example/feeds/all.x"
    assert links["next"] == "https://reader.example/feeds/all.x?page=2"
    assert links["alternate"] == "https://reader.example/"
    [entry] = read.entries
    assert entry.id == "urn:evnews:article:7"
    assert entry.title == "A battery with a view"
    assert entry.link == "https://news.example/7"
    assert entry.published_parsed[:6] == (2025, 3, 4, 8, 30, 0)
    assert [author.name for author in entry.authors] == ["Ola Nordmann", "山田 花子"]
    assert [tag.term for tag in entry.tags] == ["batteries", "views"]
    assert entry.content[0].value == "<p>One.</p><p>Two &lt; three.</p>"
    assert entry.media_content[0]["url"] == "https://news.example/1.jpg"
    if name == "atom":
        assert entry.updated_parsed[:6] == (2025, 3, 4, 8, 37, 0)


def test_entry_without_text_has_a_summary() -> None:
    entry = article_entry(article(summary="", text="word " * 200), full=False)
    assert entry.html == ""
    assert entry.summary.startswith("word word")
    assert len(entry.summary) < 410
    assert article_entry(article(), full=False).summary == "Fish & chips < 10 EUR"


def test_entry_names_other_publishers() -> None:
    entry = article_entry(article(), ["other", "a<b>"], full=True)
    assert entry.publishers == ("example", "other", "a<b>")
    assert entry.html.endswith("<p>Also published by other, a&lt;b&gt;.</p>")


def test_feed_without_entries_is_deterministic() -> None:
    assert as_atom(channel()).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert b"".join(atom_feed(channel())) == b"".join(atom_feed(channel()))
    assert json.loads(b"".join(json_feed(channel())))["items"] == []


def test_feed_is_dated_by_its_newest_change() -> None:
    newer = article(2, first_seen=SEEN + timedelta(days=3))
    assert as_atom(channel(article(1), newer)).findtext(f"{ATOM}updated") == "2025-03-07T08:37:00Z"
