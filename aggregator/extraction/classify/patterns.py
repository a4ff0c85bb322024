"""Load the titles, phrases and identifiers of walls, error pages and empty shells from patterns.toml."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from importlib.resources import files

from aggregator.extraction.phrases import split_alternatives

_PLAIN_CHARACTERS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'", "\u2013": "-", "\u2014": "-", "\u2026": ".", "\u00a0": " "}
)
_SPACES = re.compile(r"\s+")


def fold_phrase(text: str) -> str:
    """Return a text in lower case with uniform quotes, dashes and spaces; phrases are searched in this form."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN_CHARACTERS)).strip()


_PATTERNS_BY_KIND: dict[str, dict[str, str]] = tomllib.loads(
    files("aggregator.extraction.classify").joinpath("patterns.toml").read_text("utf-8")
)


def _load_lists(name: str) -> dict[str, tuple[str, ...]]:
    """Return one list, folded, of every kind of page that has it."""
    return {
        kind: tuple(fold_phrase(item) for item in split_alternatives(lists[name]))
        for kind, lists in _PATTERNS_BY_KIND.items()
        if name in lists
    }


WALL_TITLES = {kind: frozenset(titles) for kind, titles in _load_lists("titles").items()}
"""Titles that only pages of a kind have: the whole title, or a part next to the site's name."""

WALL_PHRASES = _load_lists("phrases")
"""Phrases that pages of a kind address to their reader."""

WALL_IDENTIFIERS = _load_lists("identifiers")
"""Text in ids, classes, URLs and scripts of pages of a kind."""

WIDGET_IDENTIFIERS = _load_lists("widget_identifiers")
"""Identifiers that pages of a kind share with pages of articles."""
