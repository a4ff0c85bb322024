"""Addresses a page names: joined to its own, http and https only, and whether two share a registrable domain."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from tld import get_tld

MAX_URL_LENGTH = 2048


def join_url(base: str, link: str) -> str:
    """A link as an absolute http(s) address of at most 2 KB, or an empty string."""
    link = link.strip()
    if not link or len(link) > MAX_URL_LENGTH or any(ord(c) < 0x20 for c in link):
        return ""
    try:
        address = urljoin(base, link)
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises on a port that is none
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname and len(address) <= MAX_URL_LENGTH else ""


def is_same_site(url: str, other_url: str) -> bool:
    """Whether two addresses lie in one registrable domain; bare IP addresses compare host and port."""
    try:
        a, b = urlsplit(url), urlsplit(other_url)
        return bool(a.hostname) and _site_key(a) == _site_key(b)
    except ValueError:
        return False


def is_front_page(url: str) -> bool:
    """Whether an address names a site's front page."""
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
    """The registrable domain of a host name: one label more than its public suffix, the last two if it has none."""
    found = get_tld(f"http://{host}/", fail_silently=True, as_object=True, search_private=True)
    return (getattr(found, "fld", "") or ".".join(host.split(".")[-2:])).lower()
