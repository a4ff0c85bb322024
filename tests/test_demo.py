"""Run `make demo` and check its output and its archive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import rmtree

ROOT = Path(__file__).parents[1]


def test_demo_stores_and_finds_every_article_without_warnings() -> None:
    command = [sys.executable, "-m", "tests.newsroom.demo"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    home = Path(ended.stdout.rpartition("The archive lies in ")[2].split()[0])
    try:
        assert ended.returncode == 0, ended.stderr
        assert "小米" in ended.stdout.partition("search 小米")[2]
        assert "59 of the 59 articles that appeared are kept" in ended.stdout
        assert "59 articles (" in ended.stdout
        assert (home / "archive.db").exists()
        lines = ended.stderr.splitlines()
        routine = ("evnews: serving", "evnews: stopping")
        assert [line for line in lines if not line.startswith(routine) and " kept" not in line] == []
    finally:
        rmtree(home)
