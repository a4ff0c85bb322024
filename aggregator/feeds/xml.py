"""What RSS and Atom have in common: XML that is written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"


class Pieces:
    """An XML file being written; `taken` gives what was written since the last time."""

    def __init__(self, out: BytesIO, xml: Any) -> None:
        self._out, self.xml = out, xml

    def write(self, name: str, text: str = "", **attributes: str) -> None:
        """An element with a text and attributes."""
        with self.xml.element(name, attributes):
            if text:
                self.xml.write(text)

    def taken(self) -> bytes:
        """The bytes since the last time."""
        self.xml.flush()
        piece = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return piece


@contextmanager
def written(name: str, nsmap: dict[str | None, str], **attributes: str) -> Iterator[tuple[Pieces, BytesIO]]:
    """An XML file with a root element, to be filled; its last bytes are in the buffer when the block has ended."""
    out = BytesIO()
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element(name, attributes, nsmap=nsmap):
            yield Pieces(out, xml), out


def atom(name: str) -> str:
    """The name of an element of Atom."""
    return f"{{{ATOM}}}{name}"
