"""Compare the found body with the article text that JSON-LD declares, and correct the body."""

from __future__ import annotations

import re
from html import unescape

from lxml.etree import Element, SubElement, _Element

from aggregator.extraction.tree import join_text
from storage.text.characters import EAST_ASIAN
from storage.text.clean import clean_line

MIN_DECLARED_LENGTH = 400
_TRUNCATION_MARK = re.compile(r"(?:\.\.\.|…|\[\+\d+ chars\])\s*$")
_TOKEN = re.compile(rf"[{EAST_ASIAN}]|[^\W{EAST_ASIAN}]+")
_PARAGRAPH_BREAK = re.compile(r"</?(?:p|div|li|h[1-6]|blockquote|tr|br)\b[^<>]{0,500}>|\n\s*\n|\r", re.I)
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_SHINGLE_SIZE = 3

Shingles = set[tuple[str, ...]]


def reconcile_with_jsonld(body: _Element | None, declared: str) -> _Element | None:
    """Return the body corrected by the declared text; shares are measured in shingles of three tokens.

    If the body has nearly all of the declared text, paragraphs that the declaration lacks are removed; quotations
    stay, because declarations leave them out. If it has less than half, the declared text becomes the body. A
    declared text that is short or cut off is ignored.
    """
    if len(declared) < MIN_DECLARED_LENGTH or _TRUNCATION_MARK.search(declared[-80:]):
        return body
    paragraphs = _split_paragraphs(declared)
    declared_shingles = _make_shingles(" ".join(paragraphs))
    if not declared_shingles:
        return body
    body_shingles = _make_shingles("".join(f"{_block_text(block)}\n" for block in body)) if body is not None else set()
    share = len(declared_shingles & body_shingles) / len(declared_shingles)
    if share < 0.5 and sum(map(len, paragraphs)) > MIN_DECLARED_LENGTH:
        return _build_body(paragraphs)
    if body is not None and share > 0.9 and len(declared_shingles) > 0.7 * len(body_shingles):
        _drop_undeclared(body, declared_shingles)
    return body


def _drop_undeclared(body: _Element, declared_shingles: Shingles) -> None:
    for block in list(body):
        own = _make_shingles(_block_text(block))
        if block.tag in ("p", "list", "hi") and len(own) > 4 and len(own & declared_shingles) < 0.2 * len(own):
            body.remove(block)


def _split_paragraphs(declared: str) -> list[str]:
    text = unescape(declared) if "&" in declared else declared
    pieces = _PARAGRAPH_BREAK.split(text)
    if len(pieces) < 3:
        pieces = text.split("\n")
    return [line for piece in pieces if (line := clean_line(_HTML_TAG.sub(" ", piece), 20_000))]


def _build_body(paragraphs: list[str]) -> _Element:
    body = Element("body")
    for paragraph in paragraphs[:2000]:
        SubElement(body, "p").text = paragraph
    return body


def _block_text(block: _Element) -> str:
    return join_text(block)


def _make_shingles(text: str) -> Shingles:
    tokens = _TOKEN.findall(text.lower())
    return {tuple(tokens[at : at + _SHINGLE_SIZE]) for at in range(len(tokens) - _SHINGLE_SIZE + 1)}
