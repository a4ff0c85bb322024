"""Another headline is an edit where a place of the page says what none said before; what templates do is none."""

from __future__ import annotations

import pytest

from storage.text.headlines import HEADING_PLACE, Headlines, choose_headline, find_new_headline

OLD = "Maker recalls its smallest model"
NEW = "Maker recalls two models"


def page(title: str, **places: str) -> Headlines:
    """What a page says; `og` stands for "og:title"."""
    return (("", title), *((place.replace("og", "og:title"), words) for place, words in places.items()))


BEFORE = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=OLD)


@pytest.mark.parametrize("place", ["heading", "og", "headline", "tab"])
def test_one_place_is_enough(place: str) -> None:
    after = page(OLD, **dict.fromkeys(("heading", "og", "headline", "tab"), OLD) | {place: NEW})
    assert find_new_headline(BEFORE, after) == NEW
    assert choose_headline(OLD, BEFORE, after) == NEW


@pytest.mark.parametrize("words", ["Update: " + OLD, "A wholly other story", OLD + " in May"])
def test_what_is_said_may_be_anything_new(words: str) -> None:
    assert find_new_headline(BEFORE, page(OLD, heading=OLD, og=words, headline=OLD, tab=OLD)) == words


@pytest.mark.parametrize(
    "words",
    [
        OLD, OLD.upper() + "!", f"(3) {OLD}", f"{OLD} | News and more", f"{OLD} - News", f"{OLD} – Page 2",
        "Maker recalls its smallest", "Maker recalls its…", "",
    ],
)  # fmt: skip
def test_what_templates_make_of_a_headline_is_none(words: str) -> None:
    after = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=words)
    assert find_new_headline(BEFORE, after) == ""
    back = page(OLD, heading=OLD, og=OLD, headline=OLD, tab=OLD)
    assert find_new_headline(after, back) == ""


def test_a_heading_is_not_of_the_templates_making() -> None:
    longer = f"{OLD} - and pays for it"
    assert find_new_headline(page(OLD, heading=OLD), page(longer, heading=longer)) == longer


def test_a_place_that_comes_or_goes_is_no_edit() -> None:
    assert (
        find_new_headline(page(OLD, heading=OLD), page(OLD, heading=OLD, og="Smallest model recalled by maker")) == ""
    )
    assert find_new_headline(page(OLD, heading=OLD, og=NEW), page(NEW, og=NEW)) == ""
    assert find_new_headline(page(OLD, heading=OLD), page(NEW, og=NEW)) == ""


def test_one_headline_of_several_taken_for_another_place_is_no_edit() -> None:
    before = page(OLD, heading=OLD, og=NEW)
    assert find_new_headline(before, page(NEW, heading=NEW, og=OLD)) == ""


def test_a_place_that_never_told_the_headline_is_believed_only_where_it_is_like_it() -> None:
    before = page(OLD, heading=OLD, tab="Smallest model recalled by its maker")
    assert find_new_headline(before, page(OLD, heading=OLD, tab="Smallest model is recalled by its makers"))
    assert not find_new_headline(before, page(OLD, heading=OLD, tab="Welcome, reader of 3 October!"))


def test_where_no_place_is_known_the_titles_are_compared() -> None:
    assert find_new_headline(page(OLD), page(NEW)) == NEW
    assert find_new_headline(page(OLD), page(NEW, heading=NEW)) == NEW
    assert find_new_headline(page(OLD), page(OLD.upper())) == ""
    assert find_new_headline((), page(NEW)) == ""


def test_a_headline_stays_while_a_place_says_it() -> None:
    partly = page(OLD, heading=OLD, og=NEW)
    assert choose_headline(NEW, partly, partly) == NEW
    assert choose_headline(NEW, partly, page(OLD, heading=OLD, og=OLD)) == OLD
    assert choose_headline(OLD, (), ()) == OLD
    assert HEADING_PLACE == "heading"
