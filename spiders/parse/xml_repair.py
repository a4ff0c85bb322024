"""Repair malformed XML as text, and parse it without entities, DTDs or network access."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html.entities import html5

from lxml import etree

from spiders.parse.xml_names import is_known_namespace
from storage.model.page import ContentError, inflate

MAX_XML = 50 * 2**20
"""Maximum size of uncompressed XML: the limit of the sitemap protocol."""
MAX_PROLOG = 1000
"""Maximum number of comments, instructions and stray markup before the root element."""

_DOCTYPE = r"<!DOCTYPE\s+([\w:.-]{1,100})[^\[>]{0,4000}(?:\[(.{0,100000}?)\]\s{0,100})?>"
_STRAY_MARKUP = r"(?:<(?![A-Za-z_!?])[^<]*+)++"
_BEFORE_ROOT = re.compile(rf"[^<]+|<!--.*?(?:-->|\Z)|{_DOCTYPE}|<\?[^>]*(?:>|\Z)|{_STRAY_MARKUP}|<!", re.I | re.S)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_START_TAG = re.compile(r"<[A-Za-z_][^<>]{0,8000}>")
_DEFAULT_NAMESPACE = re.compile(r"\sxmlns\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TAG = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<(/?)([A-Za-z_][\w:.-]*)(?:[^<>]*?(/)?)>", re.S)
_ENTITY_NAME = re.compile(r"<!ENTITY\s+([\w.-]{1,64})\s", re.I)
_DECLARATION = re.compile(r"<\?xml\b", re.I)
_INDEX_ROOT = re.compile(r"<(?:\w+:)?(?:rss|feed|rdf|urlset|sitemapindex|opml)\b", re.I)
_REPAIRABLE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"|&+(?=&)|&(?!(?:lt|gt|amp|quot|apos);)(?:\#[xX]([0-9a-fA-F]{1,16});?|\#([0-9]{1,16});?|([A-Za-z][\w.-]{0,63});)?|<(?![A-Za-z_/!?])",
    re.S,
)
_CONTROL_BYTES = bytes({*range(32), 0x7F} - {9, 10, 13})
_NONCHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_LIMIT_ERRORS = (etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_NO_MEMORY)
_ENTRY_OF = {
    "rss": "item", "channel": "item", "rdf": "item", "feed": "entry", "urlset": "url", "sitemapindex": "sitemap",
}  # fmt: skip
"""Name of the entries, by the name of the root element."""


class MarkupError(ValueError):
    """The text contains no XML document; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlDocument:
    """A parsed document: its root element, what prevented reading it to its end, and notes on oddities."""

    root: etree._Element
    problem: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _RootStart:
    """Offset and name of a document's root element, and its document type."""

    offset: int
    root: str
    doctype: str = ""
    subset: str = ""


def gunzip(body: bytes, limit: int = MAX_XML) -> bytes:
    """Decompress a gzip file, return anything else unchanged; raises ContentError."""
    data = inflate(body, limit=limit) if body.startswith(b"\x1f\x8b") else body
    if len(data) > limit:
        raise ContentError(f"too large: over {limit} bytes")
    return data


def is_html(text: str) -> bool:
    """Return whether a text begins like an HTML page."""
    try:
        start = _find_root_start(text[:65536])
    except MarkupError:
        return False
    is_index = bool(_INDEX_ROOT.match(text, start.offset))
    return start.root in ("html", "head", "body") or (start.doctype == "html" and not is_index)


def parse_xml(text: str, url: str) -> XmlDocument:
    """Parse a text as XML as far as possible; raises MarkupError if there is nothing to parse.

    The parser sees no document type. HTML's named entities are resolved everywhere, other entities stay as text, and so
    do bare ampersands and angle brackets.
    """
    declaration = _DECLARATION.search(text, 0, 10_000)
    if declaration is not None and not _INDEX_ROOT.search(text, 0, declaration.start()):
        text = text[declaration.start() :]  # drops output that a server printed before it
    start = _find_root_start(text)
    repairer = _MarkupRepairer(frozenset(_ENTITY_NAME.findall(start.subset)))
    body = _REPAIRABLE.sub(repairer, _drop_unknown_namespace(text[start.offset :]))
    root, errors = _parse(body, url)
    notes = _notes(errors)
    if any(error.type == etree.ErrorTypes.ERR_TAG_NAME_MISMATCH for error in errors):
        root, errors = _parse(_balance_tags(body), url)
    problem = _describe_problem(errors, repairer)
    if not problem and not _is_closed(body, start.root):
        problem = f"cut off: the end of <{start.root[:40]}> is missing"
        if entries_only := _cut_to_whole_entries(body, start.root):
            root, _ = _parse(entries_only, url)
    return XmlDocument(root=root, problem=problem, notes=notes)


def _cut_to_whole_entries(body: str, root: str) -> str:
    """Truncate a cut-off document after its last complete entry, since half a URL would be another URL."""
    name = _ENTRY_OF.get(root.rpartition(":")[2], "item|entry|url|sitemap")
    ends = [match.end() for match in re.finditer(rf"</(?:\w+:)?(?:{name})\s*>", body, re.IGNORECASE)]
    if ends:
        return body[: ends[-1]]
    first = re.search(rf"<(?:\w+:)?(?:{name})[\s>]", body, re.IGNORECASE)
    return body[: first.start()] if first else body


