"""Who may ask: the host that is asked for, and the token that a request carries."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.web.responses import problem
from storage.readers.tokens import Token

Knows = Callable[[str], Token | None]
"""The token whose secret this is, or None."""
PRIVATE = "/private/"
"""Where a feed's address carries its token: for readers that can send no header."""
OPEN = ("/healthz",)
LOGS_IN = ("/accounts/", "/reader/", "/api/greader.php/")
"""Below these every request shows whose it is in ways of its own."""


def is_loopback(host: str) -> bool:
    """Whether a server at this address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class KnownHosts:
    """Refuses requests for hosts that are not ours: a page of another site could ask in a visitor's name.

    Ours are the host of the public address, localhost, and addresses in figures.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app, self._public = app, urlsplit(public_url).hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400."""
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope).get("host", "")):
            await problem(400, "This server does not go by that host name; set public_url.")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if any(c in host for c in "/\\@?# "):
            return False
        if name in ("localhost", self._public):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class NeedsToken:
    """Refuses requests without a token: as Bearer, as the password of Basic, or in a private address."""

    def __init__(self, app: ASGIApp, knows: Knows) -> None:
        self._app, self._knows = app, knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN or scope["path"].startswith(LOGS_IN):
            await self._app(scope, receive, send)
            return
        secret, path = _private(scope["path"])
        secret = secret or carried(Headers(scope=scope).get("authorization", ""))
        if not secret or self._knows(secret) is None:
            answer = problem(401, "A token is needed: `evnews token add NAME` makes one.")
            answer.headers["WWW-Authenticate"] = 'Basic realm="evnews", charset="UTF-8"'
            await answer(scope, receive, send)
            return
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def _private(path: str) -> tuple[str, str]:
    """The token in an address and the path without it."""
    if not path.startswith(PRIVATE):
        return "", path
    secret, _, rest = path[len(PRIVATE) :].partition("/")
    return secret, f"/{rest}"


def carried(header: str) -> str:
    """The secret in an Authorization header; empty where there is none."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "googlelogin":
        return value.strip().removeprefix("auth=").strip()
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
