"""A Request as the server read it, a Response as it is to be sent, and the manner of sending it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Manner(StrEnum):
    """How a response goes out: whole, or in one of the ways in which servers fail."""

    WHOLE = "whole"
    DRIP = "drip"
    HANG = "hang"
    RESET = "reset"
    TRUNCATE = "truncate"
    INTERIM = "interim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `base` is scheme and host as the client knows them, header names are in lower case."""

    method: str
    host: str
    base: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What to send. With a `stream` the body goes out in chunks as the iterator gives them.

    `pause` is the seconds between the pieces of a drip.
    """

    status: int = 200
    type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    modified: datetime | None = None
    stream: Iterator[bytes] | None = None
    manner: Manner = Manner.WHOLE
    pause: float = 0.0
