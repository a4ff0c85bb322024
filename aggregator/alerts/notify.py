"""Where messages go: mail, chat, webhooks and a hundred more, each an address as apprise spells it."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import TYPE_CHECKING

from aggregator.alerts.message import Message

if TYPE_CHECKING:
    from apprise import NotifyBase

SECONDS = 30
"""How long a channel may take."""


def digest(address: str) -> str:
    """What stands for an address where its passwords must not."""
    return sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shown(address: str) -> str:
    """An address without its passwords; empty where it is none."""
    channel = _channel(address)
    return str(channel.url(privacy=True)).partition("?")[0] if channel is not None else ""  # type: ignore[no-untyped-call]


def send(address: str, message: Message) -> str:
    """Send a message; returns what went wrong, or nothing."""
    import apprise

    channel = _channel(address)
    if channel is None:
        return "this is no address that is known; see docs/searching.md"
    sender = apprise.Apprise()
    sender.add(channel)
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
        try:
            arrived = sender.notify(
                title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT, timeout=SECONDS
            )
        except Exception as error:  # a hundred services' code, none of it ours: one of them fails, not the others
            return f"{type(error).__name__}: {error}"
        if arrived:
            return ""
        return str(said.getvalue()).strip().replace("\n", " ") or "it was not accepted"


def _channel(address: str) -> NotifyBase | None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False  # it names addresses with their passwords
    try:
        found: NotifyBase | None = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    except Exception:
        return None
    return found
