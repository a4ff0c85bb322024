"""Decode bytes to text: byte order mark, valid UTF-8, declared charset, detection."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_LABELS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso8859-3 iso88593 iso_8859-3 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso8859-4 iso88594 iso_8859-4 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso8859-5 iso88595 iso_8859-5",
    "iso8859-6": "arabic asmo-708 csisolatinarabic ecma-114 iso-8859-6 iso8859-6 iso88596 iso_8859-6",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso8859-7 iso88597 iso_8859-7 sun_eu_greek",
    "iso8859-8": "csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i iso8859-8 iso88598 iso_8859-8 "
    "logical visual",
    "iso8859-10": "csisolatin6 iso-8859-10 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 l1 latin1 us-ascii windows-1252 x-cp1252",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso8859-9 iso88599 iso_8859-9 l5 latin5 windows-1254 x-cp1254",
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb18030 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso2022_jp": "csiso2022jp iso-2022-jp",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949",
    "utf-16-be": "unicodefffe utf-16-be utf-16be",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16-le utf-16le",
}
CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
"""Labels of the WHATWG Encoding Standard and their Python codecs."""

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_DECLARATION = re.compile(
    rb"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']\s*([\w.:-]{2,40})"
    rb"|<meta\b[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})",
    re.I,
)
_COMMENT = re.compile(rb"<!--.*?-->", re.S)
_HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_NON_ASCII_BYTE = re.compile(rb"[\x80-\xff]")
_STRUCTURE = re.compile(r"[<{]|https?:")
_ISO2022_ESCAPE = b"\x1b$"
_HEAD_BYTES = 4096
_MAX_DAMAGED_SHARE = 0.02
"""Share of a text's non-ASCII characters that may be damaged before its declared charset is rejected."""


def decode(body: bytes, charset: str = "") -> str:
    """Decode a body; `charset` is the label from HTTP. Never raises.

    Valid UTF-8 is decoded as UTF-8 whatever was declared: other encodings do not form valid UTF-8 by chance.
    """
    text = decode_unless_utf8(body, charset)
    return body.decode("utf-8", "replace") if text is None else text


def decode_unless_utf8(body: bytes, charset: str = "") -> str | None:
    """Return the text of a body, or None for valid UTF-8, whose bytes can be kept.

    A declared charset is skipped if decoding with it damages the text.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    if utf16_codec := _detect_utf16(body):
        return body.decode(utf16_codec, "replace")
    declared_codecs = list(dict.fromkeys(filter(None, (find_codec(charset), _find_declared_codec(body)))))
    if _is_utf8(body) and not ("iso2022_jp" in declared_codecs and _ISO2022_ESCAPE in body):
        return None
    for codec in [*declared_codecs, "utf-8"]:
        text = body.decode(codec, "replace")
        if _is_sound(text, is_wide=codec.startswith("utf-16")):
            return text
    return body.decode(_guess_codec(body), "replace")


def find_codec(label: str) -> str:
    """Return Python's codec for a web encoding label, or an empty string."""
    label = label.strip().strip("\"'").lower()
    if label in CODECS or not label.isascii() or len(label) > 40:
        return CODECS.get(label, "")
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    return name if name in _LABELS else CODECS.get(name.replace("_", "-"), "")


def find_charset_label(content_type: str) -> str:
    """Return the charset label of a Content-Type header, or an empty string."""
    match = _HTTP_CHARSET.search(content_type[:500])
    return match[1] if match else ""


def _find_declared_codec(body: bytes) -> str:
    match = _DECLARATION.search(_COMMENT.sub(b"", body[:_HEAD_BYTES]))
    codec = find_codec((match[1] or match[2]).decode("ascii", "replace")) if match else ""
    # a declaration readable as ASCII proves that the text is not UTF-16
    return "utf-8" if codec.startswith("utf-16") else codec


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _detect_utf16(body: bytes) -> str:
    """Return the codec of UTF-16 without a byte order mark: only every other byte of its ASCII characters is zero."""
    even, odd = body[:200:2].count(0), body[1:200:2].count(0)
    if even + odd <= 40 or min(even, odd) > 4:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_sound(text: str, *, is_wide: bool) -> bool:
    """Return whether few non-ASCII characters were damaged; 16-bit text must also contain markup or JSON."""
    if is_wide and not _STRUCTURE.search(text[:2000]):
        return False
    damaged = text.count("\ufffd")
    if damaged <= 3:
        return True
    sample = text[:400_000]
    return sample.count("\ufffd") <= _MAX_DAMAGED_SHARE * sum(1 for char in sample if char > "\x7f")


def _guess_codec(body: bytes) -> str:
    """Detect the codec statistically, starting at the first non-ASCII byte; cp1252 if the detection fails."""
    first = _NON_ASCII_BYTE.search(body)
    start = first.start() if first else 0
    best = from_bytes(body[start : start + 40_000], steps=4, chunk_size=2048, threshold=0.3).best()
    codec = find_codec(best.encoding) if best else ""
    return "cp1252" if not codec or codec.startswith("utf-16") else codec
