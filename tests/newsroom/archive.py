"""An archive as a program sees it from outside: what `evnews` says of it, read from its JSON."""

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
    """The archive in a folder, or in the `database` of that URL, crawled from a catalogue."""

    folder: Path
    catalogue: Path
    database: str = ""

    def crawl(self, *words: str) -> list[Record]:
        """`evnews crawl`, to its end; what it says of every source."""
        return self._said(self._evnews(*self._crawl(words), **self._variables), 0)

    def start(self, *words: str) -> Popen[str]:
        """The same, as a process that is still running."""
        return self._evnews.start(*self._crawl(words), **self._variables)

    def changes(self) -> list[Record]:
        """Every edit, newest first."""
        return self._said(self._evnews("changes", "--json", **self._variables), 0, 1)

    def articles(self) -> dict[str, Record]:
        """Every article by its address, less what a feed added to track its readers."""
        done = self._evnews("export", "jsonl", "-o", "-", **self._variables)
        return {record["url"].partition("?")[0]: record for record in self._said(done, 0)}

    def refused(self) -> Counter[tuple[str, str]]:
        """How many pages of each source were no article, by source and verdict."""
        _, *sources = self._said(self._evnews("stats", "--json", **self._variables), 0)
        return Counter({(row["source"], code): many for row in sources for code, many in row["refused"].items()})

    def check(self) -> Done:
        """`evnews db check`."""
        return self._evnews("db", "check", **self._variables)

    def _crawl(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return ("crawl", "--json", "--sources", str(self.catalogue), *words)

    def _said(self, done: Done, *statuses: int) -> list[Record]:
        if done.status not in statuses:
            raise RuntimeError(f"evnews ended with {done.status}: {done.err}")
        return done.records

    @property
    def _evnews(self) -> Evnews:
        return Evnews(self.folder)

    @property
    def _variables(self) -> dict[str, str]:
        return {"EVNEWS_DB": self.database} if self.database else {}
