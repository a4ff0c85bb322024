"""Pages become articles or refusals with a code; hostile pages do no harm."""

import gzip
import json
import pickle
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.body.sanitize import ALLOWED_TAGS, MAX_GROWTH, sanitize_html
from aggregator.extraction.extract import EXTRACTOR, extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article, Refusal
from storage.model.page import Lead, Page
from storage.text.characters import count_words

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URL = "https://www.evblog.example/2025/03/volt-plant/"
PROSE = (
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says that the "
    "second hall will double that number before the winter. Workers from three closed mines were trained for it."
)
SECOND = (
    "Suppliers had waited two years for the decision, because the region's grid was too weak for the ovens. A new line "
    "from the coast now carries four hundred megawatts, enough for the plant and the town around it."
)


def page(body: str, head: str = "", *, url: str = URL, lead: Lead | None = None, **headers: str) -> Page:
    title = "<title>Volt opens a plant - EV Notebook</title>"
    html = f"<!DOCTYPE html><html lang='en'><head>{title}{head}</head><body>{body}</body></html>"
    given = {"content-type": "text/html; charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Page(
        url=url,
        status=200,
        headers=tuple(given.items()),
        body=html.encode("utf-8", "surrogatepass"),
        fetched_at=NOW,
        lead=lead,
    )


def article(
    body: str, head: str = "", hints: Hints | None = None, *, url: str = URL, lead: Lead | None = None
) -> Article:
    result = extract(page(body, head, url=url, lead=lead), hints or Hints(), shipped_matcher())
    assert isinstance(result, Article), result
    return result


def prose(inner: str = "") -> str:
    return f"<article><h1>Volt opens a plant</h1><p>{PROSE}</p>{inner}<p>{SECOND}</p></article>"


def linked(**facts: object) -> str:
    node = {"@type": "NewsArticle", "headline": "Volt opens a plant", **facts}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def test_article_is_a_picklable_value_with_its_metadata() -> None:
    result = article(prose(), linked(datePublished="2025-03-04T09:30:00+01:00", author={"name": "Lena Hartwig"}))
    assert pickle.loads(pickle.dumps(result)) == result
    assert result.extractor == EXTRACTOR
    assert result.published == datetime(2025, 3, 4, 8, 30, tzinfo=UTC)
    assert (result.published_date, result.zone_known) == ("2025-03-04", True)
    assert dict(result.origins)["published"] == "json-ld"
    assert result.text == f"{PROSE}\n\n{SECOND}"
    assert result.words == count_words(result.text)


@pytest.mark.parametrize(
    ("given_page", "code"),
    [
        (
            Page(url=URL, status=200, headers=(("content-type", "application/pdf"),), body=b"%PDF", fetched_at=NOW),
            "not-html",
        ),
        (Page(url=URL, status=200, headers=(("content-type", "text/html"),), body=b"", fetched_at=NOW), "empty"),
        (Page(url=URL, status=200, headers=(("content-type", "text/html"),), body=b" \n\t ", fetched_at=NOW), "empty"),
        (
            Page(url=URL, status=200, headers=(("content-type", "text/html"),), body=b"just words", fetched_at=NOW),
            "not-html",
        ),
        (page("<script>app()</script><div id='root'></div>"), "shell"),
        (page("<div></div>"), "empty"),
        (page("<p>More to follow.</p>"), "thin"),
        (page("<h1>Just a moment...</h1><p>Checking your browser before accessing the site.</p>"), "challenge"),
        (page("<h1>404</h1><p>Sorry, we could not find that page.</p>"), "not-found"),
        (page(prose(), content_encoding="gzip"), "content"),
        (page(prose(), content_encoding="gzip, gzip"), "content"),
        (page(prose(), content_encoding="br"), "content"),
        (page("<p " + " ".join(f"a{n}=1" for n in range(30_000)) + ">x</p>"), "unreadable"),
        (page("<p>a" * 250_000), "unreadable"),
    ],
)
def test_page_without_article_is_refused_with_code_and_reason(given_page: Page, code: str) -> None:
    result = extract(given_page, Hints(), shipped_matcher())
    assert isinstance(result, Refusal), result
    assert result.code == code
    assert result.reason


def test_short_text_with_article_markup_is_an_article() -> None:
    result = article(
        "<h1>Volt opens a plant</h1><p>Volt opened its plant today. More to follow as we hear it.</p>", linked()
    )
    assert result.words < 25


def test_gzip_is_decoded_and_a_truncated_stream_is_refused() -> None:
    whole = page(prose())
    packed = gzip.compress(whole.body)
    headers = (*whole.headers, ("content-encoding", "gzip"))
    assert isinstance(
        extract(Page(url=URL, status=200, headers=headers, body=packed, fetched_at=NOW), Hints(), shipped_matcher()),
        Article,
    )
    cut = extract(
        Page(url=URL, status=200, headers=headers, body=packed[:-12], fetched_at=NOW), Hints(), shipped_matcher()
    )
    assert isinstance(cut, Refusal)
    assert cut.code == "content"


