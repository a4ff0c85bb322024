"""The Google Reader API: clients list articles and mark them as read or starred.

The API has no specification; it follows the requests of its clients. Each source is a subscription, each topic and each
saved search a label. The operator decides on subscriptions, so clients cannot change them. A client logs in with the
name and the secret of a token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aggregator.web.greader import edit, lists
from aggregator.web.greader.call import GReaderApi, GReaderCall, GReaderError, authenticate, read_fields

_MOUNT_PREFIXES = ("", "/api/greader.php")
_NO_STORE = {"Cache-Control": "no-store"}
"""Responses depend on the reader and on the time, so they are not stored."""
_SUBSCRIPTION_CHANGES = (
    "subscription/edit",
    "subscription/quickadd",
    "subscription/import",
    "rename-tag",
    "disable-tag",
)


def create_greader_routes(api: GReaderApi) -> list[Route]:
    """Return the routes, at the root and below the prefix that clients of FreshRSS expect."""
    read_handlers: dict[str, Callable[[GReaderApi, GReaderCall], Response]] = {
        "token": edit.issue_edit_token,
        "user-info": lists.get_user_info,
        "subscription/list": lists.list_subscriptions,
        "tag/list": lists.list_tags,
        "preference/list": lambda *_: JSONResponse({"prefs": []}),
        "preference/stream/list": lambda *_: JSONResponse({"streamprefs": {}}),
        "unread-count": lists.count_unread,
        "stream/items/ids": lists.list_item_ids,
        "stream/items/contents": lists.list_items_by_id,
        "stream/contents": lists.list_contents,
        "stream/contents/{stream:path}": lists.list_contents,
    }
    write_handlers = {
        "edit-tag": edit.edit_tag,
        "mark-all-as-read": edit.mark_all_as_read,
        **dict.fromkeys(_SUBSCRIPTION_CHANGES, edit.reject_subscription_change),
    }
    routes = []
    for mount in _MOUNT_PREFIXES:
        routes.append(Route(f"{mount}/accounts/ClientLogin", _make_login_handler(api), methods=["GET", "POST"]))
        for path, handler in read_handlers.items():
            routes.append(Route(f"{mount}/reader/api/0/{path}", _make_handler(api, handler), methods=["GET", "POST"]))
        for path, handler in write_handlers.items():
            routes.append(Route(f"{mount}/reader/api/0/{path}", _make_handler(api, handler), methods=["POST"]))
        routes.append(Route(f"{mount}/reader/atom/{{stream:path}}", _make_handler(api, lists.render_atom_stream)))
        routes.append(Route(f"{mount}/reader/atom", _make_handler(api, lists.render_atom_stream)))
    return routes


def _make_login_handler(api: GReaderApi) -> Callable[[Request], Any]:
    """Return the login handler: it exchanges the name and secret of a token for a login token."""

    async def respond(request: Request) -> Response:
        try:
            fields = dict(await read_fields(request))
        except GReaderError as error:
            return error.response
        secret = fields.get("Passwd", "").strip()
        token = await run_in_threadpool(api.find_token, secret)
        if token is None or token.name != fields.get("Email", "").strip():
            return PlainTextResponse("Error=BadAuthentication\n", status_code=401)
        login = {"SID": secret, "LSID": secret, "Auth": secret}
        if fields.get("output") == "json":
            return JSONResponse(login, headers=_NO_STORE)
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in login.items()), headers=_NO_STORE)

    return respond


def _make_handler(api: GReaderApi, handle: Callable[[GReaderApi, GReaderCall], Response]) -> Callable[[Request], Any]:
    """Wrap a handler: authenticate the request, and run the handler in a thread."""

    async def respond(request: Request) -> Response:
        try:
            fields = await read_fields(request)
            response = await run_in_threadpool(lambda: handle(api, authenticate(api, request, fields)))
        except GReaderError as error:
            return error.response
        response.headers.update(_NO_STORE)
        return response

    return respond
