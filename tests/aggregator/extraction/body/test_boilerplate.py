"""Learned paragraphs are taken out of text and HTML, exactly, and what was taken can be put back."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from aggregator.extraction.extract import extract
from aggregator.ingest.keep import is_outdated
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


def read(paragraphs: list[str], *learned: str, version: int = 1) -> Article:
    """What is made of a page of some paragraphs where others were learned."""
    body = "".join(f"<p>{escape(one)}</p>" for one in paragraphs)
    page = Page(
        url="https://ev.example/a", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=f"<html lang='en'><head><title>Plant</title></head><body><article><h1>Plant</h1>{body}".encode(),
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    hints = Hints(boilerplate=frozenset(map(block_digest, learned)), boilerplate_version=version if learned else 0)
    made = extract(page, hints)
    assert isinstance(made, Article), made
    return made


def test_what_was_learned_is_left_out_of_text_and_html() -> None:
    whole = [STORY[0], BOX, *STORY[1:], NOTE]
    made = read(whole, BOX, NOTE, version=3)
    assert made.text == "\n\n".join(STORY)
    assert BOX not in made.html
    assert NOTE not in made.html
    assert all(one in made.html for one in STORY)
    assert (made.removed_boilerplate, made.boilerplate_version) == (((1, BOX), (4, NOTE)), 3)
    assert with_boilerplate(made.text, made.removed_boilerplate) == read(whole).text
    assert made.words == read(STORY).words


def test_nothing_else_is_left_out() -> None:
    almost = BOX.replace("Friday", "Monday")
    assert read([STORY[0], almost, *STORY[1:]], BOX).text == "\n\n".join([STORY[0], almost, *STORY[1:]])
    assert read(STORY, BOX).removed_boilerplate == ()
    assert read([STORY[0], f"{BOX} {STORY[1]}", STORY[2]], BOX).removed_boilerplate == ()


def test_its_spelling_makes_no_difference() -> None:
    assert read([*STORY, BOX.upper().replace(".", " !")], BOX).text == "\n\n".join(STORY)


def test_an_article_that_would_be_all_but_gone_is_left_whole() -> None:
    made = read(STORY, *STORY)
    assert made.text == "\n\n".join(STORY)
    assert made.removed_boilerplate == ()


def test_only_an_article_that_holds_what_was_learned_since_is_read_again() -> None:
    made = read([STORY[0], BOX, *STORY[1:]])
    learned = LearnedBoilerplate(version=2, paragraphs=frozenset({block_digest(BOX)}))
    assert is_outdated(made, learned)
    assert not is_outdated(read(STORY), learned)
    assert not is_outdated(read([STORY[0], BOX, *STORY[1:]], BOX, version=2), learned)
