"""Imported once by the server that workers are forked from: reads a page, so that what loads at first use is there."""

from datetime import UTC, datetime

from aggregator.extraction.extract import extract
from spiders.source import Hints
from storage.model.page import Page

# Without a declared language, and short: so the language model and the second look of the extractor are loaded too.
_SAMPLE_PAGE = (
    b"<html><head><title>Warm</title></head><body><p>Batteries are charged before the first trip.</p></body></html>"
)

extract(
    Page(url="http://warm.invalid/", status=200, body=_SAMPLE_PAGE, fetched_at=datetime(2026, 1, 1, tzinfo=UTC)),
    Hints(),
)
