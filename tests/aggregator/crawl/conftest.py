"""A reactor for the run, a home for each test, a newsroom and a site where one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.crawl.loopback_crawl import Home, Reactor
from tests.aggregator.crawl.loopback_server import Site, serving
from tests.newsroom.server import Newsroom, running


@pytest.fixture(scope="session")
def reactor() -> Iterator[Reactor]:
    """The one reactor of this process."""
    thread = Reactor()
    yield thread
    thread.close()


@pytest.fixture
def home(tmp_path: Path, reactor: Reactor) -> Home:
    """An empty archive."""
    return Home(tmp_path / "home", reactor)


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """A newsroom with three articles public at each publisher."""
    with running(Newsroom(public=3)) as opened:
        yield opened


@pytest.fixture
def site() -> Iterator[Site]:
    """A site at 127.2.0.1 whose every answer the test writes."""
    with serving(Site("127.2.0.1")) as opened:
        yield opened
