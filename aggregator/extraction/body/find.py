"""The article's body out of the page's tree: trafilatura, at most twice, and what it leaves too much taken off."""

from __future__ import annotations

import re
from collections import Counter
from configparser import ConfigParser
from copy import deepcopy
from functools import lru_cache
from importlib.metadata import version
from typing import Any, cast

from cssselect import SelectorError
from lxml.cssselect import CSSSelector
from lxml.etree import XPathError, _Element
from lxml.html import HtmlElement, document_fromstring
from trafilatura import bare_extraction
from trafilatura.settings import DEFAULT_CONFIG

from aggregator.extraction.body.jsonld_body import agree
from aggregator.extraction.body.page_chrome import strip
from aggregator.extraction.body.split_body import join_parts
from aggregator.extraction.body.trim import Known, trim
from aggregator.extraction.tree import drop, text_in
from spiders.source import Hints

_HAN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]{12}")
TRAFILATURA = version("trafilatura")
OPTIONS = "fast then full, links formatting tables, no comments"


def extracted(tree: HtmlElement, known: Known, declared: str, hints: Hints) -> tuple[_Element | None, tuple[str, ...]]:
    """trafilatura's body of a page's tree (which it consumes), or None: checked against the declared text, and trimmed.

    With it come the credit lines that were trimmed off its ends.
    Where the catalogue names the body (`hints.body_css`), only what it names is looked at.
    """
    for css in hints.drop_css:
        for element in selected(tree, css):
            drop(element)
    tree = _framed(tree, hints.body_css)
    strip(tree)
    join_parts(tree)
    body = _attempt(tree, fast=True)
    if _is_doubtful(body, _densest(tree)):
        second = _attempt(tree, fast=False)
        if body is None or (second is not None and _is_better(second, body)):
            body = second
    body = agree(body, declared)
    return body, () if body is None else trim(body, known)


def _framed(tree: HtmlElement, css: str) -> HtmlElement:
    """The page with nothing in its body but the elements that a selector names; the whole page where it names none."""
    chosen = selected(tree, css) if css else []
    if not chosen:
        return tree
    frame = document_fromstring("<html><body><article></article></body></html>")
    holder = frame.find(".//article")
    if holder is not None:
        holder.extend(element for element in chosen if not any(above in chosen for above in element.iterancestors()))
    return frame


def selected(tree: HtmlElement, css: str) -> list[HtmlElement]:
    """The elements that a CSS selector of the catalogue matches; none where it is no selector."""
    try:
        return cast(list[HtmlElement], _selector(css)(tree))
    except (SelectorError, XPathError):
        return []


@lru_cache(maxsize=256)
def _selector(css: str) -> CSSSelector:
    return CSSSelector(css, translator="html")


def _densest(tree: HtmlElement) -> float:
    """How many characters of running text the page's fullest container holds, its grandchildren's at a discount."""
    held: Counter[HtmlElement] = Counter()
    for element in tree.iter("p", "div", "td", "li", "section", "article", "span", "blockquote"):
        run = len(element.text_content()) if element.tag == "p" else _own(element)
        if run < 80:
            continue
        holder = element.getparent() if element.tag in ("p", "span") else element
        if holder is not None:
            held[holder] += run
            above = holder.getparent()
            if above is not None:
                held[above] += int(0.7 * run)
    return max(held.values(), default=0)


def _own(element: HtmlElement) -> int:
    """How much text stands right inside an element."""
    return len(element.text or "") + sum(len(child.tail or "") for child in element)


def _length(body: _Element) -> int:
    return len(text_in(body))


def linked(body: _Element | None) -> tuple[float, int]:
    """Which share of a body's text is the text of its links, and how many blocks the text has."""
    length = 0 if body is None else _length(body)
    if body is None or not length:
        return 0.0, 0
    share = sum(len(text_in(link)) for link in body.iter("ref", "a")) / length
    return share, sum(1 for _ in body.iter("p", "head", "item", "cell", "quote"))


def _is_doubtful(body: _Element | None, densest: float) -> bool:
    """Whether a fast look deserves a second: next to nothing, one run, little of the fullest container, or a list."""
    if body is None:
        return True
    length = _length(body)
    thin = 90 if _HAN.search(text_in(body)) else 250
    return length < thin or (len(body) < 2 and length > 1000) or length < 0.4 * densest or _is_listing(body, length)


def _is_better(second: _Element, first: _Element) -> bool:
    length, before = _length(second), _length(first)
    return len(first) < 2 or length > before or (_is_listing(first, before) and not _is_listing(second, length))


def _is_listing(body: _Element, length: int) -> bool:
    """Whether a body is a string of short lines, as lists of other pages are."""
    return len(body) > 30 and length < 45 * len(body)


def _attempt(tree: HtmlElement, *, fast: bool) -> _Element | None:
    document = bare_extraction(
        tree,
        fast=fast,
        include_comments=False,
        include_links=True,
        include_formatting=True,
        output_format="xml",
        config=_settings(bool(_HAN.search(tree.text_content()))),
    )
    return None if document is None else cast(_Element, cast(Any, document).body)


@lru_cache(maxsize=2)
def _settings(dense: bool) -> ConfigParser:
    """trafilatura's settings; where a character says as much as three, a body may be a third as long."""
    settings = deepcopy(DEFAULT_CONFIG)
    if dense:
        settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", "90")
    return settings
