"""Every dialect of RSS, Atom and JSON Feed gives the same leads."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from spiders.parse.feed import read_feed
from storage.model.page import Lead, ParsedIndex

NOW = datetime(2026, 9, 1, tzinfo=UTC)
URL = "https://volt.example/news/feed.xml"


def read(text: str, **options: object) -> ParsedIndex:
    return read_feed(text.encode(), URL, now=NOW, **options)  # type: ignore[arg-type]


def rss(item: str, head: str = "") -> Lead:
    index = read(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Volt</title>{head}<item>{item}</item></channel></rss>'
    )
    assert index.problem == ""
    return index.leads[0]


def entry(inner: str) -> Lead:
    index = read(f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Volt</title><entry>{inner}</entry></feed>')
    assert index.problem == ""
    return index.leads[0]


WHOLE = Lead(
    url="https://volt.example/a-van",
    id="volt-17",
    title="A van for cities & farms",
    summary="It carries a tonne.",
    authors=("Ida Holm", "Per Lund"),
    published=datetime(2025, 6, 3, 12, 5, 6, tzinfo=UTC),
    published_raw="Tue, 03 Jun 2025 14:05:06 +0200",
    updated=datetime(2025, 6, 4, 8, 0, tzinfo=UTC),
    language="nb",
    image="https://volt.example/van.jpg",
    tags=("Vans", "Launches"),
)


def test_rss_2_gives_every_field():
    index = read(
        """<?xml version="1.0" encoding="utf-8"?>
        <rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
             xmlns:atom="http://www.w3.org/2005/Atom">
        <channel><title>Volt &amp;amp; Watt</title><link>https://volt.example/</link><language>en_GB</language>
        <atom:link rel="self" href="https://volt.example/news/feed.xml"/>
        <item><title>A van for cities &amp; farms</title><link>https://volt.example/a-van</link>
          <guid isPermaLink="false">volt-17</guid>
          <description>&lt;p&gt;It carries a &lt;b&gt;tonne&lt;/b&gt;.&lt;/p&gt;</description>
          <dc:creator>Ida Holm</dc:creator><dc:creator>Per Lund</dc:creator><dc:language>nb</dc:language>
          <pubDate>Tue, 03 Jun 2025 14:05:06 +0200</pubDate><atom:updated>2025-06-04T08:00:00Z</atom:updated>
          <media:content url="https://volt.example/film.mp4" medium="video"/>
          <media:content url="https://volt.example/van.jpg" medium="image"/>
          <category>Vans</category><category>Launches</category><category>Vans</category></item>
        </channel></rss>"""
    )
    assert index == ParsedIndex(
        kind="feed", title="Volt & Watt", home="https://volt.example/", language="en-GB", leads=(WHOLE,), total=1
    )


def test_atom_1_gives_every_field():
    index = read(
        """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Volt</title><link href="/"/>
        <link rel="self" href="/news/feed.xml"/>
        <entry xml:lang="nb"><id>volt-17</id><title type="html">A van for cities &amp;amp; farms</title>
        <link rel="replies" href="https://volt.example/talk"/><link href="https://volt.example/a-van"/>
        <link rel="enclosure" type="image/jpeg" href="https://volt.example/van.jpg"/>
        <summary>It carries a tonne.</summary><author><name>Ida Holm</name><email>i@volt.example</email></author>
        <author><name>Per Lund</name></author><published>Tue, 03 Jun 2025 14:05:06 +0200</published>
        <updated>2025-06-04T10:00:00+02:00</updated><category term="v" label="Vans"/>
        <category term="Launches"/></entry></feed>"""
    )
    assert index == ParsedIndex(
        kind="feed", title="Volt", home="https://volt.example/", language="en", leads=(WHOLE,), total=1
    )


def test_json_feed_gives_every_field():
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Volt",
        "home_page_url": "https://volt.example/",
        "language": "en",
        "items": [
            {
                "id": "volt-17",
                "url": "/a-van",
                "title": "A van for cities & farms",
                "summary": "It carries a tonne.",
                "authors": [{"name": "Ida Holm"}, {"name": "Per Lund", "url": "https://p.example"}],
                "language": "nb",
                "date_published": "Tue, 03 Jun 2025 14:05:06 +0200",
                "date_modified": "2025-06-04T08:00:00Z",
                "image": "/van.jpg",
                "tags": ["Vans", "Launches"],
            }
        ],
    }
    index = read(json.dumps(feed))
    assert index == ParsedIndex(
        kind="feed", title="Volt", home="https://volt.example/", language="en", leads=(WHOLE,), total=1
    )


def test_json_feed_1_0_allows_a_single_author_and_numeric_ids():
    index = read(
        json.dumps({"items": [{"id": 17, "external_url": "https://a.example/x", "author": {"name": "Ida Holm"}}]})
    )
    assert (index.leads[0].id, index.leads[0].url, index.leads[0].authors) == (
        "17",
        "https://a.example/x",
        ("Ida Holm",),
    )


def test_rdf_is_parsed():
    index = read(
        """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://volt.example/feed"><title>Volt</title>
        <link>https://volt.example/</link><dc:language>ja</dc:language></channel>
        <item rdf:about="https://volt.example/1"><title>一</title><link>https://volt.example/one</link>
        <dc:date>2025-06-03T23:00:00+09:00</dc:date><dc:subject>EV</dc:subject></item>
        <item rdf:about="https://volt.example/2"><title>二</title></item></rdf:RDF>"""
    )
    assert (index.title, index.home, index.language, index.total) == ("Volt", "https://volt.example/", "ja", 2)
    assert [lead.url for lead in index.leads] == ["https://volt.example/one", "https://volt.example/2"]
    assert index.leads[0].published == datetime(2025, 6, 3, 14, tzinfo=UTC)
    assert index.leads[0].tags == ("EV",)


def test_rss_0_91_with_its_document_type_is_parsed():
    index = read(
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>Caf&eacute;</title>'
        "<item><title>Na&iuml;ve&nbsp;one</title><link>http://a.example/1</link></item></channel></rss>"
    )
    assert (index.title, index.leads[0].title, index.problem) == ("Café", "Naïve one", "")


def test_atom_0_3_is_parsed():
    index = read(
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Volt</title><entry>'
        '<title mode="escaped" type="text/html">'
        'A &lt;i&gt;small&lt;/i&gt; one</title><link rel="alternate" type="text/html" href="http://a.example/1"/>'
        "<issued>2025-06-03T10:00:00Z</issued><modified>2025-06-03T11:00:00Z</modified></entry></feed>"
    )
    assert index.leads == (
        Lead(
            url="http://a.example/1",
            title="A small one",
            published=datetime(2025, 6, 3, 10, tzinfo=UTC),
            published_raw="2025-06-03T10:00:00Z",
            updated=datetime(2025, 6, 3, 11, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ('xmlns:d="http://purl.org/dc/elements/1.1/"', "d:creator"),
        ('xmlns:dc="http://PURL.org/DC/elements/1.1/"', "dc:creator"),
        ("", "dc:creator"),
        ("", "DC:Creator"),
    ],
)
def test_namespaces_may_vary_or_be_undeclared(declared: str, used: str):
    index = read(
        f"<rss {declared}><channel><item><link>http://a.example/</link><{used}>Ida</{used}></item></channel></rss>"
    )
    assert index.leads[0].authors == ("Ida",)


def test_unknown_default_namespace_is_ignored():
    index = read(
        '<rss xmlns="http://made-up.example/rss"><channel><title>V</title><item><link>http://a.example/</link></item></channel></rss>'
    )
    assert (index.title, index.total) == ("V", 1)


def test_prefixed_atom_is_parsed():
    index = read(
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>V</a:title><a:entry><a:id>x</a:id><a:title>T</a:title>'
        '<a:link href="http://a.example/"/></a:entry></a:feed>'
    )
    assert (index.title, index.leads[0].title, index.leads[0].id) == ("V", "T", "x")


# -- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>http://a.example/x</link>", "http://a.example/x"),
        ("<link>\n http://a.example/x\n </link>", "http://a.example/x"),
        ("<link>http://a.example/a b</link>", "http://a.example/a%20b"),
        ("<link>http://a.example/?a=1&amp;b=2</link>", "http://a.example/?a=1&b=2"),
        ("<link>http://a.example/?a=1&amp;amp;b=2</link>", "http://a.example/?a=1&b=2"),
        ("<link>/x</link>", "https://volt.example/x"),
        ("<link>x</link>", "https://volt.example/news/x"),
        ("<link>//b.example/x</link>", "https://b.example/x"),
        ("<link><![CDATA[http://a.example/x]]></link>", "http://a.example/x"),
        ("<link/><guid>http://a.example/x</guid>", "http://a.example/x"),
        ("<guid isPermaLink='true'>http://a.example/x</guid>", "http://a.example/x"),
        ("<link>javascript:alert(1)</link><guid>http://a.example/x</guid>", "http://a.example/x"),
        (
            "<link>http://feeds.example/~r/1</link><feedburner:origLink xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0'>"
            "http://a.example/x</feedburner:origLink>",
            "http://a.example/x",
        ),
        ("<atom:link xmlns:atom='http://www.w3.org/2005/Atom' href='http://a.example/x'/>", "http://a.example/x"),
    ],
)
def test_url_of_an_rss_item(item: str, url: str):
    assert rss(item).url == url


@pytest.mark.parametrize(
    "item",
    [
        "<title>none</title>",
        "<guid isPermaLink='false'>http://a.example/x</guid>",
        "<link>javascript:alert(1)</link>",
        "<link>file:///etc/passwd</link>",
        "<link>data:text/html,x</link>",
        "<link>ftp://a.example/x</link>",
        "<link>http://[::1/</link>",
        "<link>http://a.example:99999/</link>",
        "<link>http:///x</link>",
        "<link>http://127.0.0.1:1\\@a.example/</link>",
        "<link>http://a.example/" + "x" * 3000 + "</link>",
    ],
)
def test_items_without_a_valid_url_are_counted_in_a_note(item: str):
    index = read(f"<rss><channel><item>{item}</item><item><link>http://a.example/</link></item></channel></rss>")
    assert [lead.url for lead in index.leads] == ["http://a.example/"]
    assert (index.total, index.notes) == (1, ("entries without an address: 1",))


@pytest.mark.parametrize(
    ("inner", "url"),
    [
        ("<link href='http://a.example/x'/>", "http://a.example/x"),
        (
            "<link rel='related' href='http://b.example/'/><link rel='alternate' href='http://a.example/x'/>",
            "http://a.example/x",
        ),
        (
            "<link type='application/pdf' href='http://a.example/p'/><link type='text/html' href='http://a.example/x'/>",
            "http://a.example/x",
        ),
        ("<link rel='self' href='http://a.example/s'/><id>http://a.example/x</id>", "http://a.example/x"),
        ("<content src='http://a.example/x'/><id>tag:1</id>", "http://a.example/x"),
        ("<link rel='related' href='http://a.example/x'/>", "http://a.example/x"),
        ("<link xml:base='http://b.example/d/' href='x'/>", "http://b.example/d/x"),
        ("<link xml:base='/d/' href='x'/>", "https://volt.example/d/x"),
        ("<link xml:base='javascript:alert(1)' href='/x'/>", "https://volt.example/x"),
        ("<link xml:base='file:///etc/' href='x'/>", "https://volt.example/news/x"),
    ],
)
def test_url_of_an_atom_entry(inner: str, url: str):
    assert entry(inner).url == url


# -- text -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("Don&amp;#8217;t", "Don’t"),
        ("Don&amp;amp;#8217;t", "Don’t"),
        ("A &lt;b&gt;bold&lt;/b&gt; word", "A bold word"),
        ("<![CDATA[A <em>bold</em> word &amp; more]]>", "A bold word & more"),
        ("<b>Bare</b> tags", "Bare tags"),
        ("5 &lt; 6 and List&lt;T&gt;", "5 < 6 and List<T>"),
        ("R&D at AT&T", "R&D at AT&T"),
        ("1 < 2", "1 < 2"),
        ("one&lt;br/&gt;two", "one two"),
        ("x&lt;script&gt;alert(1)&lt;/script&gt;y", "x y"),
        ("  many \n\n  lines ", "many lines"),
        ("&#147;quoted&#148;", "“quoted”"),
        ("a&#0;b&#x1F;c&#xFFFE;d", "abcd"),
        ("a&#xD800;b", "a\ufffdb"),
        ("a&#99999999999999;b", "a\ufffdb"),
        ("&unknown; &eacute;", "&unknown; é"),
    ],
)
def test_titles_are_plain_text(title: str, plain: str):
    assert rss(f"<link>http://a.example/</link><title>{title}</title>").title == plain


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("<title>The &lt;blink&gt; tag</title>", "The <blink> tag"),
        ("<title type='html'>The &lt;b&gt;bold&lt;/b&gt; tag</title>", "The bold tag"),
        (
            "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>The <i>blink</i> &lt;b&gt;</div></title>",
            "The blink <b>",
        ),
    ],
)
def test_atom_title_follows_its_type(title: str, plain: str):
    assert entry(f"<link href='http://a.example/'/>{title}").title == plain


def test_texts_are_truncated():
    lead = rss(
        "<link>http://a.example/</link><title>"
        + "A" * 100_000
        + "</title><description>"
        + "b " * 100_000
        + "</description>"
    )
    assert (len(lead.title), len(lead.summary)) == (1024, 1999)


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("<author>ida@volt.example (Ida Holm)</author>", ("Ida Holm",)),
        ("<author>Ida Holm &lt;ida@volt.example&gt;</author>", ("Ida Holm",)),
        ("<author>ida@volt.example</author>", ()),
        ("<author>Ida Holm</author>", ("Ida Holm",)),
        ("<author><name>Ida Holm</name></author>", ("Ida Holm",)),
        ("<author>mailto:ida@volt.example (Ida &amp; Per)</author>", ("Ida & Per",)),
        ("<dc:creator><![CDATA[Ida Holm]]></dc:creator><author>Ida Holm</author>", ("Ida Holm",)),
        ("<author/>", ()),
    ],
)
def test_authors_are_names(author: str, names: tuple[str, ...]):
    assert rss(f"<link>http://a.example/</link>{author}").authors == names


@pytest.mark.parametrize(
    ("picture", "image"),
    [
        ("<media:thumbnail url='/t.jpg'/>", "https://volt.example/t.jpg"),
        ("<media:group><media:content url='http://a.example/i.png'/></media:group>", "http://a.example/i.png"),
        (
            "<media:content url='http://a.example/f.mp4' type='video/mp4'><media:thumbnail url='http://a.example/t.jpg'/></media:content>",
            "http://a.example/t.jpg",
        ),
        ("<enclosure url='http://a.example/i.webp?x=1' length='' type=''/>", "http://a.example/i.webp?x=1"),
        ("<enclosure url='http://a.example/a.mp3' type='audio/mpeg'/>", ""),
        ("<enclosure url='javascript:x' type='image/png'/>", ""),
        ("<itunes:image href='http://a.example/i.jpg'/>", "http://a.example/i.jpg"),
        ("<image><url>http://a.example/i.jpg</url></image>", "http://a.example/i.jpg"),
    ],
)
def test_image_of_an_item(picture: str, image: str):
    assert rss(f"<link>http://a.example/</link>{picture}").image == image


# -- dates and order ------------------------------------------------------------------


@pytest.mark.parametrize(
    "printed",
    [
        "9999-12-31T23:59:59-12:00",
        "0000-00-00",
        "10000-01-01",
        "tomorrow",
        "in 3 days",
        "10",
        "1e400",
        "1970-01-01",
        "2026-09-03",
    ],
)
def test_impossible_date_is_none_but_its_text_is_kept(printed: str):
    lead = rss(f"<link>http://a.example/</link><pubDate>{printed}</pubDate>")
    assert (lead.published, lead.published_raw) == (None, printed)


def test_date_without_a_zone_is_marked():
    lead = rss("<link>http://a.example/</link><pubDate>2025-06-03 10:00</pubDate>")
    assert (lead.published, lead.zone_known) == (datetime(2025, 6, 3, 10, tzinfo=UTC), False)


def items(*days: int | None) -> str:
    printed = ("" if day is None else f"<pubDate>2025-06-{day:02d}T10:00:00Z</pubDate>" for day in days)
    return "".join(f"<item><link>http://a.example/{n}</link>{date}</item>" for n, date in enumerate(printed))


@pytest.mark.parametrize(
    ("days", "order"),
    [
        ((3, 2, 1), "012"),
        ((1, 2, 3), "210"),
        ((None, None, None), "012"),
        ((2, None, 3, 1), "2013"),
        ((None, 3), "01"),
        ((3, 3, 3), "012"),
    ],
)
def test_newest_entries_come_first_and_undated_ones_follow_their_predecessor(days: tuple[int | None, ...], order: str):
    index = read(f"<rss><channel>{items(*days)}</channel></rss>")
    assert "".join(lead.url[-1] for lead in index.leads) == order


def test_limit_keeps_the_newest_and_total_counts_all():
    index = read(f"<rss><channel>{items(*range(1, 29))}</channel></rss>", limit=3)
    assert [lead.published.day for lead in index.leads if lead.published] == [28, 27, 26]
    assert index.total == 28


def test_equal_guids_with_different_urls_are_two_leads():
    index = read(
        "<rss><channel><item><guid isPermaLink='false'>g</guid><link>http://a.example/1</link></item>"
        "<item><guid isPermaLink='false'>g</guid><link>http://a.example/2</link></item></channel></rss>"
    )
    assert [(lead.id, lead.url) for lead in index.leads] == [("g", "http://a.example/1"), ("g", "http://a.example/2")]
