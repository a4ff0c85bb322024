"""Faults of a publisher: each turns a normal response into a faulty one.

kind           what happens                                             arg (default)
status         a short page with this status                            status (503)
429            Too Many Requests with Retry-After                       its value (120)
slow           the normal response, 64 bytes at a time                  seconds between two pieces (0.5)
hang           nothing is ever sent
reset          the connection is reset
truncate       half of the body that Content-Length announces
bomb           gzip that expands                                        MiB (512)
endless        a chunked body without an end (stops at 1 GB)
loop           endless redirects to itself
redirect       302                                                      target
moved          301                                                      target
badredirect    302 with an unusable Location      missing, empty, script, file, data, malformed, control (missing)
badgzip        damaged gzip
layered        gzip within gzip, both declared
html           200 with an HTML page in place of the requested document
broken         a document that stops in the middle, with a matching Content-Length
empty          200 with no bytes
xxe            XML with external entities: a local file and the canary
laughs         XML whose entities multiply
huge           a long, well-formed RSS feed                             items (200000)
headers        very many header lines                                   lines (200000)
interim        interim 103 responses without an end (stops at 1 GB)
attributes     HTML with one tag of very many attributes                attributes (130000)
bigetag        the normal response with a very long ETag                characters (65000)
unconditional  the normal response without validators, also to conditional requests
notmodified    304 to everything
video          200 as video/mp4
wall           200 with a page of tests/refused_pages                   its name (challenge-custom-en)
none           no fault
"""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from tests.newsroom.http_messages import Request, Response, SendMode
from tests.refused_pages import refused_pages

REFUSED_PAGES = {page.name: page for page in refused_pages()}
"""The pages of tests/refused_pages by name."""

_MEBI = 2**20
_GIGA = 10**9


def apply_fault(kind: str, arg: str, request: Request, normal: Response, canary: str) -> Response:
    """Return what a fault makes of the normal response."""
    if kind in _SEND_MODES:
        return replace(normal, mode=_SEND_MODES[kind], pause=float(arg or 0.5))
    return _RESPONSES[kind](arg, request, normal, canary)


_SEND_MODES = {
    "slow": SendMode.SLOW,
    "hang": SendMode.HANG,
    "reset": SendMode.RESET,
    "truncate": SendMode.TRUNCATE,
    "interim": SendMode.INTERIM,
}


