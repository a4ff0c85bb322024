"""Bodies that a page holds in several parts, with adverts, boxes or a paywall's frames between them."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

_BODY_CLASS = re.compile(r"(?:^|\s)(?:(?:article|entry|story)[-_]*(?:body|content)|body[-_]?content)(?:\s|$)", re.I)
_MIN_PART_LENGTH = 300
"""Characters of a part; a shorter one is none. Posts of a forum are marked by other words, and are none."""


def join_body_parts(tree: HtmlElement) -> None:
    """Move the parts of a body into the first of them, in place.

    Parts are marked alike, lie in one article, and have no headline of their own: else they are several articles.
    """
    found: dict[tuple[str, HtmlElement | None], list[HtmlElement]] = {}
    for element in tree.iter("div", "section"):
        if _is_body_part(element):
            parts = found.setdefault((element.get("class") or "", next(element.iterancestors("article"), None)), [])
            if not any(above in parts for above in element.iterancestors("div", "section")):
                parts.append(element)
    for first, *others in found.values():
        if others and not any(part.find(".//h1") is not None for part in (first, *others)):
            for part in others:
                first.append(part)


def _is_body_part(element: HtmlElement) -> bool:
    is_marked = element.get("itemprop") == "articleBody" or _BODY_CLASS.search(element.get("class") or "") is not None
    return is_marked and len(element.text_content()) >= _MIN_PART_LENGTH
