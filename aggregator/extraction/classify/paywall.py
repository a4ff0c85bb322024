"""Whether only the beginning of an article may be read without paying: what it declares, beside how much is there."""

from __future__ import annotations

from lxml.html import HtmlElement

from aggregator.extraction.body.find import selected
from aggregator.extraction.classify.patterns import TALK, folded
from aggregator.extraction.jsonld import Declared

FULL = 250
"""An article of more words than this, of which nothing is known to be held back, is taken for whole."""

_LAST = 60
_END = 800


def held_text(tree: HtmlElement, said: Declared) -> str:
    """The text of the page's parts that are declared not to be free, as far as it came with the page."""
    parts = [element for css in said.held_css for element in selected(tree, css)[:50]]
    whole = [part for part in parts if not any(above in parts for above in part.iterancestors())]
    return " ".join(str(part.text_content()) for part in whole)


def cut_short(said: Declared, text: str, words: int, told: int, held: int, shown: str) -> str:
    """Why an article's text is taken for the free beginning of it only; an empty string where it is not.

    `words` are in the text, `told` in the longest summary that its index or itself gives, `held` in
    the parts that are declared not to be free; `shown` is all that the page shows. What is declared not
    to be free is often there in full, and only hidden: a text with most of its held parts, or a long
    one, is whole.
    """
    if said.is_free:
        return ""
    is_short = said.is_free is False or words <= FULL
    if is_short and said.words > max(2 * words, words + 100):
        return f"{words} of the {said.words} words that it declares"
    if said.is_free is False:
        if held >= max(60, words // 2):
            return ""
        if words <= max(FULL // 2, 2 * told) or (said.held_css and words <= FULL):
            return f"declared not to be free, and {words} words of it are there"
    turn = _invitation(text, shown) if words <= FULL else ""
    if turn and (said.is_free is False or words <= max(FULL // 2, 2 * told)):
        return f"{words} words, and then “{turn}”"
    return ""


def _invitation(text: str, shown: str) -> str:
    """The turn by which a page asks to pay or register for the rest: in the end of its text, or right behind it."""
    whole, last = folded(shown), folded(text[-_LAST:])
    at = whole.find(last)
    end = folded(text[-_END:]) + (whole[at : at + _LAST + _END] if at >= 0 else "")
    return next((turn for turn in TALK["locked"] if turn in end), "")
