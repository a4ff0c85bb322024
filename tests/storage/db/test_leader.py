"""Who of several services leads: one, and another as soon as that one is gone, however it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from storage.archive import open_database
from storage.db.database import Database
from storage.db.leader import Leadership, create_leadership
from storage.glance import last_heartbeat, load_service_status, record_heartbeat
from tests.aggregator.schedule.simulated_source import NOW

_HOLDS = """
import sys, time
from storage.archive import open_database
from storage.db.leader import create_leadership
claim = create_leadership(open_database(sys.argv[1]))
print(claim.take(), flush=True)
time.sleep(60)
"""


def taken_in_time(claim: Leadership) -> bool:
    """Whether a claim succeeds within ten seconds: a server takes a moment to see that its client died."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if claim.try_acquire():
            return True
        time.sleep(0.05)
    return False


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
    assert taken_in_time(other)
    assert not one.try_acquire()
    other.release()
    other_database.close()


def test_a_killed_leader_leads_no_more(database: Database, database_url: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", _HOLDS, database_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    claim = create_leadership(database)
    assert not claim.try_acquire()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert taken_in_time(claim)
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
