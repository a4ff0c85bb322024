"""Whether only the beginning of an article may be read without paying: what it declares, beside how much is there."""

from __future__ import annotations

from lxml.html import HtmlElement

from aggregator.extraction.body.find import select_elements
from aggregator.extraction.classify.patterns import WALL_PHRASES, fold_phrase
from aggregator.extraction.jsonld import JsonLdArticle

FULL_ARTICLE_WORDS = 250
"""An article of more words than this, of which nothing is known to be held back, is taken for whole."""

_TAIL_CHARACTERS = 60
_INVITATION_CHARACTERS = 800


def find_paywalled_text(tree: HtmlElement, jsonld: JsonLdArticle) -> str:
    """The text of the page's parts that are declared not to be free, as far as it came with the page."""
    parts = [element for css in jsonld.paywalled_css for element in select_elements(tree, css)[:50]]
    whole = [part for part in parts if not any(above in parts for above in part.iterancestors())]
    return " ".join(str(part.text_content()) for part in whole)


def explain_truncation(
    jsonld: JsonLdArticle, text: str, words: int, summary_words: int, paywalled_words: int, page_text: str
) -> str:
    """Why an article's text is taken for the free beginning of it only; an empty string where it is not.

    `words` are in the text, `told` in the longest summary that its index or itself gives, `held` in
    the parts that are declared not to be free; `shown` is all that the page shows. What is declared not
    to be free is often there in full, and only hidden: a text with most of its held parts, or a long
    one, is whole.
    """
    if jsonld.is_free:
        return ""
    is_short = jsonld.is_free is False or words <= FULL_ARTICLE_WORDS
    if is_short and jsonld.word_count > max(2 * words, words + 100):
        return f"{words} of the {jsonld.word_count} words that it declares"
    if jsonld.is_free is False:
        if paywalled_words >= max(60, words // 2):
            return ""
        if words <= max(FULL_ARTICLE_WORDS // 2, 2 * summary_words) or (
            jsonld.paywalled_css and words <= FULL_ARTICLE_WORDS
        ):
            return f"declared not to be free, and {words} words of it are there"
    turn = _find_invitation(text, page_text) if words <= FULL_ARTICLE_WORDS else ""
    if turn and (jsonld.is_free is False or words <= max(FULL_ARTICLE_WORDS // 2, 2 * summary_words)):
        return f"{words} words, and then “{turn}”"
    return ""


def _find_invitation(text: str, shown: str) -> str:
    """The turn by which a page asks to pay or register for the rest: in the end of its text, or right behind it."""
    whole, last = fold_phrase(shown), fold_phrase(text[-_TAIL_CHARACTERS:])
    at = whole.find(last)
    end = fold_phrase(text[-_INVITATION_CHARACTERS:]) + (
        whole[at : at + _TAIL_CHARACTERS + _INVITATION_CHARACTERS] if at >= 0 else ""
    )
    return next((turn for turn in WALL_PHRASES["locked"] if turn in end), "")
