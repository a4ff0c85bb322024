"""Sanitise body HTML: allowed tags and attributes, http(s) and mailto URLs only, bounded in size."""

from __future__ import annotations

import nh3

ALLOWED_TAGS = frozenset(
    {
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
    }
    | {
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
    }
    | {"small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"}
)
_ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_REMOVED_TAGS = {
    "script",
    "style",
    "svg",
    "math",
    "iframe",
    "object",
    "embed",
    "template",
    "noscript",
    "noembed",
    "noframes",
}
_REMOVED_TAGS |= {"xmp", "plaintext", "title", "textarea"}
MAX_ATTRIBUTE_LENGTH = 2048
MAX_GROWTH = 4


def sanitize_html(html: str) -> str:
    """Return the HTML with allowed tags and attributes only; an empty string if it would grow over MAX_GROWTH times.

    `html` must be the serialised output of a parsed tree: the parser bounds the nesting, and thereby the cost.
    """
    out = nh3.clean(
        html,
        tags=set(ALLOWED_TAGS),
        attributes=_ALLOWED_ATTRIBUTES,
        clean_content_tags=_REMOVED_TAGS,
        url_schemes={"http", "https", "mailto"},
        attribute_filter=_filter_attribute,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
    )
    return out if len(out) <= MAX_GROWTH * len(html) + 200 else ""


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    return value if len(value) <= MAX_ATTRIBUTE_LENGTH else None
