"""Fixtures: an archive of twelve articles, and requests to its server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.db.database import Database
from tests.aggregator.web.archive_server import Ask, Room


@pytest.fixture
def room(database: Database) -> Room:
    room = Room(database)
    for n in range(12):
        room.keep(n, f"{'battery' if n % 2 else 'charger'} x{n}")
    return room


@pytest.fixture
def ask(room: Room) -> Iterator[Ask]:
    with room.client() as client:
        yield client.get
