"""`evnews doctor`: check the installation and print what to fix."""

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
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from aggregator.archive import make_home, open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, SourcesFile
from aggregator.cli.output import EXIT_FAILURE, print_json
from aggregator.formatting import format_minute, format_time
from aggregator.logs import safe_line
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from aggregator.config import Config
    from spiders.catalogue import Catalogue

MIN_FREE_BYTES = 2 * 10**9
"""An archive grows by some gigabytes a year."""
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""An earlier clock time is wrong."""
_NETWORK_FILE_SYSTEMS = (
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "afs", "lustre",
)  # fmt: skip
_HOSTS = 3

app = CommandApp()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check: what was checked, whether it is in order, and the state or what to fix."""

    subject: str
    is_ok: bool
    message: str


@app.add("doctor", "evnews doctor", "evnews doctor --json")
def doctor(
    context: typer.Context,
    sources: SourcesFile = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port that must be free.")] = 8080,
    as_json: Json = False,
) -> None:
    """Check the installation and print what to fix.

    Checks Python, SQLite, home folder, disk, clock, archive, your files, contact, DNS and port. Exit status 1 if
    something is wrong.
    """
    raise typer.Exit(print_diagnoses(context.obj.load(), sources, port, as_json=as_json))


def print_diagnoses(config: Config, file: Path | None, port: int, *, as_json: bool) -> int:
    """Print a line for each check. Return 1 if one failed."""
    is_ok = True
    for diagnosis in diagnose(config, file, port):
        is_ok = is_ok and diagnosis.is_ok
        if as_json:
            print_json({"what": diagnosis.subject, "ok": diagnosis.is_ok, "words": diagnosis.message})
        else:
            mark = "ok " if diagnosis.is_ok else "FIX"
            print(safe_line(f"{mark}  {diagnosis.subject:<10}  {diagnosis.message}"), flush=True)
    return 0 if is_ok else EXIT_FAILURE


def diagnose(config: Config, file: Path | None, port: int) -> Iterator[Diagnosis]:
    """Yield the result of each check."""
    catalogue = _check_sources(config, file)
    for check in (
        _check_python, _check_sqlite, lambda: _check_home(config), lambda: _check_disk(config),
        lambda: _check_clock(config), lambda: _check_archive(config), lambda: catalogue[1],
        lambda: _check_topics(config), lambda: _check_searches(config), lambda: _check_contact(config),
        lambda: _check_dns(config, catalogue[0]), lambda: _check_port(port),
    ):  # fmt: skip
        yield check()


def _check_python() -> Diagnosis:
    version = ".".join(map(str, sys.version_info[:3]))
    return Diagnosis("python", sys.version_info >= (3, 11), f"{version}; evnews needs 3.11 or newer")


def _check_sqlite() -> Diagnosis:
    version = f"SQLite {sqlite3.sqlite_version}"
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5(a)")
        connection.close()
    except sqlite3.OperationalError:
        return Diagnosis("sqlite", False, f"{version} has no FTS5; install a Python that is built with it")
    is_new = sqlite3.sqlite_version_info >= (3, 37)
    hint = "" if is_new else "; install a Python with SQLite 3.37 or newer"
    return Diagnosis("sqlite", is_new, f"{version} with FTS5{hint}")


def _check_home(config: Config) -> Diagnosis:
    try:
        make_home(config)
        probe = config.home / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except (ArchiveError, OSError) as error:
        return Diagnosis("home", False, f"{config.home} cannot be written ({error}); choose another with --home")
    file_system = _file_system(config.home)
    if file_system in _NETWORK_FILE_SYSTEMS and not config.db.startswith("postgres"):
        problem = f"{config.home} is on a network file system ({file_system}), on which SQLite cannot lock reliably"
        return Diagnosis("home", False, f"{problem}; choose a local folder with --home")
    return Diagnosis("home", True, str(config.home))