def _parse(body: str, url: str) -> tuple[etree._Element, list[etree._LogEntry]]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=True,
        remove_pis=True, remove_comments=True, encoding="utf-8",
    )  # fmt: skip
    try:
        root = etree.fromstring(_encode(body), parser, base_url=url)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MarkupError(f"not XML: {str(error)[:120]}") from None
    if root is None:
        raise MarkupError("not XML: no element in it")
    return root, list(parser.error_log)


def _balance_tags(body: str) -> str:
    """Close every element where its parent ends, and drop end tags without a start tag.

    The parser alone lets an end tag close whatever is open, so that a <br> in a description would put all later entries
    inside that one.
    """
    parts, open_tags, counts, at = [], [], Counter[str](), 0
    for tag in _TAG.finditer(body):
        parts.append(body[at : tag.start()])
        at, name = tag.end(), tag[2]
        if not name or tag[3]:
            parts.append(tag[0])
        elif not tag[1]:
            parts.append(tag[0])
            open_tags.append(name)
            counts[name] += 1
        elif counts[name]:
            while (last := open_tags.pop()) != name:
                parts.append(f"</{last}>")
                counts[last] -= 1
            parts.append(tag[0])
            counts[name] -= 1
    closing = (f"</{name}>" for name in reversed(open_tags))
    return "".join((*parts, body[at:], *closing))


def _find_root_start(text: str) -> _RootStart:
    """Find the root element after comments, declarations, document type and stray markup."""
    position, doctype, subset = 0, "", ""
    for _ in range(MAX_PROLOG):
        root = _ROOT.match(text, position)
        if root is not None:
            return _RootStart(offset=position, root=root[1].lower(), doctype=doctype.lower(), subset=subset)
        skipped = _BEFORE_ROOT.match(text, position)
        if skipped is None:
            break
        doctype, subset = doctype or skipped[1] or "", subset or skipped[2] or ""
        position = skipped.end()
    raise MarkupError("not XML: no element in it")


def _drop_unknown_namespace(body: str) -> str:
    """Remove an unknown default namespace, so that elements are recognised by their names."""
    tag = _START_TAG.match(body)
    declared = _DEFAULT_NAMESPACE.search(body, 0, tag.end()) if tag else None
    if declared is None or is_known_namespace(declared[1] or declared[2] or ""):
        return body
    return body[: declared.start()] + body[declared.end() :]


def _encode(body: str) -> bytes:
    data = body.encode("utf-8", "replace").translate(None, _CONTROL_BYTES)
    return data if data.isascii() else _NONCHARACTERS.sub(b"", data)


class _MarkupRepairer:
    """Replaces what an XML parser would reject, and collects which of the document's own entities are used."""

    def __init__(self, own_entities: frozenset[str]) -> None:
        self.own_entities = own_entities
        self.used_entities: set[str] = set()

    def __call__(self, match: re.Match[str]) -> str:
        whole = match[0]
        if whole == "<":
            return "&lt;"
        if whole[0] == "<":
            return whole if whole.endswith(("]]>", "-->")) else whole + ("]]>" if whole[2] == "[" else "-->")
        if match[3]:
            return self._replace_entity(match[3])
        if match[1] or match[2]:
            return repair_character(int(match[1], 16) if match[1] else int(match[2]))
        return "&amp;" * len(whole)

    def _replace_entity(self, name: str) -> str:
        character = html5.get(name + ";")
        if character is None:
            if name in self.own_entities:
                self.used_entities.add(name)
            return f"&amp;{name};"
        return character.replace("&", "&amp;").replace("<", "&lt;")


def repair_character(number: int) -> str:
    """Return a numeric reference as valid XML: itself, its Windows-1252 character, U+FFFD, or nothing."""
    if 0x80 <= number <= 0x9F:
        return bytes((number,)).decode("cp1252", "ignore")
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return "\ufffd"
    if (number < 128 and number in _CONTROL_BYTES) or number in (0xFFFE, 0xFFFF):
        return ""
    return f"&#{number};"


def _describe_problem(errors: list[etree._LogEntry], repairer: _MarkupRepairer) -> str:
    if repairer.used_entities:
        return f"uses entities of its own ({', '.join(sorted(repairer.used_entities)[:5])}), which are not expanded"
    for entry in errors:
        if entry.type in _LIMIT_ERRORS:
            return f"too deep or too large to read to its end (line {entry.line}: {entry.message.strip()[:80]})"
    return ""


def _is_closed(body: str, root: str) -> bool:
    """Return whether the document contains the end of its root element."""
    start = _START_TAG.match(body)
    return f"</{root}" in body[-100_000:].lower() or (start is not None and start[0].endswith("/>"))


def _notes(errors: list[etree._LogEntry]) -> tuple[str, ...]:
    entry = next((error for error in errors if error.level == etree.ErrorLevels.FATAL), None)
    return (f"not well-formed XML (line {entry.line}: {entry.message.strip()[:80]})",) if entry is not None else ()
