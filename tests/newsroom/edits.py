"""What an article becomes when it is edited after publication, kind by kind; pure.

kind       what happens
body       the text becomes the manuscript's own edited form, where it has one; then one more dated note a time
headline   the title becomes the first sentence of the summary
numbers    the first number in the text is another
typo       one word of the text loses a letter, or where words have no letters, one character is another
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.newsroom.manuscripts import Manuscript

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"(?<![\w/])[a-zæøåäöü]{8,}(?![\w/])")
_HAN = re.compile("[\u4e00-\u9fff]")
_OTHER_HAN = "某"


def revised(article: Manuscript, kinds: Sequence[str], note: str) -> Manuscript:
    """An article after these edits in turn; `note` takes the `number` of a note that is added.

    Raises ValueError where an edit finds nothing to change, and KeyError for an unknown kind.
    """
    for place, kind in enumerate(kinds):
        before = kinds[:place].count("body")
        article = _with_body(article, before, note) if kind == "body" else _KINDS[kind](article)
    return article


def corrected(article: Manuscript, corrections: Sequence[tuple[str, str]]) -> Manuscript:
    """An article with other words for some, in turn, wherever they stand in its title, summary and text."""
    for old, new in corrections:
        title, summary, *blocks = (one.replace(old, new) for one in (article.title, article.summary, *article.blocks))
        article = replace(article, title=title, summary=summary, blocks=tuple(blocks))
    return article


def _with_body(article: Manuscript, before: int, note: str) -> Manuscript:
    if article.edited and not before:
        return replace(article, blocks=article.edited)
    number = before if article.edited else before + 1
    return replace(article, blocks=(*article.blocks, note.format(number=number)))


def _headline(article: Manuscript) -> Manuscript:
    title = re.split(r"[.;。；]", article.summary)[0]
    if title == article.title:
        raise ValueError(f"{article.slug} bears the first sentence of its summary already")
    return replace(article, title=title)


def _numbers(article: Manuscript) -> Manuscript:
    return _changed(article, _NUMBER, lambda found: str(int(found[0]) + 1))


def _typo(article: Manuscript) -> Manuscript:
    if _HAN.search(article.blocks[0]):
        return _changed(article, _HAN, lambda _: _OTHER_HAN)
    return _changed(article, _WORD, lambda found: found[0][:4] + found[0][5:])


def _changed(article: Manuscript, wanted: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> Manuscript:
    """The article with the first thing of a kind changed that stands in its text, the first block left alone."""
    for place, block in enumerate(article.blocks[1:], 1):
        if (made := wanted.sub(change, block, count=1)) != block:
            return replace(article, blocks=(*article.blocks[:place], made, *article.blocks[place + 1 :]))
    raise ValueError(f"{article.slug} has nothing that such an edit could change")


_KINDS: dict[str, Callable[[Manuscript], Manuscript]] = {"headline": _headline, "numbers": _numbers, "typo": _typo}
KINDS = frozenset(_KINDS) | {"body"}
"""Every kind of edit by name."""
