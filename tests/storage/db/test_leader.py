"""Who of several services leads: one, and another as soon as that one is gone, however it went."""

from __future__ import annotations

import subprocess
import sys

from storage.archive import open_database
from storage.db.database import Database
from storage.db.leader import create_leadership
from storage.glance import last_heartbeat, load_service_status, record_heartbeat
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


def test_one_leads_and_leaves_to_the_next(database: Database, database_url: str) -> None:
    other_database = open_database(database_url)
    one, other = create_leadership(database), create_leadership(other_database)
    assert not one.is_held()
    assert (one.try_acquire(), one.try_acquire(), other.try_acquire()) == (True, True, False)
    assert (one.is_held(), other.is_held()) == (True, False)
    with database.write() as tx:  # the lock hinders nobody who writes
        record_heartbeat(tx, NOW)
    one.release()
    assert not one.is_held()
    wait_until(other.try_acquire)
    assert not one.try_acquire()
    other.release()
    other_database.close()


def test_a_killed_leader_leads_no_more(database: Database, database_url: str) -> None:
    command = [sys.executable, "-c", _HOLDS, database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        claim = create_leadership(database)
        assert not claim.try_acquire()
        process.kill()
    wait_until(claim.try_acquire)  # a server takes a moment to see that its client died
    claim.release()


def test_the_heartbeat_is_the_last_one(database: Database) -> None:
    with database.read() as tx:
        assert last_heartbeat(tx) is None
        assert load_service_status(tx, 5, 5) == load_service_status(tx, 0, 0)
    for minute in (1, 2):
        with database.write() as tx:
            record_heartbeat(tx, NOW.replace(minute=minute))
    with database.read() as tx:
        assert last_heartbeat(tx) == NOW.replace(minute=2)
