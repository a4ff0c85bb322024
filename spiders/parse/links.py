"""The addresses that an index names: absolute, http or https, of a length that can be asked for."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

MAX_URL = 2083
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def absolute(base: str, href: str) -> str:
    """`href` joined to `base`, or an empty string unless that is an address to fetch.

    The address stays as it was spelled, apart from white space: at its ends and line ends it
    is dropped, as browsers do, inside it becomes %20.
    """
    href = href.strip()
    if not href or len(href) > MAX_URL:
        return ""
    href = re.sub(r"[\t\r\n]+\s*", "", href).replace("&amp;", "&").replace(" ", "%20")
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "\\" not in parts.netloc
        _ = parts.port
    except ValueError:
        return ""
    return url if is_web and len(url) <= MAX_URL and not _NOT_IN_URLS.search(url) else ""
