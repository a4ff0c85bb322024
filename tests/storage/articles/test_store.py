"""Recording of articles: new, revised, copied and merged ones, in any order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy import text as sql

from storage.archive import open_database
from storage.articles.store import record_article, record_capture
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Decision, DecisionKind, KeptArticle
from storage.model.crawl import Capture
from storage.model.page import Lead, Page
from storage.model.search import Query

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SITE = "https://ev.example"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Values of a fetched article that tests vary."""

    url: str
    text: str = "The car drives."
    title: str = "A car"
    hour: int = 0
    lead: str = ""
    id: str = ""
    final: str = ""
    canonical: str = ""
    source: str = "site"
    published: int | None = None

    @property
    def page(self) -> Page:
        final = self.final or self.url
        lead = Lead(url=self.lead or self.url, id=self.id) if self.lead or self.id else None
        return Page(
            url=final, status=200, fetched_at=T0 + timedelta(hours=self.hour), source=self.source, lead=lead,
            via=(self.url,) if final != self.url else (),
        )  # fmt: skip

    @property
    def article(self) -> Article:
        published = None if self.published is None else T0 + timedelta(days=self.published)
        return Article(
            url=self.url, title=self.title, text=self.text, canonical_url=self.canonical, published=published,
            authors=("Ann Lee",), tags=("cars", "news"), origins=(("title", "html"),), words=3,
        )  # fmt: skip


def keep(database: Database, *arrivals: Arrival) -> list[Decision]:
    decisions = []
    for arrival in arrivals:
        with database.write() as tx:
            decisions.append(link_recorded(tx, record_article(tx, arrival.article, arrival.page, None, T0)))
    return decisions


