"""Edit an article after its publication. Pure functions.

kind       what happens
body       the edited text of the article file, if there is one, replaces the text; each further edit adds a note
headline   the first sentence of the summary replaces the title
numbers    the first number in the text is increased by one
typo       one word of the text loses a letter; in Chinese, another character replaces one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.newsroom.publisher_articles import PublisherArticle

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"(?<![\w/])[a-zæøåäöü]{8,}(?![\w/])")
_HAN = re.compile("[\u4e00-\u9fff]")
_OTHER_HAN = "某"


def apply_edits(article: PublisherArticle, kinds: Sequence[str], note: str) -> PublisherArticle:
    """Return an article after these edits, in turn. `note` is the text of a note, with a placeholder `number`.

    Raise ValueError if an edit finds nothing to change, KeyError for an unknown kind.
    """
    for index, kind in enumerate(kinds):
        before = kinds[:index].count("body")
        article = _with_body(article, before, note) if kind == "body" else _KINDS[kind](article)
    return article


def apply_corrections(article: PublisherArticle, corrections: Sequence[tuple[str, str]]) -> PublisherArticle:
    """Return an article with words replaced in its title, summary and text."""
    for old, new in corrections:
        title, summary, *blocks = (text.replace(old, new) for text in (article.title, article.summary, *article.blocks))
        article = replace(article, title=title, summary=summary, blocks=tuple(blocks))
    return article


def _with_body(article: PublisherArticle, before: int, note: str) -> PublisherArticle:
    if article.edited and not before:
        return replace(article, blocks=article.edited)
    number = before if article.edited else before + 1
    return replace(article, blocks=(*article.blocks, note.format(number=number)))


def _headline(article: PublisherArticle) -> PublisherArticle:
    title = re.split(r"[.;。；]", article.summary)[0]
    if title == article.title:
        raise ValueError(f"the title of {article.slug} is the first sentence of its summary already")
    return replace(article, title=title)


def _numbers(article: PublisherArticle) -> PublisherArticle:
    return _changed(article, _NUMBER, lambda match: str(int(match[0]) + 1))


def _typo(article: PublisherArticle) -> PublisherArticle:
    if _HAN.search(article.blocks[0]):
        return _changed(article, _HAN, lambda _: _OTHER_HAN)
    return _changed(article, _WORD, lambda match: match[0][:4] + match[0][5:])


def _changed(
    article: PublisherArticle, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]
) -> PublisherArticle:
    """Return the article with the first match changed; the first block stays as it is."""
    for index, block in enumerate(article.blocks[1:], 1):
        if (edited := pattern.sub(change, block, count=1)) != block:
            return replace(article, blocks=(*article.blocks[:index], edited, *article.blocks[index + 1 :]))
    raise ValueError(f"{article.slug} contains nothing that this edit could change")


_KINDS: dict[str, Callable[[PublisherArticle], PublisherArticle]] = {
    "headline": _headline,
    "numbers": _numbers,
    "typo": _typo,
}
KINDS = frozenset(_KINDS) | {"body"}
"""The names of all kinds of edit."""