@pytest.mark.parametrize("poison", ["&#x1F;", "&#0;", "&#xFFFE;", "&#xD800;", "\x00", "\x1f", "\ufffe", "&#x110000;"])
def test_article_survives_a_forbidden_character(poison: str) -> None:
    result = article(f"<article><h1>Volt</h1><p>{PROSE}{poison}</p><p>{SECOND}</p></article>")
    assert SECOND in result.text
    assert not set(result.text + result.html + result.title) & set("\x00\x1f\ufffe")


def test_deep_nesting_is_read_in_part_and_recorded() -> None:
    deep = "<div>" * 400 + f"<p>{PROSE}</p><p>{SECOND}</p>" + "</div>" * 400
    assert PROSE in article(deep).text
    started = time.process_time()
    result = extract(page(f"<p>{PROSE}</p><p>{SECOND}</p>" + "<div>" * 100_000), Hints(), shipped_matcher())
    assert time.process_time() - started < 5
    assert isinstance(result, Refusal) or "cut off" in dict(result.origins)["text"]


def test_sanitised_html_grows_at_most_by_the_limit() -> None:
    bomb = '<p><a href="' + "A" * 50_000 + '">' + "<p>a" * 12_500
    result = extract(page(bomb + f"<p>{PROSE}</p>"), Hints(), shipped_matcher())
    if isinstance(result, Article):
        assert len(result.html) <= MAX_GROWTH * 120_000
    assert len(sanitize_html("<p>" + "<b>" * 200 + "x")) < MAX_GROWTH * 700 + 200


def test_long_title_is_cut() -> None:
    titled = page(prose(), f'<meta property="og:title" content="{"A" * 2_000_000}">')
    result = extract(titled, Hints(), shipped_matcher())
    assert isinstance(result, Article)
    assert len(result.title) <= 1024


@pytest.mark.parametrize(
    "date", ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "1e400", "tomorrow", "2038-01-19T03:14:07Z"]
)
def test_impossible_date_is_none(date: str) -> None:
    assert article(prose(), linked(datePublished=date)).published is None


@pytest.mark.parametrize(
    ("markup", "lacks"),
    [
        ("<script>alert(1)</script>", "alert"),
        ("<p><img src=x onerror=alert(1)>Text about the plant and its many workers.</p>", "onerror"),
        (
            '<p><a href="javascript:alert(1)">A link about the plant and its workers</a> and more words.</p>',
            "javascript",
        ),
        (
            '<p><a href="data:text/html,x">A link about the plant and its workers</a> and more words.</p>',
            "data:",
        ),
        ("<svg onload=alert(1)><p>drawn</p></svg>", "onload"),
        ("<math><mi>x</mi><style><img src=x onerror=alert(1)></style></math>", "onerror"),
        (
            '<p style="position:fixed" id="x" class="y">Styled words about the plant and its many workers.</p>',
            "position",
        ),
        ("<iframe src='https://evil.example/'></iframe>", "iframe"),
        ("<p>&lt;script&gt;alert(1)&lt;/script&gt; is what the page showed as text to its readers.</p>", "<script"),
    ],
)
def test_html_has_no_active_content(markup: str, lacks: str) -> None:
    result = article(prose(markup))
    assert lacks not in result.html
    assert "<p>" in result.html


@given(st.text(alphabet="<>/abpisvgmathtyle \"'=&;:scriptonerr\n-!", max_size=300))
def test_sanitising_never_adds_a_tag(text: str) -> None:
    clean = sanitize_html(text)
    names = {name.lower() for name in re.findall(r"<\s*/?\s*([a-zA-Z][\w-]*)", clean)}
    assert names <= ALLOWED_TAGS
    assert sanitize_html(clean) == clean


def test_links_are_resolved_against_the_page_url_not_base() -> None:
    body = prose(
        '<p>See <a href="/report.html">the report</a> and <a href="//cdn.example/x">more</a> for what it says.</p>'
    )
    html = article(body, '<base href="https://evil.example/">').html
    assert 'href="https://www.evblog.example/report.html"' in html
    assert "evil.example" not in html


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("https://www.evblog.example/volt-plant", "https://www.evblog.example/volt-plant"),
        ("/volt-plant", "https://www.evblog.example/volt-plant"),
        ("http://evblog.example/volt-plant", "http://evblog.example/volt-plant"),
        ("https://evil.example/volt-plant", ""),
        ("https://www.evblog.example/", ""),
        ("javascript:alert(1)", ""),
        ("ftp://www.evblog.example/x", ""),
        ("https://www.evblog.example:99999/x", ""),
        ("https://www.evblog.example/" + "x" * 5000, ""),
        ("", ""),
    ],
)
def test_canonical_url_must_be_in_the_domain_of_the_page(declared: str, kept: str) -> None:
    assert article(prose(), f'<link rel="canonical" href="{declared}">').canonical_url == kept


