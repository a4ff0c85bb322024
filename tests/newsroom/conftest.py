"""Newsrooms for the newsroom's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.newsroom.server import Newsroom, running


@pytest.fixture(scope="module")
def open_room() -> Iterator[Newsroom]:
    """A newsroom with everything public, which the tests that use it leave as it is."""
    with running(Newsroom()) as room:
        yield room


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """A newsroom of a test's own, three articles public at each publisher."""
    with running(Newsroom(public=3)) as room:
        yield room
