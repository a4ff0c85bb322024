"""Walls of many vendors and languages are refused; articles that resemble them are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Refusal
from storage.model.page import Lead, Page
from tests.refused_pages import RefusedPage, refused_pages

NOW = datetime(2026, 11, 1, tzinfo=UTC)
URL = "https://www.volt.example/2026/11/battery-plant"
LEAD = Lead(url=URL, title="Volt opens its second battery plant", summary="Two hundred people will build packs there.")
PROSE = (
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says that the "
    "second hall will double that number before the winter. Workers from three closed mines were trained for it. "
    "Suppliers had waited two years for the decision, because the region's grid was too weak for the ovens."
)


def fetched(body: str | bytes, lead: Lead | None = None, status: int = 200, url: str = URL, **headers: str) -> Page:
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    all_headers = {"content-type": "text/html; charset=utf-8"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Page(url=url, status=status, headers=tuple(all_headers.items()), body=data, fetched_at=NOW, lead=lead)


def code_of(page: Page) -> str:
    result = extract(page, Hints(), shipped_matcher())
    return result.code if isinstance(result, Refusal) else "stub" if result.truncated else "article"


def html(title: str, body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html lang='en'><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def declared(**facts: object) -> str:
    node = {"@type": "NewsArticle", "headline": "Volt opens its second battery plant", **facts}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


@pytest.mark.parametrize("lead", [LEAD, None], ids=["named", "unnamed"])
@pytest.mark.parametrize("wall", refused_pages(), ids=lambda wall: wall.name)
def test_wall_is_refused_with_its_code(wall: RefusedPage, lead: Lead | None) -> None:
    result = extract(fetched(wall.body, lead), Hints(), shipped_matcher())
    assert isinstance(result, Refusal), result
    assert result.code == wall.code
    assert len(result.reason) < 300


@pytest.mark.parametrize("wall", refused_pages(), ids=lambda wall: wall.name)
def test_consent_wall_with_the_title_of_its_article_is_refused(wall: RefusedPage) -> None:
    """Consent walls are often served with the head of the article that they hide."""
    head = f'<meta property="og:title" content="{LEAD.title}"><meta property="og:type" content="article">'.encode()
    body = wall.body.replace(b"</head>", head + b"</head>").replace(b"</HEAD>", head + b"</HEAD>")
    if head in body and wall.code == "consent":
        assert code_of(fetched(body, LEAD)) == wall.code


@pytest.mark.parametrize(
    "title",
    [
        "Access denied: how one county keeps chargers out",
        "Just a moment of silence at the battery plant",
        "404 Media wins the prize for its report on batteries",
        "Error 404: why broken chargers are never found",
        "Cookies at the charging station: a bakery's good idea",
        "We value your privacy, says the carmaker that sold its drivers' data",
        "Maintenance of electric cars",
        "Please wait: the queue at the motorway chargers",
        "Sign in, plug in, drive off",
    ],
)
def test_article_with_a_headline_like_a_wall_is_an_article(title: str) -> None:
    body = f"<article><h1>{title}</h1><p>{PROSE}</p><p>{PROSE[::-1]}</p><p>{PROSE.upper()}</p></article>"
    assert code_of(fetched(html(title, body), Lead(url=URL, title=title))) == "article"
    assert code_of(fetched(html(title, body))) in ("article", "not-found", "challenge")
    assert code_of(fetched(html(title, body, declared(headline=title)))) == "article"


def test_report_about_consent_walls_is_an_article() -> None:
    report = (
        "The authority fined the publisher because its banner left readers no choice. Whoever pressed the red button "
        "was asked again a minute later. “We and our partners value your privacy”, the banner said, while it had sent "
        "the reader's address to two hundred companies. The court in the capital heard eleven witnesses. One of them, "
        "a programmer, had counted the requests that his browser made before he had agreed to anything."
    )
    body = f"<article><h1>The banner that would not go away</h1><p>{report}</p></article>"
    assert code_of(fetched(html("The banner that would not go away | Volt", body))) == "article"


PAGE_CHROME = (
    '<div id="onetrust-banner-sdk"><p>We value your privacy. We and our partners use cookies to store and/or access '
    "information on a device.</p><button>Accept all</button></div>"
    '<form class="login" action="/login"><input type="password"><a>Forgot your password?</a> Log in</form>'
    "<noscript>Please enable JavaScript to use this site.</noscript>"
    '<script src="https://www.google.com/recaptcha/api.js"></script>'
    '<script>(function(){window.__CF$cv$params={r:"8"};a.src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"})()</script>'
    '<div class="g-recaptcha"></div><aside>Subscribe to continue reading our newsletter. Sign up.</aside>'
)


@pytest.mark.parametrize("lead", [LEAD, None], ids=["named", "unnamed"])
def test_page_chrome_does_not_make_an_article_a_wall(lead: Lead | None) -> None:
    body = f"{PAGE_CHROME}<article><h1>Volt opens its second battery plant</h1><p>{PROSE}</p><p>{PROSE}</p></article>"
    assert code_of(fetched(html("Volt opens its second battery plant", body), lead)) == "article"


def test_list_of_other_pages_is_refused_as_listing() -> None:
    teasers = "".join(
        f'<li><h3><a href="/{n}">Volt builds its plant number {n} in the north of the country this year</a></h3></li>'
        for n in range(30)
    )
    page = html("News", f"<main><h1>News</h1><ul>{teasers}</ul></main>")
    assert code_of(fetched(page)) == "listing"
    collection = '<script type="application/ld+json">{"@type": "CollectionPage", "name": "News"}</script>'
    assert code_of(fetched(html("News", f"<main><p>{PROSE}</p></main>", collection))) == "listing"


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (200, {"cf_mitigated": "challenge"}, "challenge"),
        (202, {"x_amzn_waf_action": "challenge"}, "challenge"),
        (403, {"server": "AkamaiGHost"}, "challenge"),
        (403, {"x_datadome": "protected"}, "challenge"),
        (200, {"x_datadome": "protected", "server": "AkamaiGHost"}, "article"),
        (404, {}, "not-found"),
        (401, {}, "login"),
        (500, {}, "error"),
    ],
)
def test_status_and_headers_decide(status: int, headers: dict[str, str], code: str) -> None:
    body = html(LEAD.title, f"<article><h1>{LEAD.title}</h1><p>{PROSE}</p><p>{PROSE}</p></article>")
    assert code_of(fetched(body, LEAD, status, **headers)) == code


LOCKED = {"isAccessibleForFree": False, "hasPart": {"isAccessibleForFree": "False", "cssSelector": ".rest"}}


@pytest.mark.parametrize(
    ("facts", "rest", "code"),
    [
        ({"isAccessibleForFree": False}, "", "stub"),
        ({"isAccessibleForFree": "http://schema.org/False"}, "", "stub"),
        (LOCKED, "", "stub"),
        (LOCKED, f"<div class='rest'><p>{PROSE}</p><p>{PROSE[:150]}</p><p>{PROSE[100:]}</p></div>", "article"),
        ({"wordCount": 900}, "", "stub"),
        ({"wordCount": 60}, "", "article"),
        ({"isAccessibleForFree": True}, "<p>Already a subscriber? Subscribe to continue reading.</p>", "article"),
        ({}, "<div>Already a subscriber? Subscribe to continue reading.</div>", "stub"),
        ({}, "", "article"),
        (
            {"isAccessibleForFree": ["?"], "hasPart": [None, 3, {"cssSelector": "[["}], "wordCount": "many"},
            "",
            "article",
        ),
    ],
)
def test_free_beginning_of_a_paid_article_is_a_stub(facts: dict[str, object], rest: str, code: str) -> None:
    body = f"<article><h1>{LEAD.title}</h1><p>{PROSE}</p>{rest}</article>"
    assert code_of(fetched(html(LEAD.title, body, declared(**facts)), LEAD)) == code


def test_short_page_without_the_expected_title_is_a_stranger() -> None:
    page = html("Volt", "<main><p>" + PROSE[:200] + "</p></main>")
    lead = Lead(url=URL, title="Minister resigns after election scandal")
    result = extract(fetched(page, lead), Hints(), shipped_matcher())
    assert isinstance(result, Refusal)
    assert result.code == "stranger"
    assert "Minister resigns" in result.reason
    assert code_of(fetched(page)) == "article"


@given(st.binary(max_size=4_000), st.integers(100, 599), st.text(max_size=40))
def test_any_bytes_are_classified(body: bytes, status: int, title: str) -> None:
    result = extract(fetched(b"<html>" + body, Lead(url=URL, title=title), status), Hints(), shipped_matcher())
    assert not isinstance(result, Refusal) or not result.reason.startswith(
        ("TypeError", "ValueError", "IndexError", "KeyError")
    )


HELD = declared(isAccessibleForFree=False, hasPart=[{"isAccessibleForFree": False, "cssSelector": "p"}])
PIECES = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<h1>404", "<title>", "Just a moment...", "we and our partners", "<a href=x>", "Log in", "|",
         "<div id='root'>", "<noscript>enable javascript</noscript>", "<iframe src='captcha-delivery.com'>", "。",
         "<input type=password>", HELD, PROSE, "\x00", "\uffff", "<svg>", "</html>"]
    ),
    max_size=30,
)  # fmt: skip


@given(PIECES, st.booleans())
def test_any_pieces_of_pages_are_classified(pieces: list[str], named: bool) -> None:
    result = extract(fetched("".join(pieces), LEAD if named else None), Hints(), shipped_matcher())
    assert not isinstance(result, Refusal) or "Error:" not in result.reason
