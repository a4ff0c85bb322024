"""What RSS and Atom have in common: XML that is written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import Any

from lxml import etree

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
CONTENT_NAMESPACE = "http://purl.org/rss/1.0/modules/content/"
DC_NAMESPACE = "http://purl.org/dc/elements/1.1/"
HISTORY_NAMESPACE = "http://purl.org/syndication/history/1.0"
MEDIA_NAMESPACE = "http://search.yahoo.com/mrss/"


class XmlWriter:
    """An XML file being written."""

    def __init__(self, xml: Any) -> None:
        self.xml = xml

    def write_element(self, name: str, text: str = "", **attributes: str) -> None:
        """An element with a text and attributes."""
        with self.xml.element(name, attributes):
            if text:
                self.xml.write(text)


def stream_xml(
    elements: Sequence[tuple[str, dict[str, str]]],
    nsmap: dict[str | None, str],
    head: Callable[[XmlWriter], None],
    entries: Iterable[Callable[[XmlWriter], None]],
) -> Iterator[bytes]:
    """A file in pieces, one an entry: the outer elements, one in the other, with a head and the entries in them."""
    out = BytesIO()

    def taken() -> bytes:
        xml.flush()
        piece = out.getvalue()
        out.seek(0)
        out.truncate()
        return piece

    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with ExitStack() as opened:
            for number, (name, attributes) in enumerate(elements):
                opened.enter_context(xml.element(name, attributes, nsmap=nsmap if not number else None))
            writer = XmlWriter(xml)
            head(writer)
            for entry in entries:
                entry(writer)
                yield taken()
        yield taken()


def atom_name(name: str) -> str:
    """The name of an element of Atom."""
    return f"{{{ATOM_NAMESPACE}}}{name}"
