"""Encode a Page as three WARC 1.1 records, and decode them.

Each record is one gzip member. A page is a `response` (the payload as received, with a rewritten header block), a
`request` and a `metadata` record. The metadata is JSON: the standard leaves its type open, and application/warc-fields,
the usual type, allows neither line breaks nor nested values, while the record must hold every field of the Page.
Decoding takes the body from the response and everything else from the metadata; the header blocks serve other tools.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha1
from http import HTTPStatus
from ipaddress import ip_address
from struct import pack
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from storage.model.page import EncodedBody, Lead, Page
from storage.text.clean import clean_line

HeaderPairs = Iterable[tuple[str, str]]

MAX_BLOCK_BYTES = 64 * 2**20
"""Maximum size of a record's block, when writing and reading."""

MEMBER_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""First bytes of each record's gzip member: deflate, no flags, no time."""

_HEADER_ALLOWANCE = 2**16
_VERSION = b"WARC/1.1\r\n"
_LEVEL = 2
_MEMORY_LEVEL = 6
"""zlib's memLevel: the default of 8 allocates 256 KiB per record, which takes longer than compressing a small one."""
_END = b"\r\n\r\n"
_HTTP = "application/http; msgtype={}"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_URI_PARTS = re.compile(r"[^:/?#]+://(?:[^/?#]*@)?(?P<host>[^/?#]*)(?P<target>[^#]*)")
_PLAIN_PROTOCOL = re.compile(r"HTTP/1\.[01]")
_COMPRESSED_CODING = re.compile(r"gzip|br|zstd|deflate|compress", re.IGNORECASE)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_TIMES = ("published", "updated")
_LISTS = ("authors", "tags")
_NO_METADATA = ("body", "lead", "encoded_body")
_FORMAT = 1

_DESCRIPTION = (
    "Each response is followed by its request and a metadata record. Payloads are as the server sent them after "
    "transfer decoding, content coding kept. Reconstructed, not as on the wire: the request line and Host, the reason "
    "phrase, the protocol version where it was not HTTP/1, the order and case of header fields as far as the client "
    "gave them. Transfer-Encoding is left out and Content-Length recomputed; control characters in header values "
    "became spaces, and fields whose names are no tokens are left out. The metadata record (JSON, text in ASCII with "
    "escapes) holds the header fields exactly as the client gave them, and the facts of the fetch."
)


class WarcRecordError(Exception):
    """The bytes are not a complete, valid record, or a page cannot be encoded as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcRecord:
    """A record: its named fields in order, and its block."""

    fields: tuple[tuple[str, str], ...]
    block: bytes

    def field(self, name: str) -> str:
        """Return the value of a named field, or an empty string."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), "")

    @property
    def type(self) -> str:
        """WARC-Type of the record."""
        return self.field("WARC-Type")


def record_urn(token: str) -> str:
    """Return the record id for the hex digits of a UUID."""
    return f"<urn:uuid:{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:]}>"


