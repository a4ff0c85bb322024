"""Build the normal response to a request, with validators and gzip."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from tests.newsroom import indexes, pages
from tests.newsroom.http_messages import Request, Response
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.publishers import PUBLISHERS, Publisher
from tests.newsroom.truth import Truth

PER_LISTING = 6
_BY_HOST = {key: at for at in PUBLISHERS for key in (at.host, at.address)}
_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "rdf": "application/rdf+xml",
}
_PLAIN = ("/about", "/om-oss", "/privacy", "/impressum", "/datenschutz", "/cookies")
_SECTIONS = ("/topic/", "/tag/", "/tema/", "/thema/", "/desk/", "/channel/")
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf500f0003860180fee5a0c40000000049454e44ae426082"
)


def publisher_of(host: str) -> Publisher | None:
    """Return the publisher of a host name or address."""
    return _BY_HOST.get(host)


def respond(room: Newsroom, request: Request) -> Response:
    """Return the response of a publisher without faults; 304 and gzip as the request asks for."""
    if request.method not in ("GET", "HEAD"):
        return Response(status=405, type="text/plain", body=b"only GET and HEAD\n", headers=(("Allow", "GET, HEAD"),))
    at = publisher_of(request.host)
    if at is None:
        return Response(type="text/plain", body=b"this is the canary\n")
    with room.lock:
        response = _resource(room, at, request.base, request.path)
    return _coded(request, _validated(request, response)) if response.status == 200 else response


def _validated(request: Request, response: Response) -> Response:
    """Add the validators; return 304 if the client has the current version."""
    tag = '"' + hashlib.sha256(response.body).hexdigest()[:20] + '"'
    modified = response.modified or datetime(2025, 1, 1, tzinfo=UTC)
    headers = (("ETag", tag), ("Last-Modified", format_datetime(modified, usegmt=True)), ("Vary", "Accept-Encoding"))
    response = replace(response, headers=response.headers + headers)
    wanted = request.headers.get("if-none-match")
    if wanted is not None:
        known = [part.strip().removeprefix("W/") for part in wanted.split(",")]
        fresh = tag in known or "*" in known
    else:
        fresh = _not_since(request.headers.get("if-modified-since", ""), modified)
    return replace(response, status=304, body=b"") if fresh else response


def _not_since(printed: str, modified: datetime) -> bool:
    try:
        return bool(printed) and modified <= parsedate_to_datetime(printed)
    except (ValueError, TypeError):
        return False


def _coded(request: Request, response: Response) -> Response:
    """Compress a response of some length if the client accepts gzip."""
    if "gzip" not in request.headers.get("accept-encoding", "") or len(response.body) < 200:
        return response
    body = gzip.compress(response.body, 6, mtime=0)
    return replace(response, body=body, headers=(*response.headers, ("Content-Encoding", "gzip")))


def _resource(room: Newsroom, at: Publisher, base: str, path: str) -> Response:
    """Return the full response at a path, whatever version the client has."""
    bare, _, query = path.partition("?")
    changed = room.changed(at.name)
    if bare == "/robots.txt":
        return Response(type="text/plain; charset=utf-8", body=indexes.robots(base).encode())
    if bare.startswith("/media/"):
        return Response(type="image/png", body=_PIXEL)
    if bare == "/" or (bare == at.index_path and at.index == "listing"):
        return _front(room, at, base, bare, query)
    if bare == at.index_path and at.index in _TYPES:
        return Response(type=_TYPES[at.index], body=_feed(room, at, base), modified=changed)
    if bare == "/roundup.xml":
        text = indexes.roundup(at, base, room.roundup(at.name))
        return Response(type=_TYPES["rss"], body=text.encode(), modified=changed)
    if bare.startswith("/sitemap"):
        return _sitemap(room, at, base, bare)
    return _article(room, at, base, path)


def _feed(room: Newsroom, at: Publisher, base: str) -> bytes:
    listed, changed = room.listed(at.name), room.changed(at.name)
    if at.index == "rss":
        text = indexes.rss(at, base, listed, changed)
    elif at.index == "atom":
        text = indexes.atom(at, base, listed, changed)
    elif at.index == "json":
        text = indexes.json_feed(at, base, listed)
    else:
        text = indexes.rdf(at, base, listed)
    return text.encode(at.encoding)


def _sitemap(room: Newsroom, at: Publisher, base: str, path: str) -> Response:
    """Return the sitemap: an index with children at kerbside, a urlset elsewhere; stromvei's names no article."""
    listed, changed = room.listed(at.name), room.changed(at.name)
    kind = "application/xml; charset=utf-8"
    if path == "/sitemap.xml" and at.index != "sitemap":
        others = ["/", "/about", at.index_path] if at.index == "listing" else ["/"]
        text = indexes.urlset(base, [] if at.index == "listing" else listed, others)
        return Response(type=kind, body=text.encode(), modified=changed)
    if path == "/sitemap.xml":
        return Response(type=kind, body=indexes.sitemap_index(base, listed).encode(), modified=changed)
    if path == "/sitemap-news.xml" and at.index == "sitemap":
        return Response(type=kind, body=indexes.news_sitemap(at, base, listed[:5]).encode(), modified=changed)
    month = re.fullmatch(r"/sitemap-(\d{4}-\d\d)\.xml\.gz", path)
    if month and at.index == "sitemap":
        return Response(type="application/x-gzip", body=indexes.month_sitemap(base, listed, month[1]), modified=changed)
    return _missing(at)


