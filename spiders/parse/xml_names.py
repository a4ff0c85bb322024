"""Normalise the names of XML elements whatever their namespace URI or prefix."""

from __future__ import annotations

from functools import lru_cache

# A distinctive part of the namespace URI, in lower case, and the prefix of its elements here.
_FAMILIES = (
    ("purl.org/dc/", "dc"),
    ("search.yahoo.com/mrss", "media"),
    ("purl.org/rss/1.0/modules/content", "content"),
    ("feedburner", "feedburner"),
    ("itunes", "itunes"),
    ("www.w3.org/2005/atom", "atom"),
    ("purl.org/atom", "atom"),
    ("schemas/sitemap-news", "news"),
    ("schemas/sitemap-image", "image"),
    ("schemas/sitemap-video", "video"),
    ("purl.org/rss/1.0/modules", "?"),
    # RSS under all its namespaces, RDF, sitemaps, OPML: no prefix
    ("purl.org/rss/1.0/", ""),
    ("purl.org/net/rss", ""),
    ("my.netscape.com/rdf", ""),
    ("channel.netscape.com", ""),
    ("backend.userland.com", ""),
    (".harvard.edu", ""),
    ("22-rdf-syntax", ""),
    ("sitemaps.org/schemas", ""),
    ("google.com/schemas/sitemap/", ""),
    ("opml.org", ""),
)
# Prefixes that are used without being declared.
_PREFIXES = {
    "dc": "dc", "media": "media", "content": "content", "feedburner": "feedburner", "itunes": "itunes", "atom": "atom",
    "atom10": "atom", "a10": "atom", "news": "news", "image": "image", "video": "video", "rdf": "",
}  # fmt: skip
_UNKNOWN_FAMILY = "?"


@lru_cache(maxsize=2048)
def element_key(tag: str) -> str:
    """Return an element's normalised name: `title`, `dc:creator`, `atom:link`; `?:title` in an unknown namespace.

    `tag` is lxml's spelling, {namespace}name.
    """
    uri, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    prefix, _, name = local.rpartition(":")
    family = _family(uri) if uri else _PREFIXES.get(prefix.lower(), _UNKNOWN_FAMILY) if prefix else ""
    return f"{family}:{name.lower()}" if family else name.lower()


def is_known_namespace(uri: str) -> bool:
    """Return whether feeds or sitemaps use a namespace."""
    return _family(uri) != _UNKNOWN_FAMILY


def _family(uri: str) -> str:
    lowered = uri.lower()
    return next((family for part, family in _FAMILIES if part in lowered), _UNKNOWN_FAMILY)
