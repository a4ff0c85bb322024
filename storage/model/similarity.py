"""Similarity of two texts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSimilarity:
    """Similarity of two texts.

    `similarity` is the share of the shorter text that also stands in the longer one, 0 to 1. `kind` is `same`
    (equal words), `near` (about equally long) or `part` (one text is much shorter).
    """

    similarity: float
    kind: str
