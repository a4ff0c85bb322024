"""A text that a source shows at many addresses is a wall or an error page, where no page bears the title promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from aggregator.extraction.classify.signals import kinship
from aggregator.extraction.metadata.titles import key
from storage.duplicates.repeated_texts import Showing
from storage.model.article import Article, Refusal

MOST_WORDS = 250
"""A longer text is an article wherever it stands, be it at many addresses."""

WITHIN = timedelta(days=3)
TIMES = 3
_LEAST_KIN = 0.5


def repeated(article: Article, told: str, before: Sequence[Showing]) -> Refusal | None:
    """The refusal of an article whose text its source showed at two or more other addresses before.

    `told` is the title that its index gave it, `before` the earlier showings near it in time. Titles
    must have been given and differ, and none may be what its page bears: the same report in two
    sections, or a short text that stands under many headlines of its own, is no wall.
    """
    here = Showing(article_id=0, title=article.title, is_own=dict(article.origins).get("title") != "lead", told=told)
    odd = {key(one.told): one for one in (*before, here) if _is_odd(one)}
    places = {one.article_id for one in odd.values()}
    if article.words > MOST_WORDS or not _is_odd(here) or min(len(odd), len(places)) < TIMES:
        return None
    if any(not _is_odd(one) for one in before):
        return None
    return Refusal(
        code="repeated",
        reason=f"the same {article.words} words as at {len(places) - 1} other addresses of the source, "
        f"none of which bears the title that its index gave it",
    )


def _is_odd(one: Showing) -> bool:
    """Whether a page was promised under a title, and does not bear it."""
    told = key(one.told)
    if not told:
        return False
    return not one.is_own or (key(one.title) != told and kinship(one.told, (one.title,), "") < _LEAST_KIN)
