"""An archive of the newsroom, crawled once by the command itself, and homes for single tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.room import Newsroom
from tests.newsroom.server import running


@pytest.fixture
def evnews(tmp_path: Path) -> Evnews:
    """The command on an empty home."""
    return Evnews(tmp_path / "home")


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    """A newsroom of the test's own with two articles public at each publisher."""
    with running(Newsroom(public=2)) as room:
        yield room


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evnews]:
    """The command on a home that holds every article of a newsroom; for tests that change nothing."""
    folder = tmp_path_factory.mktemp("crawled")
    evnews = Evnews(folder / "home")
    with running(Newsroom()) as room:
        room.write_sources(folder / "sources.toml")
        done = evnews("crawl", "--sources", folder / "sources.toml")
        assert done.status == 0, done.err
        yield evnews


@pytest.fixture
def copied(crawled: Evnews, tmp_path: Path) -> Evnews:
    """A copy of that home, to be changed."""
    copytree(crawled.home, tmp_path / "copy")
    return Evnews(tmp_path / "copy")
