"""A headline that no place of the page had before is an edit; template variations are not."""

from __future__ import annotations

import pytest

from storage.text.headlines import HEADING_PLACE, Headlines, choose_headline, find_new_headline

OLD = "Maker recalls its smallest model"
NEW = "Maker recalls two models"


def page(title: str, **places: str) -> Headlines:
    """Return the headlines of a page; the keyword `og` means "og:title"."""
    return (("", title), *((place.replace("og", "og:title"), words) for place, words in places.items()))


BEFORE = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=OLD)


@pytest.mark.parametrize("place", ["heading", "og", "headline", "tab"])
def test_new_headline_in_one_place_is_an_edit(place: str) -> None:
    after = page(OLD, **dict.fromkeys(("heading", "og", "headline", "tab"), OLD) | {place: NEW})
    assert find_new_headline(BEFORE, after) == NEW
    assert choose_headline(OLD, BEFORE, after) == NEW


@pytest.mark.parametrize("words", ["Update: " + OLD, "A wholly other story", OLD + " in May"])
def test_any_new_headline_is_an_edit(words: str) -> None:
    assert find_new_headline(BEFORE, page(OLD, heading=OLD, og=words, headline=OLD, tab=OLD)) == words


@pytest.mark.parametrize(
    "words",
    [
        OLD, OLD.upper() + "!", f"(3) {OLD}", f"{OLD} | News and more", f"{OLD} - News", f"{OLD} – Page 2",
        "Maker recalls its smallest", "Maker recalls its…", "",
    ],
)  # fmt: skip
def test_template_variation_is_no_edit(words: str) -> None:
    after = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=words)
    assert find_new_headline(BEFORE, after) == ""
    back = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=OLD)
    assert find_new_headline(after, back) == ""


def test_longer_heading_is_an_edit() -> None:
    longer = f"{OLD} - and pays for it"
    assert find_new_headline(page(OLD, heading=OLD), page(longer, heading=longer)) == longer


def test_place_that_appears_or_disappears_is_no_edit() -> None:
    assert (
        find_new_headline(page(OLD, heading=OLD), page(OLD, heading=OLD, og="Smallest model recalled by maker")) == ""
    )
    assert find_new_headline(page(OLD, heading=OLD, og=NEW), page(NEW, og=NEW)) == ""
    assert find_new_headline(page(OLD, heading=OLD), page(NEW, og=NEW)) == ""


def test_known_headline_in_another_place_is_no_edit() -> None:
    before = page(OLD, heading=OLD, og=NEW)
    assert find_new_headline(before, page(NEW, heading=NEW, og=OLD)) == ""


def test_place_with_another_title_counts_only_if_similar() -> None:
    before = page(OLD, heading=OLD, tab="Smallest model recalled by its maker")
    assert find_new_headline(before, page(OLD, heading=OLD, tab="Smallest model is recalled by its makers"))
    assert not find_new_headline(before, page(OLD, heading=OLD, tab="Welcome, reader of 3 October!"))


def test_titles_are_compared_if_no_place_is_known() -> None:
    assert find_new_headline(page(OLD), page(NEW)) == NEW
    assert find_new_headline(page(OLD), page(NEW, heading=NEW)) == NEW
    assert find_new_headline(page(OLD), page(OLD.upper())) == ""
    assert find_new_headline((), page(NEW)) == ""


def test_headline_stays_while_a_place_declares_it() -> None:
    partly = page(OLD, heading=OLD, og=NEW)
    assert choose_headline(NEW, partly, partly) == NEW
    assert choose_headline(NEW, partly, page(OLD, heading=OLD, og=OLD)) == OLD
    assert choose_headline(OLD, (), ()) == OLD
    assert HEADING_PLACE == "heading"
