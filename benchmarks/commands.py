"""CPU time of every command that needs no network, on an empty archive.

    python benchmarks/commands.py [--runs 5] [--only WORD]

Each ratio is the command's CPU time (user and system) divided by that of `python -c 'import sqlalchemy, typer'`,
medians of alternating runs. A line each: ratio, bar, command. `serve` is stopped once it answers. The last line is
one JSON object; the exit status is 1 if a ratio is above its bar.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
BASELINE = (sys.executable, "-c", "import sqlalchemy, typer")
EVNEWS = (sys.executable, "-m", "aggregator")
BAR, HIGH_BAR = 2.5, 3.5
HIGH = ("export parquet", "serve")
OPML = '<opml version="2.0"><body><outline text="F" xmlUrl="https://blog.example/1.xml"/></body></opml>'


def commands(folder: Path) -> list[str]:
    """Return the command lines, in an order in which each finds what it needs; `{run}` is the number of the run."""
    (folder / "feeds.opml").write_text(OPML)
    (folder / "empty.jsonl").write_text("")
    return [
        "search battery", "search battery --json", "search battery --by month", "search battery --facets",
        "search '\"solid state\" topic:xiaomi' --since 7d", "show 1", "show 1 --revisions", "show 1 --diff",
        "stories", "stories 1", "stories --refresh", "topics", "topics --refresh", "changes", "why 1", "why electrek",
        "why https://nowhere.example/a", "searches", "searches add sodium{run} sodium",
        "searches notify --dry-run", "searches notify", "searches retry sodium0", "search --saved sodium0",
        "searches remove sodium{run}", "stats", "stats --json", "health", "health --json", "doctor",
        "sources", "sources --json", f"sources import {folder}/feeds.opml", f"sources export -o {folder}/out.opml",
        "sources remove electrek", "token", "token add phone{run}", "token remove phone{run}",
        f"export jsonl -o {folder}/a.jsonl", f"export csv -o {folder}/a.csv", f"export parquet -o {folder}/a.parquet",
        f"export rss -o {folder}/a.rss", f"export atom -o {folder}/a.atom", f"export json -o {folder}/a.json",
        f"export rss --all-searches -o {folder}/public", f"export opml -o {folder}/a.opml",
        f"import jsonl {folder}/empty.jsonl", "db check", "db check --all", "db upgrade", "db optimize", "db reindex",
        "db prune --dry-run", f"db backup {folder}/copies{{run}}/ --keep 1", f"db restore {folder}/copy.db", "serve",
        "--help", "search --help", "--version",
    ]  # fmt: skip


def cpu_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Run a command and return the CPU seconds of it and its children. Raises RuntimeError if it crashes."""
    before = os.times()
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    after = os.times()
    if "Traceback" in ended.stderr or ended.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: {ended.stderr}")
    return after.children_user - before.children_user + after.children_system - before.children_system


def cpu_seconds_of_server(environment: dict[str, str]) -> float:
    """Return the CPU seconds of `evnews serve` until it has answered one request."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = os.times()
    command = [*EVNEWS, "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as server:
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz"):
                    break
            except OSError:
                time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def measured(line: str, environment: dict[str, str], runs: int) -> float:
    """Return the median ratio of a command to the baseline."""
    ratios = []
    for run in range(runs):
        words = [*EVNEWS, *shlex.split(line.format(run=run))]
        baseline = cpu_seconds(BASELINE, environment)
        seconds = cpu_seconds_of_server(environment) if line == "serve" else cpu_seconds(words, environment)
        ratios.append(seconds / baseline)
    return median(ratios)


def main() -> int:
    """Print the ratios; return 1 if one is above its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    parser.add_argument("--only", default="", help="measure only commands that contain this text")
    options = parser.parse_args()
    ratios: dict[str, float] = {}
    slow = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EVNEWS_")}
        environment |= {"EVNEWS_HOME": str(home), "EVNEWS_CONTACT": "mailto:benchmark@example.org",
                        "EVNEWS_KEEP": "5y", "EVNEWS_KEEP_PAGES": "200 GB"}  # fmt: skip
        first = cpu_seconds([*EVNEWS, "stats"], environment) / cpu_seconds(BASELINE, environment)
        print(f"{first:5.2f}      stats in a new home, which creates the archive")
        cpu_seconds([*EVNEWS, "db", "backup", str(folder / "copy.db")], environment)
        for line in commands(folder):
            if options.only not in line:
                continue
            bar = HIGH_BAR if line.startswith(HIGH) else BAR
            ratio = measured(line, environment, options.runs)
            label = line.replace(str(folder), "DIR")
            ratios[label] = round(ratio, 2)
            slow += ratio > bar
            print(f"{ratio:5.2f} {bar:4.1f} {label}{'  ABOVE THE BAR' if ratio > bar else ''}", flush=True)
    print(json.dumps({"runs": options.runs, "first": round(first, 2), "ratios": ratios, "above_bar": slow}))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
