"""Recurring paragraphs of a source are learned during a crawl, removed from later articles, and are no edit."""

from __future__ import annotations

from html import escape

from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site, rss

BOX = "Every Friday our editors write down what they have learned of batteries and chargers."
MANY = 30


def page(number: int, box: str = BOX) -> bytes:
    """Return an article with its own text and a box among its paragraphs."""
    paragraphs = [
        f"Report {number} tells of the plant in town {number} that builds packs for buses and ships of line {number}.",
        f"Its hall number {number} is to open in {2030 + number}, says the mayor of town {number}, who is glad of it.",
        f"Workers from mine {number} were trained for it by teachers who had been miners there in {1960 + number} too.",
    ]
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in (paragraphs[0], box, *paragraphs[1:]) if paragraph)
    head = f"<html lang='en'><head><title>Report {number}</title></head>"
    return f"{head}<body><article><h1>Report {number}</h1>{body}".encode()


def test_recurring_box_is_removed_from_the_sixth_article_on(home: Home, site: Site) -> None:
    for number in range(MANY):
        site.pages[f"/{number}"] = Answer(page(number))
    links = [site.url(f"/{number}") for number in range(MANY)]
    site.pages["/feed.xml"] = Answer(rss(*links), type="application/rss+xml")
    home.poll(site.source())
    kept = home.rows("SELECT articles.id, texts.text, texts.html, texts.boilerplate_version FROM articles JOIN texts"
                     " ON texts.article_id = articles.id ORDER BY articles.id")  # fmt: skip
    assert len(kept) == MANY
    assert [BOX in str(text) for _, text, _, _ in kept] == [True] * 5 + [False] * (MANY - 5)
    assert [BOX in str(html) for _, _, html, _ in kept] == [True] * 5 + [False] * (MANY - 5)
    assert [version for _, _, _, version in kept] == [0] * 5 + [1] * (MANY - 5)
    assert all("mayor" in str(text) and "Workers" in str(text) for _, text, _, _ in kept)
    home.revisit(site.source())
    assert home.changes() == {}, "the first five are read without the box now"
    for number in range(MANY):
        site.pages[f"/{number}"] = Answer(page(number, ""))
    home.revisit(site.source())
    assert home.changes() == {}, "nor is it an edit when the box goes"
    assert home.damage() == []
