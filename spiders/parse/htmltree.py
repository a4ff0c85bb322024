"""HTML pages as a tree, for the readers that look for links."""

from __future__ import annotations

from lxml import etree, html

from spiders.parse.charset import decode
from spiders.parse.links import absolute
from spiders.parse.xml_repair import unzipped

MAX_HTML = 8 * 2**20
_REMOVED = dict.fromkeys({*range(32), 0x7F} - {9, 10, 13})


def parse_html(body: bytes, charset: str) -> html.HtmlElement | None:
    """The page's root element, or None where there is nothing in it; raises ContentError for a damaged gzip file."""
    text = decode(unzipped(body, MAX_HTML), charset).translate(_REMOVED)
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return root


def base_of(root: html.HtmlElement, url: str) -> str:
    """What the page's relative addresses are relative to."""
    base = next(root.iter("base"), None)
    return (absolute(url, base.get("href") or "") if base is not None else "") or url
