"""Use an archive as a program does: through the JSON output of `evnews`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.aggregator.cli.evnews_command import Done, Evnews

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive in a folder (or in the database with the URL `database`), and the catalogue to crawl."""

    folder: Path
    catalogue: Path
    database: str = ""

    def crawl(self, *words: str) -> list[Record]:
        """Run `evnews crawl`; return one record per source."""
        return self._records(self._evnews(*self._crawl(words), **self._variables), 0)

    def start(self, *words: str) -> Popen[str]:
        """Start `evnews crawl` and return the running process."""
        return self._evnews.start(*self._crawl(words), **self._variables)

    def changes(self) -> list[Record]:
        """Return every edit, newest first."""
        return self._records(self._evnews("changes", "--json", **self._variables), 0, 1)

    def articles(self) -> dict[str, Record]:
        """Return every article by its URL without tracking parameters."""
        done = self._evnews("export", "jsonl", "-o", "-", **self._variables)
        return {record["url"].partition("?")[0]: record for record in self._records(done, 0)}

    def refused(self) -> Counter[tuple[str, str]]:
        """Count the refused pages by source and code."""
        _, *sources = self._records(self._evnews("stats", "--json", **self._variables), 0)
        return Counter({(row["source"], code): count for row in sources for code, count in row["refused"].items()})

    def check(self) -> Done:
        """Run `evnews db check`."""
        return self._evnews("db", "check", **self._variables)

    def _crawl(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return ("crawl", "--json", "--sources", str(self.catalogue), *words)

    def _records(self, done: Done, *statuses: int) -> list[Record]:
        if done.status not in statuses:
            raise RuntimeError(f"evnews exited with status {done.status}: {done.err}")
        return done.records

    @property
    def _evnews(self) -> Evnews:
        return Evnews(self.folder)

    @property
    def _variables(self) -> dict[str, str]:
        return {"EVNEWS_DB": self.database} if self.database else {}