def _status(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(status=int(arg or 503), body=b"<!DOCTYPE html><title>Error</title><p>Something is wrong here.</p>")


def _too_many(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(status=429, type="text/plain", body=b"slow down\n", headers=(("Retry-After", arg or "120"),))


def _bomb(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(type=normal.type, body=bomb(int(arg or 512)), headers=(("Content-Encoding", "gzip"),))


@cache
def bomb(mebi: int) -> bytes:
    """Return a valid gzip member that expands to `mebi` MiB of spaces; it repeats one deflated MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = b" " * _MEBI
    packer.compress(block)
    packer.flush(zlib.Z_FULL_FLUSH)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(mebi):
        check = zlib.crc32(block, check)
    size = (mebi * _MEBI) % 2**32
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + repeated * mebi + packer.flush() + check.to_bytes(4, "little") + size.to_bytes(4, "little")


def _endless(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(type=normal.type, stream=_repeat(b"<!-- and so on -->" * 3641, _GIGA))


def _repeat(piece: bytes, limit: int) -> Iterator[bytes]:
    for _ in range(limit // len(piece)):
        yield piece


def _loop(arg: str, request: Request, normal: Response, canary: str) -> Response:
    path, _, query = request.path.partition("?")
    hop = int(query[4:]) + 1 if query.startswith("hop=") and query[4:].isdigit() else 1
    return _to(302, f"{request.base}{path}?hop={hop}")


def _redirect(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return _to(302, arg or canary)


def _moved(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return _to(301, arg or canary)


def _to(status: int, target: str) -> Response:
    return Response(status=status, type="text/plain", body=b"elsewhere\n", headers=(("Location", target),))


_BAD_TARGETS = {
    "empty": "",
    "script": "javascript:alert(1)",
    "file": "file:///etc/passwd",
    "data": "data:text/html,hello",
    "malformed": "http://[::1/",
    "control": "http://a\x01b\x7f.example/\x02",
}


def _bad_redirect(arg: str, request: Request, normal: Response, canary: str) -> Response:
    if arg in ("", "missing"):
        return Response(status=302, type="text/plain", body=b"elsewhere\n")
    return _to(302, _BAD_TARGETS[arg])


def _bad_gzip(arg: str, request: Request, normal: Response, canary: str) -> Response:
    damaged = gzip.compress(b"x" * 400, mtime=0)[:12] + random.Random(7).randbytes(400)
    return Response(type=normal.type, body=damaged, headers=(("Content-Encoding", "gzip"),))


def _layered(arg: str, request: Request, normal: Response, canary: str) -> Response:
    body = gzip.compress(gzip.compress(_bare(normal), mtime=0), mtime=0)
    return Response(type=normal.type, body=body, headers=(("Content-Encoding", "gzip, gzip"),))


def _html(arg: str, request: Request, normal: Response, canary: str) -> Response:
    page = (
        "<!DOCTYPE html><html><head><title>Back soon</title></head><body><h1>Back soon</h1>"
        "<p>We are working on the site. Please come back later.<br>Thank you.</body></html>"
    )
    return Response(body=page.encode())


def _wall(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(body=REFUSED_PAGES[arg or "challenge-custom-en"].body, type="text/html")


def _broken(arg: str, request: Request, normal: Response, canary: str) -> Response:
    body = _bare(normal)
    return Response(type=normal.type, body=body[: max(1, len(body) // 20)] + b"<title>&half")


def _bare(normal: Response) -> bytes:
    """Return the body of the normal response without its content coding."""
    coded = any(name == "Content-Encoding" for name, _ in normal.headers)
    return gzip.decompress(normal.body) if coded else normal.body


def _empty(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(type=normal.type)


def _xxe(arg: str, request: Request, normal: Response, canary: str) -> Response:
    doctype = (
        f'<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY c SYSTEM "{canary}">'
        f'<!ENTITY % p SYSTEM "{canary}?parameter"> %p;]>'
    )
    return _xml(doctype + _rss("&f;&c;"))


def _laughs(arg: str, request: Request, normal: Response, canary: str) -> Response:
    steps = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return _xml(f'<!DOCTYPE rss [<!ENTITY l0 "ha">{steps}]>' + _rss("&l9;"))


def _rss(title: str) -> str:
    item = f"<item><title>{title}</title><link>http://nowhere.example/one</link></item>"
    return f'<rss version="2.0"><channel><title>{title}</title>{item}</channel></rss>'


def _xml(text: str) -> Response:
    return Response(type="application/xml", body=b'<?xml version="1.0"?>' + text.encode())


def _huge(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(type="application/rss+xml", stream=_items(request.base, int(arg or 200_000)))


def _items(base: str, count: int) -> Iterator[bytes]:
    yield b'<?xml version="1.0"?><rss version="2.0"><channel><title>Everything</title>'
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        yield "".join(f"<item><title>Item {n}</title><link>{base}/item/{n}</link></item>" for n in numbers).encode()
    yield b"</channel></rss>"


def _headers(arg: str, request: Request, normal: Response, canary: str) -> Response:
    lines = tuple((f"X-Line-{number}", "and another") for number in range(int(arg or 200_000)))
    return replace(normal, headers=normal.headers + lines)


def _attributes(arg: str, request: Request, normal: Response, canary: str) -> Response:
    names = " ".join(f"a{number}=1" for number in range(int(arg or 130_000)))
    return Response(body=f"<!DOCTYPE html><title>Many</title><p {names}>One paragraph.</p>".encode())


def _big_etag(arg: str, request: Request, normal: Response, canary: str) -> Response:
    others = tuple(pair for pair in normal.headers if pair[0] != "ETag")
    return replace(normal, headers=(*others, ("ETag", f'"{"e" * (int(arg or 65_000) - 2)}"')))


def _unconditional(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return replace(normal, headers=tuple(pair for pair in normal.headers if pair[0] not in ("ETag", "Last-Modified")))


def _not_modified(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(status=304)


def _video(arg: str, request: Request, normal: Response, canary: str) -> Response:
    return Response(type="video/mp4", body=b"\x00\x00\x00\x18ftypmp42" * 64)


_RESPONSES: dict[str, Callable[[str, Request, Response, str], Response]] = {
    "status": _status,
    "429": _too_many,
    "bomb": _bomb,
    "endless": _endless,
    "loop": _loop,
    "redirect": _redirect,
    "moved": _moved,
    "badredirect": _bad_redirect,
    "badgzip": _bad_gzip,
    "layered": _layered,
    "html": _html,
    "wall": _wall,
    "broken": _broken,
    "empty": _empty,
    "xxe": _xxe,
    "laughs": _laughs,
    "huge": _huge,
    "headers": _headers,
    "attributes": _attributes,
    "bigetag": _big_etag,
    "unconditional": _unconditional,
    "notmodified": _not_modified,
    "video": _video,
}

KINDS = frozenset(_RESPONSES) | frozenset(_SEND_MODES) | {"none"}
"""The names of all kinds of fault."""

NEEDS_FULL_RESPONSE = frozenset({"unconditional", "bigetag", "broken", "layered", "truncate"})
"""Faults that need the full response, also to a conditional request."""
