"""Normalise text: NFC, no forbidden characters, uniform line ends."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
# A class with characters beyond U+FFFF is matched one by one, ten times slower: try a single range first.
_FORBIDDEN_BEYOND = re.compile(
    "[\U00010000-\U0010ffff](?<=["
    + "".join(chr(plane * 0x10000 + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "])"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"[\s\u200b\ufeff\u2060\u00ad]+")


def clean(text: str, limit: int | None = None) -> str:
    """Return text that XML, JSON, SQLite and PostgreSQL accept: NFC, without control characters and noncharacters.

    Lone surrogates become U+FFFD. Line ends become LF. `limit` is a number of characters.
    """
    if limit is not None and len(text) > 2 * limit:
        text = text[: 2 * limit]
    if _is_clean(text):
        return text if limit is None else text[:limit]
    if not text.isascii():
        text = _FORBIDDEN_BEYOND.sub("", unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text)))
    text = _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if limit is None else text[:limit]


def _is_clean(text: str) -> bool:
    """Return True if cleaning would change nothing. The test takes a fraction of the time of cleaning."""
    is_printable = text.isprintable() or text.replace("\n", "").isprintable()
    return is_printable and (text.isascii() or unicodedata.is_normalized("NFC", text))


def clean_line(text: str, limit: int = 1024) -> str:
    """Return cleaned text on one line: each run of white space and invisible fillers becomes one space."""
    text = text[: 4 * limit + 4096]
    return clean(_SPACES.sub(" ", clean(text)).strip())[:limit].rstrip()
