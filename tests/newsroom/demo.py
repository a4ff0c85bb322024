"""Run `make demo`: evnews on the test newsroom, without internet, while new articles appear."""

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

from tests.newsroom.newsroom import Newsroom
from tests.newsroom.server import running

FIRST = 4
"""Number of articles that each publisher has published when the service starts."""
EVERY = 3.0
"""Seconds between two polls of a source."""
WATCHED_SECONDS, UNWATCHED_SECONDS = 4.0, 0.4
"""Seconds until the next article appears, in a terminal and elsewhere."""
MOST_SECONDS = 90.0
"""Time limit of the service outside a terminal."""


def main() -> int:
    """Run the service in a temporary home folder while articles appear, then search the archive.

    In a terminal the service runs until Ctrl-C, elsewhere until every article is stored. Return 0 if all were stored.
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
    """Run `evnews up` and publish one article after another, at each publisher in turn."""
    words = ("up", "--sources", str(sources), "--port", "0")
    print(f"\n$ evnews {' '.join(words)}", flush=True)
    service = subprocess.Popen(_command(home, *words), env=_environment())
    names = sorted({truth.publisher for truth in room.articles()})
    publishers = cycle(names)
    started, is_all_published = time.monotonic(), False
    try:
        while service.poll() is None and (is_watched or time.monotonic() - started < MOST_SECONDS):
            time.sleep(WATCHED_SECONDS if is_watched else UNWATCHED_SECONDS)
            published = len(room.articles())
            if not is_all_published:
                is_all_published = not any(room.publish(1, next(publishers)) for _ in names)
            if is_all_published and not is_watched and _kept(home) == published:
                break
    except KeyboardInterrupt:
        pass  # the same key stops the service
    else:
        service.send_signal(signal.SIGTERM)
    return service.wait()


def _evnews(home: Path, *words: str) -> int:
    print(f"\n$ evnews {' '.join(words)}", flush=True)
    return subprocess.run(_command(home, *words), env=_environment(), check=False).returncode


def _kept(home: Path) -> int:
    """Return the number of stored articles."""
    answer = subprocess.run(_command(home, "stats", "--json"), env=_environment(), check=True, capture_output=True)
    return int(json.loads(answer.stdout.splitlines()[0])["articles"])


def _command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "aggregator", "--home", str(home), *words]


def _environment() -> dict[str, str]:
    """Return the environment without the user's own evnews settings: the demo must not write to their database."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
    return {**others, "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8", "EVNEWS_CONTACT": "mailto:demo@example.org"}


if __name__ == "__main__":
    sys.exit(main())
