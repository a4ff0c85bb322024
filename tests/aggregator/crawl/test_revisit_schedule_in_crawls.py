"""Results of revisits: walls in place of articles, redesigns and edits."""

from __future__ import annotations

import pytest

from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site
from tests.refused_pages import refused_pages

ARTICLE_COUNT = 6
SIGNATURES = "SELECT article_id, bands FROM signatures ORDER BY article_id"
PROMOTION = "Read us in our new app, free for a whole year to everybody who drives a Xiaomi SU7 or means to buy one."


@pytest.fixture
def site(site: Site) -> Site:
    """Return a site with a few articles."""
    site.feed(*(site.url(f"/{number}") for number in range(ARTICLE_COUNT)))
    for number in range(ARTICLE_COUNT):
        site.pages[f"/{number}"] = Answer(page(number))
    return site


def page(number: int, *more: str, figure: int = 7) -> bytes:
    paragraphs = [
        f"Report {number} is about a charging park near exit {number}, opened on the {number}th with {figure} posts.",
        f"Nobody in the villages of district {number} had believed that it would be finished before the winter of "
        f"year {number}, and those who had bet on it were paid in apples of sort {number}, says the mayor.",
        *more,
    ]
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    head = f"<title>Charging park {number} is open</title>"
    return f"<!DOCTYPE html><html lang='en'><head>{head}</head><body><article>{text}</article></body></html>".encode()


def topics(home: Home) -> set[str]:
    return {str(name) for (name,) in home.rows("SELECT DISTINCT topic FROM article_topics")}


def test_wall_in_place_of_an_article_is_captured_with_its_verdict(home: Home, site: Site) -> None:
    walls = {wall.code: wall for wall in refused_pages() if wall.code in ("challenge", "consent", "shell", "login")}
    home.poll(site.source())
    for number, wall in enumerate(walls.values()):
        site.pages[f"/{number}"] = Answer(wall.body)
    assert home.revisit(site.source(), confirm_now=True)["site"].counts["refused"] == len(walls)
    assert {str(code) for (code,) in home.rows("SELECT verdict FROM captures WHERE verdict <> ''")} == set(walls)
    assert home.rows("SELECT outcome FROM article_checks") == [("refused",)] * len(walls)
    assert home.rows("SELECT count(*) FROM revisions") == [(ARTICLE_COUNT,)]


def test_redesign_changes_no_revision_topic_or_signature(home: Home, site: Site) -> None:
    """The shown text, the signature and the topics stay as they were."""
    home.poll(site.source())
    before = (topics(home), home.rows(SIGNATURES))
    for number in range(ARTICLE_COUNT):
        site.pages[f"/{number}"] = Answer(page(number, PROMOTION))
    result = home.revisit(site.source(), confirm_now=True)["site"]
    assert (result.counts["again"], result.counts["changed"]) == (ARTICLE_COUNT, 0)
    assert home.rows("SELECT count(*) FROM revisions") == [(ARTICLE_COUNT,)]
    assert (topics(home), home.rows(SIGNATURES)) == before
    assert home.damage() == []


def test_edit_during_a_redesign_is_recorded(home: Home, site: Site) -> None:
    home.poll(site.source())
    for number in range(ARTICLE_COUNT):
        site.pages[f"/{number}"] = Answer(page(number, PROMOTION, figure=8 if number == 3 else 7))
    assert home.revisit(site.source(), confirm_now=True)["site"].counts["changed"] == 1
    assert home.rows("SELECT kind FROM revisions WHERE number > 1") == [("numbers",)]
