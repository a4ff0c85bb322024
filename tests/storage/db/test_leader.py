"""Who of several services leads: one, and another as soon as that one is gone, however it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from storage.archive import open_database
from storage.db.database import Database
from storage.db.leader import Leadership, leadership
from storage.glance import beat, glance, last_beat
from tests.aggregator.schedule.simulated_source import NOW

_HOLDS = """
import sys, time
from storage.db.database import open_database
from storage.db.leader import leadership
claim = leadership(open_database(sys.argv[1]))
print(claim.take(), flush=True)
time.sleep(60)
"""


def taken_in_time(claim: Leadership) -> bool:
    """Whether a claim succeeds within ten seconds: a server takes a moment to see that its client died."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if claim.take():
            return True
        time.sleep(0.05)
    return False


def test_one_leads_and_leaves_to_the_next(database: Database, database_url: str) -> None:
    other_database = open_database(database_url)
    one, other = leadership(database), leadership(other_database)
    assert not one.is_held()
    assert (one.take(), one.take(), other.take()) == (True, True, False)
    assert (one.is_held(), other.is_held()) == (True, False)
    with database.write() as tx:  # the lock hinders nobody who writes
        beat(tx, NOW)
    one.leave()
    assert not one.is_held()
    assert taken_in_time(other)
    assert not one.take()
    other.leave()
    other_database.close()


def test_a_killed_leader_leads_no_more(database: Database, database_url: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", _HOLDS, database_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    claim = leadership(database)
    assert not claim.take()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert taken_in_time(claim)
    claim.leave()


def test_the_heartbeat_is_the_last_one(database: Database) -> None:
    with database.read() as tx:
        assert last_beat(tx) is None
        assert glance(tx, 5, 5) == glance(tx, 0, 0)
    for minute in (1, 2):
        with database.write() as tx:
            beat(tx, NOW.replace(minute=minute))
    with database.read() as tx:
        assert last_beat(tx) == NOW.replace(minute=2)
