"""Report the state of the service to systemd (sd_notify); without systemd nothing is sent."""

from __future__ import annotations

import contextlib
import os
import socket


def notify_systemd(message: str) -> None:
    """Send a message such as READY=1 to the socket in NOTIFY_SOCKET, if that is set."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # @ marks the abstract namespace, whose names begin with NUL.
    target = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto(message.encode(), target)


def watchdog_seconds() -> float:
    """Return the seconds between two WATCHDOG messages, half of systemd's timeout, or 0 without a watchdog."""
    text = os.environ.get("WATCHDOG_USEC", "")
    return int(text) / 2e6 if text.isdigit() else 0.0
