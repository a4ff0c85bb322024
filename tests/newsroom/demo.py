"""`make demo`: the service on the small news web of the tests, with no internet, while articles appear."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from tests.newsroom.room import Newsroom
from tests.newsroom.server import running

FIRST = 4
"""How many articles each publisher has when the service starts."""
EVERY = 3.0
WATCHED_SECONDS, UNWATCHED_SECONDS = 4.0, 0.4
"""How long it takes until the next article appears."""
MOST_SECONDS = 90.0


def main() -> int:
    """Run the service on a throw-away home while articles appear, search it, and say where it lies.

    In a terminal it runs until Ctrl-C; elsewhere until all that is to appear is kept. The exit status tells whether
    all was found.
    """
    home = Path(tempfile.mkdtemp(prefix="evnews-demo-"))
    with running(Newsroom(public=FIRST)) as room:
        sources = room.write_sources(home / "newsroom.toml", 0.01, every=EVERY)
        statuses = [
            _serve(home, sources, room, is_watched=sys.stderr.isatty()),
            _evnews(home, "search", "solid-state", "--limit", "2"),
            _evnews(home, "search", "小米", "--limit", "2"),
            _evnews(home, "stats"),
        ]
        expected = len(room.articles())
    kept = _kept(home)
    print(f"\n{kept} of the {expected} articles that appeared are kept. The archive lies in {home}")
    print(f"Look at it with: .venv/bin/evnews --home {home} search ladesäule")
    return max(*statuses, int(kept != expected))


def _serve(home: Path, sources: Path, room: Newsroom, *, is_watched: bool) -> int:
    """`evnews up` while articles appear, one here, one there."""
    words = ("up", "--sources", str(sources), "--port", "0")
    print(f"\n$ evnews {' '.join(words)}", flush=True)
    service = subprocess.Popen(_command(home, *words), env=_environment())
    names = sorted({truth.publisher for truth in room.articles()})
    publishers = cycle(names)
    begun, is_all_out = time.monotonic(), False
    try:
        while service.poll() is None and (is_watched or time.monotonic() - begun < MOST_SECONDS):
            time.sleep(WATCHED_SECONDS if is_watched else UNWATCHED_SECONDS)
            before = len(room.articles())
            if not is_all_out:
                is_all_out = not any(room.publish(1, next(publishers)) for _ in names)
            if is_all_out and not is_watched and _kept(home) == before:
                break
    except KeyboardInterrupt:
        pass  # the service was told too, by the same key
    else:
        service.send_signal(signal.SIGTERM)
    return service.wait()


def _evnews(home: Path, *words: str) -> int:
    print(f"\n$ evnews {' '.join(words)}", flush=True)
    return subprocess.run(_command(home, *words), env=_environment(), check=False).returncode


def _kept(home: Path) -> int:
    """How many articles the archive holds, as a program would ask it."""
    answer = subprocess.run(_command(home, "stats", "--json"), env=_environment(), check=True, capture_output=True)
    return int(json.loads(answer.stdout.splitlines()[0])["articles"])


def _command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "aggregator", "--home", str(home), *words]


def _environment() -> dict[str, str]:
    """The caller's environment without the caller's own settings: a database of theirs is not ours to fill."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
    return {**others, "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8", "EVNEWS_CONTACT": "mailto:demo@example.org"}


if __name__ == "__main__":
    sys.exit(main())
