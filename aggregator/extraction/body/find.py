"""Find the article body with trafilatura (a fast pass, then a full one if the result is thin) and trim it."""

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
from storage.text.characters import EAST_ASIAN

_UNSPACED_RUN = re.compile(f"[{EAST_ASIAN}]{{12}}")
TRAFILATURA_VERSION = version("trafilatura")
TRAFILATURA_OPTIONS = "fast then full, links formatting tables, no comments"


def find_body(
    tree: HtmlElement, known: KnownMetadata, declared: str, hints: Hints
) -> tuple[_Element | None, tuple[str, ...]]:
    """Return the trimmed body of a page and the credit lines trimmed off its ends; the tree is consumed.

    The body is None if trafilatura finds none. `declared` is the text of the JSON-LD, which the body is checked
    against. If the catalogue selects the body (`hints.body_css`), everything else of the page is ignored.
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
    """Return a page with only the elements that a selector matches; the whole page if it matches none."""
    chosen = select_elements(tree, css) if css else []
    if not chosen:
        return tree
    frame = document_fromstring("<html><body><article></article></body></html>")
    holder = frame.find(".//article")
    if holder is not None:
        holder.extend(element for element in chosen if not any(above in chosen for above in element.iterancestors()))
    return frame


def select_elements(tree: HtmlElement, css: str) -> list[HtmlElement]:
    """Return the elements that a CSS selector matches; an empty list for an invalid selector."""
    try:
        return cast(list[HtmlElement], _compile_selector(css)(tree))
    except (SelectorError, XPathError):
        return []


@lru_cache(maxsize=256)
def _compile_selector(css: str) -> CSSSelector:
    return CSSSelector(css, translator="html")


def _measure_densest(tree: HtmlElement) -> float:
    """Return the number of characters of running text in the page's fullest container.

    Text one level deeper counts 0.7 times.
    """
    lengths: Counter[HtmlElement] = Counter()
    for element in tree.iter("p", "div", "td", "li", "section", "article", "span", "blockquote"):
        run = len(element.text_content()) if element.tag == "p" else _own_text_length(element)
        if run < 80:
            continue
        holder = element.getparent() if element.tag in ("p", "span") else element
        if holder is not None:
            lengths[holder] += run
            above = holder.getparent()
            if above is not None:
                lengths[above] += int(0.7 * run)
    return max(lengths.values(), default=0)


def _own_text_length(element: HtmlElement) -> int:
    """Return the number of characters directly inside an element, not inside its children."""
    return len(element.text or "") + sum(len(child.tail or "") for child in element)


def _text_length(body: _Element) -> int:
    return len(join_text(body))


def measure_links(body: _Element | None) -> tuple[float, int]:
    """Return the share of a body's text that is inside links (0 to 1), and the number of its blocks."""
    length = 0 if body is None else _text_length(body)
    if body is None or not length:
        return 0.0, 0
    share = sum(len(join_text(link)) for link in body.iter("ref", "a")) / length
    return share, sum(1 for _ in body.iter("p", "head", "item", "cell", "quote"))


def _is_doubtful(body: _Element | None, densest: float) -> bool:
    """Return True if the fast pass needs a full one.

    The body is short, a single block, a small part of the fullest container, or a list.
    """
    if body is None:
        return True
    length = _text_length(body)
    thin = 90 if _UNSPACED_RUN.search(join_text(body)) else 250
    return length < thin or (len(body) < 2 and length > 1000) or length < 0.4 * densest or _is_listing(body, length)


def _is_better(second: _Element, first: _Element) -> bool:
    length, before = _text_length(second), _text_length(first)
    return len(first) < 2 or length > before or (_is_listing(first, before) and not _is_listing(second, length))


def _is_listing(body: _Element, length: int) -> bool:
    """Return True for a body of many short lines, as lists of other pages have."""
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
    """Return trafilatura's settings; a body in an East Asian script (`dense`) may be a third as long."""
    settings = deepcopy(DEFAULT_CONFIG)
    if dense:
        settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", "90")
    return settings
