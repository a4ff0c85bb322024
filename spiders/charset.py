"""Bytes of an index to text: byte order mark, then UTF-8 by proof, then what was declared, then a guess."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"),
          (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))  # fmt: skip
# The encodings that the WHATWG Encoding Standard knows, by Python's names; no label reaches any other codec.
_KNOWN = {
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "gb18030",
    "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949", "cp866", "cp874",
    *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *(f"cp{number}" for number in range(1250, 1259)),
}  # fmt: skip
# Labels that the standard reads as a wider encoding than their name says.
_WIDER = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
_DECLARED = re.compile(
    rb"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']\s*([\w.:-]{2,40})"
    rb"|<meta\b[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})",
    re.I,
)
_ASCII_SEVEN = b"\x1b$"
_HEAD = 4096


def decode(body: bytes, charset: str = "") -> str:
    """The text of a body; `charset` is the label that HTTP gave. Never raises.

    Bytes that are UTF-8 from end to end are read as UTF-8, whatever was declared: other
    encodings do not look like it by chance.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    if body[:200].count(b"\0") > 40:
        return body.decode("utf-16-be" if body[:1] == b"\0" else "utf-16-le", "replace")
    declared = list(dict.fromkeys(filter(None, (codec_of(charset), _declared(body)))))
    if "iso2022_jp" not in declared or _ASCII_SEVEN not in body:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    for codec in [*declared, "utf-8"]:
        text = body.decode(codec, "replace")
        if _is_sound(text):
            return text
    return body.decode(_guess(body), "replace")


def codec_of(label: str) -> str:
    """Python's name for the encoding that a label means on the web, or an empty string."""
    try:
        name = codecs.lookup(label.strip().strip("\"'").lower()).name if label.isascii() and len(label) <= 40 else ""
    except (LookupError, ValueError):
        return ""
    name = _WIDER.get(name, name)
    return name if name in _KNOWN else ""


def _declared(body: bytes) -> str:
    found = _DECLARED.search(body[:_HEAD])
    codec = codec_of((found[1] or found[2]).decode("ascii", "replace")) if found else ""
    # a declaration that could be read as ASCII proves that the text is not UTF-16
    return "utf-8" if codec.startswith("utf-16") else codec


def _is_sound(text: str) -> bool:
    """Whether few of the characters beyond ASCII were damaged."""
    damaged = text.count("\ufffd")
    return damaged <= 3 or damaged <= 0.02 * sum(1 for c in text[:400_000] if c > "\x7f")


def _guess(body: bytes) -> str:
    start = next((i for i, byte in enumerate(body[:2_000_000]) if byte > 0x7F), 0)
    best = from_bytes(body[start : start + 40_000], steps=4, chunk_size=2048, threshold=0.3).best()
    return (codec_of(best.encoding) if best else "") or "cp1252"
