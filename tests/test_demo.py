"""`make demo` from its first line to its last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import rmtree

ROOT = Path(__file__).parents[1]


def test_the_demo_ends_with_its_articles_found() -> None:
    """It crawls, finds, says where the archive lies, and warns of nothing."""
    command = [sys.executable, "-m", "tests.newsroom.demo"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    home = Path(ended.stdout.rpartition("The archive lies in ")[2].split()[0])
    try:
        assert ended.returncode == 0, ended.stderr
        assert "6 sources in " in ended.stdout
        assert "小米" in ended.stdout.partition("search 小米")[2]
        assert "59 of the 59 articles that were public are kept" in ended.stdout
        assert "59 articles (" in ended.stdout
        assert (home / "archive.db").exists()
        assert not [line for line in ended.stderr.splitlines() if not line.startswith("[")]
    finally:
        rmtree(home)
