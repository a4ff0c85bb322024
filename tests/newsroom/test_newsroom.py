"""The articles and indexes that the newsroom publishes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import lxml.etree
import lxml.html
import pytest
from protego import Protego

from tests.newsroom.http_client import KIND, NAMES, fetch, listed_urls, page_blocks, parse_page, select_text
from tests.newsroom.server import Newsroom, Truth


def test_articles_have_all_fields_and_some_length(open_room: Newsroom) -> None:
    articles = open_room.articles()
    assert len(articles) >= 58
    assert {truth.language for truth in articles} == {"en", "de", "no", "zh"}
    assert len({truth.text for truth in articles}) == len(articles) - 1  # one is a copy
    for truth in articles:
        size = len(truth.text) if truth.language == "zh" else len(truth.text.split())
        assert (250 <= size <= 500) if truth.language == "zh" else (150 <= size <= 350), (truth.url, size)
        assert truth.title
        assert truth.authors
        assert truth.summary
        assert truth.tags
        assert truth.published.utcoffset() is not None


def test_articles_contain_the_words_of_documented_searches(open_room: Newsroom) -> None:
    everything = "\n".join(truth.title + truth.text for truth in open_room.articles())
    for word in ("小米 SU7", "Ladesäule", "hurtiglader", "solid-state"):
        assert word in everything


def test_every_page_contains_its_text(open_room: Newsroom) -> None:
    for truth in open_room.every():
        answer = fetch(truth.url)
        blocks = page_blocks(truth, answer.body)
        assert answer.status == 200
        assert [block for block in truth.text.split("\n\n") if block not in blocks] == [], truth.url


@pytest.mark.parametrize("name", NAMES)
def test_boilerplate_surrounds_the_text_and_is_not_in_the_truth(open_room: Newsroom, name: str) -> None:
    truth = open_room.articles(name)[-1]
    tree = parse_page(fetch(truth.url).body)
    for word in ("related", "share", "tag"):
        boilerplate = select_text(tree, f"//*[contains(@class, '{word}')]//a/text()")
        assert boilerplate, word
        assert not [line for line in boilerplate if line in truth.text.split("\n\n")]


def json_ld_shape(truth: Truth) -> str:
    """Return the shape of a page's JSON-LD: list, graph, object, or an empty string."""
    scripts = select_text(parse_page(fetch(truth.url).body), "//script[@type='application/ld+json']/text()")
    if not scripts:
        return ""
    content = json.loads(scripts[0])
    if isinstance(content, list):
        return "list"
    return "graph" if "@graph" in content else "object"


def test_publishers_have_json_ld_in_three_shapes_or_none(open_room: Newsroom) -> None:
    shapes = {name: json_ld_shape(open_room.articles(name)[0]) for name in NAMES}
    assert shapes == {
        "chargepost": "object",
        "ev-kurier": "graph",
        "kerbside": "list",
        "voltward": "",
        "dianche": "",
        "stromvei": "",
    }


def test_chinese_pages_and_feed_are_encoded_in_gb18030(open_room: Newsroom) -> None:
    truth = next(article for article in open_room.articles("dianche") if "小米 SU7" in article.title)
    for url in (truth.url, open_room.index_url("dianche")):
        answer = fetch(url)
        assert "charset" not in answer.headers["Content-Type"]
        assert "小米 SU7" in answer.body.decode("gb18030")
        with pytest.raises(UnicodeDecodeError):
            answer.body.decode("utf-8")


def test_chinese_dates_are_printed_without_a_zone(open_room: Newsroom) -> None:
    truth = next(article for article in open_room.articles("dianche") if "小米 SU7" in article.title)
    assert not truth.zone_known
    assert truth.published.isoformat() == "2025-09-03T01:20:00+00:00"
    assert b'content="2025-09-03T09:20:00"' in fetch(truth.url).body
    assert b"<dc:date>2025-09-03T09:20:00</dc:date>" in fetch(open_room.index_url("dianche")).body


def test_amp_version_has_the_same_text_and_names_the_page_as_canonical(open_room: Newsroom) -> None:
    truth = open_room.articles("chargepost")[0]
    tree = parse_page(fetch(truth.amp_url).body)
    assert select_text(tree, "//link[@rel='canonical']/@href") == [truth.url]
    assert select_text(parse_page(fetch(truth.url).body), "//link[@rel='amphtml']/@href") == [truth.amp_url]
    assert set(truth.text.split("\n\n")) <= set(page_blocks(truth, fetch(truth.amp_url).body))
    assert open_room.find(truth.amp_url) == open_room.find(truth.lead_url) == open_room.find(truth.proxy_url) == truth


