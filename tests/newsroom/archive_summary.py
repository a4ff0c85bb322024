"""Compare an archive with what it must contain after the steps of a scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.newsroom import scenario_events
from tests.newsroom.archive import Archive
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.syndication import LABELS


@dataclass(slots=True)
class ExpectedArchive:
    """What an archive must contain.

    `kept` holds the URLs of its articles, `edits` the kinds of edit of each article by URL, `refused` the number of
    refused pages by publisher and code, `same` how often a page was fetched that had not changed.
    """

    kept: set[str] = field(default_factory=set)
    edits: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    same: int = 0

    def record_edit(self, url: str, kind: str) -> None:
        """Record that an article was edited, withdrawn or restored."""
        self.edits.setdefault(url, []).append(kind)

    def edit_count(self) -> int:
        """Return the number of edits."""
        return sum(map(len, self.edits.values()))

    def summary(self, room: Newsroom) -> ArchiveSummary:
        """Return the summary that the archive must have."""
        truths = [room.find(url) for url in self.kept]
        firsts: dict[str, str] = {}
        for truth in sorted(truths, key=lambda truth: (bool(truth.copy_of), truth.published)):
            firsts.setdefault(truth.copy_of or truth.url, truth.url)
        articles = {
            truth.url: {
                "title": truth.title,
                "text": _body(truth.text).split(),
                "copy of": _unless_own(firsts[truth.copy_of or truth.url], truth.url),
                "edits": list(self.edits.get(truth.url, [])),
                "withdrawn": self.edits.get(truth.url, [""])[-1] == "withdrawn",
            }
            for truth in truths
        }
        reported = Counter({"same": self.same, "reported as changed": self.edit_count()})
        return ArchiveSummary(articles, +self.refused, reported)


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """What is compared: every article by URL, the refused pages, and what the crawls reported."""

    articles: dict[str, dict[str, Any]]
    refused: Counter[tuple[str, str]]
    reported: Counter[str]

    def counts(self) -> Counter[str]:
        """Return the number of articles, edits and refused pages by kind."""
        copies = sum(bool(article["copy of"]) for article in self.articles.values())
        counts = Counter({"new": len(self.articles) - copies, "copy": copies, **self.reported})
        counts.update(f"revised: {kind}" for article in self.articles.values() for kind in article["edits"])
        counts.update("withdrawn now" for article in self.articles.values() if article["withdrawn"])
        for (_, code), count in self.refused.items():
            counts[f"refused: {code}"] += count
        return counts

    def differences(self, actual: ArchiveSummary, *, refused: bool = True) -> Iterator[str]:
        """Describe what is different in the actual summary; without `refused`, compare the articles only."""
        for url in sorted(self.articles.keys() | actual.articles.keys()):
            expected, found = self.articles.get(url), actual.articles.get(url)
            if expected is None or found is None:
                yield f"{url}: is {'not ' if found is None else ''}stored"
                continue
            for name in expected:
                if expected[name] != found[name]:
                    yield f"{url}: {name} is {_short(found[name])}, must be {_short(expected[name])}"
        for source, code in sorted(self.refused.keys() | actual.refused.keys()) if refused else ():
            if self.refused[source, code] != actual.refused[source, code]:
                yield (
                    f"{source}: {actual.refused[source, code]} refused as {code}, must be {self.refused[source, code]}"
                )


def summarize(archive: Archive, reported: Counter[str]) -> ArchiveSummary:
    """Summarize an archive and what its crawls reported. The box of the redesign is removed from the texts."""
    kept = archive.articles()
    urls = {record["id"]: url for url, record in kept.items()}
    edits: dict[int, list[str]] = {}
    for change in reversed(archive.changes()):
        edits.setdefault(change["id"], []).append(change["kind"])
    articles = {
        url: {
            "title": record["title"],
            "text": record["text"].replace(scenario_events.BOX, "").split(),
            "copy of": urls.get(record["copy_of"], ""),
            "edits": edits.get(record["id"], []),
            "withdrawn": record["withdrawn"] is not None,
        }
        for url, record in kept.items()
    }
    return ArchiveSummary(articles, archive.refused(), reported)


def _body(text: str) -> str:
    """Return a text without a last line that only names its origin."""
    body, _, last = text.rpartition("\n\n")
    return body if last.startswith(LABELS) else text


def _unless_own(url: str, own: str) -> str:
    return "" if url == own else url


def _short(value: object) -> str:
    """Format a value for printing; of a long text only its end."""
    return f"... {' '.join(value[-5:])}" if isinstance(value, list) and len(value) > 20 else repr(value)
