"""Newsrooms for the tests of the newsroom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.newsroom.server import Newsroom, running


@pytest.fixture(scope="module")
def open_room() -> Iterator[Newsroom]:
    """Serve a newsroom that has published everything; the tests do not change it."""
    with running(Newsroom()) as room:
        yield room


@pytest.fixture
def room() -> Iterator[Newsroom]:
    """Serve a newsroom of which each publisher has published three articles."""
    with running(Newsroom(public=3)) as room:
        yield room
