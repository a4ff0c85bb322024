"""Queries return the same results in both databases: filters, orders, pages, copies, stories, past texts, facets."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from storage.archive import open_database
from storage.articles.store import record_article
from storage.articles.topics import record_topics
from storage.db.database import Database
from storage.duplicates import links
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article, Topic
from storage.model.page import Page
from storage.model.search import Query
from storage.search.query import parser
from storage.search.scan import TimeScan
from storage.stories import membership

T0 = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def unlimited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the time budgets so that slow machines complete every scan."""
    for limit in (
        "storage.search.finder.PAGE_SECONDS",
        "storage.search.finder.COUNT_SECONDS",
        "storage.search.facets.TIMELINE_SECONDS",
    ):
        monkeypatch.setattr(limit, 60.0)


def keep(database: Database, name: str, title: str, text: str, **more: object) -> int:
    url = str(more.pop("url", f"https://www.{name}.example/{abs(hash((title, text))) % 10**9}"))
    at = more.pop("at", T0)
    source = str(more.pop("source", name))
    article = Article(url=url, title=title, text=text, published=more.pop("published", T0), **more)  # type: ignore[arg-type]
    with database.write() as tx:
        return link_recorded(
            tx,
            record_article(
                tx,
                article,
                Page(url=url, status=200, fetched_at=at, source=source),
                None,
                at,  # type: ignore[arg-type]
            ),
        ).article_id


def titles(database: Database, words: str, **more: object) -> list[str]:
    answer = Library(database).search(Query(words=words, **more), NOW)  # type: ignore[arg-type]
    return [hit.article.title for hit in answer.hits]


def all_titles(database: Database, words: str, **more: object) -> list[str]:
    """Return the titles on all pages."""
    results: list[str] = []
    cursor = ""
    for _ in range(100):
        answer = Library(database).search(Query(words=words, cursor=cursor, **more), NOW)  # type: ignore[arg-type]
        results += [hit.article.title for hit in answer.hits]
        cursor = answer.cursor
        if not cursor:
            return results
    raise AssertionError("the pages do not end")


@pytest.fixture
def cars(database: Database) -> Database:
    """Store four articles, a day apart, that differ in every filtered property."""
    keep(
        database, "alpha", "Xiaomi opens a factory", "The YU7 is built there. " * 10, language="zh",
        authors=("Ann Lee", "Bob Ray"), topics=(Topic(name="xiaomi", title_count=1, body_count=0),), words=50,
    )  # fmt: skip
    keep(
        database, "beta", "Ladesäulen werden teurer", "Jede Ladesäule kostet mehr.", language="de-AT",
        published=T0 + DAY, authors=("Lee Ann",), words=900,
    )  # fmt: skip
    keep(
        database, "gamma", "Batteries get cheaper", "A battery of 82 kWh in the EX-30. It's NMC/LFP, C++ inside.",
        language="en", published=T0 + 2 * DAY, truncated=True, words=300,
    )  # fmt: skip
    keep(
        database, "delta", "Recall of the ID.7", "Volkswagen recalls the car. Charging stops.", language="en",
        published=T0 + 3 * DAY, url="https://news.delta.example/2025/recall-of-id7", words=300,
    )  # fmt: skip
    return database


