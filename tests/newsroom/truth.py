"""What a test compares a crawl with: the truth about an article, and a request in the server's log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One article as a perfect crawl would store it.

    `url` is the direct URL, `proxy_url` the one by the proxy, `lead_url` the direct one in the publisher's index (with
    tracking parameters), `amp_url` that of the AMP version or empty. `published` is aware; `published_date` is the day
    in the publisher's time zone; with `zone_known` the page prints the zone. `text` is the exact body, blocks joined
    by blank lines. `copy_of` is the direct URL of the original or empty; with `declares_original` a page that has a
    canonical URL names the original.
    """

    publisher: str
    slug: str
    url: str
    proxy_url: str
    lead_url: str
    amp_url: str
    title: str
    authors: tuple[str, ...]
    published: datetime
    published_date: str
    modified: datetime | None
    zone_known: bool
    language: str
    summary: str
    tags: tuple[str, ...]
    text: str
    copy_of: str = ""
    declares_original: bool = False
    private: bool = False
    thin: bool = False
    public: bool = True
    withdrawn: int = 0

    @property
    def readable(self) -> bool:
        """Tell whether a polite crawl stores it: published, not withdrawn, allowed by robots.txt, not thin."""
        return self.public and not (self.withdrawn or self.private or self.thin)


@dataclass(slots=True, kw_only=True)
class Hit:
    """One request in the log of the server; `status` is 0 until the response is made.

    `time` and `ended` are monotonic seconds, `host` is the requested host without port, `publisher` its name or empty,
    `concurrent` the number of unfinished requests to that host with this one; header names are in lower case.
    """

    time: float
    method: str
    host: str
    path: str
    publisher: str
    headers: dict[str, str] = field(default_factory=dict)
    concurrent: int = 1
    status: int = 0
    ended: float = 0.0

    @property
    def conditional(self) -> bool:
        """Tell whether the request has If-None-Match or If-Modified-Since."""
        return "if-none-match" in self.headers or "if-modified-since" in self.headers

    @property
    def agent(self) -> str:
        """Return the User-Agent header."""
        return self.headers.get("user-agent", "")
