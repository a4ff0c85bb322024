"""Call the command line as users do, with a home folder per test.

Commands that run Twisted's reactor, which runs once per process, get their own process; so do commands that are
started in the background or on a terminal. All other commands run in this process, from `main` on.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from aggregator.cli import main

ROOT = Path(__file__).parents[3]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON objects of its stdout, one per line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Evnews:
    """`evnews` with a home folder; call it with arguments."""

    home: Path

    def __call__(self, *words: str | Path, **variables: str) -> Done:
        if {"crawl", "add", "check"} & {*words} and "db" not in words:
            return self.apart(*words, **variables)
        return self.here(*words, **variables)

    def here(self, *words: str | Path, **variables: str) -> Done:
        """Run in this process; also for usage errors that end a crawl before the reactor runs."""
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            mock.patch.dict(os.environ, self.around(**variables)["env"], clear=True),
            mock.patch.object(sys, "argv", ["evnews", *map(str, words)]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
        return Done(int(str(end.value.code)), _written(out), _written(err))

    def apart(self, *words: str | Path, **variables: str) -> Done:
        """Run in a process of its own."""
        ended = subprocess.run(self.command(*words), **self.around(**variables), capture_output=True, timeout=60)
        return Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def start(self, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Start a process and return it."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.command(*words), **self.around(**variables), **pipes)

    def command(self, *words: str | Path) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "aggregator", *map(str, words)]

    def around(self, **variables: str) -> dict[str, Any]:
        """Return folder and environment, without the caller's settings and terminal size."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
        for name in ("COLUMNS", "LINES"):
            clean.pop(name, None)
        own = {
            "EVNEWS_HOME": str(self.home), "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8",
            "EVNEWS_CONTACT": "mailto:tests@example.org", "EVNEWS_WORKERS": "1",
        }  # fmt: skip
        return {"cwd": ROOT, "env": {**clean, **own, **variables}}

    def on_terminal(self, columns: int, *words: str | Path, **variables: str) -> tuple[int, str]:
        """Run on a terminal of some columns; return exit status and everything written to it."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        around = self.around(TERM="xterm-256color", **variables)
        process = subprocess.Popen(self.command(*words), **around, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        written = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other side has closed
                break
            if not data:
                break
            written += data
        os.close(ours)
        return process.wait(30), written.decode()


def read_until(process: subprocess.Popen[str], text: str, seconds: float = 30.0) -> str:
    """Read stderr until it contains a text; return what was read."""
    assert process.stderr is not None
    deadline, received = time.monotonic() + seconds, ""
    while text not in received:
        readable, _, _ = select.select([process.stderr], [], [], max(deadline - time.monotonic(), 0))
        assert readable, received
        chunk = os.read(process.stderr.fileno(), 65536)
        assert chunk, received
        received += chunk.decode()
    return received


def plain(written: str) -> list[str]:
    """Return the lines sent to a terminal without escape sequences, every state of a rewritten line included."""
    return [line.rstrip() for line in re.split("[\r\n]+", _ESCAPES.sub("", written))]


def _written(stream: TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, BytesIO)
    return stream.buffer.getvalue().decode()
