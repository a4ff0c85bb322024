"""The Google Reader API: readers' apps list what arrived, and tell what was read and starred.

There is no specification but what its apps ask for. Each source is a subscription, each topic and each saved search a
label; what is subscribed to is the operator's to say, so that an app cannot change it. Who asks is known by a token:
an app logs in with its name and its secret.
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
"""What is told is of one reader and one moment."""
_SUBSCRIPTION_CHANGES = (
    "subscription/edit",
    "subscription/quickadd",
    "subscription/import",
    "rename-tag",
    "disable-tag",
)


def create_greader_routes(api: GReaderApi) -> list[Route]:
    """The addresses that apps ask, at the root and where apps for another server look for them."""
    asks: dict[str, Callable[[GReaderApi, GReaderCall], Response]] = {
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
    tells = {
        "edit-tag": edit.edit_tag,
        "mark-all-as-read": edit.mark_all_as_read,
        **dict.fromkeys(_SUBSCRIPTION_CHANGES, edit.reject_subscription_change),
    }
    found = []
    for mount in _MOUNT_PREFIXES:
        found.append(Route(f"{mount}/accounts/ClientLogin", _make_login_handler(api), methods=["GET", "POST"]))
        for path, ask in asks.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _make_handler(api, ask), methods=["GET", "POST"]))
        for path, tell in tells.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _make_handler(api, tell), methods=["POST"]))
        found.append(Route(f"{mount}/reader/atom/{{stream:path}}", _make_handler(api, lists.render_atom_stream)))
        found.append(Route(f"{mount}/reader/atom", _make_handler(api, lists.render_atom_stream)))
    return found


def _make_login_handler(api: GReaderApi) -> Callable[[Request], Any]:
    """A name and a secret for what an app shows from then on."""

    async def answer(request: Request) -> Response:
        try:
            fields = dict(await read_fields(request))
        except GReaderError as error:
            return error.response
        secret = fields.get("Passwd", "").strip()
        token = await run_in_threadpool(api.find_token, secret)
        if token is None or token.name != fields.get("Email", "").strip():
            return PlainTextResponse("Error=BadAuthentication\n", status_code=401)
        said = {"SID": secret, "LSID": secret, "Auth": secret}
        if fields.get("output") == "json":
            return JSONResponse(said, headers=_NO_STORE)
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in said.items()), headers=_NO_STORE)

    return answer


def _make_handler(api: GReaderApi, handle: Callable[[GReaderApi, GReaderCall], Response]) -> Callable[[Request], Any]:
    """An answer to who shows a token, in a thread of its own."""

    async def answer(request: Request) -> Response:
        try:
            fields = await read_fields(request)
            given = await run_in_threadpool(lambda: handle(api, authenticate(api, request, fields)))
        except GReaderError as error:
            return error.response
        given.headers.update(_NO_STORE)
        return given

    return answer
