"""Extractions that became shorter or lost fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.health.extraction_quality import MIN_ARTICLES, find_thin_extraction
from storage.crawl.health import ExtractedArticle


def make_articles(count: int, first: int = 0, **more: object) -> list[ExtractedArticle]:
    articles = [
        ExtractedArticle(first + n, float(first + n), 400 + 37 * (n % 11), True, True, True) for n in range(count)
    ]
    return [replace(article, **more) for article in articles]  # type: ignore[arg-type]


def test_usual_extractions_have_no_finding() -> None:
    assert find_thin_extraction(make_articles(500)) == []


@pytest.mark.parametrize("field", ["title", "date", "author"])
def test_lost_field_is_found_within_five_articles(field: str) -> None:
    earlier = make_articles(200)
    assert find_thin_extraction(earlier + make_articles(1, 1000, **{f"has_{field}": False})) == []
    (change,) = find_thin_extraction(earlier + make_articles(5, 1000, **{f"has_{field}": False}))
    assert (change.field, change.since_article_id, change.usual, change.current) == (field, 1000, 0.0, 1.0)


def test_short_texts_are_found_within_ten_articles() -> None:
    earlier = make_articles(200)
    assert find_thin_extraction(earlier + make_articles(2, 1000, words=40) + make_articles(20, 2000)) == []
    (change,) = find_thin_extraction(earlier + make_articles(10, 1000, words=40))
    assert (change.field, change.current) == ("text", 40)
    assert 500 < change.usual < 700


def test_finding_ends_when_articles_are_complete_again() -> None:
    earlier = make_articles(200) + make_articles(10, 1000, has_author=False)
    assert [change.field for change in find_thin_extraction(earlier)] == ["author"]
    assert find_thin_extraction(earlier + make_articles(20, 2000)) == []


def test_source_without_authors_has_not_lost_them() -> None:
    assert find_thin_extraction(make_articles(300, has_author=False)) == []


def test_few_articles_give_no_finding() -> None:
    assert find_thin_extraction(make_articles(MIN_ARTICLES)) == []
    assert find_thin_extraction(make_articles(10) + make_articles(15, 1000, has_author=False)) == []
