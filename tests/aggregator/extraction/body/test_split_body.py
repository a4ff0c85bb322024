"""Parts of a body are joined, several articles are not; quotations stay."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

WORDS = str.split(
    "plant battery packs ships harbour winter mayor mine workers ovens grid coast megawatts teachers supplier decision "
    "company second hall double number region town letter month engineers tests buses ferry contract price steel"
)
_RANDOM = random.Random(3)
STORY = [f"{' '.join(_RANDOM.sample(WORDS, 30)).capitalize()} in {2030 + number}." for number in range(8)]


def read(body: str, head: str = "") -> str:
    """Return the extracted text of a page."""
    html = f"<!DOCTYPE html><html lang='en'><head><title>Plant</title>{head}</head><body>{body}</body></html>"
    page = Page(
        url="https://ev.example/a", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=html.encode(), fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    article = extract(page, Hints(), shipped_matcher())
    assert isinstance(article, Article), article
    return article.text


def paragraphs(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


@pytest.mark.parametrize(
    "mark", ["class='body articleBody'", "class='article__content'", "class=x itemprop=articleBody"]
)
def test_parts_of_a_body_are_joined(mark: str) -> None:
    first, second = paragraphs(*STORY[:4]), paragraphs(*STORY[4:])
    box = "<div class='row'><div class='promo'><a href='/x'>Buy now</a></div></div>"
    rest = f"<div><div><div {mark}>{second}</div></div></div>"
    text = read(f"<main><h1>Plant</h1><div><div {mark}>{first}</div></div>{box}{rest}</main>")
    assert text == "\n\n".join(STORY)


def test_several_articles_are_not_joined() -> None:
    first, second = paragraphs(*STORY[:4]), paragraphs(*STORY[4:])
    for page in (
        f"<article><h1>Plant</h1><div class='entry-content'>{first}</div></article>"
        f"<article><h1>Other</h1><div class='entry-content'>{second}</div></article>",
        f"<main><div class='entry-content'><h1>Plant</h1>{first}</div>"
        f"<div class='entry-content'><h1>Other</h1>{second}</div></main>",
    ):
        text = read(page)
        assert STORY[0] in text
        assert STORY[4] not in text


def test_quotation_missing_in_the_declared_text_stays() -> None:
    quote = "“We have waited long enough for this plant, and we shall not wait any longer,” she wrote to the ministry."
    extra = "Buy tickets for the fair of electric boats in the harbour, which opens its gates on the first of May."
    declared = json.dumps({"@type": "NewsArticle", "headline": "Plant", "articleBody": "\n\n".join(STORY)})
    body = (
        f"<article><h1>Plant</h1>{paragraphs(*STORY[:4])}<blockquote><p>{quote}</p></blockquote><p>{extra}</p>"
        f"{paragraphs(*STORY[4:])}</article>"
    )
    text = read(body, f'<script type="application/ld+json">{declared}</script>')
    assert quote in text
    assert extra not in text
    assert STORY[5] in text
