"""`make demo`: the whole way through once, on the small news web of the tests, with no internet."""

from __future__ import annotations

import json
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
        sources = room.write_sources(home / "newsroom.toml", 0.01)
        expected = len(room.articles())
        statuses = [
            _evnews(home, "crawl", "--sources", str(sources)),
            _evnews(home, "search", "solid-state", "--limit", "2"),
            _evnews(home, "search", "小米", "--limit", "2"),
            _evnews(home, "stats"),
        ]
    kept = _kept(home)
    print(f"\n{kept} of the {expected} articles that were public are kept. The archive lies in {home}")
    print(f"Look at it with: .venv/bin/evnews --home {home} search ladesäule")
    return max(*statuses, int(kept != expected))


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
