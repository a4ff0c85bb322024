"""What RSS and Atom have in common: XML that is written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import Any

from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"


class Writer:
    """An XML file being written."""

    def __init__(self, xml: Any) -> None:
        self.xml = xml

    def write(self, name: str, text: str = "", **attributes: str) -> None:
        """An element with a text and attributes."""
        with self.xml.element(name, attributes):
            if text:
                self.xml.write(text)


def streamed(
    elements: Sequence[tuple[str, dict[str, str]]],
    nsmap: dict[str | None, str],
    head: Callable[[Writer], None],
    entries: Iterable[Callable[[Writer], None]],
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
            writer = Writer(xml)
            head(writer)
            for entry in entries:
                entry(writer)
                yield taken()
        yield taken()


def atom(name: str) -> str:
    """The name of an element of Atom."""
    return f"{{{ATOM}}}{name}"
