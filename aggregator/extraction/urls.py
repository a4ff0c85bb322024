"""Resolve a page's links to http(s) URLs, and compare URLs by registrable domain."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from tld import get_tld

MAX_URL_LENGTH = 2048


def join_url(base: str, link: str) -> str:
    """Return a link as an absolute http(s) URL of at most 2,048 characters, or an empty string."""
    link = link.strip()
    if not link or len(link) > MAX_URL_LENGTH or any(ord(c) < 0x20 for c in link):
        return ""
    try:
        url = urljoin(base, link)
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises on an invalid port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and len(url) <= MAX_URL_LENGTH else ""


def is_same_site(url: str, other_url: str) -> bool:
    """Return True if two URLs have the same registrable domain; IP addresses are compared by host and port."""
    try:
        a, b = urlsplit(url), urlsplit(other_url)
        return bool(a.hostname) and _site_key(a) == _site_key(b)
    except ValueError:
        return False


def is_front_page(url: str) -> bool:
    """Return True for the URL of a site's front page."""
    parts = urlsplit(url)
    return parts.path.strip("/").lower() in ("", "index.html", "index.php", "index.htm", "home") and not parts.query


def _site_key(parts: SplitResult) -> tuple[str, int | None]:
    host = (parts.hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(host)
        return host, parts.port
    except ValueError:
        return registrable_domain(host), None


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """Return the registrable domain of a host: one label more than its public suffix, or the last two labels."""
    domain = get_tld(f"http://{host}/", fail_silently=True, as_object=True, search_private=True)
    return (getattr(domain, "fld", "") or ".".join(host.split(".")[-2:])).lower()