def _file_system(path: Path) -> str:
    """Return the type of file system that contains a path; empty if the system does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    absolute = str(path.resolve())
    containing = [
        (point, kind)
        for _, point, kind, *_ in mounts
        if absolute == point or absolute.startswith(point.rstrip("/") + "/")
    ]
    return max(containing, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _check_disk(config: Config) -> Diagnosis:
    try:
        free = shutil.disk_usage(config.home).free
    except OSError as error:
        return Diagnosis("disk", False, f"{config.home}: {error}")
    message = f"{free / 1e9:,.1f} GB free; at least {MIN_FREE_BYTES / 1e9:g} GB are recommended"
    return Diagnosis("disk", free >= MIN_FREE_BYTES, message)


def _check_clock(config: Config) -> Diagnosis:
    from storage.model.crawl import CLOCK_SLACK
    from storage.monitor import last_heartbeat

    now = datetime.now(UTC)
    if now < RELEASED:
        return Diagnosis("clock", False, f"the clock says {now:%Y-%m-%d %H:%M}; set it, or enable NTP")
    try:
        with open_archive(config) as database, database.read() as tx:
            last_alive = last_heartbeat(tx)
    except ArchiveError:
        last_alive = None
    if last_alive is not None and last_alive > now + CLOCK_SLACK:
        problem = f"a service ran at {format_minute(last_alive)}, which is in the future"
        return Diagnosis("clock", False, f"{problem}; set the clock, or enable NTP")
    service = f"; a service last ran at {last_alive:%Y-%m-%d %H:%M:%S}" if last_alive else ""
    return Diagnosis("clock", True, f"{format_time(now)}{service}")


def _check_archive(config: Config) -> Diagnosis:
    try:
        with open_archive(config) as database:
            kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
            return Diagnosis("archive", True, f"{kind}, {database.size() / 1e6:,.1f} MB, schema up to date")
    except ArchiveError as error:
        return Diagnosis("archive", False, str(error))


def _check_sources(config: Config, file: Path | None) -> tuple[Catalogue, Diagnosis]:
    from spiders.catalogue import Catalogue, load_catalogue
    from spiders.toml_tables import CatalogueError

    try:
        catalogue = load_catalogue(config.home, file)
    except CatalogueError as error:
        return Catalogue(sources=()), Diagnosis("sources", False, str(error))
    enabled = len(catalogue.enabled_sources)
    message = f"{enabled} of {len(catalogue.sources)} enabled"
    if catalogue.problems:
        return catalogue, Diagnosis("sources", False, f"{message}; {catalogue.problems[0]}")
    hint = "" if enabled else "; `evnews sources add URL` adds one"
    return catalogue, Diagnosis("sources", bool(enabled), message + hint)


def _check_topics(config: Config) -> Diagnosis:
    from aggregator.topics.catalogue import load_topics

    return _check_file("topics", lambda: load_topics(config.home).problems)


def _check_searches(config: Config) -> Diagnosis:
    from aggregator.alerts.saved_searches import load_searches

    return _check_file("searches", lambda: load_searches(config.home).problems)


def _check_file(subject: str, read_problems: Callable[[], tuple[str, ...]]) -> Diagnosis:
    from spiders.toml_tables import CatalogueError

    try:
        problems = read_problems()
    except (CatalogueError, OSError) as error:
        return Diagnosis(subject, False, str(error))
    return Diagnosis(subject, not problems, problems[0] if problems else "all entries are valid")


def _check_contact(config: Config) -> Diagnosis:
    if config.contact or config.user_agent:
        return Diagnosis("contact", True, config.effective_user_agent)
    return Diagnosis(
        "contact", False, "publishers cannot reach you; set contact in evnews.toml or the variable EVNEWS_CONTACT"
    )


def _check_dns(config: Config, catalogue: Catalogue) -> Diagnosis:
    """Resolve the hosts of a few sources; a proxy resolves them itself."""
    if config.proxy:
        return Diagnosis("names", True, "host names are resolved by the proxy")
    hosts = [urlsplit(source.home).hostname or "" for source in catalogue.enabled_sources[:_HOSTS]]
    failed = [host for host in hosts if not _resolves(host)]
    if hosts and len(failed) == len(hosts):
        problem = f"{', '.join(failed)} cannot be resolved"
        return Diagnosis("names", False, f"{problem}; check the internet connection and the DNS server")
    return Diagnosis("names", True, f"{len(hosts) - len(failed)} of {len(hosts)} source hosts resolved")


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except (OSError, UnicodeError):
        return False


def _check_port(port: int) -> Diagnosis:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            problem = f"{port} cannot be used ({error.strerror})"
            return Diagnosis(
                "port", False, f"{problem}; a service may use it already, or give `evnews up` another --port"
            )
    return Diagnosis("port", True, f"{port} is free")
