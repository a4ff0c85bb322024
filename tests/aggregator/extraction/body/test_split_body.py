"""Bodies in several parts are read as one, several articles on a page are not; quotations stay."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from aggregator.extraction.extract import extract
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

WORDS = str.split(
    "plant battery packs ships harbour winter mayor mine workers ovens grid coast megawatts teachers supplier decision "
    "company second hall double number region town letter month engineers tests buses ferry contract price steel"
)
_RANDOM = random.Random(3)
ONE = [f"{' '.join(_RANDOM.sample(WORDS, 30)).capitalize()} in {2030 + number}." for number in range(8)]


def read(body: str, head: str = "") -> str:
    """The text of a page."""
    html = f"<!DOCTYPE html><html lang='en'><head><title>Plant</title>{head}</head><body>{body}</body></html>"
    page = Page(
        url="https://ev.example/a", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=html.encode(), fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    made = extract(page, Hints())
    assert isinstance(made, Article), made
    return made.text


def paragraphs(*texts: str) -> str:
    return "".join(f"<p>{one}</p>" for one in texts)


@pytest.mark.parametrize(
    "mark", ["class='body articleBody'", "class='article__content'", "class=x itemprop=articleBody"]
)
def test_parts_of_a_body_are_one_text(mark: str) -> None:
    first, second = paragraphs(*ONE[:4]), paragraphs(*ONE[4:])
    box = "<div class='row'><div class='promo'><a href='/x'>Buy now</a></div></div>"
    rest = f"<div><div><div {mark}>{second}</div></div></div>"
    text = read(f"<main><h1>Plant</h1><div><div {mark}>{first}</div></div>{box}{rest}</main>")
    assert text == "\n\n".join(ONE)


def test_articles_that_follow_each_other_are_not_parts() -> None:
    first, second = paragraphs(*ONE[:4]), paragraphs(*ONE[4:])
    for page in (
        f"<article><h1>Plant</h1><div class='entry-content'>{first}</div></article>"
        f"<article><h1>Other</h1><div class='entry-content'>{second}</div></article>",
        f"<main><div class='entry-content'><h1>Plant</h1>{first}</div>"
        f"<div class='entry-content'><h1>Other</h1>{second}</div></main>",
    ):
        text = read(page)
        assert ONE[0] in text
        assert ONE[4] not in text


def test_a_quotation_that_the_declared_text_lacks_stays() -> None:
    quote = "“We have waited long enough for this plant, and we shall not wait any longer,” she wrote to the ministry."
    extra = "Buy tickets for the fair of electric boats in the harbour, which opens its gates on the first of May."
    declared = json.dumps({"@type": "NewsArticle", "headline": "Plant", "articleBody": "\n\n".join(ONE)})
    body = (
        f"<article><h1>Plant</h1>{paragraphs(*ONE[:4])}<blockquote><p>{quote}</p></blockquote><p>{extra}</p>"
        f"{paragraphs(*ONE[4:])}</article>"
    )
    text = read(body, f'<script type="application/ld+json">{declared}</script>')
    assert quote in text
    assert extra not in text
    assert ONE[5] in text
