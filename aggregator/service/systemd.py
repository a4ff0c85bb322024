"""Tells systemd how the service is: ready, alive, stopping; nothing where it was not started by it."""

from __future__ import annotations

import contextlib
import os
import socket


def notify_systemd(message: str) -> None:
    """Send a message such as READY=1 to the socket that systemd named."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ lies in the abstract namespace, which begins with a NUL.
    target = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto(message.encode(), target)


def watchdog_seconds() -> float:
    """How often systemd wants to hear that the service is alive: half of what it waits; 0 where it does not."""
    text = os.environ.get("WATCHDOG_USEC", "")
    return int(text) / 2e6 if text.isdigit() else 0.0
