"""Stored revisions, withdrawals and restorations, the list of changes, and revisits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.articles import store
from storage.crawl.revisits import list_revisits
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Change, Decision, DecisionKind, Revision
from storage.model.crawl import Capture, CheckResult
from storage.model.page import Lead, Page

T0 = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://ev.example/a"
TITLE = "A maker recalls its smallest model"
TEXT = (
    "The maker recalls 4,217 cars of its smallest model because a cell may grow hot when it is charged.\n\n"
    "Owners are told to park outside until a workshop has changed the module, which takes two hours."
)
MADE = Article(url=URL, title=TITLE, text=TEXT, extractor="reader 1", headlines=(("heading", TITLE), ("tab", TITLE)))


def keep(database: Database, article: Article, hour: float, url: str = URL, **page: object) -> Decision:
    """Record an article extracted from a page that was fetched at an hour."""
    fetched = Page(
        url=url, status=200, fetched_at=T0 + timedelta(hours=hour), source="site",
        lead=Lead(url=url), **page,  # type: ignore[arg-type]
    )  # fmt: skip
    with database.write() as tx:
        return link_recorded(tx, store.record_article(tx, replace(article, url=url), fetched, None, fetched.fetched_at))


def look(database: Database, hour: float, outcome: str = "missing", *, sure: bool = False, number: int = 1) -> bool:
    """Record a check without text; return whether it changed the state of the article."""
    looked = CheckResult(
        url=URL, checked_at=T0 + timedelta(hours=hour), status=404, outcome=outcome, reason="HTTP 404", is_certain=sure
    )
    with database.write() as tx:
        decision = store.record_check(tx, number, looked, None)
    assert decision is None or decision.kind is DecisionKind.REVISED
    return decision is not None


def revisions(database: Database, number: int = 1) -> list[Revision]:
    return Library(database).revisions(number)


def kinds(database: Database) -> list[str]:
    return [revision.kind for revision in revisions(database)]


def changes(database: Database, **filters: object) -> list[Change]:
    return list(Library(database).changes(**filters))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("article", "kind"),
    [
        (replace(MADE, text=TEXT.replace("4,217", "5,000")), "numbers"),
        (replace(MADE, text=TEXT.replace("hours", "hour")), "typo"),
        (replace(MADE, text=TEXT + "\n\nThe regulator had asked for it in May."), "body"),
        (
            replace(MADE, text="Of ships that sail to the north with iron for the works, and of nothing else."),
            "rewrite",
        ),
        (replace(MADE, title="Recalled", headlines=(("heading", "Recalled"), ("tab", "Recalled"))), "headline"),
        (replace(MADE, headlines=(("heading", TITLE), ("tab", "Update: " + TITLE))), "headline"),
        (
            replace(MADE, text=f"{TITLE}\n\n{TEXT}", headlines=(("heading", TITLE), ("tab", "Update: " + TITLE))),
            "headline",
        ),
    ],
)
def test_revision_is_stored_with_the_kind_of_its_edit(database: Database, article: Article, kind: str) -> None:
    keep(database, MADE, 0)
    assert keep(database, article, 1).kind is DecisionKind.REVISED
    assert keep(database, article, 2).kind is DecisionKind.SAME
    first, second = revisions(database)
    assert (first.kind, second.kind, second.number) == ("", kind, 2)
    assert (first.text, second.text) == (TEXT, article.text)
    assert second.fetched_at == T0 + timedelta(hours=1)
    (change,) = changes(database)
    assert (change.kind, change.added, change.removed) == (kind, second.added, second.removed)
    assert change.added + change.removed > 0
    assert check_archive(database, None) == []


@pytest.mark.parametrize(
    "article",
    [
        replace(MADE, text=TEXT.replace(" ", "  ").replace("\n\n", "\n\n\n")),
        replace(MADE, text=TEXT.replace(".", "…").upper()),
        replace(MADE, text="3 hours ago\n\n" + TEXT + "\n\n14 comments"),
        replace(MADE, headlines=(("heading", TITLE), ("tab", f"(2) {TITLE}"))),
        replace(MADE, headlines=(("heading", TITLE), ("og:title", "The smallest model is recalled"), ("tab", TITLE))),
        replace(MADE, text="Another reader finds other words in the same page.", extractor="reader 2"),
        replace(MADE, differs_in_page_data=((0, "A maker recalls cars."),), in_page_data=(0,)),
        replace(MADE, summary="Another", authors=("Somebody",), tags=("new",), image="https://ev.example/2.png"),
    ],
)
def test_difference_is_no_edit(database: Database, article: Article) -> None:
    keep(database, MADE, 0)
    assert keep(database, article, 1).kind is DecisionKind.SAME
    assert len(revisions(database)) == 1
    assert changes(database) == []
    assert check_archive(database, None) == []


def test_edited_page_data_creates_a_revision_of_the_page_data(database: Database) -> None:
    first, second = TEXT.split("\n\n")
    edited = first.replace("4,217", "5,000")
    keep(database, replace(MADE, in_page_data=(0, 1)), 0)
    assert (
        keep(database, replace(MADE, in_page_data=(0, 1), differs_in_page_data=((0, edited),)), 1).kind
        is DecisionKind.REVISED
    )
    revision = revisions(database)[-1]
    assert (revision.kind, revision.text, revision.text_in_page_data) == ("numbers", TEXT, f"{edited}\n\n{second}")
    assert (revision.added, revision.removed) == (4, 4)
    caught_up = replace(MADE, text=f"{edited}\n\n{second}", in_page_data=(0, 1))
    assert keep(database, caught_up, 2).kind is DecisionKind.SAME
    assert len(revisions(database)) == 2


def test_headline_declared_in_one_place_only_is_the_title_of_the_revision(database: Database) -> None:
    new = "Update: " + TITLE
    keep(database, MADE, 0)
    keep(database, replace(MADE, headlines=(("heading", new), ("tab", TITLE))), 1)
    keep(database, replace(MADE, headlines=(("heading", new), ("tab", TITLE)), text=TEXT + " It is said."), 2)
    assert [(revision.kind, revision.title) for revision in revisions(database)] == [
        ("", TITLE),
        ("headline", new),
        ("body", new),
    ]
    assert [change.title for change in changes(database)] == [new, new]
    assert (revisions(database)[1].added, revisions(database)[1].removed) == (len("Update:"), 0)


def test_boilerplate_learned_between_two_fetches_is_no_edit(database: Database) -> None:
    first, second = TEXT.split("\n\n")
    box = "Every Friday our editors write down what they have learned of batteries."
    keep(database, replace(MADE, text=f"{first}\n\n{box}\n\n{second}"), 0)
    assert (
        keep(database, replace(MADE, removed_boilerplate=((1, box),), boilerplate_version=1), 1).kind
        is DecisionKind.SAME
    )
    edited = replace(MADE, text=TEXT.replace("hours", "hour"), removed_boilerplate=((1, box),), boilerplate_version=1)
    assert keep(database, edited, 2).kind is DecisionKind.REVISED
    assert kinds(database) == ["", "typo"]
    assert box in revisions(database)[1].text
    assert (revisions(database)[1].added, revisions(database)[1].removed) == (len("hour"), len("hours"))


def test_status_410_withdraws_the_article_and_keeps_its_text(database: Database) -> None:
    keep(database, MADE, 0)
    assert look(database, 5, sure=True)
    assert not look(database, 6, sure=True)
    article = Library(database).article(1)
    assert article is not None
    assert (article.withdrawn, article.text, article.revision) == (T0 + timedelta(hours=5), TEXT, 2)
    (change,) = changes(database, kinds=("withdrawn",))
    assert (change.at, change.added, change.removed, change.revision) == (T0 + timedelta(hours=5), 0, 0, 2)
    assert check_archive(database, None) == []


def test_article_missing_for_an_hour_is_withdrawn_and_restored_on_return(database: Database) -> None:
    keep(database, MADE, 0)
    assert not look(database, 5)
    assert not look(database, 5.9)
    assert look(database, 6.1)
    assert keep(database, replace(MADE, text=TEXT.replace("hours", "hour")), 9).kind is DecisionKind.REVISED
    assert kinds(database) == ["", "withdrawn", "restored"]
    assert (revisions(database)[2].added, revisions(database)[2].removed) == (len("hour"), len("hours"))
    article = Library(database).article(1)
    assert article is not None
    assert article.withdrawn is None
    assert "two hour." in article.text


def test_outages_and_refused_pages_change_no_state(database: Database) -> None:
    keep(database, MADE, 0)
    for hour, outcome in enumerate(("outage", "outage", "refused", "unmodified", "refused"), 1):
        assert not look(database, 2 * hour, outcome)
    assert kinds(database) == [""]


def test_check_of_an_unknown_url_changes_nothing(database: Database) -> None:
    keep(database, MADE, 0)
    looked = CheckResult(
        url="https://ev.example/b", checked_at=T0, status=410, outcome="missing", reason="HTTP 410", is_certain=True
    )
    with database.write() as tx:
        assert store.record_check(tx, 1, looked, None) is None
    assert kinds(database) == [""]


def test_changes_are_filtered_and_sorted_newest_first(database: Database) -> None:
    keep(database, MADE, 0)
    keep(database, replace(MADE, text=TEXT.replace("hours", "hour")), 1)
    look(database, 2, sure=True)
    other = replace(
        MADE, title="Ships", text="Of ships that sail to the north with iron for the works there.", headlines=()
    )
    keep(database, other, 3, "https://ev.example/ships")
    keep(database, replace(other, title="Boats"), 4, "https://ev.example/ships")
    assert [(change.article_id, change.kind) for change in changes(database)] == [
        (2, "headline"), (1, "withdrawn"), (1, "typo"),
    ]  # fmt: skip
    assert [change.kind for change in changes(database, kinds=("typo", "headline"))] == ["headline", "typo"]
    assert [change.kind for change in changes(database, since=T0 + timedelta(hours=2))] == ["headline", "withdrawn"]
    assert [change.kind for change in changes(database, limit=1)] == ["headline"]
    assert changes(database, sources=("other",)) == []
    assert len(changes(database, sources=("site",))) == 3


def test_reextraction_replaces_the_earlier_text_of_its_snapshot(database: Database) -> None:
    """A better extraction is no edit, while an edit in the same page remains an edit."""
    whole = replace(MADE, text=TEXT + "\n\nThe better reader finds this too.", extractor="reader 2")
    keep(database, MADE, 0)
    old = Page(url=URL, status=200, fetched_at=T0, source="site", lead=Lead(url=URL))
    with database.write() as tx:
        store.record_reextraction(tx, 1, whole, old)
    assert keep(database, whole, 1).kind is DecisionKind.SAME
    assert keep(database, replace(whole, text=whole.text.replace("hours", "hour")), 2).kind is DecisionKind.REVISED
    assert kinds(database) == ["", "typo"]
    assert check_archive(database, None) == []


def test_only_stored_pages_can_be_reextracted(database: Database) -> None:
    headers = (("etag", '"1"'), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"))
    keep(database, MADE, 0, headers=headers)
    capture = Capture(file="a.warc.gz", offset=7, length=9, digest="sha256:00")
    page = Page(url=URL + "/2", status=200, fetched_at=T0, source="site", lead=Lead(url=URL + "/2"), headers=headers)
    with database.write() as tx:
        capture_id = store.record_capture(tx, capture, page)
        link_recorded(
            tx,
            store.record_article(
                tx, replace(MADE, url=page.url, title="B", text="Of ships.", headlines=()), page, capture_id, T0
            ),
        )
    keep(database, replace(MADE, title="C", text="Of trains."), 0, URL + "/3")
    with database.read() as tx:
        revisits = list_revisits(tx, "site", 0, 10)
        assert [revisit.article_id for revisit in list_revisits(tx, "site", revisits[0].article_id, 1)] == [2]
        assert list_revisits(tx, "other", 0, 10) == []
    assert [(revisit.url, revisit.etag, revisit.capture) for revisit in revisits] == [
        (URL, '"1"', None), (URL + "/2", '"1"', capture), (URL + "/3", "", None),
    ]  # fmt: skip
    assert revisits[0].extractor == "reader 1"
    look(database, 5, sure=True)
    with database.read() as tx:
        assert _validators(list_revisits(tx, "site", 0, 1)) == [("", "")], (
            "a withdrawn page is requested without validators"
        )


def _validators(revisits: Sequence[object]) -> list[tuple[str, str]]:
    return [(revisit.etag, revisit.last_modified) for revisit in revisits]  # type: ignore[attr-defined]
