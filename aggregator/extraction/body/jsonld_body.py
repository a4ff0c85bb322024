"""The article's text as JSON-LD declares it, used as a witness: for what the page's body has too much or too little."""

from __future__ import annotations

import re
from html import unescape

from lxml.etree import Element, SubElement, _Element

from aggregator.extraction.tree import text_in
from storage.text.clean import clean_line

MIN_LENGTH = 400
_CUT = re.compile(r"(?:\.\.\.|…|\[\+\d+ chars\])\s*$")
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_BREAK = re.compile(r"</?(?:p|div|li|h[1-6]|blockquote|tr|br)\b[^<>]{0,500}>|\n\s*\n|\r", re.I)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_SIZE = 3

Shingles = set[tuple[str, ...]]


def agree(body: _Element | None, declared: str) -> _Element | None:
    """The body after a look at the declared text.

    Where the page's body has all of the declared text, paragraphs that the declaration lacks
    go, but quotations, which declarations leave out; where it has less than half, the declared text is the
    body. A declaration that is short or cut off says nothing.
    """
    if len(declared) < MIN_LENGTH or _CUT.search(declared[-80:]):
        return body
    paragraphs = _paragraphs(declared)
    told = _shingles(" ".join(paragraphs))
    if not told:
        return body
    found = _shingles("".join(f"{_plain(block)}\n" for block in body)) if body is not None else set()
    share = len(told & found) / len(told)
    if share < 0.5 and sum(map(len, paragraphs)) > MIN_LENGTH:
        return _rebuilt(paragraphs)
    if body is not None and share > 0.9 and len(told) > 0.7 * len(found):
        _drop_untold(body, told)
    return body


def _drop_untold(body: _Element, told: Shingles) -> None:
    for block in list(body):
        own = _shingles(_plain(block))
        if block.tag in ("p", "list", "hi") and len(own) > 4 and len(own & told) < 0.2 * len(own):
            body.remove(block)


def _paragraphs(declared: str) -> list[str]:
    text = unescape(declared) if "&" in declared else declared
    pieces = _BREAK.split(text)
    if len(pieces) < 3:
        pieces = text.split("\n")
    return [line for piece in pieces if (line := clean_line(_TAG.sub(" ", piece), 20_000))]


def _rebuilt(paragraphs: list[str]) -> _Element:
    body = Element("body")
    for paragraph in paragraphs[:2000]:
        SubElement(body, "p").text = paragraph
    return body


def _plain(block: _Element) -> str:
    return text_in(block)


def _shingles(text: str) -> Shingles:
    tokens = _TOKEN.findall(text.lower())
    return {tuple(tokens[at : at + _SIZE]) for at in range(len(tokens) - _SIZE + 1)}
