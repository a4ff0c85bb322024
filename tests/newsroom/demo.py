"""`make demo`: the whole way through once, on the small news web of the tests, with no internet."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.newsroom.room import Newsroom
from tests.newsroom.server import running


def main() -> int:
    """Crawl into a throw-away home, search it, and say where it lies; the exit status tells whether all was found."""
    home = Path(tempfile.mkdtemp(prefix="evnews-demo-"))
    with running(Newsroom()) as room:
        sources = home / "newsroom.toml"
        room.write_sources(sources, 0.01)
        environment = {**os.environ, "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8", "EVNEWS_CONTACT": "mailto:demo@example.org"}

        def evnews(*words: str) -> int:
            print(f"\n$ evnews {' '.join(words)}", flush=True)
            command = [sys.executable, "-m", "aggregator", "--home", str(home), *words]
            return subprocess.run(command, env=environment, check=False).returncode

        expected = len(room.articles())
        statuses = [
            evnews("crawl", "--sources", str(sources)),
            evnews("search", "solid-state", "--limit", "3"),
            evnews("search", "小米", "--limit", "3"),
            evnews("stats"),
        ]
    print(f"\n{expected} articles were public. The archive lies in {home}: look at it with")
    print(f"    .venv/bin/evnews --home {home} search ladesäule")
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
