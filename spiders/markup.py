"""XML from the web, mended as text and read by a parser that loads, expands and fetches nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5

from lxml import etree

from storage.page import ContentError, inflate

MAX_XML = 50 * 2**20
"""The most bytes of XML, once unzipped, that are read: what the sitemap protocol allows."""

_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[(.*?)\]\s*)?>", re.I | re.S)
_ENTITY_NAME = re.compile(r"<!ENTITY\s+([\w.-]{1,64})\s", re.I)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*>", re.I)
_HTML = re.compile(r"(?:\s|<!--.*?-->|<\?[^>]*>)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_MEND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"|&(?:\#[xX]([0-9a-fA-F]{1,16});?|\#([0-9]{1,16});?|([A-Za-z][\w.-]{0,63});)?|<(?![A-Za-z_/!?])",
    re.S,
)
_XML_NAMES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_CONTROLS = dict.fromkeys([*(n for n in range(32) if n not in (9, 10, 13)), 0x7F, 0xFFFE, 0xFFFF])
_SURROGATE = re.compile("[\ud800-\udfff]")
_FATAL = ("depth", "huge", "limit", "Memory allocation")


class MarkupError(ValueError):
    """The bytes hold no XML document at all; the message says what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed document: its root element, what kept it from being read to its end, what was odd about it."""

    root: etree._Element
    problem: str
    notes: tuple[str, ...] = ()


def unzipped(body: bytes, limit: int = MAX_XML) -> bytes:
    """The body, decompressed where it is a gzip file; raises ContentError."""
    data = inflate(body, limit=limit) if body.startswith(b"\x1f\x8b") else body
    if len(data) > limit:
        raise ContentError(f"too large: over {limit} bytes")
    return data


def is_html(text: str) -> bool:
    """Whether a text begins as an HTML page does."""
    return bool(_HTML.match(text[:8192]))


def parse_xml(text: str, url: str) -> Document:
    """Read a text as XML as far as it goes; raises MarkupError where there is nothing to read.

    No document type reaches the parser. HTML's named entities are understood everywhere,
    others stay as they are written; bare ampersands and angle brackets are taken as text.
    """
    body, own_entities = _without_prolog(text)
    mender = _Mender(own_entities)
    data = _SURROGATE.sub("\ufffd", _MEND.sub(mender, body).translate(_CONTROLS)).encode()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=True,
        remove_pis=True, encoding="utf-8",
    )
    try:
        root = etree.fromstring(data, parser, base_url=url[:2083].replace("\0", "") or None)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MarkupError(f"not XML: {str(error)[:120]}") from None
    if root is None:
        raise MarkupError("not XML: no element in it")
    return Document(root=root, problem=_problem(body, parser, mender), notes=_notes(parser))


def _without_prolog(text: str) -> tuple[str, frozenset[str]]:
    """The text from its root element on, and the names of the entities that its document type declares."""
    declaration = _DECLARATION.search(text, 0, 10_000)
    if declaration is not None and not re.search(r"<(?:rss|feed|rdf|urlset|sitemapindex)\b", text[: declaration.start()], re.I):
        text = text[declaration.end() :]
    root = _ROOT.search(text)
    if root is None:
        raise MarkupError("not XML: no element in it")
    doctype = _DOCTYPE.search(text, 0)
    if doctype is None or doctype.start() > root.start():
        return text[root.start() :], frozenset()
    rest = text[doctype.end() :]
    return rest[max(rest.find("<"), 0) :], frozenset(_ENTITY_NAME.findall(doctype[1] or ""))


class _Mender:
    """Replaces what an XML parser would stumble over; remembers which of the document's own entities it met."""

    def __init__(self, own_entities: frozenset[str]) -> None:
        self.own_entities = own_entities
        self.met: set[str] = set()

    def __call__(self, found: re.Match[str]) -> str:
        whole = found[0]
        if whole == "<":
            return "&lt;"
        if whole[0] == "<":
            return whole if whole.endswith(("]]>", "-->")) else whole + ("]]>" if whole[2] == "[" else "-->")
        if found[3]:
            return self._named(found[3])
        if found[1] or found[2]:
            return character(int(found[1], 16) if found[1] else int(found[2]))
        return "&amp;"

    def _named(self, name: str) -> str:
        if name in _XML_NAMES:
            return f"&{name};"
        meaning = html5.get(name + ";")
        if meaning is None:
            if name in self.own_entities:
                self.met.add(name)
            return f"&amp;{name};"
        return meaning.replace("&", "&amp;").replace("<", "&lt;")


def character(number: int) -> str:
    """A numeric reference as XML may hold it: itself, its Windows-1252 meaning, U+FFFD, or nothing."""
    if 0x80 <= number <= 0x9F:
        return bytes((number,)).decode("cp1252", "ignore")
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return "\ufffd"
    if number in _CONTROLS:
        return ""
    return f"&#{number};"


def _problem(body: str, parser: etree.XMLParser, mender: _Mender) -> str:
    if mender.met:
        return f"uses entities of its own ({', '.join(sorted(mender.met)[:5])}), which are not expanded"
    for entry in parser.error_log:
        if any(word in entry.message for word in _FATAL):
            return f"too deep or too large to read to its end (line {entry.line}: {entry.message.strip()[:80]})"
    root = _ROOT.match(body)
    name = root[1] if root else ""
    if f"</{name}" not in body and not re.match(r"<[^<>]*/>\s*$", body[:10_000]):
        return f"cut off: the end of <{name[:40]}> is missing"
    return ""


def _notes(parser: etree.XMLParser) -> tuple[str, ...]:
    entry = next((e for e in parser.error_log if e.level_name == "FATAL"), None)
    return (f"not well-formed XML (line {entry.line}: {entry.message.strip()[:80]})",) if entry is not None else ()


_FAMILIES = (
    ("purl.org/dc/", "dc"), ("search.yahoo.com/mrss", "media"), ("purl.org/rss/1.0/modules/content", "content"),
    ("feedburner", "feedburner"), ("itunes", "itunes"), ("www.w3.org/2005/Atom", "atom"), ("purl.org/atom", "atom"),
    ("schemas/sitemap-news", "news"), ("schemas/sitemap-image", "image"), ("schemas/sitemap-video", "video"),
)  # fmt: skip
_CORE = ("purl.org/rss/1.0/", "my.netscape.com/rdf", "backend.userland.com", "sitemaps.org/schemas", "google.com/schemas/sitemap/",
         "22-rdf-syntax", "purl.org/net/rss", "channel.netscape.com", "blogs.law.harvard", "cyber.law.harvard", "cyber.harvard")  # fmt: skip
_PREFIXES = {"dc": "dc", "media": "media", "content": "content", "feedburner": "feedburner", "itunes": "itunes", "atom": "atom",
             "atom10": "atom", "a10": "atom", "news": "news", "image": "image", "video": "video"}  # fmt: skip


@lru_cache(maxsize=2048)
def key_of(tag: str) -> str:
    """An element's name whatever prefix it came with: `title`, `dc:creator`, `atom:link`, `?:title` for strangers.

    Namespaces are known by a telling part of their URI, undeclared ones by their usual prefix.
    """
    uri, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    if uri:
        family = next((name for part, name in _FAMILIES if part.lower() in uri.lower()), None)
        if family is None:
            family = "" if any(part in uri for part in _CORE) else "?"
    else:
        prefix, _, rest = local.rpartition(":")
        family, local = (_PREFIXES.get(prefix.lower(), "?"), rest) if prefix else ("", local)
    return f"{family}:{local.lower()}" if family else local.lower()
