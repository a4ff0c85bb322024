"""What a test may hold the crawl against: the Truth about an article, and a Hit in the server's log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One article as a perfect crawl would know it.

    `url` is its address in direct mode, `proxy_url` by the proxy; `lead_url` is what the
    publisher's index prints in direct mode (with its tracking parameters), `amp_url` the AMP
    twin or empty. `published` is aware, `published_date` the day on the publisher's own
    clock, `zone_known` whether the page prints the zone. `text` is the exact body, blocks
    joined by blank lines. `copy_of` is the direct URL of the original or empty; `points_home` tells
    that the page declares it as its canonical address, where it declares one.
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
    points_home: bool = False
    private: bool = False
    thin: bool = False
    public: bool = True
    withdrawn: int = 0

    @property
    def readable(self) -> bool:
        """Whether a polite crawl should end up with it: public, there, allowed by robots.txt, not thin."""
        return self.public and not (self.withdrawn or self.private or self.thin)


@dataclass(slots=True, kw_only=True)
class Hit:
    """One request as the server saw it; `status` stays 0 until it is answered.

    `time` and `ended` are monotonic seconds, `host` the host that was asked (no port),
    `publisher` its name or empty, `concurrent` how many requests that host had in hand,
    this one counted; header names are in lower case.
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
        """Whether the request carried If-None-Match or If-Modified-Since."""
        return "if-none-match" in self.headers or "if-modified-since" in self.headers

    @property
    def agent(self) -> str:
        """The User-Agent that asked."""
        return self.headers.get("user-agent", "")
