"""Read, validate and edit TOML files that hold one table per entry.

An edit keeps comments and order; a crash leaves the old file or the new one.

Raises CatalogueError for a file or an entry that cannot be used; the message names the place, the value and what is
allowed.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from spiders.parse.links import resolve_url
from storage.atomic_file import atomic_write
from storage.quantities import AGE_FORMAT, SIZE_FORMAT, parse_age, parse_size
from storage.text.clean import clean_line

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

ENTRY_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""Pattern of an entry's name; ENTRY_NAME_RULE describes it."""
ENTRY_NAME_RULE = "lower-case letters, digits and dashes, at most 64"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|min|minutes?|h|hours?|d|days?)", re.I)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class CatalogueError(Exception):
    """A file that cannot be read, or an entry that cannot be used."""


def read_tables(file: Path) -> dict[str, object]:
    """Return the tables of a TOML file; raises CatalogueError if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueError(f"{file}: is not TOML: {error}") from None


class CheckedTable:
    """A TOML table and its location for messages; each method reads and validates one key."""

    def __init__(self, location: str, table: Mapping[str, object]) -> None:
        self.location, self.table = location, table

    def build_error(self, key: str, value: object, allowed: str) -> CatalogueError:
        """Return the error for a key with an invalid value."""
        return CatalogueError(f"{self.location} {key} = {format_value(value)}: allowed is {allowed}")

    def check_keys(self, keys: tuple[str, ...]) -> None:
        """Raise CatalogueError if the table has an unknown key."""
        unknown = next((key for key in self.table if key not in keys), None)
        if unknown is not None:
            raise CatalogueError(f"{self.location} {unknown[:80]}: there is no such key; allowed are {', '.join(keys)}")

    def text(self, key: str) -> str:
        """Return a stripped string; empty if the key is missing."""
        value = self.table.get(key, "")
        if not isinstance(value, str):
            raise self.build_error(key, value, "a text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of a list that are not blank."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.build_error(key, value, "a list of texts")
        return tuple(item.strip() for item in value if item.strip())

    def tables(self, key: str) -> list[CheckedTable]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.build_error(key, value, "a list of tables, each with url and css or pattern")
        return [CheckedTable(f"{self.location} {key}[{number}]", table) for number, table in enumerate(value)]

    def flag(self, key: str, *, default: bool = True) -> bool:
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.build_error(key, value, "true or false")
        return value

    def matching(self, key: str, pattern: re.Pattern[str], allowed: str) -> str:
        """Return a string that matches the whole pattern; `allowed` describes the pattern."""
        text = self.text(key)
        if text and not pattern.fullmatch(text):
            raise self.build_error(key, text, allowed)
        return text

    def url(self, key: str) -> str:
        """Return an http or https URL, or an empty string."""
        return self._check_url(key, self.text(key)) if self.text(key) else ""

    def required_url(self, key: str) -> str:
        return self._check_url(key, self.text(key))

    def urls(self, key: str) -> tuple[str, ...]:
        """Return URLs without duplicates; a single URL need not be a list."""
        value = self.table.get(key, [])
        urls = [value] if isinstance(value, str) else list(self.texts(key))
        return tuple(dict.fromkeys(self._check_url(key, url) for url in urls))

    def _check_url(self, key: str, text: str) -> str:
        if not resolve_url("", text):
            raise self.build_error(key, text, "an http or https address")
        if "@" in urlsplit(text).netloc:
            raise self.build_error(
                key, "a URL with user and password", "a URL without them, since URLs appear in logs and tables"
            )
        return text

    def seconds(self, key: str, default: float) -> float:
        """Return a duration in seconds, from a string such as "30 min" or a number."""
        if key not in self.table:
            return default
        value = self.table[key]
        allowed = 'a time above 0, such as "30 min", "5s", "2h" or a number of seconds'
        if isinstance(value, str):
            match = _DURATION.fullmatch(value.strip())
            value = float(match[1]) * _UNITS[match[2][0].lower()] if match else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.build_error(key, value, allowed)
        if not math.isfinite(value) or not 0 < value <= 366 * 86400:
            raise self.build_error(key, self.table[key], allowed)
        return float(value)

    def age(self, key: str, default: float) -> float:
        """Return an age such as "18 months" in seconds; infinite for "forever"."""
        return self._quantity(key, default, parse_age, AGE_FORMAT)

    def size(self, key: str, default: float) -> float:
        """Return a size such as "200 GB" in bytes; infinite for true, 0 for false."""
        return self._quantity(key, default, parse_size, SIZE_FORMAT)

    def _quantity(self, key: str, default: float, parse: Callable[[object], float], allowed: str) -> float:
        if key not in self.table:
            return default
        try:
            return parse(self.table[key])
        except ValueError:
            raise self.build_error(key, self.table[key], allowed) from None

    def cron(self, key: str) -> str:
        """Return a schedule in the five fields of cron, such as "*/10 6-22 * * *"."""
        from apscheduler.triggers.cron import (
            CronTrigger,  # imported late: worker processes import this module without a scheduler
        )

        text = self.text(key)
        try:
            if text:
                CronTrigger.from_crontab(text, timezone="UTC")
        except ValueError as error:
            raise self.build_error(key, text, f'five fields such as "*/10 6-22 * * *" ({error})') from None
        return text

    def zone(self, key: str) -> str:
        """Return the name of a time zone."""
        text = self.text(key)
        try:
            if text:
                ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise self.build_error(key, text, "a time zone of the IANA database, such as Europe/Oslo") from None
        return text

    def check_css(self, key: str, selector: str) -> None:
        """Raise CatalogueError if a selector is invalid."""
        from lxml.cssselect import CSSSelector, SelectorError

        try:
            CSSSelector(selector, translator="html")
        except (SelectorError, ValueError, RecursionError) as error:
            raise self.build_error(key, selector, f"a CSS selector ({error})") from None


def format_value(value: object) -> str:
    """Format a value as in TOML, shortened to one line."""
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return clean_line(text, 120)


def read_document(path: Path) -> TOMLDocument:
    """Parse a file for editing, empty if it does not exist; raises CatalogueError if it is not TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: is not TOML, so nothing was written: {error}") from None


def write_document(path: Path, document: TOMLDocument, *, new_mode: int = 0o644) -> None:
    """Replace the file atomically; an existing file keeps its mode. Raises OSError if it cannot be written."""
    import tomlkit

    with atomic_write(path, new_mode) as file:
        file.write((tomlkit.dumps(document).rstrip("\n") + "\n").encode())
