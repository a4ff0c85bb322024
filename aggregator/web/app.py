"""The HTTP server: routes, conditional responses, security headers and error responses."""

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

from aggregator.feeds.formats import FEED_FORMATS
from aggregator.feeds.opml import write_outlines
from aggregator.web.access import KnownHostsMiddleware, TokenLookup, TokenMiddleware
from aggregator.web.api import ENDPOINTS, Api, ApiEndpoint, RecordNotFound, with_path_id
from aggregator.web.feed_catalogue import FeedCatalogue
from aggregator.web.front_page import render_front_page
from aggregator.web.greader.call import GReaderApi
from aggregator.web.greader.routes import create_greader_routes
from aggregator.web.openapi import describe_api
from aggregator.web.requests import (
    DEFAULT_ENTRIES,
    MAX_ENTRIES,
    MAX_QUERY_LENGTH,
    FeedNotFound,
    FeedRequest,
    InvalidParameter,
    QueryParams,
)
from aggregator.web.responses import EtagCache, make_etag, problem_response
from storage.errors import ArchiveError
from storage.library import Library
from storage.monitor import Monitor

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
)
_API_PREFIX = "/api/v1"
_ARCHIVE_PAGE_MAX_AGE = 86_400
"""Seconds; a page of an archived feed changes only if an article on it was edited."""
_MAX_PAGE = 999_999_999
_MAX_AGE = 60
"""Seconds that a client may reuse a response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """Everything the handlers need. With `find_token` every request needs a token."""

    library: Library
    monitor: Monitor
    feed_catalogue: FeedCatalogue
    etag_cache: EtagCache
    public_url: str
    api: Api
    greader_api: GReaderApi
    find_token: TokenLookup | None = None
    metrics: Callable[[], tuple[bytes, str]] | None = None

    def cache_control(self, seconds: int) -> str:
        """Return the Cache-Control header: public only if no token is required."""
        return f"{'private' if self.find_token else 'public'}, max-age={seconds}"


def create_app(context: ServerContext) -> ASGIApp:
    """Return the server as an ASGI application."""
    routes = [
        Route("/feeds/{path:path}", _make_feed_handler(context)),
        Route("/", _make_front_page_handler(context)),
        Route("/opml", _make_opml_handler(context)),
        Route("/healthz", _handle_health),
        Route("/readyz", _make_readiness_handler(context)),
        Route("/metrics", _make_metrics_handler(context)),
        *_create_api_routes(context),
        *create_greader_routes(context.greader_api),
    ]
    middleware = [
        Middleware(SecurityHeadersMiddleware),
        Middleware(KnownHostsMiddleware, public_url=context.public_url),
    ]
    if context.find_token is not None:
        middleware.append(Middleware(TokenMiddleware, find_token=context.find_token))
    middleware.append(Middleware(GZipMiddleware, minimum_size=500, compresslevel=5))
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: _handle_http_error, ArchiveError: _handle_archive_error},
    )


def _make_feed_handler(context: ServerContext) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        feed = _parse_feed_request(request)
        etag = context.etag_cache.get(feed, lambda: context.feed_catalogue.compute_etag(feed))
        response = _conditional_response(
            request,
            context,
            etag,
            lambda: b"".join(FEED_FORMATS[feed.format].write(context.feed_catalogue.build_channel(feed))),
            FEED_FORMATS[feed.format].media_type,
            _ARCHIVE_PAGE_MAX_AGE if feed.page else _MAX_AGE,
        )
        if hub := context.feed_catalogue.find_hub(feed):
            response.headers["Link"] = f'<{hub}>; rel="hub", <{context.feed_catalogue.build_url(feed)}>; rel="self"'
        return response

    return _handle_problems(respond)


def _make_front_page_handler(context: ServerContext) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        body = render_front_page(context.library, context.monitor.source_health(), context.feed_catalogue.muted)
        return _conditional_response(request, context, make_etag(body), lambda: body, "text/html; charset=utf-8")

    return _handle_problems(respond)


def _make_opml_handler(context: ServerContext) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        outlines = context.feed_catalogue.list_outlines()
        etag = make_etag(outlines)
        media_type = "text/x-opml; charset=utf-8"
        return _conditional_response(request, context, etag, lambda: write_outlines(outlines, "evnews"), media_type)

    return _handle_problems(respond)


def _create_api_routes(context: ServerContext) -> list[Route]:
    """Return the routes of the JSON API and of its OpenAPI description."""
    base = f"{context.public_url.rstrip('/')}{_API_PREFIX}"

    def respond(request: Request) -> Response:
        return _json_response(request, context, describe_api(ENDPOINTS, base))

    routes = [
        Route(f"{_API_PREFIX}/{endpoint.path}", _handle_problems(_make_api_handler(context, endpoint)))
        for endpoint in ENDPOINTS
    ]
    return [*routes, Route(f"{_API_PREFIX}/openapi.json", respond)]


def _make_api_handler(context: ServerContext, endpoint: ApiEndpoint) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        params = with_path_id(QueryParams(dict(request.query_params)), request.path_params.get("id", ""))
        return _json_response(request, context, endpoint.handler(context.api, params))

    return respond


def _json_response(request: Request, context: ServerContext, fields: dict[str, Any]) -> Response:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return _conditional_response(request, context, make_etag(body), lambda: body, "application/json")


def _handle_problems(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Wrap a handler: a missing record becomes 404, an invalid parameter 400."""

    def respond(request: Request) -> Response:
        try:
            return handler(request)
        except (FeedNotFound, RecordNotFound) as error:
            return problem_response(404, str(error))
        except InvalidParameter as error:
            return problem_response(400, str(error))

    return respond


