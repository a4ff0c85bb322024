"""Requests to a newsroom for its own tests, and what their responses contain."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from urllib.parse import urljoin, urlsplit

import lxml.etree
import lxml.html

from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import Newsroom, Truth

NAMES = [at.name for at in PUBLISHERS]
KIND = {at.index: at.name for at in PUBLISHERS}
_LINKS = (
    "//*[local-name()='item']/*[local-name()='link']/text()",
    "//*[local-name()='url']/*[local-name()='loc']/text()",
    "//*[local-name()='entry']/*[local-name()='link']/@href",
)


class FetchedResponse:
    """A response and its whole body; `content` is the body without gzip."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers["Content-Encoding"] == "gzip" else self.body


def fetch(url: str, method: str = "GET", proxy: str = "", **headers: str) -> FetchedResponse:
    """Send one request on a new connection; do not follow redirects. Header names have `_` for `-`."""
    parts = urlsplit(proxy or url)
    target = url if proxy else (urlsplit(url).path or "/") + (f"?{urlsplit(url).query}" if urlsplit(url).query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return FetchedResponse(connection.getresponse())
    finally:
        connection.close()


def open_request(url: str, seconds: float = 2.0) -> socket.socket:
    """Return a socket on which a GET request was sent."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=seconds)
    sock.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return sock


def page_blocks(truth: Truth, body: bytes) -> list[str]:
    """Return the text of each block element of a page, decoded from the publisher's encoding."""
    encoding = next(at.encoding for at in PUBLISHERS if at.name == truth.publisher)
    tree = lxml.html.document_fromstring(body.decode(encoding))
    return [str(element.xpath("string()")).strip() for element in tree.iter("p", "h2")]


def parse_page(body: bytes) -> lxml.html.HtmlElement:
    """Parse an HTML page."""
    return lxml.html.document_fromstring(body)


def select_text(tree: lxml.etree._Element, xpath: str) -> list[str]:
    """Return the strings that an XPath selects."""
    texts = tree.xpath(xpath)
    assert isinstance(texts, list)
    return [str(text) for text in texts]


def listed_urls(room: Newsroom, url: str) -> set[str]:
    """Return every article URL that an index names; follow child sitemaps and further pages."""
    body = fetch(url).content
    if url.endswith(".gz"):
        body = gzip.decompress(body)
    if url.endswith(".json"):
        return {item["url"] for item in json.loads(body)["items"]}
    if "/nyheter/" in url:
        tree = parse_page(body)
        links = {urljoin(url, path) for path in select_text(tree, "//a[@class='teaser-link']/@href")}
        more = [urljoin(url, path) for path in select_text(tree, "//link[@rel='next']/@href")]
        return links.union(*(listed_urls(room, page) for page in more))
    root = lxml.etree.fromstring(body)
    if str(root.tag).endswith("sitemapindex"):
        return set().union(*(listed_urls(room, child) for child in select_text(root, "//*[local-name()='loc']/text()")))
    return {link for xpath in _LINKS for link in select_text(root, xpath)}
