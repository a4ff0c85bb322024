"""Write articles as JSON Lines: one object per line, the same keys in the same order, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from aggregator.feeds.json_records import exported_fields
from storage.model.article import KeptArticle

# Line separators that JSON allows in a string, but that some programs split lines at.
_LINE_ENDS = {end: f"\\u{ord(end):04x}" for end in ("\x85", "\u2028", "\u2029")}


def jsonl(articles: Iterable[KeptArticle]) -> Iterator[bytes]:
    """Yield each article as one line of JSON with its line end."""
    for article in articles:
        line = json.dumps(exported_fields(article), ensure_ascii=False, separators=(",", ":"))
        for end, escaped in _LINE_ENDS.items():
            if end in line:
                line = line.replace(end, escaped)
        yield line.encode() + b"\n"