def test_syndicated_copy_names_its_origin_outside_the_body(open_room: Newsroom) -> None:
    copies = [truth for truth in open_room.every() if truth.copy_of]
    assert len(copies) == 1
    original = open_room.find(copies[0].copy_of)
    assert original.text == copies[0].text
    assert original.publisher != copies[0].publisher
    tree = parse_page(fetch(copies[0].url).body)
    assert select_text(tree, "//p[@class='syndication-credit']/a/text()") == ["Charge Post"]
    assert not select_text(tree, "//div[@class='entry-content']//p[@class='syndication-credit']")


# -- indexes


@pytest.mark.parametrize("name", NAMES)
def test_index_names_every_published_article(open_room: Newsroom, name: str) -> None:
    wanted = {truth.lead_url for truth in open_room.listed(name)}
    assert listed_urls(open_room, open_room.index_url(name)) == wanted


def test_every_kind_of_index_occurs_once() -> None:
    assert set(KIND) == {"rss", "atom", "json", "rdf", "sitemap", "listing"}


def test_feed_url_with_tracking_parameters_serves_the_article(open_room: Newsroom) -> None:
    truth = open_room.articles("chargepost")[0]
    assert truth.lead_url == truth.url + "?utm_source=feed&utm_medium=rss"
    assert fetch(truth.lead_url).body == fetch(truth.url).body


@pytest.mark.parametrize("name", NAMES)
def test_robots_txt_disallows_private_pages_and_names_the_sitemap(open_room: Newsroom, name: str) -> None:
    home = open_room.home(name)
    rules = Protego.parse(fetch(f"{home}/robots.txt").body.decode())
    assert list(rules.sitemaps) == [f"{home}/sitemap.xml"]
    assert not rules.can_fetch(f"{home}/private/x", "evnews")
    assert all(rules.can_fetch(truth.url, "evnews") != truth.private for truth in open_room.every(name))
    named = listed_urls(open_room, f"{home}/sitemap.xml")
    if KIND["listing"] == name:
        assert not named & {truth.url for truth in open_room.every(name)}
    else:
        assert {truth.url for truth in open_room.listed(name)} <= named


def test_private_and_thin_pages_are_listed_but_not_to_be_stored(open_room: Newsroom) -> None:
    unreadable = [truth for truth in open_room.every() if not truth.readable]
    assert sorted((truth.private, truth.thin) for truth in unreadable) == [(False, True), (True, False)]
    assert all(truth.lead_url in listed_urls(open_room, open_room.index_url(truth.publisher)) for truth in unreadable)
    assert all(len(truth.text.split()) < 25 for truth in unreadable if truth.thin)


def test_news_sitemap_has_titles_and_times(open_room: Newsroom) -> None:
    tree = lxml.etree.fromstring(fetch(open_room.home("kerbside") + "/sitemap-news.xml").body)
    newest = open_room.listed("kerbside")[0]
    assert select_text(tree, "(//*[local-name()='title'])[1]/text()") == [newest.title]
    assert select_text(tree, "(//*[local-name()='publication_date'])[1]/text()") == ["2025-11-13T16:20:00+00:00"]


def test_catalogue_names_every_publisher(open_room: Newsroom, tmp_path: Path) -> None:
    tables = tomllib.loads(open_room.write_sources(tmp_path / "s.toml", delay=0.02).read_text())
    assert sorted(tables) == sorted(NAMES)
    for name, table in tables.items():
        indexes = [*table["feeds"], *table["sitemaps"], *(listing["url"] for listing in table["listings"])]
        assert indexes == [open_room.index_url(name)]
        assert table["delay"] == 0.02
        assert table["timezone"]
        assert table["language"]
    wide = tomllib.loads(open_room.write_sources(tmp_path / "w.toml", proxy=True, wide=True, every="5s").read_text())
    assert wide["ev-kurier"]["sitemaps"] == ["http://ev-kurier.example/sitemap.xml"]
    assert wide["ev-kurier"]["every"] == "5s"
