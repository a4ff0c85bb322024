"""A worker extracts a fetched page and compresses its body; the caller stores both."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from aggregator.extraction.pool import ExtractionPool
from aggregator.ingest.ingest import Ingest
from spiders.source import Hints
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.page import Page
from storage.warc.record import encode_body

STORY = "<p>" + "Volt opens a plant for batteries in the harbour, and the town is glad about the jobs. " * 12 + "</p>"
HTML = f"<html lang=en><head><title>Volt opens a plant</title></head><body><article>{STORY}</article></body></html>"


class Sink:
    """Keeps what it is given; wants each article extracted `again` times more."""

    def __init__(self, again: int = 0) -> None:
        self.hops: list[tuple[Page, ...]] = []
        self.again = again

    def hints(self, hints: Hints) -> Hints:
        return hints

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | None:
        self.hops.append(hops)
        self.again -= 1
        return None if self.again >= 0 else Decision(kind=DecisionKind.NEW, reason=article.title, article_id=1)

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        self.hops.append(hops)


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    pool = ExtractionPool(1)
    yield pool
    pool.close()


def fetched(body: bytes, *headers: tuple[str, str]) -> Page:
    headers = (("content-type", "text/html; charset=utf-8"), *headers)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Page(url="https://a.example/plant", status=200, headers=headers, body=body, fetched_at=at)


@pytest.mark.parametrize(("html", "outcome"), [(HTML, "Volt opens a plant"), ("<p>nothing</p>", "")])
def test_body_is_compressed_by_the_worker_whether_it_is_kept_or_refused(
    pool: ExtractionPool, html: str, outcome: str
) -> None:
    redirect, page, sink = fetched(b""), fetched(html.encode()), Sink()
    result = asyncio.run(Ingest(pool).ingest((redirect, page), Hints(), sink))
    assert (result.decision.reason if result.decision else "") == outcome
    assert sink.hops == [(redirect, page)]
    assert [hop.encoded_body for hop in sink.hops[0]] == [None, encode_body(page)]


def test_body_that_the_server_compressed_is_left_to_the_writer(pool: ExtractionPool) -> None:
    page, sink = fetched(gzip.compress(HTML.encode()), ("content-encoding", "gzip")), Sink()
    assert asyncio.run(Ingest(pool).ingest((page,), Hints(), sink)).decision
    assert sink.hops[0][0].encoded_body is None


def test_body_is_compressed_once_if_the_page_is_extracted_again(pool: ExtractionPool) -> None:
    page, sink = fetched(HTML.encode()), Sink(again=1)
    assert asyncio.run(Ingest(pool).ingest((page,), Hints(), sink)).decision
    first, second = (hops[0].encoded_body for hops in sink.hops)
    assert first == encode_body(page)
    assert first is second
