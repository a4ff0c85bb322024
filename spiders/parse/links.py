"""The addresses that an index names: absolute, http or https, of a length that can be asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from lxml import html

MAX_URL = 2083
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def resolve_url(base: str, href: str) -> str:
    """`href` joined to `base`, or an empty string unless that is an address to fetch.

    The address stays as it was spelled, apart from white space: at its ends and line ends it
    is dropped, as browsers do, inside it becomes %20.
    """
    href = href.strip()
    if not href or len(href) > MAX_URL:
        return ""
    href = re.sub(r"[\t\r\n]+\s*", "", href).replace("&amp;", "&").replace(" ", "%20")
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "\\" not in parts.netloc
        _ = parts.port
    except ValueError:
        return ""
    return url if is_web and len(url) <= MAX_URL and not _NOT_IN_URLS.search(url) else ""


MAX_HTML = 8 * 2**20
_CONTROL_CHARACTERS = dict.fromkeys({*range(32), 0x7F} - {9, 10, 13})


def parse_html(body: bytes, charset: str) -> html.HtmlElement | None:
    """The page's root element, or None where there is nothing in it; raises ContentError for a damaged gzip file."""
    # Imported here, because the catalogue needs `absolute` alone.
    from lxml import etree, html

    from spiders.parse.charset import decode
    from spiders.parse.xml_repair import gunzip

    text = decode(gunzip(body, MAX_HTML), charset).translate(_CONTROL_CHARACTERS)
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return root


def find_base_url(root: html.HtmlElement, url: str) -> str:
    """What the page's relative addresses are relative to."""
    base = next(root.iter("base"), None)
    return (resolve_url(url, base.get("href") or "") if base is not None else "") or url
