"""Extract a sample page at import, so that forked workers share everything that is loaded at first use."""

from datetime import UTC, datetime

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.model.page import Page

# The page is short and declares no language, so the language model and the fallback extractor are loaded too.
_SAMPLE_PAGE = (
    b"<html><head><title>Warm</title></head><body><p>Batteries are charged before the first trip.</p></body></html>"
)

extract(
    Page(url="http://warm.invalid/", status=200, body=_SAMPLE_PAGE, fetched_at=datetime(2026, 1, 1, tzinfo=UTC)),
    Hints(),
    shipped_matcher(),
)
