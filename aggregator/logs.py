"""Logging: one line a finished unit on stderr, no control characters, no secrets."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

# Line ends, what commands a terminal, and what turns the direction of the letters that follow.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_USERINFO = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,15}://)[^/@\s]{1,500}@")
_LONGEST = 4000
"""Characters of a log line that are shown; what is longer is somebody's page, not a message."""
_NOISY = ("scrapy", "twisted", "trafilatura", "htmldate", "courlan", "charset_normalizer", "alembic", "apscheduler")


class PlainFormatter(logging.Formatter):
    """Escapes control characters and hides what stands before the @ of an address."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """One line, safe for any terminal."""
        return safe_line(_cut(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:
        """The traceback with each line made safe, and set in so that none can pass for a message."""
        return "\n".join("    " + safe_line(_cut(line)) for line in super().formatException(ei).split("\n"))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment: a live display takes its place, and keeps lines whole."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        pass  # StreamHandler sets what is looked up above


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def safe_line(text: str) -> str:
    """Text with its control characters shown as escapes and addresses without user and password."""
    shown = _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return _USERINFO.sub(r"\1***@", shown)


def configure_logging(level: int = logging.WARNING) -> None:
    """Send this program's log to stderr; libraries only from ERROR on."""
    handler = _Stderr()
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
