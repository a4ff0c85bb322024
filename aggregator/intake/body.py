"""The article's body out of the page's tree: trafilatura, at most twice, and what it leaves too much taken off."""

from __future__ import annotations

from importlib.metadata import version

from lxml.etree import _Element
from lxml.html import HtmlElement
from trafilatura import bare_extraction

from aggregator.intake.titles import key

TRAFILATURA = version("trafilatura")
OPTIONS = "fast then full, links formatting tables, no comments"


def extracted(tree: HtmlElement, url: str, title: str) -> _Element | None:
    """trafilatura's body of a prepared tree, without the headline; None where there is none."""
    body = _attempt(tree, url, fast=True)
    if body is None or sum(len(text) for text in body.itertext()) < 250:
        second = _attempt(tree, url, fast=False)
        body = second if second is not None else body
    if body is not None:
        _drop_headline(body, title)
    return body


def _attempt(tree: HtmlElement, url: str, *, fast: bool) -> _Element | None:
    document = bare_extraction(
        tree, url=url, fast=fast, include_comments=False, include_links=True, include_formatting=True, with_metadata=False
    )
    return None if document is None else document.body


def _drop_headline(body: _Element, title: str) -> None:
    for element in list(body)[:4]:
        if element.tag in ("head", "p") and key("".join(element.itertext())) == key(title):
            body.remove(element)
