"""Measure how fast the server responds from a large archive, also while articles are stored.

    python benchmarks/serve.py [--articles 1000000] [--keep FILE] [--seconds 10]

The archive is that of `benchmarks/search.py` (`--keep` reuses one). The server runs in a separate process, as `evnews
serve` runs it. The figures are: milliseconds of a feed of fifty entries with their texts that is requested for the
first time (each for another word of medium frequency); responses per second to eight connections that have the current
`all.atom` (304); responses per second to a query for a word in half of all articles while twenty articles per second
are stored, with the share of 304. The baseline in the same run is `/healthz`: the server without a feed. The last line
is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))

from search import build
from search_filling import keep, real_articles
from search_texts import HALF, Press

from storage.archive import open_database

COLD_MS, LEAST_KNOWN, LEAST_QUERIED, LEAST_SHARE = 60.0, 2_000, 300, 0.95
COLD, CONNECTIONS, KEPT_A_SECOND = 60, 8, 20
_FIRST = 90_000_000


def main() -> int:
    """Serve, request and compare; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    press = Press(arguments.articles, 1)
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        path = arguments.keep or Path(home) / "archive.db"
        build(path, press)
        with served(Path(home), path) as port:
            figures = {"articles": arguments.articles, **cold(port, press)}
            figures["baseline_per_s"] = round(load(port, "/healthz", arguments.seconds)[200] / arguments.seconds)
            known = load(port, "/feeds/all.atom", arguments.seconds)
            figures["known_per_s"] = round(known[304] / arguments.seconds)
            with writing(path, press, arguments.seconds):
                answers = load(port, f"/feeds/query.atom?q={quote(HALF)}", arguments.seconds)
            figures["query_per_s"] = round(answers.total() / arguments.seconds)
            figures["query_304"] = round(answers[304] / max(answers.total(), 1), 4)
    held = (
        figures["cold_ms_p95"] <= COLD_MS and figures["known_per_s"] >= LEAST_KNOWN
        and figures["query_per_s"] >= LEAST_QUERIED and figures["query_304"] >= LEAST_SHARE
    )  # fmt: skip
    print(json.dumps(figures))
    return 0 if held else 1


@contextmanager
def served(home: Path, archive: Path) -> Iterator[int]:
    """Run the server in a separate process; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "aggregator", "--home", str(home), "--db", f"sqlite:///{archive.resolve()}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
    running = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, cwd=Path(__file__).parents[1])
    try:
        while True:
            try:
                _asked(port, "/healthz")
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        running.terminate()
        running.wait()


def cold(port: int, press: Press) -> dict[str, float]:
    """Return the milliseconds of feeds that are requested for the first time."""
    words = press.words["en"].tolist()[40 : 40 + COLD]
    times = []
    for number, word in enumerate(words):
        started = time.perf_counter()
        status, body = _asked(port, f"/feeds/query.atom?full=1&q={quote(word)}")
        if number >= 5:  # the first requests warm up the server
            times.append((time.perf_counter() - started) * 1000)
        if status != 200 or body.count(b"<entry>") != 50:
            raise SystemExit(f"{word}: {status}, {body.count(b'<entry>')} entries")
    times.sort()
    return {"cold_ms_p50": round(times[len(times) // 2], 1), "cold_ms_p95": round(times[len(times) * 95 // 100], 1)}


def _asked(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def load(port: int, path: str, seconds: float) -> Counter[int]:
    """Count the responses by status on connections that request again at once, with the last ETag."""
    with multiprocessing.Pool(2) as pool:
        counts = pool.starmap(_ask_on, [(port, path, seconds)] * 2)
    return sum(counts, Counter())


def _ask_on(port: int, path: str, seconds: float) -> Counter[int]:
    counts: Counter[int] = Counter()
    given = (port, path, seconds, counts)
    threads = [threading.Thread(target=_connection, args=given) for _ in range(CONNECTIONS // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def _connection(port: int, path: str, seconds: float, counts: Counter[int]) -> None:
    connection = socket.create_connection(("127.0.0.1", port))
    ended, tag, data = time.monotonic() + seconds, b"x", b""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-None-Match: ".encode()
    while time.monotonic() < ended:
        connection.sendall(head + tag + b"\r\n\r\n")
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        answer, _, data = data.partition(b"\r\n\r\n")
        lines = answer.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:])
        length = 0 if lines[0].split()[1] == b"304" else int(fields.get(b"content-length", b"0"))
        while len(data) < length:
            data += connection.recv(65536)
        data, tag = data[length:], fields.get(b"etag", b"x").replace(b"w/", b"W/")
        counts[int(lines[0].split()[1])] += 1
    connection.close()


@contextmanager
def writing(path: Path, press: Press, seconds: float) -> Iterator[None]:
    """Store a number of articles per second in a separate process while the block runs."""
    writer = multiprocessing.Process(target=_write, args=(path, press, seconds))
    writer.start()
    try:
        yield
    finally:
        writer.terminate()
        writer.join()


def _write(path: Path, press: Press, seconds: float) -> None:
    articles = real_articles(press, _FIRST + int(time.time()) % 1_000_000 * 1000, KEPT_A_SECOND * int(seconds + 5))
    database = open_database(f"sqlite:///{path}")
    started = time.monotonic()
    for number in range(0, len(articles), 5):
        keep(database, articles[number : number + 5])
        time.sleep(max(0.0, started + (number + 5) / KEPT_A_SECOND - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
