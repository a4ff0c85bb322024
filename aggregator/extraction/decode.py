"""Transcode a page's bytes to UTF-8 without forbidden characters and references to them, ready for the parser."""

from __future__ import annotations

import re

from spiders.parse.charset import decode_unless_utf8, find_charset_label
from storage.text.clean import clean


def transcode_to_utf8(body: bytes, content_type: str = "") -> bytes:
    """Return the page as UTF-8 without forbidden characters and references to them."""
    text = decode_unless_utf8(body, find_charset_label(content_type))
    return _remove_forbidden(body if text is None else text.encode("utf-8", "replace"))


_CONTROL_BYTES = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D} | {0x7F})
_FORBIDDEN_SEQUENCES = (
    re.compile(rb"\xc2[\x80-\x84\x86-\x9f]"),
    re.compile(rb"\xef\xb7[\x90-\xaf]"),
    re.compile(rb"\xef\xbf[\xbe\xbf]"),
)
_NUMERIC_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")


def _remove_forbidden(data: bytes) -> bytes:
    """Remove forbidden characters and references to them; bytes are ten times as fast as characters."""
    data = data.replace(b"\r\n", b"\n").translate(None, _CONTROL_BYTES)
    if not data.isascii():
        # Separate patterns start with a literal each; one alternation takes ten times as long.
        for pattern in _FORBIDDEN_SEQUENCES:
            data = pattern.sub(b"", data)
    return _NUMERIC_REFERENCE.sub(_resolve_reference, data) if b"&#" in data else data


def _resolve_reference(reference: re.Match[bytes]) -> bytes:
    """Return the replacement of a numeric reference: itself, its Windows-1252 character, U+FFFD, or nothing."""
    digits = (reference[1] or reference[2]).lstrip(b"0") or b"0"
    number = int(digits, 16 if reference[1] else 10) if len(digits) <= 7 else 0x110000
    if 0x20 <= number < 0x7F or 0xA0 <= number < 0xD800:
        return reference[0]
    if 0x80 <= number <= 0x9F:
        return clean(bytes((number,)).decode("cp1252", "ignore")).encode()
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return b"\xef\xbf\xbd"
    return reference[0] if clean(chr(number)) else b""
