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

from aggregator.extraction.body.jsonld_body import reconcile_with_jsonld
from aggregator.extraction.body.page_chrome import remove_page_chrome
from aggregator.extraction.body.split_body import join_body_parts
from aggregator.extraction.body.trim import KnownMetadata, trim_body
from aggregator.extraction.tree import drop_element, join_text
from spiders.source import Hints

_UNSPACED_RUN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]{12}")
TRAFILATURA_VERSION = version("trafilatura")
TRAFILATURA_OPTIONS = "fast then full, links formatting tables, no comments"


def find_body(
    tree: HtmlElement, known: KnownMetadata, declared: str, hints: Hints
) -> tuple[_Element | None, tuple[str, ...]]:
    """trafilatura's body of a page's tree (which it consumes), or None: checked against the declared text, and trimmed.

    With it come the credit lines that were trimmed off its ends.
    Where the catalogue names the body (`hints.body_css`), only what it names is looked at.
    """
    for css in hints.drop_css:
        for element in select_elements(tree, css):
            drop_element(element)
    tree = _restrict_to(tree, hints.body_css)
    remove_page_chrome(tree)
    join_body_parts(tree)
    body = _run_trafilatura(tree, fast=True)
    if _is_doubtful(body, _measure_densest(tree)):
        second = _run_trafilatura(tree, fast=False)
        if body is None or (second is not None and _is_better(second, body)):
            body = second
    body = reconcile_with_jsonld(body, declared)
    return body, () if body is None else trim_body(body, known)


def _restrict_to(tree: HtmlElement, css: str) -> HtmlElement:
    """The page with nothing in its body but the elements that a selector names; the whole page where it names none."""
    chosen = select_elements(tree, css) if css else []
    if not chosen:
        return tree
    frame = document_fromstring("<html><body><article></article></body></html>")
    holder = frame.find(".//article")
    if holder is not None:
        holder.extend(element for element in chosen if not any(above in chosen for above in element.iterancestors()))
    return frame


def select_elements(tree: HtmlElement, css: str) -> list[HtmlElement]:
    """The elements that a CSS selector of the catalogue matches; none where it is no selector."""
    try:
        return cast(list[HtmlElement], _compile_selector(css)(tree))
    except (SelectorError, XPathError):
        return []


@lru_cache(maxsize=256)
def _compile_selector(css: str) -> CSSSelector:
    return CSSSelector(css, translator="html")


def _measure_densest(tree: HtmlElement) -> float:
    """How many characters of running text the page's fullest container holds, its grandchildren's at a discount."""
    held: Counter[HtmlElement] = Counter()
    for element in tree.iter("p", "div", "td", "li", "section", "article", "span", "blockquote"):
        run = len(element.text_content()) if element.tag == "p" else _own_text_length(element)
        if run < 80:
            continue
        holder = element.getparent() if element.tag in ("p", "span") else element
        if holder is not None:
            held[holder] += run
            above = holder.getparent()
            if above is not None:
                held[above] += int(0.7 * run)
    return max(held.values(), default=0)


def _own_text_length(element: HtmlElement) -> int:
    """How much text stands right inside an element."""
    return len(element.text or "") + sum(len(child.tail or "") for child in element)


def _text_length(body: _Element) -> int:
    return len(join_text(body))


def measure_links(body: _Element | None) -> tuple[float, int]:
    """Which share of a body's text is the text of its links, and how many blocks the text has."""
    length = 0 if body is None else _text_length(body)
    if body is None or not length:
        return 0.0, 0
    share = sum(len(join_text(link)) for link in body.iter("ref", "a")) / length
    return share, sum(1 for _ in body.iter("p", "head", "item", "cell", "quote"))


def _is_doubtful(body: _Element | None, densest: float) -> bool:
    """Whether a fast look deserves a second: next to nothing, one run, little of the fullest container, or a list."""
    if body is None:
        return True
    length = _text_length(body)
    thin = 90 if _UNSPACED_RUN.search(join_text(body)) else 250
    return length < thin or (len(body) < 2 and length > 1000) or length < 0.4 * densest or _is_listing(body, length)


def _is_better(second: _Element, first: _Element) -> bool:
    length, before = _text_length(second), _text_length(first)
    return len(first) < 2 or length > before or (_is_listing(first, before) and not _is_listing(second, length))


def _is_listing(body: _Element, length: int) -> bool:
    """Whether a body is a string of short lines, as lists of other pages are."""
    return len(body) > 30 and length < 45 * len(body)


def _run_trafilatura(tree: HtmlElement, *, fast: bool) -> _Element | None:
    document = bare_extraction(
        tree,
        fast=fast,
        include_comments=False,
        include_links=True,
        include_formatting=True,
        output_format="xml",
        config=_make_settings(bool(_UNSPACED_RUN.search(tree.text_content()))),
    )
    return None if document is None else cast(_Element, cast(Any, document).body)


@lru_cache(maxsize=2)
def _make_settings(dense: bool) -> ConfigParser:
    """trafilatura's settings; where a character says as much as three, a body may be a third as long."""
    settings = deepcopy(DEFAULT_CONFIG)
    if dense:
        settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", "90")
    return settings
