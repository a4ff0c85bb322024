"""Every article of the newsroom is extracted from its served page exactly, without page chrome and adverts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import Newsroom, Truth, running

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def newsroom() -> Iterator[Newsroom]:
    with running(Newsroom()) as newsroom:
        yield newsroom


def served(truth: Truth) -> Article:
    with urlopen(truth.url, timeout=10) as response:
        page = Page(
            url=truth.url,
            status=response.status,
            headers=tuple(response.headers.items()),
            body=response.read(),
            fetched_at=NOW,
        )
    article = extract(page, Hints(), shipped_matcher())
    assert isinstance(article, Article), article
    return article


@pytest.mark.parametrize("name", [publisher.name for publisher in PUBLISHERS])
def test_extracted_text_is_the_written_text(newsroom: Newsroom, name: str) -> None:
    truths = newsroom.articles(name)
    assert truths
    for truth in truths:
        assert served(truth).text.split() == truth.text.split(), truth.url


def test_syndicated_copy_has_the_text_of_its_original(newsroom: Newsroom) -> None:
    texts = {truth.url: truth for truth in newsroom.articles()}
    copies = [truth for truth in texts.values() if truth.copy_of]
    assert copies
    for copy in copies:
        assert served(copy).text == served(texts[copy.copy_of]).text
