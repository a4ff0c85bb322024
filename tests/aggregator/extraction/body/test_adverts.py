"""Labelled adverts are removed from the body; sentences about adverts stay."""

from datetime import UTC, datetime

import pytest

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

FIRST = (
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says that the "
    "second hall will double that number before the winter. Workers from three closed mines were trained for it."
)
SECOND = (
    "Suppliers had waited two years for the decision, because the region's grid was too weak for the ovens. A new line "
    "from the coast now carries four hundred megawatts, enough for the plant and the town around it."
)


def body_with(between: str) -> str:
    markup = (
        f"<html><body><article><h1>A plant opens</h1><p>{FIRST}</p>{between}<p>{SECOND}</p></article></body></html>"
    )
    page = Page(
        url="https://evblog.example/2025/03/04/plant",
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        body=markup.encode(),
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    article = extract(page, Hints(), shipped_matcher())
    assert isinstance(article, Article), article
    return article.text


@pytest.mark.parametrize(
    "advert",
    [
        "<p>Sponsored: Win a year of free charging at home.</p>",
        "<p><b>Advertisement</b>: Tyres for the winter, fitted while you wait.</p>",
        "<p>Anzeige: Jetzt Wallbox sichern, nur diese Woche.</p>",
        "<p>Annonse: Ladekabel på tilbud ut uka.</p>",
        "<p>Publicité : votre borne posée en deux semaines.</p>",
        "<p>Реклама: зарядка для дома со скидкой.</p>",
        "<p>广告：家用充电桩限时优惠，立即预约安装。</p>",
        "<p>[Ad] - A charger for every garage, now in stock.</p>",
        '<div class="sponsor-box"><p>Lease a charger for the price of two coffees a month.</p></div>',
        '<div class="werbung"><p>Die Wallbox zum halben Preis, nur bis Sonntag im Laden.</p></div>',
    ],
)
def test_labelled_advert_is_removed(advert: str) -> None:
    assert body_with(advert) == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    "sentence",
    [
        "Sponsored sessions at the fair drew fewer visitors than the year before, the organisers said on Monday.",
        "Advertising rules for electric cars change in May, and makers must then print the range in winter as well.",
        "Werbung für Verbrenner verschwindet aus den Innenstädten, wie eine Zählung der Hochschule im Herbst ergab.",
        "Adapters: every kit holds four of them, and the maker sends a fifth to owners of older cars on request.",
    ],
)
def test_sentence_about_adverts_stays(sentence: str) -> None:
    assert sentence in body_with(f"<p>{sentence}</p>")