def _parse_feed_request(request: Request) -> FeedRequest:
    path, _, form = request.path_params["path"].rpartition(".")
    if form not in FEED_FORMATS:
        raise FeedNotFound(f"the URL of a feed ends in {', '.join(f'.{name}' for name in FEED_FORMATS)}")
    options = dict(request.query_params)
    params, words = QueryParams(options), options.get("q", "").strip()
    if path == "query" and not words:
        raise InvalidParameter("The feed of a query needs the parameter q: /feeds/query.atom?q=battery")
    if len(words) > MAX_QUERY_LENGTH:
        raise InvalidParameter(f"A query has at most {MAX_QUERY_LENGTH} characters.")
    return FeedRequest(
        path=path, format=form, query=words if path == "query" else "", full=params.is_on("full"),
        limit=params.get_number("limit", DEFAULT_ENTRIES, MAX_ENTRIES), cursor=options.get("cursor", "")[:200],
        order=_parse_order(options.get("order", ""), path), page=params.get_number("page", 0, _MAX_PAGE),
    )  # fmt: skip


def _parse_order(text: str, path: str) -> str:
    if text not in ("", "published", "arrival"):
        raise InvalidParameter("order must be published or arrival.")
    if text == "arrival" and not FeedRequest(path=path, format="atom").is_archived:
        raise InvalidParameter("order=arrival is supported for the feeds all, source, topic and search only.")
    return text if text == "arrival" else ""


def _conditional_response(
    request: Request,
    context: ServerContext,
    etag: str,
    body: Callable[[], bytes],
    media_type: str,
    seconds: int = _MAX_AGE,
) -> Response:
    """Return the body, or 304 if the client has it. The ETag is weak: it is the same for each content coding."""
    headers = {"ETag": f'W/"{etag}"', "Cache-Control": context.cache_control(seconds), "Vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in (tag.strip().removeprefix("W/").strip('"') for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body(), media_type=media_type, headers=headers)


async def _handle_health(_: Request) -> Response:
    return PlainTextResponse("ok\n")


def _make_readiness_handler(context: ServerContext) -> Callable[[Request], Response]:
    def respond(_: Request) -> Response:
        return (
            PlainTextResponse("ready\n")
            if context.library.is_available()
            else problem_response(503, "The archive is not ready.")
        )

    return respond


def _make_metrics_handler(context: ServerContext) -> Callable[[Request], Response]:
    def respond(_: Request) -> Response:
        if context.metrics is None:
            return problem_response(404, "Metrics are not enabled on this server.")
        body, media_type = context.metrics()
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})

    return respond


async def _handle_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, error.detail)


async def _handle_archive_error(_: Request, error: Exception) -> Response:
    return problem_response(503, str(error))


class SecurityHeadersMiddleware:
    """Adds security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)
