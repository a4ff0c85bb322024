"""The newsroom keeps its word: what it publishes, and how it announces it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import lxml.etree
import lxml.html
import pytest
from protego import Protego

from tests.newsroom.asking import KIND, NAMES, announced, ask, page_blocks, page_tree, strings
from tests.newsroom.server import Newsroom, Truth


def test_there_is_enough_to_read(open_room: Newsroom) -> None:
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


def test_words_that_searches_look_for_are_there(open_room: Newsroom) -> None:
    everything = "\n".join(truth.title + truth.text for truth in open_room.articles())
    for word in ("小米 SU7", "Ladesäule", "hurtiglader", "solid-state"):
        assert word in everything


def test_every_page_holds_its_truth(open_room: Newsroom) -> None:
    for truth in open_room.every():
        answer = ask(truth.url)
        blocks = page_blocks(truth, answer.body)
        assert answer.status == 200
        assert [block for block in truth.text.split("\n\n") if block not in blocks] == [], truth.url


@pytest.mark.parametrize("name", NAMES)
def test_furniture_stands_around_the_text_and_not_in_the_truth(open_room: Newsroom, name: str) -> None:
    truth = open_room.articles(name)[-1]
    tree = page_tree(ask(truth.url).body)
    for word in ("related", "share", "tag"):
        furniture = strings(tree, f"//*[contains(@class, '{word}')]//a/text()")
        assert furniture, word
        assert not [line for line in furniture if line in truth.text.split("\n\n")]


def json_ld_shape(truth: Truth) -> str:
    """How a page says it is an article: as a list, as a @graph, as one object with a headline, or not at all."""
    scripts = strings(page_tree(ask(truth.url).body), "//script[@type='application/ld+json']/text()")
    if not scripts:
        return ""
    found = json.loads(scripts[0])
    if isinstance(found, list):
        return "list"
    return "graph" if "@graph" in found else "object"


def test_json_ld_in_three_shapes_and_none(open_room: Newsroom) -> None:
    shapes = {name: json_ld_shape(open_room.articles(name)[0]) for name in NAMES}
    assert shapes == {
        "chargepost": "object",
        "ev-kurier": "graph",
        "kerbside": "list",
        "voltward": "",
        "dianche": "",
        "stromvei": "",
    }


def test_chinese_pages_and_feed_are_gb18030(open_room: Newsroom) -> None:
    truth = next(one for one in open_room.articles("dianche") if "小米 SU7" in one.title)
    for url in (truth.url, open_room.index_url("dianche")):
        answer = ask(url)
        assert "charset" not in answer.headers["Content-Type"]
        assert "小米 SU7" in answer.body.decode("gb18030")
        with pytest.raises(UnicodeDecodeError):
            answer.body.decode("utf-8")


def test_dates_without_a_zone(open_room: Newsroom) -> None:
    truth = next(one for one in open_room.articles("dianche") if "小米 SU7" in one.title)
    assert not truth.zone_known
    assert truth.published.isoformat() == "2025-09-03T01:20:00+00:00"
    assert b'content="2025-09-03T09:20:00"' in ask(truth.url).body
    assert b"<dc:date>2025-09-03T09:20:00</dc:date>" in ask(open_room.index_url("dianche")).body


def test_amp_twin_is_the_same_article_and_names_the_original(open_room: Newsroom) -> None:
    truth = open_room.articles("chargepost")[0]
    tree = page_tree(ask(truth.amp_url).body)
    assert strings(tree, "//link[@rel='canonical']/@href") == [truth.url]
    assert strings(page_tree(ask(truth.url).body), "//link[@rel='amphtml']/@href") == [truth.amp_url]
    assert set(truth.text.split("\n\n")) <= set(page_blocks(truth, ask(truth.amp_url).body))
    assert open_room.find(truth.amp_url) == open_room.find(truth.lead_url) == open_room.find(truth.proxy_url) == truth


def test_the_syndicated_copy_says_where_it_is_from_outside_its_body(open_room: Newsroom) -> None:
    copies = [truth for truth in open_room.every() if truth.copy_of]
    assert len(copies) == 1
    original = open_room.find(copies[0].copy_of)
    assert original.text == copies[0].text
    assert original.publisher != copies[0].publisher
    tree = page_tree(ask(copies[0].url).body)
    assert strings(tree, "//p[@class='syndication-credit']/a/text()") == ["Charge Post"]
    assert not strings(tree, "//div[@class='entry-content']//p[@class='syndication-credit']")


# -- how it is announced


@pytest.mark.parametrize("name", NAMES)
def test_each_index_names_each_public_article(open_room: Newsroom, name: str) -> None:
    wanted = {truth.lead_url for truth in open_room.listed(name)}
    assert announced(open_room, open_room.index_url(name)) == wanted


def test_one_index_of_each_kind() -> None:
    assert set(KIND) == {"rss", "atom", "json", "rdf", "sitemap", "listing"}


def test_tracking_parameters_in_the_feed_lead_to_the_article(open_room: Newsroom) -> None:
    truth = open_room.articles("chargepost")[0]
    assert truth.lead_url == truth.url + "?utm_source=feed&utm_medium=rss"
    assert ask(truth.lead_url).body == ask(truth.url).body


@pytest.mark.parametrize("name", NAMES)
def test_robots_keeps_crawlers_out_of_private_and_names_the_sitemap(open_room: Newsroom, name: str) -> None:
    home = open_room.home(name)
    rules = Protego.parse(ask(f"{home}/robots.txt").body.decode())
    assert list(rules.sitemaps) == [f"{home}/sitemap.xml"]
    assert not rules.can_fetch(f"{home}/private/x", "evnews")
    assert all(rules.can_fetch(truth.url, "evnews") != truth.private for truth in open_room.every(name))
    named = announced(open_room, f"{home}/sitemap.xml")
    if KIND["listing"] == name:
        assert not named & {truth.url for truth in open_room.every(name)}
    else:
        assert {truth.url for truth in open_room.listed(name)} <= named


def test_a_private_page_and_a_thin_one_are_announced_but_not_to_be_kept(open_room: Newsroom) -> None:
    odd = [truth for truth in open_room.every() if not truth.readable]
    assert sorted((truth.private, truth.thin) for truth in odd) == [(False, True), (True, False)]
    assert all(truth.lead_url in announced(open_room, open_room.index_url(truth.publisher)) for truth in odd)
    assert all(len(truth.text.split()) < 25 for truth in odd if truth.thin)


def test_news_sitemap_carries_titles_and_times(open_room: Newsroom) -> None:
    tree = lxml.etree.fromstring(ask(open_room.home("kerbside") + "/sitemap-news.xml").body)
    newest = open_room.listed("kerbside")[0]
    assert strings(tree, "(//*[local-name()='title'])[1]/text()") == [newest.title]
    assert strings(tree, "(//*[local-name()='publication_date'])[1]/text()") == ["2025-11-13T16:20:00+00:00"]


def test_catalogue_names_every_publisher(open_room: Newsroom, tmp_path: Path) -> None:
    tables = tomllib.loads(open_room.write_sources(tmp_path / "s.toml", delay=0.02).read_text())
    assert sorted(tables) == sorted(NAMES)
    for name, table in tables.items():
        indexes = [*table["feeds"], *table["sitemaps"], *(one["url"] for one in table["listings"])]
        assert indexes == [open_room.index_url(name)]
        assert table["delay"] == 0.02
        assert table["timezone"]
        assert table["language"]
    wide = tomllib.loads(open_room.write_sources(tmp_path / "w.toml", proxy=True, wide=True, every="5s").read_text())
    assert wide["ev-kurier"]["sitemaps"] == ["http://ev-kurier.example/sitemap.xml"]
    assert wide["ev-kurier"]["every"] == "5s"
