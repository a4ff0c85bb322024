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

from aggregator.web.greader import edit as syncmarks
from aggregator.web.greader import lists as synclists
from aggregator.web.greader.call import Call, Refused, Sync, call_of, fields_of

_MOUNTS = ("", "/api/greader.php")
_NOT_KEPT = {"Cache-Control": "no-store"}
"""What is told is of one reader and one moment."""
_FIXED = ("subscription/edit", "subscription/quickadd", "subscription/import", "rename-tag", "disable-tag")


def sync_routes(sync: Sync) -> list[Route]:
    """The addresses that apps ask, at the root and where apps for another server look for them."""
    asks: dict[str, Callable[[Sync, Call], Response]] = {
        "token": syncmarks.token,
        "user-info": synclists.user,
        "subscription/list": synclists.subscriptions,
        "tag/list": synclists.tags,
        "preference/list": lambda *_: JSONResponse({"prefs": []}),
        "preference/stream/list": lambda *_: JSONResponse({"streamprefs": {}}),
        "unread-count": synclists.unread_count,
        "stream/items/ids": synclists.ids,
        "stream/items/contents": synclists.contents_of,
        "stream/contents": synclists.contents,
        "stream/contents/{stream:path}": synclists.contents,
    }
    tells = {
        "edit-tag": syncmarks.edit_tag,
        "mark-all-as-read": syncmarks.mark_all,
        **dict.fromkeys(_FIXED, syncmarks.fixed),
    }
    found = []
    for mount in _MOUNTS:
        found.append(Route(f"{mount}/accounts/ClientLogin", _login(sync), methods=["GET", "POST"]))
        for path, ask in asks.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _called(sync, ask), methods=["GET", "POST"]))
        for path, tell in tells.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _called(sync, tell), methods=["POST"]))
        found.append(Route(f"{mount}/reader/atom/{{stream:path}}", _called(sync, synclists.atom)))
        found.append(Route(f"{mount}/reader/atom", _called(sync, synclists.atom)))
    return found


def _login(sync: Sync) -> Callable[[Request], Any]:
    """A name and a secret for what an app shows from then on."""

    async def answer(request: Request) -> Response:
        try:
            fields = dict(await fields_of(request))
        except Refused as error:
            return error.answer
        secret = fields.get("Passwd", "").strip()
        token = await run_in_threadpool(sync.knows, secret)
        if token is None or token.name != fields.get("Email", "").strip():
            return PlainTextResponse("Error=BadAuthentication\n", status_code=401)
        said = {"SID": secret, "LSID": secret, "Auth": secret}
        if fields.get("output") == "json":
            return JSONResponse(said, headers=_NOT_KEPT)
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in said.items()), headers=_NOT_KEPT)

    return answer


def _called(sync: Sync, ask: Callable[[Sync, Call], Response]) -> Callable[[Request], Any]:
    """An answer to who shows a token, in a thread of its own."""

    async def answer(request: Request) -> Response:
        try:
            fields = await fields_of(request)
            given = await run_in_threadpool(lambda: ask(sync, call_of(sync, request, fields)))
        except Refused as error:
            return error.answer
        given.headers.update(_NOT_KEPT)
        return given

    return answer