def _front(room: Newsroom, at: Publisher, base: str, path: str, query: str) -> Response:
    """Return the home page with the newest articles, or one page of the listing."""
    number = re.fullmatch(r"side=(\d{1,4})", query)
    start = (int(number[1]) - 1) * PER_LISTING if number and path != "/" else 0
    listed = room.listed(at.name)
    teasers = [
        (pages.at_path(article), article.title, at.shown(at.local(article.published)))
        for article in listed[max(start, 0) : max(start, 0) + PER_LISTING]
    ]
    more = start + PER_LISTING < len(listed) and path != "/"
    kind = _TYPES.get(at.index, "").partition(";")[0]
    text = pages.front_page(
        at,
        teasers,
        alternate=f'<link rel="alternate" type="{kind}" href="{at.index_path}">' if kind else "",
        next_page=f"{path}?side={start // PER_LISTING + 2}" if more else "",
    )
    return _html(at, text, room.changed(at.name))


def _article(room: Newsroom, at: Publisher, base: str, path: str) -> Response:
    bare = path.partition("?")[0]
    try:
        truth = room.find(f"http://{at.host}{bare}")
    except KeyError:
        return _plain_page(at, bare)
    amp = bare.startswith("/amp/")
    if truth.withdrawn:
        return Response(status=truth.withdrawn, body=b"<!DOCTYPE html><title>Gone</title><p>This page is gone.</p>")
    if not truth.public or (amp and not at.amp):
        return _missing(at)
    text = pages.article_page(
        at,
        base,
        truth,
        room.blocks(truth),
        related=_related(room, truth),
        original=_original(room, truth, base),
        box=room.box(at.name),
        amp=amp,
        redesigned=room.is_redesigned(at.name),
    )
    return _html(at, text, truth.modified or truth.published)


def _related(room: Newsroom, truth: Truth) -> list[tuple[str, str]]:
    """Return three older articles of the publisher, always the same ones, so that the page does not change."""
    others = [other for other in room.every(truth.publisher) if other.published < truth.published]
    return [(pages.at_path(other), other.title) for other in others[-3:] if not (other.private or other.thin)]


def _original(room: Newsroom, truth: Truth, base: str) -> tuple[str, str] | None:
    """Return the URL (direct or by proxy, as requested) and the publisher of the original of a copy."""
    if not truth.copy_of:
        return None
    original = room.find(truth.copy_of)
    source = next(at for at in PUBLISHERS if at.name == original.publisher)
    return original.url if truth.url.startswith(base) else original.proxy_url, source.title


def _plain_page(at: Publisher, path: str) -> Response:
    """Return a page that is no article: a crawler that follows menus finds these."""
    if path in _PLAIN or path.startswith(_SECTIONS):
        return _html(at, pages.front_page(at, []), None)
    return _missing(at)


def _html(at: Publisher, text: str, modified: datetime | None) -> Response:
    """Encode a page for its publisher; only UTF-8 is declared in the header."""
    kind = "text/html; charset=utf-8" if at.encoding == "utf-8" else "text/html"
    return Response(type=kind, body=text.encode(at.encoding), modified=modified)


def _missing(at: Publisher) -> Response:
    body = f'<!DOCTYPE html><html lang="{at.lang}"><title>404</title><p>404</p></html>'
    return Response(status=404, body=body.encode(at.encoding))
