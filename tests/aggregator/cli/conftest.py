"""An archive of the newsroom, crawled once by `evnews crawl`, and homes for single tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.server import running


@pytest.fixture
def evnews(tmp_path: Path) -> Evnews:
    """The command with an empty home."""
    return Evnews(tmp_path / "home")


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    """A running newsroom with two published articles at each publisher."""
    with running(Newsroom(public=2)) as room:
        yield room


@pytest.fixture(scope="session")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Evnews:
    """The command with a home that holds every article of a newsroom, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("crawled")
    evnews = Evnews(folder / "home")
    with running(Newsroom()) as room:
        room.write_sources(folder / "sources.toml")
        done = evnews("crawl", "--sources", folder / "sources.toml")
        assert done.status == 0, done.err
    return evnews


@pytest.fixture
def copied(crawled: Evnews, tmp_path: Path) -> Evnews:
    """The command with a copy of that home, for tests that change it."""
    copytree(crawled.home, tmp_path / "copy")
    return Evnews(tmp_path / "copy")
