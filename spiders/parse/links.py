"""Resolve the URLs of an index: absolute, http or https, of valid length."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from lxml import html

MAX_URL = 2083
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def resolve_url(base: str, href: str) -> str:
    """Join `href` to `base`; return an empty string unless the result can be fetched.

    The URL keeps its spelling except for white space: removed at the ends and at line breaks, as browsers do, otherwise
    encoded as %20.
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
    """Return the page's root element, or None if it is empty; raises ContentError for a damaged gzip file."""
    # Imported late, because the catalogue uses only `resolve_url`.
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
    """Return the base of the page's relative URLs."""
    base = next(root.iter("base"), None)
    return (resolve_url(url, base.get("href") or "") if base is not None else "") or url
