"""When what is read of a source's pages grew thin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.health.extraction_quality import FEWEST, thinness
from storage.crawl.health import Reading


def readings(count: int, first: int = 0, **more: object) -> list[Reading]:
    made = [Reading(first + n, float(first + n), 400 + 37 * (n % 11), True, True, True) for n in range(count)]
    return [replace(one, **more) for one in made]  # type: ignore[arg-type]


def test_a_source_as_usual_is_not_thin() -> None:
    assert thinness(readings(500)) == []


@pytest.mark.parametrize("what", ["title", "date", "author"])
def test_a_lost_fact_is_told_of_within_five_articles(what: str) -> None:
    past = readings(200)
    assert thinness(past + readings(1, 1000, **{what: False})) == []
    (found,) = thinness(past + readings(5, 1000, **{what: False}))
    assert (found.what, found.since_id, found.usual, found.now) == (what, 1000, 0.0, 1.0)


def test_short_texts_are_told_of_within_ten_articles_and_a_few_are_not() -> None:
    past = readings(200)
    assert thinness(past + readings(2, 1000, words=40) + readings(20, 2000)) == []
    (found,) = thinness(past + readings(10, 1000, words=40))
    assert (found.what, found.now) == ("text", 40)
    assert 500 < found.usual < 700


def test_it_is_over_once_articles_are_whole_again() -> None:
    past = readings(200) + readings(10, 1000, author=False)
    assert [one.what for one in thinness(past)] == ["author"]
    assert thinness(past + readings(20, 2000)) == []


def test_a_source_that_never_names_authors_has_not_lost_them() -> None:
    assert thinness(readings(300, author=False)) == []


def test_of_few_articles_nothing_is_said() -> None:
    assert thinness(readings(FEWEST)) == []
    assert thinness(readings(10) + readings(15, 1000, author=False)) == []
