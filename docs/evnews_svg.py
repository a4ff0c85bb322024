"""Draw docs/evnews.svg: run a crawl and three searches on the test newsroom and record their output.

.venv/bin/python -m docs.evnews_svg
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.newsroom.server import Newsroom, running

COMMANDS = (
    ("crawl", "--sources", "demo.toml"),
    ("search", "solid-state", "--limit", "2"),
    ("search", "battery", "--by", "month"),
    ("search", "小米", "--limit", "1"),
)
COLUMNS = "100"


def main() -> None:
    """Write the picture beside this file."""
    console = Console(record=True, width=int(COLUMNS), file=StringIO(), highlight=False)
    with tempfile.TemporaryDirectory() as home, running(Newsroom()) as newsroom:
        newsroom.write_sources(Path(home, "demo.toml"), proxy=True)
        settings = {
            "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8",
            "EVNEWS_CONTACT": "mailto:demo@example.org",
            "EVNEWS_HOME": home,
            "EVNEWS_PROXY": newsroom.proxy_url,
        }
        for command in COMMANDS:
            console.print(Text(f"$ evnews {' '.join(command)}", style="bold"))
            console.print(Text.from_ansi(_terminal_output(command, Path(home), settings)), soft_wrap=True)
            console.print()
    target = Path(__file__).with_suffix("").with_name("evnews.svg")
    target.write_text(console.export_svg(title="evnews", unique_id="evnews"), encoding="utf-8")


def _terminal_output(command: tuple[str, ...], folder: Path, settings: dict[str, str]) -> str:
    """Return what the command prints on stdout in a terminal; progress on stderr is left out."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("EVNEWS_")}
    environment = {**others, **settings, "COLUMNS": COLUMNS, "TERM": "xterm-256color"}
    parent, child = pty.openpty()
    arguments = [sys.executable, "-m", "aggregator", *command]
    search_path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(  # noqa: S603 - the commands above
        arguments, stdout=child, stderr=subprocess.DEVNULL, cwd=folder, env={**environment, **search_path}
    )
    os.close(child)
    output = b""
    while chunk := _read(parent):
        output += chunk
    process.wait()
    os.close(parent)
    return output.decode().replace("\r\n", "\n").rstrip()


def _read(terminal: int) -> bytes:
    """Return the next bytes of a terminal, b"" after its last process has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


if __name__ == "__main__":
    main()
