"""Access control: reject unknown host names and requests without a valid token."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.web.responses import problem_response
from storage.readers.tokens import AccessToken

TokenLookup = Callable[[str], AccessToken | None]
"""Returns the token with a secret, or None."""
PRIVATE_PREFIX = "/private/"
"""Prefix of a URL that contains a token, for feed readers that cannot send a header."""
OPEN_PATHS = ("/healthz",)
LOGIN_PREFIXES = ("/accounts/", "/reader/", "/api/greader.php/")
"""Prefixes of paths whose handlers authenticate each request themselves."""


def is_loopback(host: str) -> bool:
    """Return whether a server at this address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class KnownHostsMiddleware:
    """Rejects requests with an unknown Host header, which a page of another site could send through DNS rebinding.

    Known are the host of the public URL, localhost and IP addresses.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app, self._public_host = app, urlsplit(public_url).hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with 400."""
        if scope["type"] == "http" and not self._is_known_host(Headers(scope=scope).get("host", "")):
            await problem_response(400, "Unknown host name; set public_url to the URL of this server.")(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)

    def _is_known_host(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if any(c in host for c in "/\\@?# "):
            return False
        if name in ("localhost", self._public_host):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class TokenMiddleware:
    """Rejects requests without a token: as Bearer, as the password of Basic, or in the path."""

    def __init__(self, app: ASGIApp, find_token: TokenLookup) -> None:
        self._app, self._find_token = app, find_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or scope["path"].startswith(LOGIN_PREFIXES):
            await self._app(scope, receive, send)
            return
        secret, path = _split_private_path(scope["path"])
        secret = secret or extract_secret(Headers(scope=scope).get("authorization", ""))
        if not secret or self._find_token(secret) is None:
            answer = problem_response(401, "A token is required; `evnews token add NAME` creates one.")
            answer.headers["WWW-Authenticate"] = 'Basic realm="evnews", charset="UTF-8"'
            await answer(scope, receive, send)
            return
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def _split_private_path(path: str) -> tuple[str, str]:
    """Return the secret in a path, and the path without it."""
    if not path.startswith(PRIVATE_PREFIX):
        return "", path
    secret, _, rest = path[len(PRIVATE_PREFIX) :].partition("/")
    return secret, f"/{rest}"


def extract_secret(header: str) -> str:
    """Return the secret in an Authorization header, or an empty string."""
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
