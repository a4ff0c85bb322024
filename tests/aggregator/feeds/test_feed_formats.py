"""RSS and JSON Lines: any stored articles give valid output with their values."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.feeds.channel import Channel, article_entries
from aggregator.feeds.jsonl import jsonl
from aggregator.feeds.rss import rss_feed
from storage.model.article import KeptArticle, RevisionSummary
from storage.text.clean import clean, clean_line

MORNING = datetime(2025, 3, 4, 8, 30, tzinfo=UTC)
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
MEDIA = "{http://search.yahoo.com/mrss/}content"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
KEYS = [
    "id", "url", "canonical_url", "source", "title", "authors", "published", "updated", "language", "summary", "text",
    "html", "image", "tags", "words", "first_seen", "revision", "copy_of", "truncated", "withdrawn",
    "published_date", "published_zone_known",
    "published_raw", "topics", "story", "revisions", "past_texts",
]  # fmt: skip


def article(number: int = 1, **changes: Any) -> KeptArticle:
    default = KeptArticle(
        id=number,
        url=f"https://news.example/{number}",
        canonical_url="",
        source="example",
        title="A battery with a view",
        authors=("Ola Nordmann", "山田 花子"),
        published=MORNING,
        published_date="2025-03-04",
        published_raw="4 March 2025, 09:30",
        zone_known=True,
        updated=None,
        language="en",
        summary="Fish & chips < 10 EUR",
        text="One.\nTwo < three.",
        html="<p>One.</p><p>Two &lt; three.</p>",
        image="https://news.example/1.jpg",
        site_name="Example",
        tags=("batteries", "views"),
        words=4,
        first_seen=MORNING + timedelta(minutes=7),
        revision=1,
        copy_of=None,
        topics=("byd", "lfp"),
        story=5,
        revisions=(RevisionSummary(number=1, fetched_at=MORNING, title="A battery", digest="5" * 64),),
    )
    return replace(default, **changes)


def channel(*entries: KeptArticle) -> Channel:
    return Channel(
        title="EV news", home="https://reader.example/", description="All of it", entries=article_entries(entries)
    )


def parsed(feed: Channel) -> etree._Element:
    """Return the channel element of an RSS feed, read by a strict parser."""
    root = etree.fromstring(b"".join(rss_feed(feed)), etree.XMLParser(recover=False, resolve_entities=False))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    return root[0]


_text = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    [
        "]]><script>alert(1)</script>",
        "<svg/onload=alert(1)>",
        "\x00\x0b\x1f",
        "&amp;lt;",
        "\ufffe\uffff",
        "\ud800",
        "a\r\nb",
        " ",
    ]
)
_url = _text | st.sampled_from(
    [
        "https://news.example/ä b?c=d&e#f",
        "javascript:alert(1)",
        "data:text/html,x",
        " https://a.example",
        "HTTP://A.example/",
    ]
)
_texts = st.lists(_text, max_size=3).map(tuple)
# Parsers of RFC 822 dates misread years before 1000.
_time = st.datetimes(
    datetime(1000, 1, 2),  # noqa: DTZ001  the strategy adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
) | st.just(datetime(2025, 3, 4, 1, 2, 3, 4, timezone(timedelta(hours=5, minutes=45))))
_number = st.integers(0, 2**63 - 1)
_revision = st.builds(
    RevisionSummary,
    number=_number,
    fetched_at=_time,
    title=_text,
    digest=_text,
    kind=_text,
    added=_number,
    removed=_number,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": _number, "url": _url, "canonical_url": _url, "source": _text, "title": _text, "authors": _texts,
    "published": st.none() | _time, "published_date": _text, "published_raw": _text, "zone_known": st.booleans(),
    "updated": st.none() | _time, "language": _text, "summary": _text, "text": _text, "html": _text, "image": _url,
    "site_name": _text, "tags": _texts, "words": _number, "first_seen": _time, "revision": _number,
    "copy_of": st.none() | _number, "extractor": _text,
    "origins": st.lists(st.tuples(_text, _text), max_size=2).map(tuple),
    "aliases": _texts, "reason": _text, "topics": _texts, "truncated": st.booleans(),
    "withdrawn": st.none() | _time, "original_url": _url, "credit": _text,
    "story": st.none() | st.integers(1, 2**40),
    "revisions": st.lists(_revision, max_size=3).map(tuple),
    "past_texts": st.lists(st.tuples(_text, _text), max_size=2).map(tuple),
}  # fmt: skip
any_article = st.builds(KeptArticle, **FIELDS)


def test_strategy_covers_every_field() -> None:
    assert {field.name for field in fields(KeptArticle)} == set(FIELDS)


@given(st.lists(any_article, max_size=4), _text, _text)
def test_rss_feed_holds_the_values_of_any_articles(articles: list[KeptArticle], title: str, description: str) -> None:
    entries = article_entries(articles)
    feed = parsed(Channel(title=title, home="https://reader.example/", description=description, entries=entries))
    items = feed.findall("item")
    assert [item.findtext("guid") for item in items] == [f"urn:evnews:article:{kept.id}" for kept in articles]
    assert feed.findtext("title") == clean_line(title)
    for item, kept in zip(items, articles, strict=True):
        link = item.findtext("link")
        assert link is None or link.lower().startswith(("http://", "https://"))
        assert item.findtext("title") == (clean_line(kept.title) or link or f"Article {kept.id}")
        assert [author.text for author in item.findall(CREATOR)] == [
            name for name in map(clean_line, kept.authors) if name
        ]
        assert [tag.text for tag in item.findall("category")] == [name for name in map(clean_line, kept.tags) if name]
        assert time_of(item.findtext("pubDate")) == (kept.published and kept.published.replace(microsecond=0))
        assert unescape_once(item.findtext("description")) == clean(kept.summary)
        if clean(kept.html):
            assert item.findtext(CONTENT) == clean(kept.html)


def time_of(printed: str | None) -> datetime | None:
    return parsedate_to_datetime(printed) if printed else None


def unescape_once(html: str | None) -> str:
    return (html or "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(st.lists(any_article, max_size=4))
def test_any_article_gives_one_json_line(articles: list[KeptArticle]) -> None:
    data = b"".join(jsonl(articles)).decode("utf-8")
    lines = data.splitlines()  # also splits at separators that JSON permits in strings
    assert len(lines) == len(articles)
    for line, kept in zip(map(json.loads, lines), articles, strict=True):
        assert list(line) == KEYS
        for key in ("id", "words", "revision", "copy_of"):
            assert line[key] == getattr(kept, key)
        assert (line["title"], line["text"], line["html"]) == (clean(kept.title), clean(kept.text), clean(kept.html))
        assert line["authors"] == [clean(name) for name in kept.authors]
        assert datetime.fromisoformat(line["first_seen"]) == kept.first_seen.replace(microsecond=0)
        for key in ("url", "canonical_url", "image"):
            assert line[key] is None or (
                line[key] == clean(getattr(kept, key)) and line[key].lower().startswith("http")
            )
        written = [(row["revision"], row["title"], row["kind"] or "", row["added"]) for row in line["revisions"]]
        assert written == [(r.number, clean(r.title), clean(r.kind), r.added) for r in kept.revisions]


def test_json_line_has_every_key() -> None:
    past_texts = (("4" * 64, "One."),)
    published = MORNING.replace(microsecond=9)
    kept = article(7, canonical_url="https://news.example/ä b", copy_of=3, published=published, past_texts=past_texts)
    assert json.loads(b"".join(jsonl([kept]))) == {
        "id": 7,
        "url": "https://news.example/7",
        "canonical_url": "https://news.example/ä b",
        "source": "example",
        "title": "A battery with a view",
        "authors": ["Ola Nordmann", "山田 花子"],
        "published": "2025-03-04T08:30:00Z",
        "updated": None,
        "language": "en",
        "summary": "Fish & chips < 10 EUR",
        "text": "One.\nTwo < three.",
        "html": "<p>One.</p><p>Two &lt; three.</p>",
        "image": "https://news.example/1.jpg",
        "tags": ["batteries", "views"],
        "words": 4,
        "first_seen": "2025-03-04T08:37:00Z",
        "revision": 1,
        "copy_of": 3,
        "truncated": False,
        "withdrawn": None,
        "published_date": "2025-03-04",
        "published_zone_known": True,
        "published_raw": "4 March 2025, 09:30",
        "topics": ["byd", "lfp"],
        "story": 5,
        "revisions": [
            {
                "revision": 1, "at": "2025-03-04T08:30:00Z", "kind": None, "added": 0, "removed": 0,
                "title": "A battery", "digest": "5" * 64,
            }
        ],
        "past_texts": [{"digest": "4" * 64, "text": "One."}],
    }  # fmt: skip
    assert "山田 花子".encode() in b"".join(jsonl([kept]))


def test_unknown_values_are_null() -> None:
    empty: dict[str, Any] = dict.fromkeys(("published_date", "published_raw", "language", "summary", "image"), "")
    bare = article(published=None, authors=(), tags=(), **empty)
    line = json.loads(b"".join(jsonl([bare])))
    assert [key for key, value in line.items() if value is None] == [
        "canonical_url",
        "published",
        "updated",
        "language",
        "summary",
        "image",
        "copy_of",
        "withdrawn",
        "published_date",
        "published_raw",
    ]
    assert line["authors"] == line["tags"] == []


def test_json_lines_are_streamed() -> None:
    def source() -> Any:
        yield article(1)
        raise AssertionError("second article requested before the first line was read")

    assert json.loads(next(jsonl(source())))["id"] == 1


def test_rss_item_has_every_element() -> None:
    [item] = parsed(channel(article(7))).findall("item")
    assert [(child.tag, child.text) for child in item] == [
        ("title", "A battery with a view"),
        ("link", "https://news.example/7"),
        ("guid", "urn:evnews:article:7"),
        ("pubDate", "Tue, 04 Mar 2025 08:30:00 GMT"),
        (CREATOR, "Ola Nordmann"),
        (CREATOR, "山田 花子"),
        ("category", "batteries"),
        ("category", "views"),
        ("description", "Fish &amp; chips &lt; 10 EUR"),
        (CONTENT, "<p>One.</p><p>Two &lt; three.</p>"),
        (MEDIA, None),
    ]
    assert [guid.get("isPermaLink") for guid in item.iter("guid")] == ["false"]


def test_text_replaces_missing_html() -> None:
    [item] = parsed(channel(article(html="", text="One.\n\n<b>Two</b> & three."))).findall("item")
    assert item.findtext(CONTENT) == "<p>One.</p><p>&lt;b&gt;Two&lt;/b&gt; &amp; three.</p>"


def test_plain_text_is_escaped_for_readers_that_expect_html() -> None:
    script = "]]><script>alert(1)</script>"
    [item] = parsed(channel(article(summary=script, title=script, authors=(script,), html="", text=script))).findall(
        "item"
    )
    for tag in ("description", CONTENT):
        html = item.findtext(tag) or ""
        assert "<script" not in html
        assert script in unescape(html)
    assert item.findtext("title") == item.findtext(CREATOR) == script


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<p>",
        "file:///etc/passwd",
        "//evil.example/",
        "/x",
        "",
        "https:evil.example",
        "https://",
        "https:///x",
        "https://\\evil.example/",
        " javascript:x",
        "https://a.example/\nb",
        "http://\ud800/",
    ],
)
def test_only_web_addresses_are_written(url: str) -> None:
    kept = article(url=url, canonical_url=url, image=url)
    [item] = parsed(channel(kept)).findall("item")
    assert item.find("link") is None
    line = json.loads(b"".join(jsonl([kept])))
    assert line["url"] is line["canonical_url"] is line["image"] is None
    with pytest.raises(ValueError, match="http or https"):
        rss_feed(Channel(title="x", home=url))


def test_link_is_a_valid_uri() -> None:
    [item] = parsed(channel(article(url='https://news.example/ä b"<c>?d=%20&e=[f]#g'))).findall("item")
    assert item.findtext("link") == "https://news.example/%C3%A4%20b%22%3Cc%3E?d=%20&e=[f]#g"


def test_rss_feed_is_deterministic_and_dated_by_its_newest_change() -> None:
    edited = RevisionSummary(number=2, fetched_at=MORNING + timedelta(hours=2), title="x", digest="5" * 64)
    first, second = article(1), article(2, updated=MORNING + timedelta(days=9), revisions=(edited,))
    assert b"".join(rss_feed(channel(first, second))) == b"".join(rss_feed(channel(first, second)))
    assert parsed(channel(first)).findtext("lastBuildDate") == "Tue, 04 Mar 2025 08:37:00 GMT"
    assert parsed(channel(first, second)).findtext("lastBuildDate") == "Tue, 04 Mar 2025 10:30:00 GMT"
    assert parsed(channel()).find("lastBuildDate") is None


def test_rss_feed_is_streamed_entry_by_entry() -> None:
    pieces = rss_feed(channel(article(1), article(2), article(3)))
    assert b"urn:evnews:article:1<" in next(pieces)
    second = next(pieces)
    assert b"urn:evnews:article:2<" in second
    assert b"article:1<" not in second
    assert second.count(b"xmlns") == 0
    del pieces
