"""When what is read of a source's pages grew thin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.health.extraction_quality import MIN_ARTICLES, find_thin_extraction
from storage.crawl.health import ExtractedArticle


def readings(count: int, first: int = 0, **more: object) -> list[ExtractedArticle]:
    made = [ExtractedArticle(first + n, float(first + n), 400 + 37 * (n % 11), True, True, True) for n in range(count)]
    return [replace(one, **more) for one in made]  # type: ignore[arg-type]


def test_a_source_as_usual_is_not_thin() -> None:
    assert find_thin_extraction(readings(500)) == []


@pytest.mark.parametrize("what", ["title", "date", "author"])
def test_a_lost_fact_is_told_of_within_five_articles(what: str) -> None:
    past = readings(200)
    assert find_thin_extraction(past + readings(1, 1000, **{f"has_{what}": False})) == []
    (found,) = find_thin_extraction(past + readings(5, 1000, **{f"has_{what}": False}))
    assert (found.field, found.since_article_id, found.usual, found.current) == (what, 1000, 0.0, 1.0)


def test_short_texts_are_told_of_within_ten_articles_and_a_few_are_not() -> None:
    past = readings(200)
    assert find_thin_extraction(past + readings(2, 1000, words=40) + readings(20, 2000)) == []
    (found,) = find_thin_extraction(past + readings(10, 1000, words=40))
    assert (found.field, found.current) == ("text", 40)
    assert 500 < found.usual < 700


def test_it_is_over_once_articles_are_whole_again() -> None:
    past = readings(200) + readings(10, 1000, has_author=False)
    assert [one.field for one in find_thin_extraction(past)] == ["author"]
    assert find_thin_extraction(past + readings(20, 2000)) == []


def test_a_source_that_never_names_authors_has_not_lost_them() -> None:
    assert find_thin_extraction(readings(300, has_author=False)) == []


def test_of_few_articles_nothing_is_said() -> None:
    assert find_thin_extraction(readings(MIN_ARTICLES)) == []
    assert find_thin_extraction(readings(10) + readings(15, 1000, has_author=False)) == []
