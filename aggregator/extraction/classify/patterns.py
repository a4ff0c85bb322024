"""The words and marks by which walls, error pages and shells give themselves away; they are kept in patterns.toml."""

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
    """A text in one case, with one kind of quote, dash and space: what turns are looked for in."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN_CHARACTERS)).strip()


_PATTERNS: dict[str, dict[str, str]] = tomllib.loads(
    files("aggregator.extraction.classify").joinpath("patterns.toml").read_text("utf-8")
)


def _load_lists(name: str) -> dict[str, tuple[str, ...]]:
    """One list of every kind that has it, folded."""
    return {
        kind: tuple(fold_phrase(item) for item in split_alternatives(kept[name]))
        for kind, kept in _PATTERNS.items()
        if name in kept
    }


WALL_TITLES = {kind: frozenset(names) for kind, names in _load_lists("names").items()}
"""By kind of page, the titles that only such a page bears: whole, or a part beside the site's name."""

WALL_PHRASES = _load_lists("talk")
"""By kind of page, turns by which it speaks to its reader; `locked` is the paywall's."""

WALL_IDENTIFIERS = _load_lists("marks")
"""By kind of page, what stands in its ids, classes, addresses and scripts."""

WIDGET_IDENTIFIERS = _load_lists("widgets")
"""By kind of page, marks that it shares with pages of articles."""
