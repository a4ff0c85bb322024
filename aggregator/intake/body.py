"""The article's body out of the page's tree: trafilatura, at most twice, and what it leaves too much taken off."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import Any, cast

from lxml.etree import _Element
from lxml.html import HtmlElement
from trafilatura import bare_extraction

from aggregator.intake.furniture import strip
from aggregator.intake.tree import text_in
from aggregator.intake.trim import Known, trim
from aggregator.intake.witness import agree

TRAFILATURA = version("trafilatura")
OPTIONS = "fast then full, links formatting tables, no comments"


def extracted(tree: HtmlElement, known: Known, declared: str = "") -> _Element | None:
    """trafilatura's body of a page's tree (which it consumes), checked against the
    declared text and trimmed; None where there is none."""
    strip(tree)
    densest = _densest(tree)
    body = _attempt(tree, fast=True)
    if _is_doubtful(body, densest):
        second = _attempt(tree, fast=False)
        if body is None or (second is not None and (len(body) < 2 or _length(second) > _length(body))):
            body = second
    body = agree(body, declared)
    if body is not None:
        trim(body, known)
    return body


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


def _is_doubtful(body: _Element | None, densest: float) -> bool:
    """Whether a fast look deserves a second: next to nothing, one unbroken run, little of the fullest container."""
    if body is None:
        return True
    length = _length(body)
    return length < 250 or (len(body) < 2 and length > 1000) or length < 0.4 * densest


def _attempt(tree: HtmlElement, *, fast: bool) -> _Element | None:
    document = bare_extraction(
        tree, fast=fast, include_comments=False, include_links=True, include_formatting=True, output_format="xml"
    )
    return None if document is None else cast(_Element, cast(Any, document).body)
