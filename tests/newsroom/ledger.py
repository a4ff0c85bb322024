"""A Ledger of what was done in a newsroom, and what an archive says of it, made comparable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.newsroom import plot
from tests.newsroom.archive import Archive
from tests.newsroom.room import Newsroom
from tests.newsroom.syndication import LABELS


@dataclass(slots=True)
class Ledger:
    """What was done so far. `kept` are the addresses of which an article must be kept.

    `edits` are the kinds of edit that an article has gone through, by address; `refused` is what must
    have been no article, by publisher and verdict; `same` is how often a page must have been the same.
    """

    kept: set[str] = field(default_factory=set)
    edits: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    same: int = 0

    def edited(self, url: str, kind: str) -> None:
        """An article was edited, withdrawn or restored."""
        self.edits.setdefault(url, []).append(kind)

    def many_edits(self) -> int:
        """How many edits there were."""
        return sum(map(len, self.edits.values()))

    def must_be(self, room: Newsroom) -> Books:
        """What the archive must say."""
        truths = [room.find(url) for url in self.kept]
        firsts: dict[str, str] = {}
        for truth in sorted(truths, key=lambda one: (bool(one.copy_of), one.published)):
            firsts.setdefault(truth.copy_of or truth.url, truth.url)
        articles = {
            truth.url: {
                "title": truth.title,
                "text": _body(truth.text).split(),
                "copy of": _other(firsts[truth.copy_of or truth.url], truth.url),
                "edits": list(self.edits.get(truth.url, [])),
                "withdrawn": self.edits.get(truth.url, [""])[-1] == "withdrawn",
            }
            for truth in truths
        }
        return Books(articles, +self.refused, Counter({"same": self.same, "told as changed": self.many_edits()}))


@dataclass(frozen=True, slots=True)
class Books:
    """What there is to compare: every article by its address, the refused pages, what crawls told."""

    articles: dict[str, dict[str, Any]]
    refused: Counter[tuple[str, str]]
    told: Counter[str]

    def counts(self) -> Counter[str]:
        """How often there is what."""
        copies = sum(bool(one["copy of"]) for one in self.articles.values())
        counts = Counter({"new": len(self.articles) - copies, "copy": copies, **self.told})
        counts.update(f"revised: {kind}" for one in self.articles.values() for kind in one["edits"])
        counts.update("withdrawn now" for one in self.articles.values() if one["withdrawn"])
        for (_, code), many in self.refused.items():
            counts[f"refused: {code}"] += many
        return counts

    def differences(self, other: Books, *, refused: bool = True) -> Iterator[str]:
        """In words, what the other has otherwise, article by article; without `refused` of the articles only."""
        for url in sorted(self.articles.keys() | other.articles.keys()):
            mine, theirs = self.articles.get(url), other.articles.get(url)
            if mine is None or theirs is None:
                yield f"{url}: is {'not ' if theirs is None else ''}kept"
                continue
            for name in mine:
                if mine[name] != theirs[name]:
                    yield f"{url}: {name} is {_short(theirs[name])}, must be {_short(mine[name])}"
        for source, code in sorted(self.refused.keys() | other.refused.keys()) if refused else ():
            if self.refused[source, code] != other.refused[source, code]:
                yield (
                    f"{source}: {other.refused[source, code]} refused as {code}, must be {self.refused[source, code]}"
                )


def said_by(archive: Archive, told: Counter[str]) -> Books:
    """What an archive says, beside what its crawls told. A redesign's paragraph is left out of the texts."""
    kept = archive.articles()
    urls = {record["id"]: url for url, record in kept.items()}
    edits: dict[int, list[str]] = {}
    for change in reversed(archive.changes()):
        edits.setdefault(change["id"], []).append(change["kind"])
    articles = {
        url: {
            "title": record["title"],
            "text": record["text"].replace(plot.BOX, "").split(),
            "copy of": urls.get(record["copy_of"], ""),
            "edits": edits.get(record["id"], []),
            "withdrawn": record["withdrawn"] is not None,
        }
        for url, record in kept.items()
    }
    return Books(articles, archive.refused(), told)


def _body(text: str) -> str:
    """A text without a last line that only names its origin."""
    body, _, last = text.rpartition("\n\n")
    return body if last.startswith(LABELS) else text


def _other(url: str, own: str) -> str:
    return "" if url == own else url


def _short(value: object) -> str:
    """A value to be printed: of a text its end."""
    return f"... {' '.join(value[-5:])}" if isinstance(value, list) and len(value) > 20 else repr(value)
