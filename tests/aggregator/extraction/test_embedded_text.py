"""What a page's own data and its many headlines say of its article, and what stands in them by chance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.embedded_text import PageDataComparison, compare_with_page_data
from aggregator.extraction.extract import extract
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
    """What is made of a page that shows the text above and carries some data."""
    shown = "".join(f"<p>{escape(one)}</p>" for one in TEXT)
    html = (
        f"<!DOCTYPE html><html lang='en'><head><title>{tab}</title>{head}</head>"
        f"<body><article><h1>{heading}</h1>{shown}</article>{data}</body></html>"
    )
    page = Page(
        url="https://www.evblog.example/volt", status=200, headers=(("content-type", "text/html; charset=utf-8"),),
        body=html.encode(), fetched_at=datetime(2026, 6, 1, tzinfo=UTC), lead=lead,
    )  # fmt: skip
    made = extract(page, Hints())
    assert isinstance(made, Article), made
    assert made.text.endswith("\n\n".join(TEXT))
    return made


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
        state({"props": {"body": "".join(f"<p>{one}</p>" for one in EDITED)}}),
        state({"props": {"blocks": [{"type": "p", "text": one} for one in EDITED]}}),
        state({"blob": json.dumps({"body": "\n".join(EDITED), "id": 3})}),
        state({"text": escape(EDITED[0])}),
        f"<textarea hidden>{EDITED[0]}</textarea>",
        f'<meta name="description" content="{EDITED[0]}">',
    ],
)
def test_data_in_other_words_is_noted_wherever_it_stands(data: str) -> None:
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
def test_data_in_the_same_words_or_of_other_things_is_not(data: str) -> None:
    assert read(data).differs_in_page_data == ()


def test_what_data_repeats_is_noted_too() -> None:
    assert read(json_ld(articleBody="\n".join(EDITED[:2]))).in_page_data == (0, 1)
    assert read().in_page_data == ()


def test_the_first_of_two_copies_is_believed_about_one_place() -> None:
    other = [TEXT[0].replace(OLD, "eighty thousand packs"), TEXT[1].replace("the coast", "the sea"), TEXT[2]]
    made = read(json_ld(articleBody="\n".join(EDITED)) + state({"body": "\n".join(other)}))
    assert made.differs_in_page_data == ((0, EDITED[0]), (1, other[1]))


def test_a_headline_is_no_sentence_of_the_text() -> None:
    headline = EDITED[0].partition(",")[0]
    assert read(state({"title": headline})).differs_in_page_data == ((0, EDITED[0]),)
    declared = f'<meta property="og:title" content="{headline}">'
    assert read(state({"title": headline}), head=declared).differs_in_page_data == ()


def test_every_place_of_a_headline_is_noted_with_its_words() -> None:
    head = (
        f'<meta property="og:title" content="{TITLE} at last"><meta property="og:site_name" content="EV Blog">'
        '<meta name="twitter:title" content="Plant opens | EV Blog">'
    )
    made = read(json_ld(alternativeHeadline="A plant for Volt", name=TITLE), head=head, tab=f"{TITLE} - EV Blog")
    assert made.headlines == (
        ("heading", TITLE), ("og:title", f"{TITLE} at last"), ("twitter:title", "Plant opens"), ("headline", TITLE),
        ("alternativeHeadline", "A plant for Volt"), ("name", TITLE), ("tab", TITLE),
    )  # fmt: skip
    assert made.title == TITLE


def test_an_index_settles_which_headline_is_the_title_and_declares_none() -> None:
    head = f'<meta property="og:title" content="{TITLE} at last">'
    told = read(head=head, lead=Lead(url="https://www.evblog.example/volt", title=f"{TITLE} at last!"))
    assert told.title == f"{TITLE} at last"
    assert told.headlines == (("heading", TITLE), ("og:title", f"{TITLE} at last"), ("tab", TITLE))


@given(st.lists(st.text(max_size=60) | st.sampled_from(['"', "\\", "\\u12", "</p>", TEXT[0], '":'])))
def test_no_data_does_harm(pieces: list[str]) -> None:
    made = compare_with_page_data("\n\n".join(TEXT), ["".join(pieces)])
    assert made == PageDataComparison() or all(0 <= place < len(TEXT) for place in made.in_page_data)


def test_the_same_page_says_the_same_twice() -> None:
    data = json_ld(articleBody="\n".join(EDITED))
    assert read(data) == read(data)
