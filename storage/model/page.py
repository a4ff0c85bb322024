"""The nouns of the way in: a Lead (an address an index named), a Page (what came back), an Index (what was read)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime

MAX_CONTENT_BYTES = 16 * 2**20
"""The most bytes that one page may hold once its content coding is undone."""

MAX_VALIDATOR_LENGTH = 1024


class ContentError(ValueError):
    """A page's body cannot be decoded: unknown or layered coding, damaged, cut off, or too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A URL, and what the index that named it said about it.

    `published` and `updated` are aware and in UTC; `published_raw` is the text as the index
    printed it, `zone_known` whether that text told its time zone.
    """

    url: str
    id: str = ""
    title: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    published_raw: str = ""
    zone_known: bool = True
    updated: datetime | None = None
    language: str = ""
    image: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One exchange with a server, as it came.

    `url` is the address that was asked, `headers` the response's as (name, value) pairs,
    `body` the payload after transfer decoding and before content decoding. A redirect is a
    Page too; the Page it led to names the hops before it in `via`, first hop first.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    fetched_at: datetime
    source: str = ""
    lead: Lead | None = None
    via: tuple[str, ...] = ()
    ip: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def validator(self, name: str) -> str:
        """The value of ETag or Last-Modified as far as it is safe to send back: short, without control characters."""
        value = self.header(name)
        return "" if len(value) > MAX_VALIDATOR_LENGTH or any(ord(c) < 32 or ord(c) == 127 for c in value) else value

    @property
    def media_type(self) -> str:
        """The media type in lower case and without its parameters, or an empty string."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def requested_url(self) -> str:
        """The address the crawl asked for first, before any redirect."""
        return self.via[0] if self.via else self.url

    def decode_content(self, limit: int = MAX_CONTENT_BYTES) -> bytes:
        """The body with its content coding undone, at most `limit` bytes; raises ContentError."""
        codings = [
            c for c in self.header("content-encoding").lower().replace(" ", "").split(",") if c not in ("", "identity")
        ]
        if len(codings) > 1:
            raise ContentError(f"layered content coding: {', '.join(codings[:4])}")
        if not codings or not self.body:
            if len(self.body) > limit:
                raise ContentError(f"too large: over {limit} bytes")
            return self.body
        if codings[0] in ("gzip", "x-gzip"):
            return inflate(self.body, limit=limit)
        if codings[0] == "deflate":
            raw = (self.body[0] & 0x0F) != 8 or (
                self.body[0] * 256 + self.body[1 if len(self.body) > 1 else 0]
            ) % 31 != 0
            return inflate(self.body, limit=limit, wbits=-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        raise ContentError(f"unknown content coding: {codings[0][:40]}")


def inflate(data: bytes, *, limit: int, wbits: int = zlib.MAX_WBITS | 16) -> bytes:
    """Decompress gzip (every member) or deflate bytes, at most `limit` out; raises ContentError.

    A stream that ends early is an error, never a short answer; bytes after the last gzip
    member that are not another member are ignored, as browsers do.
    """
    out = bytearray()
    rest, members = data, 0
    while rest:
        if members and rest[:2] != b"\x1f\x8b":
            break
        members += 1
        if members > 1000:
            raise ContentError("too many gzip members")
        stream = zlib.decompressobj(wbits)
        try:
            out += stream.decompress(rest, limit + 1 - len(out))
        except zlib.error as error:
            raise ContentError(f"damaged content coding: {error}") from None
        if len(out) > limit:
            raise ContentError(f"too large: over {limit} bytes decompressed")
        if not stream.eof:
            raise ContentError("compressed body is cut off")
        rest = stream.unused_data if wbits > zlib.MAX_WBITS else b""
    return bytes(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedIndex:
    """What was read from a feed, a sitemap or a listing page.

    `leads` come newest first as far as the index tells, at most the reader's limit; `total`
    counts all that it named. `more` names further indexes to read (a sitemap index's
    children, the next listing page). `problem` says in words what was wrong; with leads it
    means "read as far as it goes". `asks` is how many seconds apart it wants to be read, 0 where it says nothing.
    """

    kind: str = ""
    title: str = ""
    home: str = ""
    language: str = ""
    leads: tuple[Lead, ...] = ()
    total: int = 0
    child_urls: tuple[str, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    poll_interval: float = 0.0
