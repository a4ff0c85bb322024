"""Articles with the same text are linked to their original when stored, in any order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.ingest.keep import keep_article
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.boilerplate import load_boilerplate
from storage.db.database import Database
from storage.duplicates import signatures
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Decision, DecisionKind, KeptArticle
from storage.model.page import Page
from storage.model.search import Query
from tests.aggregator.duplicates.test_compare import prose

T0 = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = prose(1)
CUT = WHOLE[: len(WHOLE) * 2 // 5]
FRAMED = f"{prose(2, 20)}\n{WHOLE}\n{prose(3, 20)}"
OTHER = prose(4)
BOTH = WHOLE + "\n" + OTHER


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A fetched article; `host` and `path` give its URL, `day` its publication time."""

    host: str
    path: str = "a"
    text: str = WHOLE
    day: float | None = None
    hour: int = 0
    canonical: str = ""
    original: str = ""
    site: str = ""

    @property
    def url(self) -> str:
        return f"https://{self.host}.example/{self.path}"


def keep(database: Database, *arrivals: Arrival) -> list[Decision]:
    decisions = []
    for arrival in arrivals:
        published = None if arrival.day is None else T0 + timedelta(days=arrival.day)
        article = with_derived_fields(
            Article(
                url=arrival.url, title=f"On {arrival.host}", text=arrival.text, published=published,
                original_url=arrival.original, site_name=arrival.site, canonical_url=arrival.canonical,
            ), shipped_matcher()
        )  # fmt: skip
        fetched_at = T0 + timedelta(hours=arrival.hour)
        page = Page(url=arrival.url, status=200, fetched_at=fetched_at, source=arrival.host)
        with database.write() as tx:
            decisions.append(
                keep_article(tx, article, page, None, load_boilerplate(tx, page.source), shipped_matcher(), T0).decision
            )
    return decisions


def stored_articles(database: Database) -> dict[str, KeptArticle]:
    return {article.url: article for article in Library(database).articles(Query(limit=None))}


def originals_by_host(database: Database) -> dict[str, str]:
    """Return the host of the original of each copy, by the host of the copy."""
    articles = stored_articles(database)
    hosts = {article.id: article.url.split("/")[2].split(".")[0] for article in articles.values()}
    return {hosts[a.id]: hosts[a.copy_of] for a in articles.values() if a.copy_of is not None}


@pytest.mark.parametrize("text", [WHOLE, CUT, FRAMED], ids=["same", "cut", "framed"])
def test_repeated_text_is_a_copy(database: Database, text: str) -> None:
    first, second = keep(database, Arrival(host="a", day=1), Arrival(host="b", day=2, text=text))
    assert (first.kind, second.kind) == (DecisionKind.NEW, DecisionKind.COPY)
    copy = stored_articles(database)["https://b.example/a"]
    assert copy.copy_of == first.article_id
    assert f"article {first.article_id}" in second.reason
    assert copy.reason == second.reason
    assert "published first" in copy.reason
    assert Library(database).copies(first.article_id) == [(copy.id, copy.url)]
    assert check_archive(database, None) == []


def test_different_text_is_no_copy(database: Database) -> None:
    assert [d.kind for d in keep(database, Arrival(host="a"), Arrival(host="b", text=OTHER))] == [DecisionKind.NEW] * 2


def test_original_that_is_stored_last_becomes_the_original(database: Database) -> None:
    *_, last = keep(
        database,
        Arrival(host="b", day=3, text=FRAMED),
        Arrival(host="c", day=4, text=CUT),
        Arrival(host="a", day=1),
    )
    assert last.kind is DecisionKind.NEW
    assert "the original of 2" in last.reason
    assert originals_by_host(database) == {"b": "a", "c": "a"}
    assert all(f"article {last.article_id}" in stored_articles(database)[f"https://{h}.example/a"].reason for h in "bc")
    assert check_archive(database, None) == []


def test_credit_line_outweighs_publication_time(database: Database) -> None:
    keep(
        database,
        Arrival(host="early", day=1, text=f"{WHOLE}\nThis article was originally published on Electrek."),
        Arrival(host="electrek", day=2),
    )
    assert originals_by_host(database) == {"early": "electrek"}
    assert "names as its origin" in stored_articles(database)["https://early.example/a"].reason