def encode_warcinfo(*, name: str, token: str, software: str, at: datetime) -> bytes:
    """Encode the warcinfo record that opens a file: the software, and which parts are reconstructed."""
    lines = (
        ("software", clean_line(software)),
        ("format", "WARC File Format 1.1"),
        ("conformsTo", "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
        ("description", _DESCRIPTION),
    )
    block = "".join(f"{key}: {value}\r\n" for key, value in lines).encode()
    head = [("WARC-Date", _date(at)), ("WARC-Filename", name)]
    return _encode_record("warcinfo", record_urn(token), head, "application/warc-fields", block)


def encode_body(page: Page) -> EncodedBody:
    """Compress a page's body for its response record, and compute the digests; needs no file."""
    return _encode_body(page, _response_head(page))


def _encode_body(page: Page, head: bytes) -> EncodedBody:
    # Compressing compressed content costs time and gains nothing.
    level = 0 if has_compressed_body(page) else _LEVEL
    return EncodedBody(
        deflated=_deflate(page.body + _END, level),
        block_digest=_digest(head, page.body),
        payload_digest=_digest(page.body),
    )


def has_compressed_body(page: Page) -> bool:
    """Return whether the server compressed the body, so that its record stores it as it is."""
    return bool(_COMPRESSED_CODING.search(page.header("content-encoding")))


def encode_page(page: Page, token: str) -> tuple[bytes, bytes]:
    """Return a page's compressed response record, and the request and metadata records that follow it.

    `token` is the hex UUID of the file's warcinfo record. Raises WarcRecordError if the page is too large.
    """
    if len(page.body) > MAX_BLOCK_BYTES - _HEADER_ALLOWANCE:
        raise WarcRecordError(f"page too large for a WARC record: {len(page.body)} bytes")
    uri, response_id = encode_uri(page.url), record_urn(uuid4().hex)
    common = [("WARC-Target-URI", uri), ("WARC-Date", _date(page.fetched_at)), ("WARC-Warcinfo-ID", record_urn(token))]
    if _is_ip_address(page.ip):
        common.append(("WARC-IP-Address", page.ip))
    concurrent = [*common, ("WARC-Concurrent-To", response_id)]
    request = _encode_record(
        "request", record_urn(uuid4().hex), concurrent, _HTTP.format("request"), _request_block(page, uri)
    )
    metadata_fields = [*concurrent, ("WARC-Refers-To", response_id)]
    return _encode_response(page, response_id, common), request + _encode_record(
        "metadata", record_urn(uuid4().hex), metadata_fields, "application/json", _encode_metadata(page)
    )


def parse_record(data: bytes) -> WarcRecord:
    """Parse the uncompressed bytes of one gzip member; raises WarcRecordError unless the record is complete."""
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator or not head.startswith(_VERSION):
        raise WarcRecordError("not a WARC record")
    pairs = (line.partition(":") for line in head[len(_VERSION) :].decode("utf-8", "replace").split("\r\n"))
    record = WarcRecord(fields=tuple((name.strip(), value.strip()) for name, _, value in pairs), block=rest[:-4])
    if rest[-4:] != b"\r\n\r\n" or record.field("Content-Length") != str(len(record.block)):
        raise WarcRecordError("the record's length differs from its Content-Length")
    if record.field("WARC-Block-Digest") != _digest(record.block):
        raise WarcRecordError("the record's block does not match its digest")
    return record


def decode_page(response: WarcRecord, request: WarcRecord, metadata: WarcRecord) -> Page:
    """Return the page that three records hold; raises WarcRecordError unless they belong together."""
    if (response.type, request.type, metadata.type) != ("response", "request", "metadata"):
        raise WarcRecordError("not a response with its request and metadata")
    response_ids = {record.field("WARC-Concurrent-To") for record in (request, metadata)}
    if response_ids != {response.field("WARC-Record-ID")}:
        raise WarcRecordError("request or metadata belong to another response")
    _, separator, body = response.block.partition(b"\r\n\r\n")
    if not separator:
        raise WarcRecordError("a response without the end of its header block")
    try:
        return _page_from_metadata(json.loads(metadata.block), body)
    except (ValueError, KeyError, TypeError) as error:
        raise WarcRecordError(f"unreadable metadata: {error!r}") from None


def encode_uri(url: str) -> str:
    """Percent-encode every character of a URL that a URI must not contain, as UTF-8."""
    return quote(url.encode("utf-8", "surrogatepass"), safe=":/?#[]@!$&'()*+,;=%-._~")


def _encode_response(page: Page, record_id: str, fields: HeaderPairs) -> bytes:
    """Encode the response record; its body is compressed apart from the header blocks."""
    head = _response_head(page)
    body = page.encoded_body or _encode_body(page, head)
    fields = [*fields, ("WARC-Payload-Digest", body.payload_digest)]
    media_type, length = _HTTP.format("response"), len(head) + len(page.body)
    start = _record_head("response", record_id, fields, body.block_digest, media_type, length) + head
    return _gzip_member((start, page.body, _END), _deflate(start, is_last=False), body.deflated)


def _encode_record(kind: str, record_id: str, fields: HeaderPairs, media_type: str, block: bytes) -> bytes:
    """Encode a record as a gzip member."""
    if len(block) > MAX_BLOCK_BYTES:
        raise WarcRecordError(f"{kind} record too large: {len(block)} bytes")
    data = _record_head(kind, record_id, fields, _digest(block), media_type, len(block)) + block + _END
    return _gzip_member((data,), _deflate(data))


def _record_head(
    kind: str, record_id: str, fields: HeaderPairs, block_digest: str, media_type: str, length: int
) -> bytes:
    lines = [("WARC-Type", kind), ("WARC-Record-ID", record_id), *fields, ("WARC-Block-Digest", block_digest)]
    lines += [("Content-Type", media_type), ("Content-Length", str(length))]
    return b"".join((_VERSION, "".join([f"{name}: {value}\r\n" for name, value in lines]).encode("ascii"), b"\r\n"))


def _deflate(data: bytes, level: int = _LEVEL, *, is_last: bool = True) -> bytes:
    """Compress a part of a gzip member (level 0 stores it). Nothing in the next part refers to this one.

    A full flush ends a part at a byte boundary and resets the window.
    """
    stream = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY_LEVEL)
    return stream.compress(data) + stream.flush(zlib.Z_FINISH if is_last else zlib.Z_FULL_FLUSH)


