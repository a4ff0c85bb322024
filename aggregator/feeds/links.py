"""The only addresses that leave in a feed or an export: absolute http and https URLs."""

from __future__ import annotations

import re
from urllib.parse import quote

_WEB = re.compile(r"https?://(?=[^\s/?#\\])[^\x00-\x1f\x7f\ud800-\udfff]+", re.IGNORECASE)


def is_web_url(text: str) -> bool:
    """Whether the text is an absolute http or https URL without control characters or half surrogates."""
    return bool(_WEB.fullmatch(text))


def web_url(text: str) -> str:
    """The URL with what no URI may hold percent-encoded, or an empty string unless it is http or https."""
    return quote(text, safe=":/?#[]@!$&'()*+,;=%-._~") if is_web_url(text) else ""
