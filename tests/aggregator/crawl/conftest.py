"""Fixtures of crawls: the reactor of the process, a home, a newsroom and a site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.crawl.loopback_crawl import Home, Reactor
from tests.aggregator.crawl.loopback_server import Site, serving
from tests.newsroom.server import Newsroom, running


@pytest.fixture(scope="session")
def reactor() -> Iterator[Reactor]:
    """Return the reactor of this process."""
    thread = Reactor()
    yield thread
    thread.close()


@pytest.fixture
def home(tmp_path: Path, reactor: Reactor) -> Home:
    """Return a home with an empty archive."""
    return Home(tmp_path / "home", reactor)


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """Run a newsroom with three public articles per publisher."""
    with running(Newsroom(public=3)) as opened:
        yield opened


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve a site at 127.2.0.1 whose responses the test defines."""
    with serving(Site("127.2.0.1")) as opened:
        yield opened
