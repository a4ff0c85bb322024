"""Write XML piece by piece, for RSS and Atom."""

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
    """An XML document that is being written."""

    def __init__(self, xml: Any) -> None:
        self.xml = xml

    def write_element(self, name: str, text: str = "", **attributes: str) -> None:
        """Write an element with a text and attributes."""
        with self.xml.element(name, attributes):
            if text:
                self.xml.write(text)


def stream_xml(
    elements: Sequence[tuple[str, dict[str, str]]],
    nsmap: dict[str | None, str],
    head: Callable[[XmlWriter], None],
    entries: Iterable[Callable[[XmlWriter], None]],
) -> Iterator[bytes]:
    """Yield a document in pieces, one per entry: nested outer elements that contain a head and the entries."""
    out = BytesIO()

    def take_written() -> bytes:
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
                yield take_written()
        yield take_written()


def atom_name(name: str) -> str:
    """Return the qualified name of an Atom element."""
    return f"{{{ATOM_NAMESPACE}}}{name}"