@pytest.mark.parametrize(
    ("words", "sources"),
    [
        ("battery", "gamma"),
        ("BATTERIES", "gamma"),
        ('"battery of"', "gamma"),
        ('"batteries of"', ""),
        ("recalled", "delta"),
        ("stopped OR factories", "delta alpha"),
        ("ex30", "gamma"),
        ("EX-30", "gamma"),
        ("82kWh", "gamma"),
        ("id7", "delta"),
        ("nmc/lfp", "gamma"),
        ("c++", "gamma"),
        ("inside's", "gamma"),
        ("ladesäule*", "beta"),
        ("lad*", "beta"),
        ("la*", "beta"),
        ("charg*", "delta"),
        ("-battery", "delta beta alpha"),
        ("-battery -recall", "beta alpha"),
        ("the -battery", "delta alpha"),
        ("(factory OR recall) -xiaomi", "delta"),
        ("title:battery", "gamma"),
        ("title:charging", ""),
        ("title:lad*", "beta"),
        ('title:"get cheaper"', "gamma"),
        ("source:beta,gamma", "gamma beta"),
        ("source:BETA", "beta"),
        ("-source:beta", "delta gamma alpha"),
        ("lang:de", "beta"),
        ("lang:en recall", "delta"),
        ("topic:xiaomi", "alpha"),
        ("-topic:xiaomi", "delta gamma beta"),
        ('author:"ann lee"', "alpha"),
        ("author:ann", "beta alpha"),
        ('author:"lee bob"', ""),
        ("site:delta.example", "delta"),
        ("site:news.delta.example", "delta"),
        ("site:example.com", ""),
        ("url:recall-of-id7", "delta"),
        ("https://news.delta.example/2025/recall-of-id7", "delta"),
        ("after:2025-01-03", "delta gamma"),
        ("before:2025-01-03", "beta alpha"),
        ("date:2025-01-02", "beta"),
        ("date:2025-01-02..2025-01-03", "gamma beta"),
        ("date:2024", ""),
        ("since:363d", "delta gamma"),
        ("date:2025-01-02 OR battery", "gamma beta"),
        ("-date:2025-01-02", "delta gamma alpha"),
        ("is:truncated", "gamma"),
        ("-is:truncated", "delta beta alpha"),
        ("is:original", "delta gamma beta alpha"),
        ("is:copy", ""),
        ("words:>800", "beta"),
        ("words:<100 OR recall", "delta alpha"),
        ("words:300 -battery", "delta"),
        ("-(words:300 OR xiaomi)", "beta"),
        ("sort:old", "alpha beta gamma delta"),
        ("???", ""),
        ("(", ""),
    ],
)
def test_query_returns_matching_articles_newest_first(cars: Database, words: str, sources: str) -> None:
    answer = Library(cars).search(Query(words=words), NOW)
    assert [hit.article.source for hit in answer.hits] == sources.split()
    assert answer.is_complete
    assert Library(cars).count(Query(words=words)).number == len(sources.split()) or words == "since:363d"


def test_corrected_date_moves_article(database: Database) -> None:
    url = "https://a.example/1"
    keep(database, "a", "first", "one text here", url=url, published=T0)
    keep(database, "b", "second", "other text here", published=T0 + DAY)
    assert titles(database, "text") == ["second", "first"]
    keep(database, "a", "first", "one text here, dated", url=url, published=T0 + 2 * DAY, at=T0 + 2 * DAY)
    assert titles(database, "text") == ["first", "second"]
    assert titles(database, "text after:2025-01-03") == ["first"]


def test_articles_of_the_same_second_are_all_returned(database: Database) -> None:
    for n in range(30):
        keep(database, f"s{n}", f"t{n}", f"text {n}")
    assert all_titles(database, "text", limit=7) == [f"t{n}" for n in reversed(range(30))]


@pytest.mark.parametrize("order", ["new", "old", "best"])
def test_pages_join_without_gaps(database: Database, order: str) -> None:
    for n in range(45):
        keep(database, f"s{n % 3}", f"t{n:02}", f"battery {n} " + "battery " * (n % 7), published=T0 + n * DAY)
    for words in ("battery", "battery source:s1", "battery words:0"):
        whole = titles(database, words, order=order, limit=100)
        assert all_titles(database, words, order=order, limit=4) == whole
        assert len(whole) == (15 if "s1" in words else 45)
        assert len(set(whole)) == len(whole)


