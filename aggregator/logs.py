"""Set up logging: one line per finished unit of work, no control characters, no secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

# Line ends, terminal control characters, and characters that change the direction of text.
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_USERINFO = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,15}://)[^/@\s]{1,500}@")
_MAX_LINE = 4000
"""Maximum characters of a log line; longer text comes from a page."""
# Messages of evnews consist of `key=value` parts; the last value may contain spaces.
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
    """Escapes control characters and hides the user and password of URLs."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the message in one line, safe for any terminal."""
        return safe_line(_truncate(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:
        """Return the traceback with each line escaped, and indented so that none looks like a message."""
        return "\n".join("    " + safe_line(_truncate(line)) for line in super().formatException(ei).split("\n"))


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the present `sys.stderr`, which a live display replaces to keep lines whole."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        pass  # StreamHandler sets the stream once; the property looks it up


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_LINE else text[:_MAX_LINE] + " ..."


def safe_line(text: str) -> str:
    """Return a text with escaped control characters, and with URLs without user and password."""
    shown = _CONTROL_CHARACTERS.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return _USERINFO.sub(r"\1***@", shown)


class JsonFormatter(PlainFormatter):
    """Formats a record as a JSON object with time, level, logger, message and the message's `key=value` parts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON object in one line; a traceback is the value of `traceback`."""
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
    """Log to stderr as `text` or `json`, libraries only from ERROR on.

    JSON output includes INFO, so that a program sees each finished unit of work.
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
