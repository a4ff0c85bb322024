"""Serve a corpus of captured pages on loopback, divided among publishers, from a separate process.

A corpus is a folder of sets, each with `gold.jsonl` or `gold.jsonl.gz` (rows with `file`, optionally `title` and
`date`) and the gzipped pages that `file` names. Publisher number i has the address 127.2.0.i.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from urllib.request import urlopen


@dataclass
class Publisher:
    """One publisher: its compressed pages by path, and the requests that it received."""

    address: str
    pages: dict[str, bytes] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


def gold_rows(folder: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield every row of a corpus with the folder of its set."""
    for gold in sorted(folder.glob("*/gold.jsonl*")) or sorted(folder.glob("gold.jsonl*")):
        opened = gzip.open if gold.suffix == ".gz" else open
        with opened(gold, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield gold.parent, json.loads(line)


def publishers_of(folders: list[Path], count: int, most: int) -> list[Publisher]:
    """Divide a corpus among `count` publishers, at most `most` pages in all."""
    papers = [Publisher(f"127.2.0.{number + 1}") for number in range(count)]
    seen: set[str] = set()
    for folder in folders:
        for place, row in gold_rows(folder):
            raw = (place / str(row["file"])).read_bytes()
            digest = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
            if digest in seen or len(seen) >= most:
                continue
            paper = papers[len(seen) % count]
            seen.add(digest)
            body = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            path = f"/{place.name}/{digest[:12]}.html"
            paper.pages[path] = gzip.compress(body, 6)
            paper.titles[path] = str(row.get("title") or digest)
    return papers


class Web:
    """Serves every publisher on one port; `/__hits` on the first address returns the number of requests to each."""

    def __init__(self, papers: list[Publisher], port: int) -> None:
        self.papers = {paper.address: paper for paper in papers}
        self.port = port
        self.hits: dict[str, int] = {}
        self.feeds = {paper.address: self._feed(paper) for paper in papers}

    def _feed(self, paper: Publisher) -> bytes:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        items = "".join(
            f"<item><title>{escape(paper.titles[path])}</title><link>http://{paper.address}:{self.port}{path}</link>"
            f"<pubDate>{format_datetime(now - timedelta(minutes=number))}</pubDate></item>"
            for number, path in enumerate(paper.pages)
        )
        return f'<rss version="2.0"><channel><title>{paper.address}</title>{items}</channel></rss>'.encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                writer.write(self.answer(headers.get("host", "").split(":")[0], lines[0].split(" ")[1], headers))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, host: str, path: str, headers: dict[str, str]) -> bytes:
        """Return the bytes of one response."""
        paper = self.papers.get(host)
        kind = "index" if path == "/feed.xml" else "robots" if path == "/robots.txt" else "page"
        if path == "/__hits":
            return response(200, "application/json", json.dumps(self.hits).encode())
        self.hits[kind] = self.hits.get(kind, 0) + 1
        if paper is None or path == "/robots.txt":
            return response(404, "text/plain", b"not here")
        if path == "/feed.xml":
            etag = f'"{len(paper.pages)}"'
            if headers.get("if-none-match") == etag:
                self.hits["unmodified"] = self.hits.get("unmodified", 0) + 1
                return response(304, "", b"", f"ETag: {etag}\r\n")
            return response(200, "application/rss+xml", self.feeds[host], f"ETag: {etag}\r\n")
        if path in paper.pages:
            return response(200, "text/html", paper.pages[path], "Content-Encoding: gzip\r\n")
        return response(404, "text/plain", b"not here")


def response(status: int, kind: str, body: bytes, extra: str = "") -> bytes:
    """Return the bytes of a response."""
    reason = {200: "OK", 304: "Not Modified", 404: "Not Found"}[status]
    length = "" if status == 304 else f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status} {reason}\r\n{length}{extra}\r\n".encode() + body


@contextmanager
def serving(folders: list[Path], *, papers: int, most: int = 10**9) -> Iterator[dict[str, object]]:
    """Serve a corpus from a separate process; yield its `port`, `addresses` and number of `pages`."""
    command = [sys.executable, __file__, "--papers", str(papers), "--most", str(most), *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def hits(web: dict[str, object]) -> dict[str, int]:
    """Return how often indexes, pages and robots.txt were requested so far."""
    with urlopen(f"http://127.2.0.1:{web['port']}/__hits") as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


async def main() -> None:
    """Serve until terminated; print the address in the first line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--papers", type=int, default=20)
    parser.add_argument("--most", type=int, default=10**9)
    given = parser.parse_args()
    papers = publishers_of(given.folders, given.papers, given.most)
    first = await asyncio.start_server(lambda reader, writer: web.serve(reader, writer), papers[0].address, 0)
    port = first.sockets[0].getsockname()[1]
    web = Web(papers, port)
    await asyncio.start_server(web.serve, [paper.address for paper in papers[1:]], port)
    where = {"port": port, "addresses": [paper.address for paper in papers], "pages": sum(len(p.pages) for p in papers)}
    print(json.dumps(where), flush=True)
    await first.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
