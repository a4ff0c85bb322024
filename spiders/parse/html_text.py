"""Convert text with markup to plain text in linear time."""

from __future__ import annotations

import re
from html import unescape

from storage.text.clean import clean_line

_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>", re.I | re.S)
_INLINE = (
    " a abbr acronym b bdi bdo big blink cite code del dfn em font i ins kbd mark q ruby rp rt s samp small span "
    "strike strong sub sup tt u var wbr "
)
_BLOCK = (
    " address applet article aside audio blockquote body br button canvas center dd details div dl dt embed "
    "fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe img input "
    "label li link main meta nav object ol option p param picture pre section select source summary svg table tbody "
    "td textarea tfoot th thead title tr ul video "
)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]{0,9})(?=[\s/>])[^<>]*+>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos|nbsp|[a-zA-Z]{2,8});")
_MARKUP_FACTOR = 8
"""Number of characters of markup read for each character of text."""


def to_plain_text(text: str, limit: int, *, is_markup: bool = True) -> str:
    """Return a line of plain text of at most `limit` characters; with `is_markup`, tags are removed.

    Only HTML's own elements count as tags, so "5 < 6 and List<T>" stays. Entities escaped several times are resolved.
    """
    text = text[: limit * _MARKUP_FACTOR]
    if is_markup and "<" in text:
        text = strip_tags(text)
    for _ in range(3):
        if not _ENTITY.search(text):
            break
        text = unescape(text)
        if is_markup and "<" in text:
            text = strip_tags(text)
    return clean_line(text, limit)


def strip_tags(text: str) -> str:
    """Remove HTML tags, comments, scripts and styles; block boundaries become spaces."""
    return _TAG.sub(_replace_tag, _HIDDEN.sub(" ", text))


def _replace_tag(tag: re.Match[str]) -> str:
    name = f" {tag[1].lower()} "
    return "" if name in _INLINE else " " if name in _BLOCK else tag[0]
