"""`evnews doctor`: whether what evnews stands on is in order, a line each, with what to do where it is not."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.alerts.saved_searches import load_searches
from aggregator.archive import make_home, open_archive
from aggregator.cli.output import print_json
from aggregator.config import Config
from aggregator.logs import safe_line
from aggregator.topics.catalogue import load_topics
from spiders.catalogue import Catalogue, load_catalogue
from spiders.toml_tables import CatalogueError
from storage.errors import ArchiveError
from storage.glance import last_heartbeat
from storage.model.crawl import CLOCK_SLACK

LEAST_ROOM = 2 * 10**9
"""Bytes that should be free: an archive grows by some gigabytes a year."""
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right says less."""
_NETWORK_DISKS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "afs", "lustre")
_HOSTS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is in order, and in words how it is, or what to do."""

    what: str
    is_ok: bool
    words: str


def run_doctor(config: Config, file: Path | None, port: int, *, as_json: bool) -> int:
    """Print a line for each thing that was looked at; 1 where one is not in order."""
    findings = list(examined(config, file, port))
    for one in findings:
        if as_json:
            print_json({"what": one.what, "ok": one.is_ok, "words": one.words})
        else:
            print(safe_line(f"{'ok  ' if one.is_ok else 'MEND'}  {one.what:<10}  {one.words}"), flush=True)
    return 0 if all(one.is_ok for one in findings) else 1


def examined(config: Config, file: Path | None, port: int) -> Iterator[Finding]:
    """Look at one thing after the other."""
    catalogue = _catalogue(config, file)
    for look in (
        _python, _sqlite, lambda: _home(config), lambda: _disk(config), lambda: _clock(config),
        lambda: _archive(config), lambda: catalogue[1], lambda: _topics(config), lambda: _searches(config),
        lambda: _contact(config), lambda: _names(config, catalogue[0]), lambda: _port(port),
    ):  # fmt: skip
        yield look()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), f"{version}; 3.11 or newer is needed")


def _sqlite() -> Finding:
    with_words = f"SQLite {sqlite3.sqlite_version}"
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5(a)")
        connection.close()
    except sqlite3.OperationalError:
        return Finding("sqlite", False, f"{with_words} has no FTS5: install a Python that is built with it")
    is_new = sqlite3.sqlite_version_info >= (3, 37)
    return Finding("sqlite", is_new, f"{with_words} with FTS5" + ("" if is_new else "; 3.37 or newer is needed"))


def _home(config: Config) -> Finding:
    try:
        make_home(config)
        probe = config.home / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except (ArchiveError, OSError) as error:
        return Finding("home", False, f"{config.home} cannot be written ({error}); choose another with --home")
    kind = _kind_of_disk(config.home)
    if kind in _NETWORK_DISKS and not config.db.startswith("postgres"):
        return Finding("home", False, f"{config.home} lies on a network disk ({kind}), whose locks SQLite cannot trust")
    return Finding("home", True, str(config.home))


def _kind_of_disk(path: Path) -> str:
    """The kind of file system that a path lies on, or an empty string where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    whole = str(path.resolve())
    above = [
        (point, kind) for _, point, kind, *_ in mounts if whole == point or whole.startswith(point.rstrip("/") + "/")
    ]
    return max(above, key=lambda one: len(one[0]), default=("", ""))[1]


def _disk(config: Config) -> Finding:
    try:
        free = shutil.disk_usage(config.home).free
    except OSError as error:
        return Finding("disk", False, f"{config.home}: {error}")
    return Finding("disk", free >= LEAST_ROOM, f"{free / 1e9:,.1f} GB free; {LEAST_ROOM / 1e9:g} GB should be")


def _clock(config: Config) -> Finding:
    now = datetime.now(UTC)
    if now < RELEASED:
        return Finding("clock", False, f"it says {now:%Y-%m-%d %H:%M}: set it, or switch NTP on")
    try:
        with open_archive(config) as database, database.read() as tx:
            seen = last_heartbeat(tx)
    except ArchiveError:
        seen = None
    if seen is not None and seen > now + CLOCK_SLACK:
        return Finding(
            "clock", False, f"a service ran at {seen:%Y-%m-%d %H:%M} UTC, which is still to come: set it right"
        )
    alive = f"; a service was last alive at {seen:%Y-%m-%d %H:%M:%S}" if seen else ""
    return Finding("clock", True, f"{now:%Y-%m-%d %H:%M:%S} UTC{alive}")


def _archive(config: Config) -> Finding:
    try:
        with open_archive(config) as database:
            kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
            return Finding("archive", True, f"{kind}, {database.size() / 1e6:,.1f} MB, its schema is current")
    except ArchiveError as error:
        return Finding("archive", False, str(error))


def _catalogue(config: Config, file: Path | None) -> tuple[Catalogue, Finding]:
    try:
        found = load_catalogue(config.home, file)
    except CatalogueError as error:
        return Catalogue(sources=()), Finding("sources", False, str(error))
    enabled = len(found.enabled_sources)
    words = f"{enabled} of {len(found.sources)} are enabled"
    if found.problems:
        return found, Finding("sources", False, f"{words}; {found.problems[0]}")
    return found, Finding("sources", bool(enabled), words + ("" if enabled else "; `evnews sources add URL` adds one"))


def _topics(config: Config) -> Finding:
    return _file("topics", lambda: load_topics(config.home).problems)


def _searches(config: Config) -> Finding:
    return _file("searches", lambda: load_searches(config.home).problems)


def _file(what: str, problems: Callable[[], tuple[str, ...]]) -> Finding:
    try:
        found = problems()
    except (CatalogueError, OSError) as error:
        return Finding(what, False, str(error))
    return Finding(what, not found, found[0] if found else "every entry can be used")


def _contact(config: Config) -> Finding:
    is_set = bool(config.contact or config.user_agent)
    words = (
        config.effective_user_agent
        if is_set
        else "publishers cannot reach you: set contact in evnews.toml, or EVNEWS_CONTACT"
    )
    return Finding("contact", is_set, words)


def _names(config: Config, catalogue: Catalogue) -> Finding:
    """Whether a few of the sources' hosts have addresses; a proxy looks them up itself."""
    if config.proxy:
        return Finding("names", True, "the proxy looks them up")
    hosts = [urlsplit(source.home).hostname or "" for source in catalogue.enabled_sources[:_HOSTS]]
    failed = [host for host in hosts if not _has_address(host)]
    if hosts and len(failed) == len(hosts):
        return Finding(
            "names", False, f"{', '.join(failed)} have no address: is this machine online, does its DNS answer?"
        )
    return Finding("names", True, f"{len(hosts) - len(failed)} of {len(hosts)} hosts of sources have addresses")


def _has_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except (OSError, UnicodeError):
        return False


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            words = f"{port} cannot be taken ({error.strerror}): a service has it, or `evnews up --port` takes another"
            return Finding("port", False, words)
    return Finding("port", True, f"{port} is free")