@pytest.mark.parametrize(
    "named",
    [
        Arrival(host="late", day=900, text=f"{WHOLE}\nThis article was originally published on Electrek."),
        Arrival(host="late", day=900, text=FRAMED, original="https://electrek.example/b"),
    ],
    ids=["credit", "canonical"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_copy_with_a_credit_is_linked_after_years(database: Database, named: Arrival, is_first: bool) -> None:
    original, other = Arrival(host="electrek", day=2), Arrival(host="other", day=1500, text=f"{WHOLE}\nMore.")
    keep(database, *((original, named) if is_first else (named, original)), other)
    assert originals_by_host(database) == {"late": "electrek"}
    assert check_archive(database, None) == []


def test_article_is_linked_when_it_credits_its_origin_later(database: Database) -> None:
    keep(database, Arrival(host="late", day=900, text=FRAMED), Arrival(host="electrek", day=2))
    assert originals_by_host(database) == {}
    keep(database, Arrival(host="late", day=900, text=FRAMED, original="https://electrek.example/b", hour=2))
    assert originals_by_host(database) == {"late": "electrek"}
    keep(database, Arrival(host="late", day=900, text=FRAMED, hour=3))
    assert originals_by_host(database) == {}
    assert check_archive(database, None) == []


def test_canonical_url_on_another_host_outweighs_publication_time(database: Database) -> None:
    keep(
        database,
        Arrival(host="early", day=1, text=FRAMED, original="https://home.example/other-address"),
        Arrival(host="home", day=2),
    )
    assert originals_by_host(database) == {"early": "home"}


def test_agency_credit_does_not_outweigh_publication_time(database: Database) -> None:
    credit = "BERLIN (dpa) - "
    keep(database, Arrival(host="b", day=2, text=credit + WHOLE), Arrival(host="a", day=1, text=credit + FRAMED))
    assert originals_by_host(database) == {"b": "a"}


def test_dated_article_is_the_original_of_an_undated_one(database: Database) -> None:
    keep(database, Arrival(host="a"), Arrival(host="b", day=9, text=FRAMED))
    assert originals_by_host(database) == {"a": "b"}


def test_copies_are_found_by_publication_time_not_by_arrival(database: Database) -> None:
    keep(
        database,
        Arrival(host="old", day=-900),
        Arrival(host="copy", day=-890, text=FRAMED),
        Arrival(host="new", day=0, text=CUT),
        Arrival(host="undated", text=prose(2, 30) + WHOLE),
    )
    assert originals_by_host(database) == {"copy": "old", "undated": "new"}
    assert check_archive(database, None) == []


def test_copies_in_neighbouring_time_buckets_are_found(sqlite_database: Database) -> None:
    for number, day in enumerate(range(0, 140, 7)):
        text = prose(100 + number)
        keep(
            sqlite_database,
            Arrival(host=f"a{number}", day=day, text=text),
            Arrival(host=f"b{number}", day=day + 31, text=text + "\n" + prose(7, 20)),
        )
    assert originals_by_host(sqlite_database) == {f"b{n}": f"a{n}" for n in range(20)}


def test_edit_to_another_text_unlinks_the_copies(database: Database) -> None:
    keep(
        database,
        Arrival(host="a", day=1),
        Arrival(host="b", day=2, text=FRAMED),
        Arrival(host="c", day=3, text=CUT),
        Arrival(host="a", day=1, text=OTHER, hour=5),
    )
    assert originals_by_host(database) == {"c": "b"}
    assert check_archive(database, None) == []
    keep(database, Arrival(host="d", day=4, text=OTHER + " " + prose(9, 20)))
    assert originals_by_host(database) == {"c": "b", "d": "a"}
    assert check_archive(database, None) == []


def test_text_that_contains_two_articles_does_not_link_them(database: Database) -> None:
    keep(
        database,
        Arrival(host="a", day=1),
        Arrival(host="b", day=3, text=OTHER),
        Arrival(host="roundup", day=2, text=BOTH),
    )
    assert originals_by_host(database) == {"roundup": "a"}


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_merged_articles_keep_their_copies(sqlite_database: Database, order: Sequence[int]) -> None:
    arrivals = [
        Arrival(host="site", path="x", day=1),
        Arrival(host="site", path="y", day=1, text=OTHER),
        Arrival(host="copy", day=2, text=FRAMED),
        Arrival(host="site", path="y", canonical="https://site.example/x", day=1, hour=3),
    ]
    keep(sqlite_database, *[arrivals[number] for number in order])
    assert originals_by_host(sqlite_database) == {"copy": "site"}
    assert len(stored_articles(sqlite_database)) == 2
    assert check_archive(sqlite_database, None) == []


def test_boilerplate_of_a_site_makes_no_copies(sqlite_database: Database) -> None:
    page_footer = prose(50, 150)
    site = [
        Arrival(host="site", path=str(n), day=1, text=f"{prose(1000 + n, 60)}\n{page_footer}")
        for n in range(signatures.COMMON_BAND_ARTICLES + 9)
    ]
    assert {d.kind for d in keep(sqlite_database, *site)} == {DecisionKind.NEW}
    for number, cut in ((3, 1.0), (signatures.COMMON_BAND_ARTICLES + 5, 1.0), (8, 0.5)):
        text = prose(1000 + number, 60)
        arrival = Arrival(host=f"copy{number}", day=2, text=text[: int(len(text) * cut)])
        keep(sqlite_database, arrival)
        assert (
            stored_articles(sqlite_database)[arrival.url].copy_of
            == stored_articles(sqlite_database)[site[number].url].id
        )
    assert check_archive(sqlite_database, None) == []


def test_text_that_a_site_publishes_twice_is_a_copy(database: Database) -> None:
    keep(database, Arrival(host="site", path="x", day=1), Arrival(host="site", path="y", day=2, text=FRAMED))
    assert originals_by_host(database) == {"site": "site"}


def test_text_with_very_many_copies_is_still_found(sqlite_database: Database) -> None:
    keep(sqlite_database, Arrival(host="first", day=0))
    copies = [
        Arrival(host=f"h{n}", day=1, text=f"{prose(2000 + n, 12)}\n{WHOLE}")
        for n in range(signatures.COMMON_BAND_ARTICLES + 20)
    ]
    assert {d.kind for d in keep(sqlite_database, *copies)} == {DecisionKind.COPY}
    assert set(originals_by_host(sqlite_database).values()) == {"first"}
    with sqlite_database.read() as connection:
        most = connection.execute(
            sql("SELECT max(n) FROM (SELECT count(*) n FROM signature_bands GROUP BY bucket_key)")
        ).scalar()
    assert most == signatures.COMMON_BAND_ARTICLES
    assert check_archive(sqlite_database, None) == []


def test_article_without_signature_is_signed_when_fetched_again(database: Database) -> None:
    keep(database, Arrival(host="a", day=1))
    with database.write() as tx:
        signatures.remove_signature(tx, 1)
        assert tx.execute(sql("SELECT count(*) FROM signature_bands")).scalar() == 0
    keep(database, Arrival(host="a", day=1, hour=1), Arrival(host="b", day=2, text=CUT))
    assert originals_by_host(database) == {"b": "a"}


_VARIANTS = {
    "whole": WHOLE, "cut": CUT, "framed": FRAMED, "other": OTHER, "both": BOTH, "other cut": OTHER[:500],
    "credited": f"{WHOLE}\nFirst published by Beta Press", "short": "A few words.", "none": "",
}  # fmt: skip
_HOSTS = ("a", "b", "c", "betapress", "e")
_ARRIVALS = st.builds(
    Arrival,
    host=st.sampled_from(_HOSTS),
    path=st.sampled_from(["x", "y"]),
    text=st.sampled_from(list(_VARIANTS)).map(_VARIANTS.__getitem__),
    day=st.sampled_from([None, None, 1, 2, 20, 45, 400]),
    hour=st.integers(0, 3),
    canonical=st.just(""),
    original=st.sampled_from(["", "", "", "https://b.example/z"]),
)


def _with_canonical(arrival: Arrival, canonical: bool) -> Arrival:
    return replace(arrival, canonical=f"https://{arrival.host}.example/x") if canonical else arrival


def _summary(database: Database) -> list[tuple[str, str, str, str]]:
    articles = stored_articles(database)
    urls = {article.id: article.url for article in articles.values()}

    def reason(article: KeptArticle) -> str:
        return article.reason.replace(f"article {article.copy_of},", "it") if article.copy_of else ""

    return sorted((a.url, a.text, urls.get(a.copy_of or 0, ""), reason(a)) for a in articles.values())


def _same_in_any_order(make: Callable[[], str], *orders: Iterable[Arrival]) -> None:
    summaries = []
    for order in orders:
        database = open_database(make())
        try:
            keep(database, *order)
            summaries.append(_summary(database))
            assert check_archive(database, None) == []
        finally:
            database.close()
    assert summaries[0] == summaries[1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_copies(new_sqlite: Callable[[], str], data: st.DataObject) -> None:
    arrivals = data.draw(st.lists(st.builds(_with_canonical, _ARRIVALS, st.booleans()), min_size=2, max_size=6))
    _same_in_any_order(new_sqlite, arrivals, data.draw(st.permutations(arrivals)))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_copies_in_postgres(
    new_postgres: Callable[[], str], data: st.DataObject
) -> None:
    arrivals = data.draw(st.lists(st.builds(_with_canonical, _ARRIVALS, st.booleans()), min_size=2, max_size=6))
    _same_in_any_order(new_postgres, arrivals, data.draw(st.permutations(arrivals)))
