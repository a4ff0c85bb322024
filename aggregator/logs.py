"""Logging: one line a finished unit on stderr, no control characters, no secrets."""

from __future__ import annotations

import logging
import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_USERINFO = re.compile(r"(\w+://)[^/@\s]+@")
_NOISY = ("scrapy", "twisted", "trafilatura", "htmldate", "courlan", "charset_normalizer", "alembic", "apscheduler")


class PlainFormatter(logging.Formatter):
    """Escapes control characters and hides what stands before the @ of an address."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """One line, safe for any terminal."""
        return safe_line(super().formatMessage(record))


def safe_line(text: str) -> str:
    """Text with its control characters shown as escapes and addresses without user and password."""
    shown = _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return _USERINFO.sub(r"\1***@", shown)


def configure_logging(level: int = logging.WARNING) -> None:
    """Send this program's log to stderr; libraries only from ERROR on."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