def test_incomplete_answer_reports_scanned_time_and_continues(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(40):
        keep(database, "s", f"t{n:02}", f"battery {n}", published=T0 + n * 9 * DAY)
    monkeypatch.setattr("storage.search.finder.PAGE_SECONDS", 0.0)
    monkeypatch.setattr("storage.search.scan.FIRST_WINDOW_ARTICLES", 4)
    answer = Library(database).search(Query(words="battery", limit=30), NOW)
    assert not answer.is_complete
    assert answer.scanned_until is not None
    assert answer.cursor
    assert all(hit.article.published and hit.article.published >= answer.scanned_until for hit in answer.hits)
    results: list[str] = []
    cursor = ""
    for _ in range(200_000):
        answer = Library(database).search(Query(words="battery", limit=30, cursor=cursor), NOW)
        results += [hit.article.title for hit in answer.hits]
        cursor = answer.cursor
        if not cursor:
            break
    assert results == [f"t{n:02}" for n in reversed(range(40))]


def test_small_archive_is_scanned_completely_without_time_budget(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(40):
        keep(database, "s", f"t{n:02}", f"battery {n}", published=T0 + n * 9 * DAY)
    monkeypatch.setattr("storage.search.finder.PAGE_SECONDS", 0.0)
    answer = Library(database).search(Query(words="battery", limit=50), NOW)
    assert answer.is_complete
    assert len(answer.hits) == 40


def test_invalid_cursor_returns_first_page_with_note(cars: Database) -> None:
    for cursor in ("x", "old.r5", "new.r99999999999999999999", "new", "best.n" + "9" * 19):
        answer = Library(cars).search(Query(cursor=cursor), NOW)
        assert len(answer.hits) == 4
        assert any("cursor" in note for note in answer.notes)


def test_copies_collapse_under_matching_original(database: Database) -> None:
    text = "the same words of a story that many tell " * 4
    first = keep(database, "one", "original", text, published=T0)
    keep(database, "two", "copy", text, published=T0 + DAY)
    keep(database, "three", "copy again", text, published=T0 + 2 * DAY)
    keep(database, "four", "another", "the same words", published=T0 + 3 * DAY)
    assert titles(database, "words") == ["another", "copy again", "copy", "original"]
    answer = Library(database).search(Query(words="words", collapse=True), NOW)
    assert [hit.article.title for hit in answer.hits] == ["another", "original"]
    assert answer.hits[1].copy_sources == ("two", "three")
    assert answer.hits[1].article.id == first
    assert all_titles(database, "words", collapse=True, limit=1) == ["another", "original"]
    assert titles(database, "words is:original") == ["another", "original"]
    assert titles(database, "words is:copy") == ["copy again", "copy"]
    # If the original does not match, the earliest matching copy represents the others.
    assert titles(database, "words -source:one", collapse=True) == ["another", "copy"]
    assert titles(database, "title:again", collapse=True) == ["copy again"]


def test_group_by_story_returns_one_article_per_story(database: Database) -> None:
    ids = [keep(database, f"s{n}", f"t{n}", f"event {n}", published=T0 + n * DAY) for n in range(4)]
    with database.write() as tx:
        for article_id in ids:
            status = membership.load_story_status(tx, article_id)
            membership.add_member(tx, article_id, ids[0] if article_id != ids[3] else ids[3], status, b"", [])
        membership.update_story_counts(tx, [ids[0]])
    assert titles(database, "event") == ["t3", "t2", "t1", "t0"]
    assert titles(database, "event group:story") == ["t3", "t2"]
    assert titles(database, "event group:story sort:old") == ["t0", "t3"]
    assert all_titles(database, "event group:story", limit=1) == ["t3", "t2"]
    assert sorted(titles(database, f"story:{ids[1]}")) == ["t0", "t1", "t2"]


@pytest.fixture
def edited(database: Database) -> Database:
    """Store an article that was edited twice, and an unedited article."""
    url = "https://a.example/1"
    for n, text in enumerate(["It costs a fortune.", "It costs little.", "It costs little money."]):
        keep(database, "a", "Prices", text, url=url, at=T0 + n * DAY, published=T0)
    keep(database, "b", "Fortune", "A fortune was made.", published=T0 - DAY)
    return database


def test_texts_before_an_edit_match_with_in_history(edited: Database) -> None:
    assert titles(edited, "fortune") == ["Fortune"]
    answer = Library(edited).search(Query(words="fortune in:history"), NOW)
    assert [hit.article.title for hit in answer.hits] == ["Prices", "Fortune"]
    past = answer.hits[0]
    assert (past.revision_number, past.since, past.until) == (1, T0, T0 + DAY)
    assert "\ue000fortune\ue001" in past.snippet
    assert answer.hits[1].revision_number is None
    assert all_titles(edited, "fortune in:history", limit=1) == ["Prices", "Fortune"]
    assert titles(edited, "fortune in:history source:a") == ["Prices"]
    assert titles(edited, "fortune -costs in:history") == ["Fortune"]
    assert titles(edited, "is:revised") == ["Prices"]


def test_sort_changed_returns_latest_edit_first(edited: Database) -> None:
    keep(edited, "c", "Later", "as it was", url="https://c.example", at=T0)
    keep(edited, "c", "Later", "as it is now", url="https://c.example", at=T0 + 9 * DAY)
    assert titles(edited, "sort:changed") == ["Later", "Prices"]
    assert all_titles(edited, "sort:changed", limit=1) == ["Later", "Prices"]
    assert titles(edited, "costs sort:changed") == ["Prices"]


def test_muted_articles_are_excluded(cars: Database) -> None:
    assert titles(cars, "", muted=("lang:en", "title:factory")) == ["Ladesäulen werden teurer"]


def test_title_matches_and_adjacent_words_rank_first(database: Database) -> None:
    filler = "word " * 80
    keep(database, "a", "Something else", f"solid things and a state {filler}", published=T0 + 3 * DAY)
    keep(database, "b", "Something else", f"the solid state battery {filler}", published=T0 + 2 * DAY)
    keep(database, "c", "Solid state batteries", filler + " a solid thing in a state", published=T0)
    hits = Library(database).search(Query(words="solid state", order="best"), NOW).hits
    assert [hit.article.source for hit in hits] == ["c", "b", "a"]


def test_timelines_and_facets_count_results(database: Database) -> None:
    for n in range(60):
        topics = (Topic(name="byd", title_count=0, body_count=1),) if n % 3 == 0 else ()
        keep(
            database, f"s{n % 2}", f"t{n}", f"battery {n}", published=T0 + n * DAY, language="de" if n % 4 else "zh",
            topics=topics,
        )  # fmt: skip
    library = Library(database)
    with database.write() as tx:
        for hit in library.search(Query(words="topic:byd", limit=100), NOW).hits:
            record_topics(tx, hit.article.id, (Topic(name="byd", title_count=0, body_count=1),), "x")
    months = library.timeline(Query(words="battery"), "month")
    assert months.points == ((date(2025, 1, 1), 31), (date(2025, 2, 1), 28), (date(2025, 3, 1), 1))
    assert months.is_complete
    days = library.timeline(Query(words="battery source:s1"), "day").points
    assert len(days) == 30
    assert days[0] == (date(2025, 1, 2), 1)
    weeks = library.timeline(Query(words="battery"), "week").points
    assert weeks[0] == (date(2024, 12, 30), 5)
    assert sum(count for _, count in weeks) == 60
    _, facets = library.facets(Query(words="battery"))
    assert facets.sampled == 60
    assert facets.sources == (("s0", 30), ("s1", 30))
    assert facets.languages == (("de", 45), ("zh", 15))
    assert facets.topics == (("byd", 20),)


def test_facet_sample_is_spread_over_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.search.facets._SAMPLE_SIZE", 40)
    monkeypatch.setattr("storage.search.facets._SAMPLE_POINTS", 20)
    for n in range(200):
        keep(database, "old" if n < 100 else "new", f"t{n}", f"battery {n}", published=T0 + n * DAY)
    _, facets = Library(database).facets(Query(words="battery"))
    assert facets.sampled == 40
    assert dict(facets.sources) == {"old": 20, "new": 20}


def test_count_is_exact_up_to_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        keep(database, "s", f"t{n}", f"battery {n}")
    monkeypatch.setattr("storage.search.finder.MAX_EXACT_COUNT", 10)
    count = Library(database).count(Query(words="battery"))
    assert (count.number, count.is_exact) == (10, False)
    assert Library(database).count(Query(words="battery 3")).is_exact


def test_spelling_suggestions_and_completions(cars: Database) -> None:
    library = Library(cars)
    assert library.did_you_mean("battrey") == "battery"
    assert library.did_you_mean("volkswagon recal") == "volkswagen recall"
    assert library.did_you_mean("battery") == ""
    assert library.did_you_mean("zzzzzzzz") == ""
    assert library.did_you_mean("小米") == ""
    assert library.suggestions("bat") == ("batteries",)
    assert library.suggestions("the recal") == ("recall",)
    assert library.suggestions("al") == ("source:alpha",)
    assert library.suggestions("") == ()
    assert library.suggestions("recall ") == ()


WORDS = {
    "en": [
        "battery",
        "batteries",
        "charging",
        "charger",
        "car",
        "cars",
        "recall",
        "solid",
        "state",
        "lithium-ion",
        "ev",
    ],
    "de": ["Ladesäule", "Ladesäulen", "Straße", "fahren", "Batterie", "teuer", "Füße", "kostet", "Wagen"],
    "no": ["elbil", "kjøp", "lader", "Tromsø", "bil", "ærlig"],
    "zh": list("小米汽车发布电池固态比亚迪新能源降价"),
    "ja": list("トヨタ全固体電池車を発売する"),
}


@pytest.fixture(scope="module")
def pair(new_sqlite: Callable[[], str], new_postgres: Callable[[], str]) -> Iterator[tuple[Database, Database]]:
    """Store the same 2,000 articles in five languages in both databases."""
    databases = (open_database(new_sqlite()), open_database(new_postgres()))
    for database in databases:
        rng = random.Random(5)
        with database.write() as tx:
            for n in range(2_000):
                language = rng.choice(sorted(WORDS))
                gap = "" if language in ("zh", "ja") else " "
                title, text = (gap.join(rng.choices(WORDS[language], k=k)) for k in (4, 25))
                at = T0 + timedelta(hours=rng.randrange(8000))
                article = Article(
                    url=f"https://s{n % 7}.example/{n}", title=title, text=f"{text} {n}", language=language,
                    published=at, words=rng.randrange(1000), authors=(rng.choice(["Ann Lee", "Bob Ray"]),),
                    truncated=n % 9 == 0,
                )  # fmt: skip
                page = Page(url=article.url, status=200, fetched_at=at, source=f"s{n % 7}")
                link_recorded(tx, record_article(tx, article, page, None, at))
    yield databases
    for database in databases:
        database.close()


def _query(rng: random.Random) -> str:
    def clause() -> str:
        words = WORDS[rng.choice(sorted(WORDS))]
        pair = rng.sample(words, 2)
        gap = "" if len(words[0]) == 1 else " "
        return rng.choice(
            [
                pair[0], pair[0], gap.join(pair), f'"{gap.join(pair)}"', f"{pair[0][: rng.randint(1, 4)]}*",
                f"title:{pair[0]}", f"-{pair[0]}", f"({pair[0]} OR {pair[1]})", f"source:s{rng.randrange(8)}",
                f"lang:{rng.choice(sorted(WORDS))}", "is:truncated", f"words:>{rng.randrange(900)}",
                f"after:2025-{rng.randint(1, 12):02}", f"-({pair[0]} words:<500)", 'author:"bob ray"',
                f"url:s3.example/{rng.randrange(2000)}",
            ]
        )  # fmt: skip

    return " ".join([*(clause() for _ in range(rng.randint(1, 3))), rng.choice(["", "", "sort:old", "sort:best"])])


@pytest.mark.parametrize("part", range(5))
def test_both_databases_return_the_same_results(pair: tuple[Database, Database], part: int) -> None:
    rng = random.Random(part)
    non_empty = 0
    for _ in range(100):
        query = Query(words=_query(rng), limit=30)
        answers = [Library(database).search(query, NOW) for database in pair]
        ids = [[hit.article.id for hit in answer.hits] for answer in answers]
        assert ids[0] == ids[1], query.words
        counts = [Library(database).count(query) for database in pair]
        assert counts[0] == counts[1], query.words
        non_empty += bool(ids[0])
    assert non_empty > 50


def test_scan_windows_cover_all_row_ids_once(cars: Database) -> None:
    from storage.search.planner import plan_query

    for oldest_first in (False, True):
        with cars.read() as tx:
            scan = TimeScan(tx, plan_query(None, NOW), NOW)
            windows: list[tuple[int, int]] = []

            def scan_window(first: int, last: int, windows: list[tuple[int, int]] = windows) -> bool:
                windows.append((first, last))
                return True

            assert scan.scan_windows(scan_window, 60, oldest_first=oldest_first) is None
            low, high = scan.low_row_id, scan.high_row_id
        windows.sort()
        assert windows[0][0] == low
        assert windows[-1][1] == high
        assert all(after == before + 1 for (_, before), (after, _) in pairwise(windows))


def test_earlier_article_recorded_later_becomes_the_original(database: Database) -> None:
    text = "the same words of a story that many tell " * 4
    keep(database, "two", "late original", text, published=T0 + DAY)
    keep(database, "one", "early", text, published=T0)
    with database.read() as tx:
        assert links.copy_status(tx, 1)[0] == 2
    assert titles(database, "words is:original") == ["early"]


def test_each_query_text_is_parsed_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(database, "electrek", "Battery recall", "The battery of the car is recalled.")
    texts: list[str] = []

    class CountingParser(parser._Parser):
        def __init__(self, text: str) -> None:
            texts.append(text)
            super().__init__(text)

    monkeypatch.setattr(parser, "_Parser", CountingParser)
    parser._parse_cached.cache_clear()
    query = Query(words="battery recall topic:solid-state", muted=("sponsored deal", "source:spam"))
    library = Library(database)
    library.search(query, NOW)
    library.count(query)
    library.facets(query, NOW)
    library.timeline(query, now=NOW)
    assert sorted(texts) == sorted((query.words, *query.muted))