def kept(database: Database) -> list[KeptArticle]:
    return list(Library(database).articles(Query(limit=None)))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Yield the list of first words of the SQL statements that run in the block."""
    verbs: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        verbs.append(statement.split()[0])

    event.listen(database._engine, "before_cursor_execute", note)
    yield verbs
    event.remove(database._engine, "before_cursor_execute", note)


def kinds(decisions: Iterable[Decision]) -> list[DecisionKind]:
    return [decision.kind for decision in decisions]


def test_new_article_is_stored_with_all_fields(database: Database) -> None:
    arrival = Arrival(url=SITE + "/a", published=2, canonical=SITE + "/a/", lead="http://www.ev.example/a?utm_source=x")
    (decision,) = keep(database, arrival)
    assert decision.kind is DecisionKind.NEW
    assert decision.reason
    (article,) = kept(database)
    expected = replace(arrival.article, url="http://www.ev.example/a?utm_source=x")
    for name in set(Article.__slots__) & set(KeptArticle.__slots__):
        assert getattr(article, name) == getattr(expected, name), name
    assert (article.id, article.source, article.revision, article.copy_of) == (decision.article_id, "site", 1, None)
    assert article.first_seen == T0
    assert article.aliases == ("http://www.ev.example/a?utm_source=x",)
    assert check_archive(database, None) == []


def test_unchanged_page_is_decided_as_same(database: Database) -> None:
    first, *rest = keep(
        database,
        Arrival(url=SITE + "/a"),
        Arrival(url=SITE + "/a", hour=1),
        Arrival(url="http://m.ev.example/a/?fbclid=1", hour=2),
        Arrival(url=SITE + "/a", text="THE CAR - drives!", hour=3),
    )
    assert kinds(rest) == [DecisionKind.SAME] * 3
    assert {d.article_id for d in rest} == {first.article_id}
    assert len(Library(database).revisions(first.article_id)) == 1


def test_identical_fetch_is_stored_once(database: Database) -> None:
    arrival = Arrival(url=SITE + "/a", id="1")
    assert kinds(keep(database, arrival, arrival)) == [DecisionKind.NEW, DecisionKind.SAME]
    with database.read() as connection:
        assert connection.execute(sql("SELECT count(*) FROM snapshots")).scalar() == 1


def test_edit_creates_a_revision_and_keeps_the_earlier_text(database: Database) -> None:
    texts = ["The car drives.", "The car flies.", "The car drives."]
    decisions = keep(database, *[Arrival(url=SITE + "/a", text=t, hour=n) for n, t in enumerate(texts)])
    assert kinds(decisions) == [DecisionKind.NEW, DecisionKind.REVISED, DecisionKind.REVISED]
    revisions = Library(database).revisions(decisions[0].article_id)
    assert [(r.number, r.text, r.fetched_at) for r in revisions] == [
        (n, t, T0 + timedelta(hours=n - 1)) for n, t in enumerate(texts, 1)
    ]
    assert kept(database)[0].revision == 3
    assert check_archive(database, None) == []


def test_article_is_loaded_with_its_revisions(database: Database) -> None:
    """Revisions come oldest first, and the number of statements does not depend on the number of articles."""
    texts = ["The car drives.", "The car flies.", "The car flies."]
    keep(database, *[Arrival(url=SITE + "/a", text=t, hour=n) for n, t in enumerate(texts)])
    with statements(database) as for_one:
        (article,) = kept(database)
    full = Library(database).revisions(article.id)
    assert [(revision.number, revision.kind, revision.added, revision.removed) for revision in article.revisions] == [
        (1, "", 0, 0),
        (2, full[1].kind, full[1].added, full[1].removed),
    ]
    assert [(revision.title, revision.digest, revision.fetched_at) for revision in article.revisions] == [
        (revision.title, revision.digest, revision.fetched_at) for revision in full
    ]
    keep(database, *[Arrival(url=f"{SITE}/{n}", text=f"Car {n}.", title=f"Number {n}") for n in range(30)])
    with statements(database) as for_many:
        loaded = kept(database)
    assert [len(article.revisions) for article in loaded] == [2, *[1] * 30]
    assert [article.revisions[0].title for article in loaded[1:]] == [article.title for article in loaded[1:]]
    assert for_many == for_one


def test_changed_headline_creates_a_revision(database: Database) -> None:
    decisions = keep(database, Arrival(url=SITE + "/a"), Arrival(url=SITE + "/a", title="Another car", hour=1))
    assert decisions[1].kind is DecisionKind.REVISED
    assert "title" in decisions[1].reason
    assert kept(database)[0].title == "Another car"
    assert [h.article.title for h in Library(database).search(Query(words="another")).hits] == ["Another car"]


def test_older_page_recorded_late_does_not_replace_a_newer_one(database: Database) -> None:
    keep(
        database, Arrival(url=SITE + "/a", text="new words", hour=9), Arrival(url=SITE + "/a", text="old words", hour=1)
    )
    (article,) = kept(database)
    assert (article.text, article.revision) == ("new words", 2)
    assert [r.text for r in Library(database).revisions(article.id)] == ["old words", "new words"]


def test_same_text_on_another_site_is_a_copy(database: Database) -> None:
    first, second = keep(database, Arrival(url=SITE + "/a"), Arrival(url="https://other.example/b", source="other"))
    assert second.kind is DecisionKind.COPY
    assert f"article {first.article_id}" in second.reason
    original, copy = kept(database)
    assert (original.copy_of, copy.copy_of) == (None, original.id)
    assert str(original.id) in copy.reason


def test_earliest_published_article_is_the_original(database: Database) -> None:
    keep(
        database,
        Arrival(url=SITE + "/a"),
        Arrival(url="https://other.example/b", published=5),
        Arrival(url="https://third.example/c", published=3),
    )
    by_url = {a.url: a for a in kept(database)}
    original = by_url["https://third.example/c"]
    assert original.copy_of is None
    assert {a.copy_of for a in by_url.values() if a is not original} == {original.id}
    assert check_archive(database, None) == []


def test_copies_of_an_edited_original_get_another_original(database: Database) -> None:
    keep(
        database,
        Arrival(url=SITE + "/a", published=1),
        Arrival(url=SITE + "/b", published=2),
        Arrival(url=SITE + "/c", published=3),
        Arrival(url=SITE + "/a", published=1, text="Something else now.", hour=5),
    )
    by_url = {a.url: a for a in kept(database)}
    assert [by_url[SITE + path].copy_of for path in ("/a", "/b", "/c")] == [None, None, by_url[SITE + "/b"].id]
    assert check_archive(database, None) == []


def test_texts_without_words_are_no_copies(database: Database) -> None:
    keep(database, Arrival(url=SITE + "/a", text="..."), Arrival(url=SITE + "/b", text="!"))
    assert [a.copy_of for a in kept(database)] == [None, None]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_page_that_belongs_to_two_articles_merges_them(sqlite_database: Database, order: Sequence[int]) -> None:
    arrivals = [
        Arrival(url=SITE + "/b", text="First words.", hour=1),
        Arrival(url=SITE + "/c", text="Second words.", hour=2),
        Arrival(url=SITE + "/a", final=SITE + "/b", canonical=SITE + "/c", text="Third words.", hour=3),
    ]
    decisions = keep(sqlite_database, *[arrivals[i] for i in order])
    (article,) = kept(sqlite_database)
    assert article.id == min(d.article_id for d in decisions)
    assert (article.url, article.text) == (SITE + "/c", "Second words.")
    assert sorted(article.aliases) == [SITE + "/a", SITE + "/b", SITE + "/c"]
    texts = [r.text for r in Library(sqlite_database).revisions(article.id)]
    assert texts == ["First words.", "Second words.", "Third words."]
    for decision in decisions:
        led_to = Library(sqlite_database).article(decision.article_id)
        assert led_to is not None
        assert led_to.id == article.id
    assert [h.article.id for h in Library(sqlite_database).search(Query(words="second")).hits] == [article.id]
    assert Library(sqlite_database).search(Query(words="first")).hits == ()
    assert check_archive(sqlite_database, None) == []


def test_merged_articles_pass_their_copies_on(database: Database) -> None:
    keep(
        database,
        Arrival(url=SITE + "/a", published=1),
        Arrival(url=SITE + "/b", text="Other words.", published=1),
        Arrival(url="https://copy.example/1", published=9),
        Arrival(url="https://copy.example/2", text="Other words.", published=9),
        Arrival(url=SITE + "/b", canonical=SITE + "/a", text="Other words.", hour=4, published=1),
    )
    by_url = {a.url: a for a in kept(database)}
    assert len(by_url) == 3
    assert by_url["https://copy.example/1"].copy_of == by_url[SITE + "/a"].id
    assert by_url["https://copy.example/2"].copy_of is None
    assert check_archive(database, None) == []


def test_canonical_url_is_shown_if_it_was_fetched(database: Database) -> None:
    keep(database, Arrival(url=SITE + "/z?id=1", canonical=SITE + "/z"))
    assert kept(database)[0].url == SITE + "/z?id=1"
    keep(database, Arrival(url=SITE + "/z", canonical=SITE + "/z", hour=1))
    assert [a.url for a in kept(database)] == [SITE + "/z"]


def test_alphabetically_first_url_is_shown_without_a_canonical_url(database: Database) -> None:
    keep(database, Arrival(url=SITE + "/b", final=SITE + "/c"), Arrival(url=SITE + "/a", final=SITE + "/c", hour=1))
    assert [a.url for a in kept(database)] == [SITE + "/a"]


def test_redirecting_url_is_not_shown(database: Database) -> None:
    keep(database, Arrival(url="https://aaa.example/hijack", final=SITE + "/a", source="evil"))
    assert kept(database)[0].url == SITE + "/a"


def test_index_id_identifies_an_article_within_its_source_only(database: Database) -> None:
    decisions = keep(
        database,
        Arrival(url=SITE + "/a", id="1", text="Words of the one."),
        Arrival(url="https://evil.example/x", id="1", text="Words of the one.", source="evil"),
        Arrival(url="https://evil.example/y", id="1", text="Other words.", source="evil"),
    )
    assert kinds(decisions) == [DecisionKind.NEW, DecisionKind.COPY, DecisionKind.NEW]
    assert len({d.article_id for d in decisions}) == 3


def test_reused_index_id_loses_no_article(database: Database) -> None:
    decisions = keep(
        database,
        Arrival(url=SITE + "/a", id="1", text="Words of the one."),
        Arrival(url=SITE + "/b", id="1", text="Words of another."),
        Arrival(url=SITE + "/c", id="1", text="Words of the one."),
    )
    assert kinds(decisions) == [DecisionKind.NEW, DecisionKind.NEW, DecisionKind.SAME]
    assert decisions[2].article_id == decisions[0].article_id


def test_front_page_is_no_canonical_url(database: Database) -> None:
    decisions = keep(
        database,
        Arrival(url=SITE + "/a", canonical=SITE + "/", text="One text."),
        Arrival(url=SITE + "/b", canonical=SITE + "/", text="Another text."),
        Arrival(url=SITE + "/c", final=SITE + "/", text="The front page."),
        Arrival(url=SITE + "/", text="The front page.", hour=1),
    )
    assert kinds(decisions) == [DecisionKind.NEW] * 4
    by_url = {a.url: a for a in kept(database)}
    assert by_url[SITE + "/c"].copy_of == by_url[SITE + "/"].id


@pytest.mark.parametrize("first", range(4))
def test_same_canonical_url_on_every_page_merges_no_articles(database: Database, first: int) -> None:
    arrivals = [
        Arrival(url=f"{SITE}/{n}", canonical=f"{SITE}/0", title=f"Title {n}", text=f"Words of {n}.", hour=n)
        for n in range(4)
    ]
    assert kinds(keep(database, *arrivals[first:], *arrivals[:first])) == [DecisionKind.NEW] * 4
    assert {article.title for article in kept(database)} == {f"Title {n}" for n in range(4)}
    assert check_archive(database, None) == []


@pytest.mark.parametrize("same", [{"title": "One title"}, {"text": "One text."}], ids=["title", "text"])
@pytest.mark.parametrize("turned", [False, True])
def test_canonical_url_merges_articles_with_equal_title_or_text(
    database: Database, same: dict[str, str], turned: bool
) -> None:
    article = replace(Arrival(url=SITE + "/a", canonical=SITE + "/a", title="T", text="W."), **same)
    print_page = replace(Arrival(url=SITE + "/print/a", canonical=SITE + "/a", title="U", text="V.", hour=1), **same)
    first, second = keep(database, *([print_page, article] if turned else [article, print_page]))
    assert first.article_id == second.article_id
    assert "canonical address" in second.reason
    assert [article.url for article in kept(database)] == [SITE + "/a"]


def test_desktop_and_mobile_page_do_not_alternate_as_revisions(database: Database) -> None:
    plain = Arrival(url=SITE + "/a", text="The whole article.")
    amp = Arrival(url=SITE + "/a/amp", text="The article in short.")
    arrivals = [replace(arrival, hour=n) for n, arrival in enumerate([plain, amp, plain, amp, plain, amp])]
    decisions = keep(database, *arrivals)
    assert kinds(decisions) == [DecisionKind.NEW, DecisionKind.REVISED, *[DecisionKind.SAME] * 4]
    (article,) = kept(database)
    assert (article.text, article.revision) == ("The whole article.", 1)
    assert len(Library(database).revisions(article.id)) == 2


def test_capture_is_linked_to_its_article(database: Database) -> None:
    arrival = Arrival(url=SITE + "/a", final=SITE + "/b")
    capture = Capture(file="x.warc.gz", offset=7, length=9, digest="sha256:00")
    with database.write() as tx:
        row = record_capture(tx, capture, arrival.page)
        again = record_capture(tx, capture, arrival.page, "refused", "thin")
        decision = link_recorded(tx, record_article(tx, arrival.article, arrival.page, row, T0))
    assert row == again
    assert Library(database).captures(decision.article_id) == [(capture, SITE + "/b", T0)]


@pytest.mark.parametrize("nasty", ["a\x00b", "a\ud800b", "a\ufffeb", "a\x1fb", "\x0b", "a\r\nb"])
def test_every_character_can_be_stored(database: Database, nasty: str) -> None:
    article = Article(
        url=SITE + "/" + nasty,
        canonical_url=SITE + "/c" + nasty,
        title="T" + nasty,
        authors=(nasty,),
        text="Text " + nasty,
        html=nasty,
        summary=nasty,
        published_raw=nasty,
        published_date=nasty,
        language=nasty,
        image=nasty,
        site_name=nasty,
        tags=(nasty,),
        extractor=nasty,
        origins=((nasty, nasty),),
    )
    page = Page(
        url=SITE + "/" + nasty,
        status=200,
        fetched_at=T0,
        source="s" + nasty,
        lead=Lead(url=SITE + "/" + nasty, id=nasty),
    )
    with database.write() as tx:
        capture = Capture(file="f" + nasty, offset=0, length=1, digest=nasty)
        row = record_capture(tx, capture, page, nasty, nasty)
        link_recorded(tx, record_article(tx, article, page, row, T0))
    (article,) = kept(database)
    assert "\x00" not in article.title + article.url + article.authors[0]
    assert check_archive(database, None) == []


@pytest.mark.parametrize("year", [1, 2, 999, 1000, 1969, 2038, 9000, 9999])
@pytest.mark.parametrize("hours", [-23, 0, 23])
def test_every_year_can_be_stored_and_loaded(database: Database, year: int, hours: int) -> None:
    from datetime import timezone

    at = datetime(year, 12 if year > 5000 else 1, 31 if year > 5000 else 1, 12, tzinfo=timezone(timedelta(hours=hours)))
    article = Article(url=SITE + "/a", title="T", text="Text", published=at, modified=at)
    with database.write() as tx:
        link_recorded(tx, record_article(tx, article, Page(url=SITE + "/a", status=200, fetched_at=at), None, at))
    (article,) = kept(database)
    assert article.published is not None
    assert article.published == article.updated
    assert 1000 <= article.published.year <= 9000
    if 1000 < year < 9000:
        assert article.published == at


def test_naive_datetime_raises(sqlite_database: Database) -> None:
    article = Article(url=SITE + "/a", title="T", text="Text", published=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(Exception, match="without zone"), sqlite_database.write() as tx:
        link_recorded(tx, record_article(tx, article, Arrival(url=SITE + "/a").page, None, T0))


def test_very_long_url_is_stored(database: Database) -> None:
    long = SITE + "/" + "".join(chr(97 + i * 7919 % 26) for i in range(100_000))
    assert kinds(keep(database, Arrival(url=long), Arrival(url=long, hour=1))) == [DecisionKind.NEW, DecisionKind.SAME]


def test_text_of_very_many_distinct_words_is_stored_and_found(database: Database) -> None:
    words = " ".join(f"{n:x}word" for n in range(150_000))
    keep(database, Arrival(url=SITE + "/a", text=words, title="Measure"))
    assert [h.article.title for h in Library(database).search(Query(words="1fword measure")).hits] == ["Measure"]
    assert check_archive(database, None) == []


_ARRIVALS = st.builds(
    Arrival,
    url=st.sampled_from(["/a", "/b", "/c", "/a/amp", "/d?id=1", "/"]).map(SITE.__add__)
    | st.just("https://m.ev.example/a"),
    final=st.sampled_from(["", "", "", SITE + "/b", SITE + "/c", SITE + "/", "https://cdn.example/b"]),
    canonical=st.sampled_from(["", "", SITE + "/a", SITE + "/c", SITE + "/e", SITE + "/"]),
    lead=st.sampled_from(["", "", "http://www.ev.example/a?utm_source=x"]),
    id=st.sampled_from(["", "", "1", "2"]),
    text=st.sampled_from(["One text.", "One, TEXT", "Another text.", "A third text.", ""]),
    title=st.sampled_from(["A car", "Another car"]),
    hour=st.integers(0, 4),
    source=st.sampled_from(["site", "other"]),
    published=st.sampled_from([None, None, 1, 2]),
)


def _picture(database: Database) -> list[Any]:
    """Return the stored content without what depends on the order of arrival: ids, first_seen and reasons."""
    library = Library(database)
    articles = kept(database)
    urls = {a.id: a.url for a in articles}
    return sorted(
        (
            a.url,
            a.title,
            a.text,
            a.source,
            str(a.published),
            a.canonical_url,
            a.revision,
            urls.get(a.copy_of or 0, ""),
            sorted(a.aliases),
            [(r.number, r.title, r.text, r.fetched_at, r.digest) for r in library.revisions(a.id)],
        )
        for a in articles
    )


def _same_in_any_order(make: Callable[[], str], arrivals: Sequence[Arrival], shuffled: Sequence[Arrival]) -> None:
    pictures = []
    for order in (arrivals, shuffled):
        database = open_database(make())
        try:
            with database.write() as tx:
                for arrival in order:
                    link_recorded(tx, record_article(tx, arrival.article, arrival.page, None, T0))
            pictures.append(_picture(database))
            assert check_archive(database, None) == []
            matching_ids = sorted(h.article.id for h in Library(database).search(Query(words="text")).hits)
            assert matching_ids == sorted(a.id for a in kept(database) if "text" in a.text.lower())
        finally:
            database.close()
    assert pictures[0] == pictures[1]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_archive_does_not_depend_on_the_order_of_arrival(new_sqlite: Callable[[], str], data: st.DataObject) -> None:
    arrivals = data.draw(st.lists(_ARRIVALS, min_size=2, max_size=6))
    _same_in_any_order(new_sqlite, arrivals, data.draw(st.permutations(arrivals)))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_archive_in_postgresql_does_not_depend_on_the_order_of_arrival(
    new_postgres: Callable[[], str], data: st.DataObject
) -> None:
    arrivals = data.draw(st.lists(_ARRIVALS, min_size=2, max_size=6))
    _same_in_any_order(new_postgres, arrivals, data.draw(st.permutations(arrivals)))
