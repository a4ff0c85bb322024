"""Values of fetching: a lead from an index, a fetched page, a parsed index."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime

MAX_CONTENT_BYTES = 16 * 2**20
"""Maximum number of bytes of a page after its content encoding is decoded."""

MAX_VALIDATOR_LENGTH = 1024


class ContentError(ValueError):
    """A page's body cannot be decoded: unknown or layered coding, damaged, cut off, or too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A URL and its metadata in an index.

    `published` and `updated` are aware and in UTC; `published_raw` is the text in the index, and `zone_known` says
    whether that text had a time zone.
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


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A page's body for its WARC record: deflated, with the SHA-1 digests of the HTTP block and of the body."""

    deflated: bytes = field(repr=False)
    block_digest: str
    payload_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A request and its response.

    `url` is the requested address, `headers` are those of the response as (name, value) pairs, `body` is the payload
    after transfer decoding and before content decoding. A redirect is a page too; the page that it leads to has the
    URLs of the previous hops in `via`, first hop first. `encoded_body` is the body as a worker process encoded
    it for the WARC record, or None if the writer has to do it.
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
    encoded_body: EncodedBody | None = field(default=None, compare=False, repr=False)

    def header(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def validator(self, name: str) -> str:
        """Return ETag or Last-Modified, or an empty string if the value is too long or has control characters."""
        value = self.header(name)
        return "" if len(value) > MAX_VALIDATOR_LENGTH or any(ord(c) < 32 or ord(c) == 127 for c in value) else value

    @property
    def media_type(self) -> str:
        """Media type in lower case without parameters, or an empty string."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def requested_url(self) -> str:
        """URL of the first request, before any redirect."""
        return self.via[0] if self.via else self.url

    def decode_content(self, limit: int = MAX_CONTENT_BYTES) -> bytes:
        """Return the body without its content encoding, at most `limit` bytes; raise ContentError."""
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
    """Decompress gzip (all members) or deflate data to at most `limit` bytes; raise ContentError.

    A stream that ends early is an error. Bytes after the last gzip member are ignored, as browsers do.
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
    """Content of a feed, a sitemap or a listing page.

    `leads` are sorted newest first as far as the index has times, and limited by the parser; `total` counts all.
    `child_urls` are further indexes to read (children of a sitemap index, the next listing page). `problem` says in
    words what was wrong; if there are leads, they were read up to the problem. `poll_interval` is the interval in
    seconds that the index asks for, 0 if it asks for none.
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
