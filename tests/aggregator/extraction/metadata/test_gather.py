"""Dates and authors of pages whose sources disagree, or that have them in the text only."""

from datetime import UTC, datetime

import pytest

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

PROSE = (
    "The plant in the north of the country builds sixty thousand battery packs a year, and the company says that the "
    "second hall will double that number before the winter. Workers from three closed mines were trained for it."
)


def read(body: str = "", head: str = "", path: str = "/plant-opens") -> Article:
    markup = (
        f"<html lang='en'><head><title>A plant opens</title>{head}</head>"
        f"<body><main><h1>A plant opens</h1>{body}<p>{PROSE}</p></main></body></html>"
    )
    page = Page(
        url=f"https://www.evblog.example{path}",
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        body=markup.encode(),
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    article = extract(page, Hints(), shipped_matcher())
    assert isinstance(article, Article), article
    return article


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


EVENING = meta("article:published_time", "2025-03-05T02:30:11Z")


@pytest.mark.parametrize(
    ("head", "path", "day"),
    [
        (EVENING, "/2025/03/04/plant-opens", "2025-03-04"),
        (EVENING + meta("published_at", "2025-03-04 18:30:11"), "/plant-opens", "2025-03-04"),
        (EVENING + meta("published_at", "2025-03-04 18:37:54"), "/plant-opens", "2025-03-05"),
        (EVENING, "/2025/02/20/plant-opens", "2025-03-05"),
        (EVENING, "/plant-opens", "2025-03-05"),
    ],
)
def test_published_date_is_the_local_day_of_the_publisher(head: str, path: str, day: str) -> None:
    article = read(head=head, path=path)
    assert article.published == datetime(2025, 3, 5, 2, 30, 11, tzinfo=UTC)
    assert article.published_date == day


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/2025/03/04/plant", "2025-03-04"),
        ("/2025/mar/04/plant", "2025-03-04"),
        ("/news/20250304/plant", "2025-03-04"),
        ("/2025/12/small-plant", ""),
        ("/season/2021-22/plant", ""),
    ],
)
def test_url_dates_an_article_only_if_it_has_a_full_date(path: str, day: str) -> None:
    assert read(path=path).published_date == day


@pytest.mark.parametrize(
    "line",
    [
        "<p>Press release of 4 March 2025 | Bergheim</p>",
        "<p>04.03.2025 The second hall was opened by the minister of economy, who came by train and left by bus.</p>",
        '<time datetime="2025-03-09T10:00:00Z">Publié le 4 mars 2025</time>',
    ],
)
def test_date_that_only_the_text_has_is_found(line: str) -> None:
    assert read(line).published_date == "2025-03-04"


def test_many_publication_times_belong_to_a_list() -> None:
    others = "".join(f'<li><time pubdate datetime="2025-05-{n:02}">May {n}</time></li>' for n in range(1, 12))
    article = read(f'<p><time datetime="2025-03-04T09:00:00Z">4 March</time></p><ul>{others}</ul>')
    assert article.published_date == "2025-03-04"


@pytest.mark.parametrize(
    ("body", "head", "authors"),
    [
        ('<span class="author vcard"><a class="url fn n" rel="author" href="/a">Voltfan</a></span>', "", ("Voltfan",)),
        (
            '<footer class="entry-footer"><span class="author vcard">'
            '<a class="fn" rel="author" href="/a">Ada Berg</a></span></footer>',
            "",
            ("Ada Berg",),
        ),
        ('<span class="author-card"><b>About</b></span><a rel="author" href="/a">aberg</a>', "", ("aberg",)),
        ('<a rel="author" href="/a">Ada Berg</a>', '<meta name="author" content="aberg">', ("Ada Berg",)),
        ('<a rel="author" href="/a">Nils Holm</a>', '<meta name="author" content="aberg">', ("aberg",)),
        (
            "",
            '<meta name="twitter:label1" content="Verfasst von"><meta name="twitter:data1" content="Ada Berg">',
            ("Ada Berg",),
        ),
        (
            "",
            '<meta name="twitter:label1" content="Time to read"><meta name="twitter:data1" content="Ada Berg">',
            (),
        ),
        ('<span class="byline">Veröffentlicht von <a>Ada Berg</a></span>', "", ("Ada Berg",)),
        ("", '<meta name="author" content="Evblog - Ada Berg">', ("Ada Berg",)),
        ("", '<meta name="author" content="No Author">', ()),
    ],
)
def test_author_comes_from_the_most_trusted_source(body: str, head: str, authors: tuple[str, ...]) -> None:
    assert read(body, head).authors == authors
