"""How the newsroom's own tests ask it: one request at a time, nothing followed, nothing hidden."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable
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


class Answer:
    """One answer, read whole."""

    def __init__(self, got: http.client.HTTPResponse) -> None:
        self.status = got.status
        self.headers = got.headers
        self.body = got.read()

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers["Content-Encoding"] == "gzip" else self.body


def ask(url: str, method: str = "GET", proxy: str = "", **headers: str) -> Answer:
    """One request on a connection of its own; no redirect is followed."""
    parts = urlsplit(proxy or url)
    target = url if proxy else (urlsplit(url).path or "/") + (f"?{urlsplit(url).query}" if urlsplit(url).query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def raw(url: str, seconds: float = 2.0) -> socket.socket:
    """A socket on which a GET has been sent."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=seconds)
    sock.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return sock


def page_blocks(truth: Truth, body: bytes) -> list[str]:
    """The text of each block element of a page, decoded as the publisher encodes it."""
    encoding = next(at.encoding for at in PUBLISHERS if at.name == truth.publisher)
    tree = lxml.html.document_fromstring(body.decode(encoding))
    return [str(element.xpath("string()")).strip() for element in tree.iter("p", "h2")]


def page_tree(body: bytes) -> lxml.html.HtmlElement:
    """An HTML page as a tree."""
    return lxml.html.document_fromstring(body)


def strings(tree: lxml.etree._Element, xpath: str) -> list[str]:
    """What an XPath that selects text finds."""
    found = tree.xpath(xpath)
    assert isinstance(found, list)
    return [str(one) for one in found]


def announced(room: Newsroom, url: str) -> set[str]:
    """Every article address that an index names, its children and further pages followed."""
    body = ask(url).content
    if url.endswith(".gz"):
        body = gzip.decompress(body)
    if url.endswith(".json"):
        return {item["url"] for item in json.loads(body)["items"]}
    if "/nyheter/" in url:
        tree = page_tree(body)
        links = {urljoin(url, path) for path in strings(tree, "//a[@class='teaser-link']/@href")}
        more = [urljoin(url, path) for path in strings(tree, "//link[@rel='next']/@href")]
        return links.union(*(announced(room, one) for one in more))
    root = lxml.etree.fromstring(body)
    if str(root.tag).endswith("sitemapindex"):
        return set().union(*(announced(room, place) for place in strings(root, "//*[local-name()='loc']/text()")))
    return {link for xpath in _LINKS for link in strings(root, xpath)}


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until a claim holds, two seconds at most."""
    deadline = time.monotonic() + 2
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
