"""Learned paragraphs are removed from text and HTML, exactly, and can be restored."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from aggregator.extraction.extract import extract
from aggregator.ingest.keep import is_outdated
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.crawl import LearnedBoilerplate
from storage.model.page import Page
from storage.text.wording import block_digest, with_boilerplate

BOX = "Every Friday our editors write down what they have learned of batteries and chargers."
NOTE = "We may earn a commission when you buy through links on this site."
STORY = [
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says so.",
    "Suppliers had waited two years for the decision, because the grid was too weak for the ovens of the plant.",
    "Workers from three closed mines were trained for it, some of them by teachers who had been miners too.",
]


def extract_page(paragraphs: list[str], *learned: str, version: int = 1) -> Article:
    """Extract a page of some paragraphs with learned boilerplate."""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    page = Page(
        url="https://ev.example/a", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=f"<html lang='en'><head><title>Plant</title></head><body><article><h1>Plant</h1>{body}".encode(),
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    hints = Hints(boilerplate=frozenset(map(block_digest, learned)), boilerplate_version=version if learned else 0)
    article = extract(page, hints, shipped_matcher())
    assert isinstance(article, Article), article
    return article


def test_learned_paragraphs_are_removed_from_text_and_html() -> None:
    whole = [STORY[0], BOX, *STORY[1:], NOTE]
    article = extract_page(whole, BOX, NOTE, version=3)
    assert article.text == "\n\n".join(STORY)
    assert BOX not in article.html
    assert NOTE not in article.html
    assert all(paragraph in article.html for paragraph in STORY)
    assert (article.removed_boilerplate, article.boilerplate_version) == (((1, BOX), (4, NOTE)), 3)
    assert with_boilerplate(article.text, article.removed_boilerplate) == extract_page(whole).text
    assert article.words == extract_page(STORY).words


def test_other_paragraphs_stay() -> None:
    almost = BOX.replace("Friday", "Monday")
    assert extract_page([STORY[0], almost, *STORY[1:]], BOX).text == "\n\n".join([STORY[0], almost, *STORY[1:]])
    assert extract_page(STORY, BOX).removed_boilerplate == ()
    assert extract_page([STORY[0], f"{BOX} {STORY[1]}", STORY[2]], BOX).removed_boilerplate == ()


def test_case_and_punctuation_of_boilerplate_are_ignored() -> None:
    assert extract_page([*STORY, BOX.upper().replace(".", " !")], BOX).text == "\n\n".join(STORY)


def test_nothing_is_removed_if_too_little_would_remain() -> None:
    article = extract_page(STORY, *STORY)
    assert article.text == "\n\n".join(STORY)
    assert article.removed_boilerplate == ()


def test_article_is_outdated_only_if_it_has_newly_learned_paragraphs() -> None:
    article = extract_page([STORY[0], BOX, *STORY[1:]])
    learned = LearnedBoilerplate(version=2, paragraphs=frozenset({block_digest(BOX)}))
    assert is_outdated(article, learned)
    assert not is_outdated(extract_page(STORY), learned)
    assert not is_outdated(extract_page([STORY[0], BOX, *STORY[1:]], BOX, version=2), learned)
