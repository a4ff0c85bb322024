"""Join a body that a page splits into several parts, with adverts, boxes or paywall frames between them."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

_BODY_CLASS = re.compile(r"(?:^|\s)(?:(?:article|entry|story)[-_]*(?:body|content)|body[-_]?content)(?:\s|$)", re.I)
_MIN_PART_LENGTH = 300
"""Minimum number of characters of a body part."""


def join_body_parts(tree: HtmlElement) -> None:
    """Move the parts of a body into the first part, in place.

    Parts have the same class, lie in one article element, and have no headline; otherwise they are several articles.
    """
    parts_by_mark: dict[tuple[str, HtmlElement | None], list[HtmlElement]] = {}
    for element in tree.iter("div", "section"):
        if _is_body_part(element):
            mark = (element.get("class") or "", next(element.iterancestors("article"), None))
            parts = parts_by_mark.setdefault(mark, [])
            if not any(above in parts for above in element.iterancestors("div", "section")):
                parts.append(element)
    for first, *others in parts_by_mark.values():
        if others and not any(part.find(".//h1") is not None for part in (first, *others)):
            for part in others:
                first.append(part)


def _is_body_part(element: HtmlElement) -> bool:
    is_marked = element.get("itemprop") == "articleBody" or _BODY_CLASS.search(element.get("class") or "") is not None
    return is_marked and len(element.text_content()) >= _MIN_PART_LENGTH
