"""Refuse a short text that a source shows at many addresses under other titles: a bot wall or an error page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from aggregator.extraction.classify.signals import measure_title_overlap
from aggregator.extraction.metadata.titles import normalize_words
from storage.duplicates.repeated_texts import TextAppearance
from storage.model.article import Article, Refusal

MAX_REPEATED_WORDS = 250
"""A longer text is an article even if it is shown at many addresses."""

REPEAT_WINDOW = timedelta(days=3)
MIN_REPEATS = 3
_MIN_TITLE_OVERLAP = 0.5


def refuse_repeated_text(article: Article, lead_title: str, before: Sequence[TextAppearance]) -> Refusal | None:
    """Return the refusal of an article whose text its source showed at two or more other addresses, else None.

    `lead_title` is the title in the index, `before` are the earlier appearances of the text. The index must give
    different titles, and no page may have the title that the index gives: the same report in two sections, or a short
    text under many headlines of its own, is no wall.
    """
    current = TextAppearance(
        article_id=0,
        title=article.title,
        has_own_title=dict(article.origins).get("title") != "lead",
        lead_title=lead_title,
    )
    without_title = {
        normalize_words(appearance.lead_title): appearance
        for appearance in (*before, current)
        if _is_title_missing(appearance)
    }
    places = {appearance.article_id for appearance in without_title.values()}
    if article.words > MAX_REPEATED_WORDS or min(len(without_title), len(places)) < MIN_REPEATS:
        return None
    if not all(_is_title_missing(appearance) for appearance in (*before, current)):
        return None
    return Refusal(
        code="repeated",
        reason=f"the same {article.words} words as at {len(places) - 1} other addresses of the source, "
        f"none of which bears the title that its index gave it",
    )


def _is_title_missing(appearance: TextAppearance) -> bool:
    """Return whether the index gave a title that the page does not have."""
    lead_title = normalize_words(appearance.lead_title)
    if not lead_title:
        return False
    return not appearance.has_own_title or (
        normalize_words(appearance.title) != lead_title
        and measure_title_overlap(appearance.lead_title, (appearance.title,), "") < _MIN_TITLE_OVERLAP
    )
