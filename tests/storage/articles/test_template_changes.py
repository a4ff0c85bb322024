"""Template changes: blocks that many pages of a source gain or lose at once are held back from revisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from storage.articles import store, template_changes
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article
from storage.model.crawl import CheckResult
from storage.model.page import Lead, Page

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BOX = "Readers who support us keep this site open for all the others."
OLD_BOX = "Our newsroom lives from what its readers give it every month."


def words(number: int) -> str:
    return (
        f"Report {number} tells of the plant in town {number} that builds batteries for buses and for ships.\n\n"
        f"Its second hall is to open in {2030 + number}, says the mayor of town {number}, who is glad of it."
    )


def fetch(database: Database, number: int, hour: int, text: str, source: str = "site", extractor: str = "r") -> None:
    url = f"https://ev.example/{number}"
    page = Page(url=url, status=200, fetched_at=T0 + timedelta(hours=hour), source=source, lead=Lead(url=url))
    made = Article(url=url, title=f"Report {number}", text=text, extractor=extractor)
    with database.write() as tx:
        link_recorded(tx, store.record_article(tx, made, page, None, T0))


def settle(database: Database, source: str = "site") -> int:
    with database.write() as tx:
        return template_changes.apply_template_changes(tx, source, T0).held_count


def edits(database: Database) -> dict[int, list[str]]:
    """Return the kinds of edits of each article that was edited."""
    kinds: dict[int, list[str]] = {}
    for change in Library(database).changes():
        kinds.setdefault(change.article_id, []).append(change.kind)
    return kinds


@pytest.mark.parametrize(
    ("changed", "again", "is_held"), [(5, 5, True), (5, 10, True), (5, 11, False), (4, 4, False), (4, 8, False)]
)
def test_template_change_needs_five_articles_and_half_of_those_fetched_again(
    database: Database, changed: int, again: int, is_held: bool
) -> None:
    for number in range(1, 13):
        fetch(database, number, 0, words(number))
    for number in range(1, again + 1):
        fetch(database, number, 1, words(number) + (f"\n\n{BOX}" if number <= changed else ""))
    assert len(edits(database)) == changed
    assert settle(database) == int(is_held)
    assert len(edits(database)) == (0 if is_held else changed)
    assert settle(database) == int(is_held)
    assert check_archive(database, None) == []


def test_unmodified_pages_count_as_fetched_again(database: Database) -> None:
    for number in range(1, 12):
        fetch(database, number, 0, words(number))
    for number in range(1, 6):
        fetch(database, number, 1, f"{BOX}\n\n{words(number)}")
    assert settle(database) == 1
    for number in range(6, 12):
        looked = CheckResult(
            url=f"https://ev.example/{number}", checked_at=T0 + timedelta(hours=2), status=304, outcome="unmodified",
            reason="HTTP 304",
        )  # fmt: skip
        with database.write() as tx:
            store.record_check(tx, number, looked, None)
    assert settle(database) == 0, "five of eleven are no redesign"
    assert len(edits(database)) == 5


def test_added_and_removed_blocks_are_held_back_but_a_real_edit_is_not(database: Database) -> None:
    for number in range(1, 8):
        fetch(database, number, 0, f"{OLD_BOX}\n\n{words(number)}")
    for number in range(1, 8):
        text = words(number).replace("glad", "proud") if number == 3 else words(number)
        fetch(database, number, 1, f"{text}\n\n{BOX}")
    assert settle(database) == 2
    assert edits(database) == {3: ["body"]}
    revision = Library(database).revisions(3)[1]
    assert (revision.added, revision.removed) == (len("proud"), len("glad"))
    assert BOX in revision.text, "the page is shown as it was"
    with database.read() as connection:
        held = set(connection.execute(sql("SELECT text FROM held_blocks")).scalars())
    assert held == {BOX, OLD_BOX}


def test_held_block_applies_to_its_source_only(database: Database) -> None:
    for number in range(1, 6):
        for source, offset in (("site", 0), ("other", 10)):
            fetch(database, number + offset, 0, words(number + offset), source)
            fetch(database, number + offset, 1, words(number + offset) + f"\n\n{BOX}", source)
    assert settle(database) == 1
    assert len(edits(database)) == 5
    assert settle(database, "other") == 1
    assert edits(database) == {}


def test_edit_after_a_template_change_creates_a_revision(database: Database) -> None:
    for hour, tail in ((0, ""), (1, f"\n\n{BOX}")):
        for number in range(1, 7):
            fetch(database, number, hour, words(number) + tail)
    settle(database)
    fetch(database, 2, 2, words(2).replace("glad", "sad") + f"\n\n{BOX}")
    fetch(database, 4, 2, words(4))
    settle(database)
    assert edits(database) == {2: ["typo"]}


def test_difference_between_extractors_is_no_template_change(database: Database) -> None:
    for number in range(1, 7):
        fetch(database, number, 0, words(number))
        fetch(database, number, 1, f"{words(number)}\n\n{BOX}", extractor="another")
    assert settle(database) == 0
    assert edits(database) == {}
