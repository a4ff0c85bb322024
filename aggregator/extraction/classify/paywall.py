"""Decide whether a page has only the free beginning of an article, from its declarations and the amount of text."""

from __future__ import annotations

from lxml.html import HtmlElement

from aggregator.extraction.body.find import select_elements
from aggregator.extraction.classify.patterns import WALL_PHRASES, fold_phrase
from aggregator.extraction.jsonld import JsonLdArticle

FULL_ARTICLE_WORDS = 250
"""A longer article is complete unless the page declares that parts of it are not free."""

_TAIL_CHARACTERS = 60
_INVITATION_CHARACTERS = 800


def find_paywalled_text(tree: HtmlElement, jsonld: JsonLdArticle) -> str:
    """Return the text of the parts that the page declares not to be free, as far as the page contains it."""
    parts = [element for css in jsonld.paywalled_css for element in select_elements(tree, css)[:50]]
    outermost = [part for part in parts if not any(above in parts for above in part.iterancestors())]
    return " ".join(str(part.text_content()) for part in outermost)


def explain_truncation(
    jsonld: JsonLdArticle, text: str, words: int, summary_words: int, paywalled_words: int, page_text: str
) -> str:
    """Return why a text is only the free beginning of its article; an empty string if it is complete.

    `words` counts the text, `summary_words` the longest summary of the index or the page, `paywalled_words` the parts
    that are declared not to be free. `page_text` is all visible text. Paid parts are often in the page in full, and
    only hidden: a text that has most of them, or is long, is complete.
    """
    if jsonld.is_free:
        return ""
    is_short = jsonld.is_free is False or words <= FULL_ARTICLE_WORDS
    if is_short and jsonld.word_count > max(2 * words, words + 100):
        return f"{words} of the {jsonld.word_count} declared words"
    if jsonld.is_free is False:
        if paywalled_words >= max(60, words // 2):
            return ""
        if words <= max(FULL_ARTICLE_WORDS // 2, 2 * summary_words) or (
            jsonld.paywalled_css and words <= FULL_ARTICLE_WORDS
        ):
            return f"declared not to be free, {words} words on the page"
    phrase = _find_invitation(text, page_text) if words <= FULL_ARTICLE_WORDS else ""
    if phrase and (jsonld.is_free is False or words <= max(FULL_ARTICLE_WORDS // 2, 2 * summary_words)):
        return f"{words} words, followed by “{phrase}”"
    return ""


def _find_invitation(text: str, page_text: str) -> str:
    """Return the phrase at the end of the text, or right behind it, that asks to pay or register for the rest."""
    folded_page, tail = fold_phrase(page_text), fold_phrase(text[-_TAIL_CHARACTERS:])
    at = folded_page.find(tail)
    end = fold_phrase(text[-_INVITATION_CHARACTERS:]) + (
        folded_page[at : at + _TAIL_CHARACTERS + _INVITATION_CHARACTERS] if at >= 0 else ""
    )
    return next((phrase for phrase in WALL_PHRASES["paywall"] if phrase in end), "")