def _gzip_member(content: Iterable[bytes], *deflated: bytes) -> bytes:
    """Return the gzip member (RFC 1952) of some content that was compressed in parts."""
    crc, size = 0, 0
    for data in content:
        crc, size = zlib.crc32(data, crc), size + len(data)
    return b"".join((MEMBER_START, b"\x00\xff", *deflated, pack("<II", crc, size)))


def _digest(*parts: bytes) -> str:
    """Return the SHA-1 in base 32 that WARC tools compare; the Capture's SHA-256 guards the integrity."""
    state = sha1(usedforsecurity=False)
    for part in parts:
        state.update(part)
    return "sha1:" + b32encode(state.digest()).decode()


def _date(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _is_ip_address(text: str) -> bool:
    try:
        return bool(text) and "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _response_head(page: Page) -> bytes:
    protocol = page.protocol if _PLAIN_PROTOCOL.fullmatch(page.protocol) else "HTTP/1.1"
    kept = [pair for pair in page.headers if pair[0].lower() not in ("transfer-encoding", "content-length")]
    head = _header_block(f"{protocol} {page.status} {_PHRASES.get(page.status, '')}".rstrip(), kept)
    return b"%sContent-Length: %d\r\n\r\n" % (head, len(page.body))


def _request_block(page: Page, uri: str) -> bytes:
    parts = _URI_PARTS.fullmatch(uri.partition("#")[0])
    host, target = (parts["host"], parts["target"]) if parts else ("", uri)
    target = target if target.startswith("/") else "/" + target
    method = page.method if _TOKEN.fullmatch(page.method) else "GET"
    has_host = any(name.lower() == "host" for name, _ in page.request_headers)
    headers = page.request_headers if has_host else (("Host", host), *page.request_headers)
    return _header_block(f"{method} {target} HTTP/1.1", headers) + b"\r\n"


def _header_block(first: str, headers: HeaderPairs) -> bytes:
    lines = [first.encode("ascii")]
    for name, value in headers:
        if _TOKEN.fullmatch(name):
            lines.append(name.encode("ascii") + b": " + _header_value(value))
    return b"\r\n".join((*lines, b""))


def _header_value(value: str) -> bytes:
    value = _CONTROL.sub(" ", value).strip(" \t")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _encode_metadata(page: Page) -> bytes:
    """Encode what describes a page, except its body, as ASCII JSON."""
    values: dict[str, Any] = {f.name: getattr(page, f.name) for f in fields(Page) if f.name not in _NO_METADATA}
    lead = page.lead and {f.name: getattr(page.lead, f.name) for f in fields(Lead)}
    return json.dumps({"format": _FORMAT, **values, "lead": lead}, default=datetime.isoformat).encode("ascii")


def _page_from_metadata(values: dict[str, Any], body: bytes) -> Page:
    if values.pop("format") != _FORMAT:
        raise WarcRecordError("metadata of an unknown format")
    for name in ("headers", "request_headers"):
        values[name] = tuple((key, value) for key, value in values[name])
    lead = values["lead"]
    values |= {"via": tuple(values["via"]), "fetched_at": datetime.fromisoformat(values["fetched_at"])}
    return Page(**values | {"lead": None if lead is None else _lead_from_metadata(lead)}, body=body)


def _lead_from_metadata(values: dict[str, Any]) -> Lead:
    for name in _TIMES:
        values[name] = values[name] and datetime.fromisoformat(values[name])
    for name in _LISTS:
        values[name] = tuple(values[name])
    return Lead(**values)
