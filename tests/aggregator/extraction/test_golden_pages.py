"""Complete example pages with the exact article that extraction must give; extend them, never weaken them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

PAGES = Path(__file__).parent / "pages"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def read(name: str, url: str) -> Article:
    body = (PAGES / f"{name}.html").read_bytes()
    page = Page(url=url, status=200, headers=(("content-type", "text/html"),), body=body, fetched_at=NOW)
    result = extract(page, Hints(), shipped_matcher())
    assert isinstance(result, Article), result
    return result


def test_english_page_with_json_ld() -> None:
    article = read("english", "https://coast.example/2025/11/harbour-ferries?utm_source=x")
    assert article.text.split("\n\n") == [
        "Three small ferries will cross the harbour on batteries from the first week of December, after a winter in "
        "which one boat ran the route beside its diesel sisters and missed only two departures.",
        "One charger for three boats",
        "The charger on the east pier gives 1.2 megawatts for six minutes at each stop. That is enough for two "
        "crossings, the operator says, and leaves a reserve for days when the swell slows the boats down.",
        "What it costs",
        "The boats cost 4.1 million each, a third more than diesel ones. Fuel and service are expected to bring that "
        "back in nine years, or in seven if the price of marine diesel stays where it is.",
        "“We will not miss the smell,” said the harbour master, who has worked beside it for thirty-one years.",
    ]
    assert article.title == "Harbour ferries go electric after a winter of trials"
    assert article.authors == ("Ann Fairweather",)
    assert article.published == datetime(2025, 11, 19, 4, 40, tzinfo=UTC)
    assert (article.published_date, article.zone_known) == ("2025-11-18", True)
    assert article.published_raw == "2025-11-18T23:40:00-05:00"
    assert article.modified == datetime(2025, 11, 19, 10, tzinfo=UTC)
    assert article.canonical_url == "https://coast.example/2025/11/harbour-ferries"
    assert (article.language, article.site_name) == ("en", "Coast & Current")
    assert article.summary == "Three boats, one charger, and a timetable that has to hold."
    assert article.image == "https://coast.example/img/ferry.jpg"
    assert article.tags == ("ferries", "charging")
    assert '<a href="https://coast.example/places/east-pier"' in article.html
    assert "<h2>What it costs</h2>" in article.html
    assert "<blockquote>" in article.html
    assert dict(article.origins)["authors"] == "json-ld"


def test_german_page_with_microdata() -> None:
    article = read("german", "https://talbote.example/verkehr/busse")
    assert [paragraph[:24] for paragraph in article.text.split("\n\n")] == [
        "Seit einem Jahr fahren z",
        "Teurer als gedacht wurde",
        "Im Herbst sollen acht we",
    ]
    assert article.title == "Busse ohne Auspuff: Was die Stadtwerke aus dem ersten Jahr lernen"
    assert article.authors == ("Merle Brandt", "Jo van der Velde")
    assert article.published == datetime(2025, 2, 3, 5, 15, tzinfo=UTC)
    assert article.published_date == "2025-02-03"
    assert article.language == "de"
    assert dict(article.origins)["language"] == "guessed"


def test_chinese_page_in_gb2312() -> None:
    article = read("chinese", "http://news.shan.example/2021/0129/1.html")
    assert article.text.startswith("去年冬天，第一座充电站建到了海拔一千二百米的村口。")
    assert article.text.endswith("（记者 李文山）")
    assert "首页" not in article.text
    assert article.title == "充电站进山 村里的夜路亮了"
    assert article.authors == ("李文山",)
    assert (article.published, article.zone_known) == (datetime(2021, 1, 29, 13, 18, tzinfo=UTC), False)
    assert article.published_date == "2021-01-29"
    assert article.language == "zh"
    assert 60 < article.words < 80


def test_norwegian_page() -> None:
    article = read("norwegian", "https://fjordposten.example/gard/traktor")
    assert "Les også" not in article.text
    assert article.text.endswith("da de tok hverandre i hånden.")
    assert article.title == "Traktoren som lader på låven"
    assert article.authors == ("Kari Nordmo",)
    assert (article.published, article.published_date) == (datetime(2025, 6, 30, 22, 30, tzinfo=UTC), "2025-06-30")
    assert article.language == "no"


@pytest.mark.parametrize("name", ["english", "german", "chinese", "norwegian"])
def test_extraction_is_deterministic(name: str) -> None:
    assert read(name, "https://coast.example/a") == read(name, "https://coast.example/a")
