"""Copies of the text in embedded data are compared with the article; other strings and headlines are ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.embedded_text import PageDataComparison, compare_with_page_data
from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Lead, Page

TITLE = "Volt opens a plant"
TEXT = [
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says that the "
    "second hall will double that number before the winter.",
    "Suppliers had waited two years for the decision, because the region’s grid was too weak for the ovens. A new line "
    "from the coast now carries four hundred megawatts, enough for the plant and the town around it.",
    "Workers from three closed mines were trained for it, some of them by teachers who had been miners too.",
]
OLD, NEW = "sixty thousand battery packs", "seventy thousand battery packs"
EDITED = [TEXT[0].replace(OLD, NEW), *TEXT[1:]]


def read(data: str = "", head: str = "", heading: str = TITLE, tab: str = TITLE, lead: Lead | None = None) -> Article:
    """Extract a page with the text above and with embedded data."""
    shown = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in TEXT)
    html = (
        f"<!DOCTYPE html><html lang='en'><head><title>{tab}</title>{head}</head>"
        f"<body><article><h1>{heading}</h1>{shown}</article>{data}</body></html>"
    )
    page = Page(
        url="https://www.evblog.example/volt", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=html.encode(), fetched_at=datetime(2026, 6, 1, tzinfo=UTC), lead=lead,
    )  # fmt: skip
    article = extract(page, Hints(), shipped_matcher())
    assert isinstance(article, Article), article
    assert article.text.endswith("\n\n".join(TEXT))
    return article


def json_ld(**values: object) -> str:
    node = {"@type": "NewsArticle", "headline": TITLE, "datePublished": "2026-05-31"} | values
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def state(value: object) -> str:
    return f"<script>window.__state = {json.dumps(value, ensure_ascii=False)};</script>"


@pytest.mark.parametrize(
    "data",
    [
        json_ld(articleBody="\n\n".join(EDITED)),
        json_ld(articleBody=" ".join(EDITED)),
        json_ld(articleBody="".join(EDITED)),
        state({"props": {"body": "".join(f"<p>{paragraph}</p>" for paragraph in EDITED)}}),
        state({"props": {"blocks": [{"type": "p", "text": paragraph} for paragraph in EDITED]}}),
        state({"blob": json.dumps({"body": "\n".join(EDITED), "id": 3})}),
        state({"text": escape(EDITED[0])}),
        f"<textarea hidden>{EDITED[0]}</textarea>",
        f'<meta name="description" content="{EDITED[0]}">',
    ],
)
def test_edited_copy_is_found_in_any_kind_of_data(data: str) -> None:
    assert read(data).differs_in_page_data == ((0, EDITED[0]),)


@pytest.mark.parametrize(
    "data",
    [
        "",
        json_ld(articleBody="\n\n".join(TEXT)),
        json_ld(articleBody="".join(TEXT).replace("’", "'")),
        state({"body": f"{TEXT[0]} Read also: a plant in the south. {TEXT[1]}"}),
        f'<meta name="description" content="{TEXT[0][:90]}…">',
        state({"related": "The plant in the north of Spain has been shut since the spring, its owner says."}),
        state({"headline": "The plant in the north of the country builds fast"}),
    ],
)
def test_equal_copies_and_other_strings_do_not_differ(data: str) -> None:
    assert read(data).differs_in_page_data == ()


def test_paragraphs_in_the_data_are_recorded() -> None:
    assert read(json_ld(articleBody="\n".join(EDITED[:2]))).in_page_data == (0, 1)
    assert read().in_page_data == ()


def test_first_of_two_copies_wins_for_each_paragraph() -> None:
    other = [TEXT[0].replace(OLD, "eighty thousand packs"), TEXT[1].replace("the coast", "the sea"), TEXT[2]]
    article = read(json_ld(articleBody="\n".join(EDITED)) + state({"body": "\n".join(other)}))
    assert article.differs_in_page_data == ((0, EDITED[0]), (1, other[1]))


def test_declared_headline_is_no_copy_of_a_sentence() -> None:
    headline = EDITED[0].partition(",")[0]
    assert read(state({"title": headline})).differs_in_page_data == ((0, EDITED[0]),)
    declared = f'<meta property="og:title" content="{headline}">'
    assert read(state({"title": headline}), head=declared).differs_in_page_data == ()


def test_headline_of_every_place_is_recorded() -> None:
    head = (
        f'<meta property="og:title" content="{TITLE} at last"><meta property="og:site_name" content="EV Blog">'
        '<meta name="twitter:title" content="Plant opens | EV Blog">'
    )
    article = read(json_ld(alternativeHeadline="A plant for Volt", name=TITLE), head=head, tab=f"{TITLE} - EV Blog")
    assert article.headlines == (
        ("heading", TITLE), ("og:title", f"{TITLE} at last"), ("twitter:title", "Plant opens"), ("headline", TITLE),
        ("alternativeHeadline", "A plant for Volt"), ("name", TITLE), ("tab", TITLE),
    )  # fmt: skip
    assert article.title == TITLE


def test_index_decides_the_title_and_adds_no_headline() -> None:
    head = f'<meta property="og:title" content="{TITLE} at last">'
    article = read(head=head, lead=Lead(url="https://www.evblog.example/volt", title=f"{TITLE} at last!"))
    assert article.title == f"{TITLE} at last"
    assert article.headlines == (("heading", TITLE), ("og:title", f"{TITLE} at last"), ("tab", TITLE))


@given(st.lists(st.text(max_size=60) | st.sampled_from(['"', "\\", "\\u12", "</p>", TEXT[0], '":'])))
def test_any_data_gives_valid_places(pieces: list[str]) -> None:
    comparison = compare_with_page_data("\n\n".join(TEXT), ["".join(pieces)])
    assert comparison == PageDataComparison() or all(0 <= place < len(TEXT) for place in comparison.in_page_data)


def test_extraction_is_deterministic() -> None:
    data = json_ld(articleBody="\n".join(EDITED))
    assert read(data) == read(data)