def test_canonical_url_respects_public_suffixes_and_ports() -> None:
    head = '<link rel="canonical" href="https://mallory.co.uk/x">'
    assert article(prose(), head, url="https://alice.co.uk/x").canonical_url == ""
    head = '<link rel="canonical" href="http://127.0.0.1:8901/x">'
    assert article(prose(), head, url="http://127.0.0.1:8900/x").canonical_url == ""
    assert article(prose(), head, url="http://127.0.0.1:8901/y").canonical_url == "http://127.0.0.1:8901/x"


def test_canonical_url_of_the_canonical_page_is_the_same() -> None:
    first = article(prose(), '<link rel="canonical" href="/volt-plant">').canonical_url
    assert article(prose(), f'<link rel="canonical" href="{first}">', url=first).canonical_url == first


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Volt opens a plant", 4),
        ("小米汽车今年交付", 4),
        ("BYD 比亚迪", 3),
        ("it's a well-known maker", 4),
        ("", 0),
        ("— … !", 0),
    ],
)
def test_count_words(text: str, count: int) -> None:
    assert count_words(text) == count


def test_selectors_of_the_catalogue_select_the_body() -> None:
    odd = "<p class='odd'>Odd words that the source repeats in every one of its pieces, always.</p>"
    body = f"<div id='story'><p>{PROSE}</p>{odd}</div><article><p>{SECOND}</p></article>"
    result = article(body, hints=Hints(body_css="#story", drop_css=(".odd", "::broken[")))
    assert result.text == PROSE


def test_extraction_imports_neither_scrapy_nor_sqlalchemy() -> None:
    code = "import sys, aggregator.extraction.extract; print({'scrapy', 'twisted', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@given(
    st.binary(max_size=600), st.sampled_from(["text/html", "", "text/html; charset=utf-16", "application/xhtml+xml"])
)
def test_any_bytes_give_an_article_or_a_refusal(body: bytes, media: str) -> None:
    given_page = Page(url=URL, status=200, headers=(("content-type", media),), body=body, fetched_at=NOW)
    bare = extract(given_page, Hints(), shipped_matcher())
    assert isinstance(bare, Article | Refusal)


@given(st.text(alphabet="<>/=\"'&;#x0123apdivlsrcte{}[]:,@", max_size=300))
def test_any_markup_is_readable(text: str) -> None:
    wrapped = page(f"{text}<p>{PROSE}</p>", f'<script type="application/ld+json">{text}</script>{text}')
    result = extract(wrapped, Hints(), shipped_matcher())
    assert isinstance(result, Article) or result.code != "unreadable" or "elements" in result.reason


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        5,
        True,
        None,
        "x",
        [[[]]],
        {"@value": {}},
        {"name": {"name": []}},
        [{"@type": "Person", "name": 5}],
        "\ud800",
        "a" * 100_000,
    ],
)
def test_any_value_in_json_ld_gives_an_article(value: object) -> None:
    fields = (
        "headline",
        "author",
        "datePublished",
        "image",
        "keywords",
        "publisher",
        "inLanguage",
        "articleBody",
        "url",
        "mainEntityOfPage",
        "@id",
    )
    node = {"@context": "https://schema.org", "@type": "NewsArticle"} | dict.fromkeys(fields, value)
    result = extract(
        page(prose(), f'<script type="application/ld+json">{json.dumps(node)}</script>'), Hints(), shipped_matcher()
    )
    assert isinstance(result, Article), result
    assert result.title


@pytest.mark.parametrize(
    "bomb",
    ["[" * 100_000, '{"@graph":' * 50_000, '{"@type":"NewsArticle","datePublished":' + "9" * 100_000 + "}", "{" * 10],
)
def test_json_bomb_does_not_prevent_extraction(bomb: str) -> None:
    assert SECOND in article(prose(), f'<script type="application/ld+json">{bomb}</script>').text


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Kilde: Strømvei", "Strømvei"),
        ("Quelle: Strom-Kurier", "Strom-Kurier"),
        ("来源：电车日报", "电车日报"),
        ("Foto: Kari Nord", ""),
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_credit_line_is_removed_and_names_the_origin(line: str, name: str, place: int) -> None:
    paragraphs = [PROSE, SECOND]
    paragraphs.insert(place, line)
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    article = extract(page(f"<article><h1>Volt opens a plant</h1>{body}</article>"), Hints(), shipped_matcher())
    assert isinstance(article, Article)
    assert article.text == f"{PROSE}\n\n{SECOND}"
    assert article.credit == name


def test_source_in_the_middle_of_the_text_is_no_credit() -> None:
    paragraphs = (PROSE, SECOND, PROSE, SECOND, "Quelle: Volt", SECOND, PROSE, SECOND)
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    article = extract(page(f"<article><h1>Volt opens a plant</h1>{body}</article>"), Hints(), shipped_matcher())
    assert isinstance(article, Article)
    assert article.credit == ""
