"""Render a body tree of trafilatura as plain text and as HTML."""

from __future__ import annotations

import re
from html import escape
from unicodedata import normalize

from lxml.etree import _Element

from aggregator.extraction.urls import join_url

_BLOCK_TAGS = frozenset(
    {
        "body",
        "p",
        "head",
        "list",
        "item",
        "quote",
        "code",
        "table",
        "row",
        "cell",
        "lb",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "li",
    }
)
_SPACES = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r" ?\n\s*")
_HTML_TAGS = {
    "p": "p",
    "list": "ul",
    "item": "li",
    "code": "pre",
    "quote": "blockquote",
    "row": "tr",
    "table": "table",
    "del": "del",
}
_INLINE_TAGS = {"#i": "em", "#b": "strong", "#u": "u", "#t": "code", "#sub": "sub", "#sup": "sup"}


def render_text(element: _Element) -> str:
    """Return the text of a body: one line per block, with an empty line between blocks."""
    out: list[str] = []
    _write_text(element, out)
    return normalize("NFC", _LINE_BREAKS.sub("\n\n", _SPACES.sub(" ", "".join(out))).strip())


def _write_text(element: _Element, out: list[str]) -> None:
    block = element.tag in _BLOCK_TAGS
    if block:
        out.append("\n")
    if element.text:
        out.append(element.text if element.tag == "code" else element.text.replace("\n", " "))
    for child in element:
        _write_text(child, out)
        if child.tail:
            out.append(child.tail.replace("\n", " "))
    if block:
        out.append("\n")


def render_html(body: _Element, url: str) -> str:
    """Return the HTML of a body, not yet sanitised; links and images are resolved against `url`."""
    out: list[str] = []
    for child in body:
        _write_html(child, url, out)
        out.append(f"{escape(child.tail)}\n" if child.tail else "\n")
    return (escape(body.text) if body.text and body.text.strip() else "") + normalize("NFC", "".join(out).strip())


def _write_html(element: _Element, url: str, out: list[str]) -> None:
    if element.tag == "lb":
        out.append("<br>")
        return
    if element.tag == "graphic":
        source = join_url(url, element.get("src", ""))
        if source:
            out.append(f'<img src="{escape(source)}" alt="{escape(element.get("alt", "")[:1000])}">')
        return
    opening, closing = _choose_tags(element, url)
    out.append(opening)
    out.append(escape(element.text or "", quote=False))
    for child in element:
        _write_html(child, url, out)
        out.append(escape(child.tail or "", quote=False))
    out.append(closing)


def _choose_tags(element: _Element, url: str) -> tuple[str, str]:
    tag, rend = str(element.tag), element.get("rend", "")
    if tag == "ref":
        link = join_url(url, element.get("target", ""))
        return (f'<a href="{escape(link)}">', "</a>") if link else ("", "")
    if tag == "head":
        level = rend if rend in ("h2", "h3", "h4", "h5", "h6") else "h2"
        return f"<{level}>", f"</{level}>"
    if tag == "hi":
        name = _INLINE_TAGS.get(rend, "")
    elif tag == "cell":
        name = "th" if element.get("role") == "head" else "td"
    elif tag == "list":
        name = "ol" if rend == "ol" else "ul"
    else:
        name = _HTML_TAGS.get(tag, "")
    return (f"<{name}>", f"</{name}>") if name else ("", "")
