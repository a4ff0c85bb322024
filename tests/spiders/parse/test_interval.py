"""Update interval that a feed or its response headers declare."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregator.crawl.http_cache import MAX_FRESHNESS_SECONDS, freshness_seconds
from spiders.parse.feed import read_feed
from storage.model.page import Page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


def asks(inside: str) -> float:
    item = "<item><link>https://a.example/1</link></item>"
    body = f'<rss version="2.0" {SY}><channel>{inside}{item}</channel></rss>'
    index = read_feed(body.encode(), "https://a.example/feed", now=NOW)
    assert len(index.leads) == 1
    return index.poll_interval


@pytest.mark.parametrize(
    ("inside", "seconds"),
    [
        ("", 0),
        ("<ttl>90</ttl>", 5400),
        ("<ttl> 15 </ttl>", 900),
        ("<ttl>0</ttl>", 0),
        ("<ttl>-5</ttl>", 0),
        ("<ttl>soon</ttl>", 0),
        ("<ttl>1e9</ttl>", 0),
        ("<ttl>999999999</ttl>", 604_800),
        ("<ttl>" + "9" * 400 + "</ttl>", 0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>", 0),
        ("<sy:updatePeriod>\n\thourly\t</sy:updatePeriod><sy:updateFrequency>\n4 </sy:updateFrequency>", 900),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", 43_200),
        ("<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 604_800),
        ("<sy:updatePeriod>never</sy:updatePeriod>", 0),
    ],
)
def test_update_interval_from_ttl_and_update_period(inside: str, seconds: float) -> None:
    assert asks(inside) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Cache-Control": "max-age=600"}, 600),
        ({"Cache-Control": "public, s-maxage=900, max-age=60"}, 900),
        ({"Cache-Control": "max-age=600, no-cache"}, 0),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "max-age=31536000"}, MAX_FRESHNESS_SECONDS),
        ({"Cache-Control": "max-age=" + "9" * 300}, MAX_FRESHNESS_SECONDS),
        ({"Cache-Control": "max-age=-5"}, 0),
        ({"Expires": "Thu, 01 Jan 2026 00:10:00 GMT"}, 600),
        ({"Expires": "Thu, 01 Jan 2020 00:00:00 GMT"}, 0),
        ({"Expires": "0"}, 0),
        ({"Expires": "\t(" + "9" * 90}, 0),
        ({"Expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, MAX_FRESHNESS_SECONDS),
        ({"Cache-Control": "max-age=60", "Expires": "Thu, 01 Jan 2026 00:10:00 GMT"}, 60),
    ],
)
def test_freshness_of_a_response(headers: dict[str, str], seconds: float) -> None:
    page = Page(url="https://a.example/", status=200, headers=tuple(headers.items()), fetched_at=NOW)
    assert freshness_seconds(page) == seconds
