"""Requests and responses of the newsroom's server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SendMode(StrEnum):
    """How the server sends a response: complete, or in a way in which servers fail."""

    COMPLETE = "complete"
    SLOW = "slow"
    HANG = "hang"
    RESET = "reset"
    TRUNCATE = "truncate"
    INTERIM = "interim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `base` is scheme and host in the client's view; header names are in lower case."""

    method: str
    host: str
    base: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response. A `stream` is sent in chunks instead of `body`; `pause` is the seconds between slow pieces."""

    status: int = 200
    type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    modified: datetime | None = None
    stream: Iterator[bytes] | None = None
    mode: SendMode = SendMode.COMPLETE
    pause: float = 0.0
