"""Logging: one line a finished unit on stderr, no control characters, no secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

# Line ends, what commands a terminal, and what turns the direction of the letters that follow.
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_USERINFO = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,15}://)[^/@\s]{1,500}@")
_MAX_LINE = 4000
"""Characters of a log line that are shown; what is longer is somebody's page, not a message."""
# Our messages are `key=value` parts; the last may be a text of several words.
_KEY_VALUE = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
_RESERVED_KEYS = ("time", "level", "logger", "message", "traceback")
_NOISY_LOGGERS = (
    "scrapy",
    "twisted",
    "trafilatura",
    "htmldate",
    "courlan",
    "charset_normalizer",
    "alembic",
    "apscheduler",
)


class PlainFormatter(logging.Formatter):
    """Escapes control characters and hides what stands before the @ of an address."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """One line, safe for any terminal."""
        return safe_line(_truncate(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:
        """The traceback with each line made safe, and set in so that none can pass for a message."""
        return "\n".join("    " + safe_line(_truncate(line)) for line in super().formatException(ei).split("\n"))


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment: a live display takes its place, and keeps lines whole."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        pass  # StreamHandler sets what is looked up above


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_LINE else text[:_MAX_LINE] + " ..."


def safe_line(text: str) -> str:
    """Text with its control characters shown as escapes and addresses without user and password."""
    shown = _CONTROL_CHARACTERS.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return _USERINFO.sub(r"\1***@", shown)


class JsonFormatter(PlainFormatter):
    """One JSON object a line: time, level, what wrote it, and its message with its `key=value` parts apart."""

    def format(self, record: logging.LogRecord) -> str:
        """The object; a traceback is one of its texts."""
        message = safe_line(_truncate(record.getMessage()))
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **{key: value for key, value in _KEY_VALUE.findall(message) if key not in _RESERVED_KEYS},
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def configure_logging(log_format: str = "text", level: int = logging.WARNING) -> None:
    """Send this program's log to stderr as `text` or `json`; libraries only from ERROR on.

    As JSON it tells of each finished unit too, since it is written for a program.
    """
    handler = _StderrHandler()
    if log_format == "json":
        level = min(level, logging.INFO)
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
