"""Words match their articles in both databases, and no query text raises."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage.archive import open_database
from storage.articles.store import record_article
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article
from storage.model.page import Page
from storage.model.search import Query
from storage.search.analyzer import prepare
from storage.search.index.base import IndexedArticle
from storage.search.index.postgres import tsvector_text
from storage.search.planner import searched_terms
from storage.search.query.parser import parse
from storage.search.snippet import MARK_END, MARK_START, make_snippet

T0 = datetime(2026, 1, 1, tzinfo=UTC)

TEXTS = {
    "en": (
        "Battery prices fall",
        "The C++ of cars: it's the NMC/LFP lithium-ion pack. Batteries, says Zoë O'Neill, cost $139.",
    ),
    "de": (
        "Ladesäule in der Straße",
        "Die neue Ladesäule kostet in Füssen 1.234,50 Euro und lädt den ID.7 mit 175 kW.",
    ),
    "no": ("Kjøp av elbil i Tromsø", "Ærlig talt: Ørsted bygger ladere på Ålesund lufthavn."),
    "zh": ("小米SU7发布", "小米汽车今天发布了小米SU7，售价二十一万元。比亚迪的车也降价了。全固態電池要来了。"),
    "ja": ("トヨタの全固体電池", "トヨタは全固体電池を搭載した車を発売する。ｶﾀｶﾅも。"),
    "ko": ("현대자동차 아이오닉", "현대자동차가 새로운 전기차를 공개했다."),
    "hi": ("टाटा की नई कार", "टाटा मोटर्स ने नई इलेक्ट्रिक कार पेश की।"),
    "ru": ("Новый электромобиль", "Электромобиль «Ёлка» поедет в Сибирь."),
    "th": ("รถยนต์ไฟฟ้า", "รถยนต์ไฟฟ้ารุ่นใหม่เปิดตัวแล้ว"),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    """Store nine articles in nine languages, published a day apart. Tests only read them."""
    make: Callable[[], str] = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "new_postgres")
    database = open_database(make())
    for day, (name, (title, text)) in enumerate(TEXTS.items()):
        keep(database, name, title, text, published=T0 + timedelta(days=day))
    yield Library(database)
    database.close()


def keep(database: Database, name: str, title: str, text: str, published: datetime | None = None) -> int:
    url = f"https://{name}.example/a"
    article = Article(url=url, title=title, text=text, published=published)
    with database.write() as tx:
        page = Page(url=url, status=200, fetched_at=T0, source=name)
        return link_recorded(tx, record_article(tx, article, page, None, T0 + timedelta(days=100))).article_id


def sources_of(library: Library, words: str, **more: object) -> list[str]:
    return [hit.article.source for hit in library.search(Query(words=words, **more)).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "sources"),
    [
        ("battery", ["en"]),
        ("BATTERY Prices", ["en"]),
        ("battery straße", []),
        ("c++", ["en"]),
        ("it's", ["en"]),
        ("O'Neill zoe", ["en"]),
        ("lithium-ion NMC/LFP", ["en"]),
        ("$139", ["en"]),
        ("strasse", ["de"]),
        ("STRASSE ladesaule", ["de"]),
        ("fussen", ["de"]),
        ("ID.7", ["de"]),
        ("1.234,50", ["de"]),
        ("kjop tromso", ["no"]),
        ("Ålesund", ["no"]),
        ("aerlig", ["no"]),
        ("小米", ["zh"]),
        ("小米SU7", ["zh"]),
        ("小米 su7", ["zh"]),
        ("比亚迪", ["zh"]),
        ("全固態電池", ["zh"]),
        ("亚迪的车也", ["zh"]),
        ("车", ["zh"]),
        ("了", ["zh"]),
        ("迪亚", []),
        ("小了", []),
        ("電池", ["ja", "zh"]),
        ("車", ["ja"]),
        ("全固体", ["ja"]),
        ("カタカナ", ["ja"]),
        ("ﾄﾖﾀ", ["ja"]),
        ("현대자동차", ["ko"]),
        ("전기", ["ko"]),
        ("नई कार", ["hi"]),
        ("नय", []),
        ("ЭЛЕКТРОМОБИЛЬ елка", ["ru"]),
        ("ไฟฟ้า", ["th"]),
        ("zqxjkvbw", []),
    ],
)
def test_words_match_their_articles(library: Library, words: str, sources: list[str]) -> None:
    assert sorted(sources_of(library, words)) == sources
    assert sorted(sources_of(library, words, order="best")) == sources
    assert library.count(Query(words=words)).number == len(sources)
    assert sorted(a.source for a in library.articles(Query(words=words, limit=None))) == sources


HOSTILE_QUERIES = [
    "c++",
    "it's",
    '"',
    '""',
    "'",
    "''",
    "`",
    "NEAR(",
    "NEAR(a b, 3)",
    "title:",
    "title:x",
    "-x",
    "(",
    ")",
    "a OR",
    "OR",
    "AND",
    "NOT",
    "foo AND AND bar",
    "*",
    "a*",
    "^x",
    "{a b}",
    "x:y",
    "\\",
    "\\'",
    "foo &",
    "(((",
    "a|b",
    "a<->b",
    "!a",
    ":*",
    "a:*",
    "<2>",
    "'; DROP TABLE articles; --",
    "%",
    "_",
    "?",
    ":match",
    "%(match)s",
    "$1",
    "\x00",
    "a\x00b",
    "\ud800",
    "a\ud800",
    "\ufffe",
    "\ue000",
    "-" * 5000,
    "a" * 5000,
    "a " * 5000,
    "(" * 5000,
    "小" * 5000,
    "\u0301",
    "e\u0301" * 200,
    "。",
    "\u200d",
    "\u202e",
    "🚗",
    "👩‍🚀",
    "１２",
]


@pytest.mark.parametrize("words", HOSTILE_QUERIES)
def test_hostile_queries_do_not_raise(library: Library, words: str) -> None:
    for order in ("new", "best", "nonsense"):
        sources_of(library, words, order=order)
    assert library.count(Query(words=words)).is_exact


@pytest.mark.parametrize("words", ["", " ", "\n\t", "\x00"])
def test_empty_query_returns_all_articles_newest_first(library: Library, words: str) -> None:
    assert sources_of(library, words) == list(reversed(TEXTS))


@pytest.mark.parametrize("words", ["...", "-" * 5000, "'", "*", "。"])
def test_query_without_letters_matches_nothing(library: Library, words: str) -> None:
    assert sources_of(library, words) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=30) | st.lists(st.sampled_from(HOSTILE_QUERIES), max_size=4).map(" ".join))
def test_any_query_returns_as_many_results_as_it_counts(library: Library, words: str) -> None:
    assert len(sources_of(library, words)) == library.count(Query(words=words)).number


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_words_of_a_text_match_it(library: Library, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    words = TEXTS[name][1].split()
    picked = " ".join(data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4)))
    assert name in sources_of(library, picked)


def test_filters_restrict_results(library: Library) -> None:
    day = timedelta(days=1)
    assert sources_of(library, "", sources=("de", "zh", "none")) == ["zh", "de"]
    assert sources_of(library, "", since=T0 + 7 * day) == ["th", "ru"]
    assert sources_of(library, "", until=T0 + 2 * day) == ["de", "en"]
    assert sources_of(library, "電池", sources=("zh",)) == ["zh"]
    assert sources_of(library, "", limit=2) == ["th", "ru"]
    assert sources_of(library, "", limit=0) == []
    assert sources_of(library, "", limit=-5) == []
    assert library.count(Query(limit=2)).number == len(TEXTS)


def test_articles_without_limit_stream_in_recorded_order(library: Library) -> None:
    articles = list(library.articles(Query(limit=None)))
    assert [a.source for a in articles] == list(TEXTS)
    assert [a.text for a in articles] == [text for _, text in TEXTS.values()]
    assert [a.source for a in library.articles(Query(limit=3))] == list(reversed(TEXTS))[:3]


def test_stream_can_be_closed_early(library: Library) -> None:
    stream = library.articles(Query(limit=None))
    assert next(stream).source == "en"
    stream.close()
    assert library.count(Query()).number == len(TEXTS)


def test_title_match_ranks_first(database: Database) -> None:
    keep(database, "body", "Other things", "solid state " + "word " * 50)
    keep(database, "title", "Solid state", "things " * 50)
    assert sources_of(Library(database), "solid state", order="best")[0] == "title"


def test_undated_articles_sort_by_time_of_first_fetch(database: Database) -> None:
    keep(database, "old", "T", "one text", published=T0)
    keep(database, "undated", "T", "two text")
    keep(database, "new", "T", "three text", published=T0 + timedelta(days=200))
    assert sources_of(Library(database), "text") == ["new", "undated", "old"]
    assert sources_of(Library(database), "text", since=T0 + timedelta(days=50)) == ["new", "undated"]


def test_stream_excludes_articles_written_meanwhile(database: Database) -> None:
    for n in range(450):
        keep(database, f"s{n}", f"T{n}", f"text {n}")
    stream = Library(database).articles(Query(limit=None))
    first = next(stream)
    keep(database, "late", "T", "late text")
    names = [first.source, *(a.source for a in stream)]
    assert names == [f"s{n}" for n in range(450)]


@given(st.text())
@example("a'b\\c")
@example("ΐ\u0345")
def test_tokens_are_letters_digits_and_marks(text: str) -> None:
    prepared = prepare(text)
    assert prepare(text) == prepared
    assert not re.search(r"['\"\\:*&|!()<>\x00-\x1f-]|  |^ | $", prepared)
    assert all(0 < len(token) <= 64 for token in prepared.split(" ") if prepared)


@pytest.mark.parametrize(
    "text", ["w" * 600_000, " ".join(f"{n:x}" for n in range(200_000)), "小" * 600_000, "a b " * 200_000]
)
def test_tsvector_stays_below_server_limit(text: str) -> None:
    tokens = tsvector_text(IndexedArticle(title="title", text=text, labels="§e"))
    assert len({t.partition("'")[2].partition("'")[0] for t in tokens.split(" ")}) * 8 <= 1_048_575


def marked_snippet(text: str, words: str) -> str:
    return make_snippet(text, searched_terms(parse(words))).replace(MARK_START, "[").replace(MARK_END, "]")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The car drives.", "car", "The [car] drives."),
        ("The Café, the CAFE", "cafe", "The [Café], the [CAFE]"),
        ("die Straße", "STRASSE", "die [Straße]"),
        ("小米汽车发布小米", "小米", "[小米]汽车发布[小米]"),
        ("新车", "车", "新[车]"),
        ("小米SU7上市", "小米su7", "[小米][SU7]上市"),
        ("a\n\n b", "b", "a [b]"),
        ("nothing here", "", "nothing here"),
        ("nothing here", "absent", "nothing here"),
        ("<b>bold</b>", "bold", "<b>[bold]</b>"),
        ("\ue000x\ue001 y", "y", "x [y]"),
        ("", "x", ""),
    ],
)
def test_snippets_mark_the_original_text(text: str, words: str, expected: str) -> None:
    assert marked_snippet(text, words) == expected


def test_snippet_shows_passage_with_most_words() -> None:
    text = "car " + "filler " * 100 + "the electric car battery" + " filler" * 100
    passage = marked_snippet(text, "electric car battery")
    assert "[electric] [car] [battery]" in passage
    assert passage.startswith("… ")
    assert passage.endswith(" …")
    assert len(passage) < 300


@given(st.text(), st.text(max_size=10))
def test_snippet_is_part_of_the_text(text: str, words: str) -> None:
    passage = make_snippet(text, searched_terms(parse(words)))
    assert passage.count(MARK_START) == passage.count(MARK_END)
    plain = passage.replace(MARK_START, "").replace(MARK_END, "").removeprefix("… ").removesuffix(" …")
    assert plain in re.sub(r"\s+", " ", text.replace(MARK_START, "").replace(MARK_END, ""))


def test_snippet_of_hostile_text_is_fast() -> None:
    started = time.process_time()
    for text in ("小" * 10**6, "a " * 10**6, "小a" * 10**6, "\u0301" * 10**6):
        make_snippet(text, searched_terms(parse("小 a 小小 b")))
    assert time.process_time() - started < 2
