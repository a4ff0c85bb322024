"""The server: which address gives what, and what every answer carries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.feeds.formats import FEEDS
from aggregator.feeds.opml import write_outlines
from aggregator.web.access import KnownHosts, Knows, NeedsToken
from aggregator.web.api import ENDPOINTS, Api, Endpoint, Nothing, with_number
from aggregator.web.feed_catalogue import Shelf
from aggregator.web.front_page import front_page
from aggregator.web.greader.call import Sync
from aggregator.web.greader.routes import sync_routes
from aggregator.web.openapi import openapi
from aggregator.web.requests import ENTRIES, LONGEST_QUERY, MOST_ENTRIES, FeedAsked, Given, NoFeed, Wrong
from aggregator.web.responses import Marks, mark_of, problem
from storage.errors import ArchiveError
from storage.library import Library
from storage.monitor import Monitor

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
)
_API = "/api/v1"
_PAGE_SECONDS = 86_400
"""A page of an archive changes only where an article in it was edited."""
_MOST_PAGES = 999_999_999
_SECONDS = 60
"""How long a reader may keep an answer before it asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the server hands out. With `knows` every request needs a token that it knows."""

    library: Library
    monitor: Monitor
    shelf: Shelf
    marks: Marks
    public_url: str
    api: Api
    sync: Sync
    knows: Knows | None = None
    metrics: Callable[[], tuple[bytes, str]] | None = None

    def cache_control(self, seconds: int) -> str:
        """What may keep an answer, and how long."""
        return f"{'private' if self.knows else 'public'}, max-age={seconds}"


def application(serving: Serving) -> ASGIApp:
    """The server as an ASGI application."""
    routes = [
        Route("/feeds/{path:path}", _feed(serving)),
        Route("/", _front(serving)),
        Route("/opml", _opml(serving)),
        Route("/healthz", _healthy),
        Route("/readyz", _ready(serving)),
        Route("/metrics", _metrics(serving)),
        *_api_routes(serving),
        *sync_routes(serving.sync),
    ]
    middleware = [Middleware(CarriesHeaders), Middleware(KnownHosts, public_url=serving.public_url)]
    if serving.knows is not None:
        middleware.append(Middleware(NeedsToken, knows=serving.knows))
    middleware.append(Middleware(GZipMiddleware, minimum_size=500, compresslevel=5))
    return Starlette(
        routes=routes, middleware=middleware, exception_handlers={HTTPException: _told, ArchiveError: _down}
    )


def _feed(serving: Serving) -> Callable[[Request], Response]:
    def given(request: Request) -> Response:
        asked = _asked(request)
        mark = serving.marks.of(asked, lambda: serving.shelf.mark(asked))
        answer = _unless_known(
            request, serving, mark, lambda: b"".join(FEEDS[asked.form].write(serving.shelf.channel(asked))),
            FEEDS[asked.form].media_type, _PAGE_SECONDS if asked.page else _SECONDS,
        )  # fmt: skip
        if hub := serving.shelf.hub_of(asked):
            answer.headers["Link"] = f'<{hub}>; rel="hub", <{serving.shelf.address(asked)}>; rel="self"'
        return answer

    return _answered(given)


def _front(serving: Serving) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        body = front_page(serving.library, serving.monitor.conditions(), serving.shelf.muted)
        return _unless_known(request, serving, mark_of(body), lambda: body, "text/html; charset=utf-8")

    return _answered(answer)


def _opml(serving: Serving) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        outlines = serving.shelf.outlines()
        mark = mark_of(outlines)
        media = "text/x-opml; charset=utf-8"
        return _unless_known(request, serving, mark, lambda: write_outlines(outlines, "evnews"), media)

    return _answered(answer)


def _api_routes(serving: Serving) -> list[Route]:
    """Every address of the JSON API, and the description of them all."""
    base = f"{serving.public_url.rstrip('/')}{_API}"

    def described(request: Request) -> Response:
        return _json(request, serving, openapi(ENDPOINTS, base))

    routes = [Route(f"{_API}/{one.path}", _answered(_called(serving, one))) for one in ENDPOINTS]
    return [*routes, Route(f"{_API}/openapi.json", described)]


def _called(serving: Serving, one: Endpoint) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        given = with_number(Given(dict(request.query_params)), request.path_params.get("id", ""))
        return _json(request, serving, one.answer(serving.api, given))

    return answer


def _json(request: Request, serving: Serving, fields: dict[str, Any]) -> Response:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return _unless_known(request, serving, mark_of(body), lambda: body, "application/json")


def _answered(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """An answer with what a user can mend told as a problem."""

    def told(request: Request) -> Response:
        try:
            return answer(request)
        except (NoFeed, Nothing) as error:
            return problem(404, str(error))
        except Wrong as error:
            return problem(400, str(error))

    return told


def _asked(request: Request) -> FeedAsked:
    path, _, form = request.path_params["path"].rpartition(".")
    if form not in FEEDS:
        raise NoFeed(f"a feed's address ends in {', '.join(f'.{name}' for name in FEEDS)}")
    options = dict(request.query_params)
    given, words = Given(options), options.get("q", "").strip()
    if path == "query" and not words:
        raise Wrong("A query's feed needs words: /feeds/query.atom?q=battery")
    if len(words) > LONGEST_QUERY:
        raise Wrong(f"A query has at most {LONGEST_QUERY} characters.")
    return FeedAsked(
        path=path, form=form, words=words if path == "query" else "", full=given.is_on("full"),
        limit=given.number("limit", ENTRIES, MOST_ENTRIES), cursor=options.get("cursor", "")[:200],
        order=_order(options.get("order", ""), path), page=given.number("page", 0, _MOST_PAGES),
    )  # fmt: skip


def _order(text: str, path: str) -> str:
    if text not in ("", "published", "arrival"):
        raise Wrong("order is published or arrival.")
    if text == "arrival" and not FeedAsked(path=path, form="atom").is_archived:
        raise Wrong("Only feeds of everything, a source, a topic or a saved search are in the order of arrival.")
    return text if text == "arrival" else ""


def _unless_known(
    request: Request,
    serving: Serving,
    mark: str,
    body: Callable[[], bytes],
    media_type: str,
    seconds: int = _SECONDS,
) -> Response:
    """The body, or 304 for who has it already. The mark is weak: each coding of an answer is the same answer."""
    headers = {"ETag": f'W/"{mark}"', "Cache-Control": serving.cache_control(seconds), "Vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or mark in (one.strip().removeprefix("W/").strip('"') for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body(), media_type=media_type, headers=headers)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


def _ready(serving: Serving) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        return (
            PlainTextResponse("ready\n") if serving.library.is_current() else problem(503, "The archive is not ready.")
        )

    return answer


def _metrics(serving: Serving) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        if serving.metrics is None:
            return problem(404, "Nothing is counted here.")
        body, media_type = serving.metrics()
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})

    return answer


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail)


async def _down(_: Request, error: Exception) -> Response:
    return problem(503, str(error))


class CarriesHeaders:
    """What every answer says to browsers: take nothing in it for a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its answer is given headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)
