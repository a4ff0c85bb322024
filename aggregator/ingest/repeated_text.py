"""A text that a source shows at many addresses is a wall or an error page, where no page bears the title promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from aggregator.extraction.classify.signals import measure_title_overlap
from aggregator.extraction.metadata.titles import normalize_words
from storage.duplicates.repeated_texts import TextAppearance
from storage.model.article import Article, Refusal

MAX_REPEATED_WORDS = 250
"""A longer text is an article wherever it stands, be it at many addresses."""

REPEAT_WINDOW = timedelta(days=3)
MIN_REPEATS = 3
_MIN_TITLE_KINSHIP = 0.5


def refuse_repeated_text(article: Article, told: str, before: Sequence[TextAppearance]) -> Refusal | None:
    """The refusal of an article whose text its source showed at two or more other addresses before.

    `told` is the title that its index gave it, `before` the earlier showings near it in time. Titles
    must have been given and differ, and none may be what its page bears: the same report in two
    sections, or a short text that stands under many headlines of its own, is no wall.
    """
    here = TextAppearance(
        article_id=0, title=article.title, has_own_title=dict(article.origins).get("title") != "lead", lead_title=told
    )
    odd = {normalize_words(one.lead_title): one for one in (*before, here) if _is_title_missing(one)}
    places = {one.article_id for one in odd.values()}
    if article.words > MAX_REPEATED_WORDS or not _is_title_missing(here) or min(len(odd), len(places)) < MIN_REPEATS:
        return None
    if any(not _is_title_missing(one) for one in before):
        return None
    return Refusal(
        code="repeated",
        reason=f"the same {article.words} words as at {len(places) - 1} other addresses of the source, "
        f"none of which bears the title that its index gave it",
    )


def _is_title_missing(one: TextAppearance) -> bool:
    """Whether a page was promised under a title, and does not bear it."""
    told = normalize_words(one.lead_title)
    if not told:
        return False
    return not one.has_own_title or (
        normalize_words(one.title) != told
        and measure_title_overlap(one.lead_title, (one.title,), "") < _MIN_TITLE_KINSHIP
    )
