"""Exactly one service leads, and another takes over when it releases or dies."""

from __future__ import annotations

import subprocess
import sys

from storage.archive import open_database
from storage.db.database import Database
from storage.db.leader import create_leadership
from storage.monitor import last_heartbeat, load_service_status, record_heartbeat
from tests.aggregator.schedule.simulated_source import NOW
from tests.waiting import wait_until

_HOLDS = """
import sys
from storage.archive import open_database
from storage.db.leader import create_leadership
claim = create_leadership(open_database(sys.argv[1]))
print(claim.try_acquire(), flush=True)
sys.stdin.read()
"""


def test_one_service_leads_until_it_releases(database: Database, database_url: str) -> None:
    second_database = open_database(database_url)
    first, second = create_leadership(database), create_leadership(second_database)
    assert not first.is_held()
    assert (first.try_acquire(), first.try_acquire(), second.try_acquire()) == (True, True, False)
    assert (first.is_held(), second.is_held()) == (True, False)
    with database.write() as tx:  # the lock does not block writers
        record_heartbeat(tx, NOW)
    first.release()
    assert not first.is_held()
    wait_until(second.try_acquire)
    assert not first.try_acquire()
    second.release()
    second_database.close()


def test_killed_leader_loses_the_lock(database: Database, database_url: str) -> None:
    command = [sys.executable, "-c", _HOLDS, database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        claim = create_leadership(database)
        assert not claim.try_acquire()
        process.kill()
    wait_until(claim.try_acquire)  # the server needs a moment to notice that its client died
    claim.release()


def test_last_heartbeat_wins(database: Database) -> None:
    with database.read() as tx:
        assert last_heartbeat(tx) is None
        assert load_service_status(tx, 5, 5) == load_service_status(tx, 0, 0)
    for minute in (1, 2):
        with database.write() as tx:
            record_heartbeat(tx, NOW.replace(minute=minute))
    with database.read() as tx:
        assert last_heartbeat(tx) == NOW.replace(minute=2)
