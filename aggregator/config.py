"""Read the configuration: evnews.toml in the home folder, overridden by EVNEWS_* variables."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from urllib.parse import urlsplit

from aggregator import __version__
from storage.paths import default_home
from storage.quantities import FOREVER, UNLIMITED, parse_age, parse_size

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

log = logging.getLogger(__name__)


_QUIET_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8080/"


class ConfigError(Exception):
    """A setting is invalid; the message names the file or variable, the key and the expected value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The validated settings.

    `workers` is the number of processes; 0 means one per core. `keep` is the age in seconds after which articles
    expire, `keep_pages` the maximum bytes of fetched pages, 0 to store none. `public_url` is the base URL of feeds,
    `hub` the WebSub hub that is notified of changed feeds. `mute` are queries whose results are hidden unless a
    request asks for all articles. `backups` is the folder for backups. `notify` are the addresses that are notified
    of unhealthy sources, except in the `quiet_hours`, such as 22:00-07:00.
    """

    home: Path
    db: str = ""
    user_agent: str = ""
    contact: str = ""
    proxy: str = ""
    allow_networks: tuple[Network, ...] = ()
    workers: int = 0
    keep: float = FOREVER
    keep_pages: float = UNLIMITED
    public_url: str = DEFAULT_PUBLIC_URL
    hub: str = ""
    mute: tuple[str, ...] = ()
    backups: str = ""
    keep_backups: int = 7
    notify: tuple[str, ...] = ()
    quiet_hours: str = ""

    @property
    def database_url(self) -> str:
        """URL of the database: the `db` setting, or `archive.db` in the home folder."""
        return self.db or f"sqlite:///{self.home.resolve() / 'archive.db'}"

    @property
    def keeps_pages(self) -> bool:
        """True if fetched pages are stored in WARC files."""
        return self.keep_pages > 0

    @property
    def warc_folder(self) -> Path:
        """Folder of the WARC files."""
        return self.home / "warc"

    @property
    def effective_user_agent(self) -> str:
        """User agent of every request, with the contact if one is configured."""
        if self.user_agent:
            return self.user_agent
        return f"evnews/{__version__}" + (f" (+{self.contact})" if self.contact else "")

    @property
    def worker_count(self) -> int:
        """Number of worker processes that extract pages."""
        return self.workers or len(os.sched_getaffinity(0))


def load_config(home: Path | None = None, db: str | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read `evnews.toml` and the environment, overridden by the arguments; raise ConfigError."""
    environ = os.environ if environ is None else environ
    config = Config(home=(home or Path(environ.get("EVNEWS_HOME") or default_home())).expanduser())
    for key, value in _read_file(config.home / "evnews.toml").items():
        where = f"{config.home / 'evnews.toml'}: {key}"
        config = _apply_setting(config, _current_key(key, where), value, where)
    for key in (*_OLD_KEYS, *KEYS):
        where = f"EVNEWS_{key.upper()}"
        text = environ.get(where)
        if text is not None:
            current = _current_key(key, where)
            config = _apply_setting(config, current, _parse_variable(current, text), where)
    return _apply_setting(config, "db", db, "--db") if db else config


def _current_key(key: str, where: str) -> str:
    """Return the present name of a setting; log a warning for a name that was replaced."""
    if key not in _OLD_KEYS:
        return key
    log.warning("event=renamed-setting setting=%r use=%s", where, _OLD_KEYS[key])
    return _OLD_KEYS[key]


def _read_file(path: Path) -> dict[str, object]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    for key in settings:
        if key not in KEYS and key not in _OLD_KEYS:
            raise ConfigError(f"{path}: unknown key {key!r}; known keys: {', '.join(KEYS)}")
    return settings


def _parse_variable(key: str, text: str) -> object:
    if key in ("allow_networks", "mute", "notify"):
        return [part.strip() for part in text.split(",") if part.strip()]
    if key == "keep_pages":
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if key in ("workers", "keep_backups"):
        return int(text) if text.strip().isdigit() else text
    return text


def _apply_setting(config: Config, key: str, value: object, where: str) -> Config:
    check = _CHECKS[key]
    try:
        return replace(config, **{key: check(value)})  # type: ignore[arg-type]  # each check returns the type of its field
    except ValueError as error:
        raise ConfigError(f"{where} = {value!r}: {error}") from None


def _check_text(value: object) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 for c in value):
        raise ValueError("a text on one line is expected")
    return value.strip()


def _check_header_text(value: object) -> str:
    text = _check_text(value)
    if not text.isascii():
        raise ValueError("ASCII characters only, because the text is sent in a header")
    return text


def _check_database(value: object) -> str:
    text = _check_text(value)
    if text and urlsplit(text).scheme.partition("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise ValueError("sqlite:////path/archive.db or postgresql://user@host/name is expected")
    return text


def _check_proxy(value: object) -> str:
    text = _check_text(value)
    parts = urlsplit(text)
    if text and (parts.scheme != "http" or not parts.hostname or "@" in parts.netloc):
        raise ValueError("an address such as http://127.0.0.1:3128 is expected, without user and password")
    return text


def _check_web_address(value: object) -> str:
    text = _check_text(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://news.example.org/ is expected")
    return text


def _check_networks(value: object) -> tuple[Network, ...]:
    if not isinstance(value, list):
        raise ValueError('a list of networks such as ["10.1.0.0/16"] is expected')
    return tuple(ipaddress.ip_network(_check_text(item), strict=False) for item in value)


def _check_mute(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError('a list of searches such as ["lang:ru", "title:sponsored"] is expected')
    from storage.search.query.parser import parse_strictly

    for rule in (rules := tuple(_check_text(item) for item in value)):
        if parse_strictly(rule).node is None:
            raise ValueError(f"{rule!r} has no search terms")
    return rules


def _check_notify(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError('a list of addresses such as ["ntfys://ntfy.example.org/evnews"] is expected')
    return tuple(_check_text(item) for item in value)


def _check_quiet_hours(value: object) -> str:
    text = _check_text(value)
    if text and not _QUIET_HOURS.fullmatch(text):
        raise ValueError("hours of the day such as 22:00-07:00 are expected")
    return text


def _check_workers(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 256:
        raise ValueError("a whole number from 0 (one per core) to 256 is expected")
    return value


def _check_backup_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise ValueError("a whole number from 1 to 10000 is expected")
    return value


_CHECKS = {
    "db": _check_database,
    "user_agent": _check_header_text,
    "contact": _check_header_text,
    "proxy": _check_proxy,
    "allow_networks": _check_networks,
    "workers": _check_workers,
    "keep": parse_age,
    "keep_pages": parse_size,
    "public_url": _check_web_address,
    "hub": _check_web_address,
    "mute": _check_mute,
    "backups": _check_text,
    "keep_backups": _check_backup_count,
    "notify": _check_notify,
    "quiet_hours": _check_quiet_hours,
}
_OLD_KEYS = {"tell": "notify", "quiet": "quiet_hours"}
"""Settings that were renamed: their old names still work, with a warning."""
KEYS = tuple(field.name for field in fields(Config) if field.name != "home")
