"""Parse a page's HTML within limits, and read or remove elements of its tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from storage.text.clean import clean_line

MAX_ELEMENTS = 60_000
MAX_ATTRIBUTES = 2_000
_UNCHECKED_BYTES = 100_000
_LONG_TAG = re.compile(rb"<[A-Za-z][A-Za-z0-9:-]{0,40}[\s/][^<>]{%d,}" % (4 * MAX_ATTRIBUTES))
_QUOTED = re.compile(rb""""[^"]*"|'[^']*'""")
_ATTRIBUTE = re.compile(rb"""[^\s"'<>=/]+(?:\s*=\s*[^\s"'<>]*)?""")
_ELEMENT_COUNT = etree.XPath("count(//*)")
_DOCTYPE = re.compile(rb"\s*<!DOCTYPE[^>]*>", re.I)
_EMPTY_ROOT = re.compile(rb"(<html\b[^<>]*?)\s*/>", re.I)


class UnreadablePage(ValueError):
    """A page that exceeds the parser's limits or cannot be parsed; the message says why."""


def parse_page(data: bytes) -> tuple[HtmlElement, bool]:
    """Parse a page in clean UTF-8; return the tree, and whether it was cut off. Raises UnreadablePage.

    Trees deeper than 255 levels are parsed again with a limit of 2,048 levels.
    """
    if len(data) > _UNCHECKED_BYTES:
        if any(len(_ATTRIBUTE.findall(_QUOTED.sub(b"", tag[0]))) > MAX_ATTRIBUTES for tag in _LONG_TAG.finditer(data)):
            raise UnreadablePage(f"a tag with over {MAX_ATTRIBUTES} attributes")
        if data.count(b"<") > 4 * MAX_ELEMENTS:
            raise UnreadablePage(f"over {4 * MAX_ELEMENTS} tags")
    data = _prepare_markup(data)
    tree, cut = _parse_tree(data, deep=False)
    if cut:
        tree, cut = _parse_tree(data, deep=True)
    if cast(float, _ELEMENT_COUNT(tree)) > MAX_ELEMENTS:
        raise UnreadablePage(f"over {MAX_ELEMENTS} elements")
    return tree, cut


def _prepare_markup(data: bytes) -> bytes:
    """Remove the document type, and turn <html/> into an opening tag: libxml2 fails on some of both."""
    doctype = _DOCTYPE.match(data, 0, 4096)
    data = data[doctype.end() :] if doctype else data
    head = data[:2048]
    return _EMPTY_ROOT.sub(rb"\1>", head, count=1) + data[2048:] if b"/>" in head else data


def _parse_tree(data: bytes, *, deep: bool) -> tuple[HtmlElement, bool]:
    parser = HTMLParser(
        collect_ids=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=deep,
    )
    try:
        tree = document_fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadablePage(f"not readable as HTML: {str(error)[:100]}") from None
    return tree, any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)


def join_text(element: etree._Element) -> str:
    """Return all text inside an element, unchanged."""
    return "".join(cast(Iterator[str], element.itertext()))


def read_line(element: HtmlElement, limit: int = 1024) -> str:
    """Return the text inside an element on one clean line."""
    return clean_line("".join(element.itertext()), limit)


def drop_element(element: HtmlElement) -> None:
    """Remove an element from its tree, and keep the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)
