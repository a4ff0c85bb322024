"""Play a scenario on a newsroom and compare the archive with what was done.

    python -m tests.newsroom.scenario [--db URL]

prints the expected and the actual numbers after every step; exits with status 1 if they differ.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.newsroom import scenario_events as plan
from tests.newsroom.archive import Archive, Record
from tests.newsroom.archive_summary import ArchiveSummary, ExpectedArchive, summarize
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.pages import at_path
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import running
from tests.newsroom.syndication import METHODS
from tests.newsroom.truth import Truth
from tests.refused_pages import refused_pages

HELD_BACK = 2
"""Number of articles of each publisher that are published after their copies."""
ORIGINALS = 5
"""Number of articles of each publisher, the latest, that are syndicated: one to each other publisher."""
DELAY = 0.01
REVISIT = ("--revisit", "--confirm-now")
_CODES = {page.name: page.code for page in refused_pages()} | {"404": "refused", "503": "failed", "home": "redirected"}


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step of the scenario, the expected and the actual archive after it."""

    step: str
    expected: ArchiveSummary
    actual: ArchiveSummary


class Scenario:
    """Plays the events step by step. `crawl` runs the crawls; its arguments are options of the command."""

    def __init__(self, room: Newsroom, archive: Archive, crawl: Callable[..., Sequence[Record]] | None = None) -> None:
        self.room, self.archive, self._crawl = room, archive, crawl or archive.crawl
        self.expected = ExpectedArchive()
        self._reported = Counter[str]()

    def play(self) -> Iterator[StepResult]:
        """Yield the result of every step."""
        for step in (self.syndicate, self.publish, self.edit, self.restore):
            step()
            yield StepResult(
                step.__name__, self.expected.summary(self.room), summarize(self.archive, self._reported.copy())
            )

    # -- the steps

    def syndicate(self) -> None:
        """Syndicate thirty articles, some before their own publisher has them; replace others by refused pages."""
        own = [[truth for truth in self.room.every(at.name) if truth.slug not in plan.EXCLUDED] for at in PUBLISHERS]
        for number, articles in enumerate(own):
            for index, original in enumerate(articles[-ORIGINALS:]):
                other = PUBLISHERS[(number + 1 + index) % len(PUBLISHERS)].name
                method = METHODS[(2 * number + index) % len(METHODS)]
                self.room.syndicate(original.url, other, method, _hours_later(other, method, index))
        for publisher, slug, other in plan.SYNDICATED_TWICE:
            self.room.syndicate(self._at(publisher, slug).url, other, "headline", 300.0)
        self._refuse((*plan.REFUSED_FROM_START, *plan.FAILED_FROM_START))
        self.expected.refused["stromvei", "thin"] += 1
        self._poll()

    def publish(self) -> None:
        """Publish the originals that were held back, and list stored articles in another index."""
        self.room.publish(HELD_BACK)
        listed = [self._at(publisher, slug) for publisher, slug in plan.LISTED_ELSEWHERE]
        urls = [truth.url for truth in listed] + [truth.amp_url for truth in listed if truth.amp_url]
        home, feed = self.room.home("kerbside"), self.room.point("kerbside", urls)
        with self.archive.catalogue.open("a", encoding="utf-8") as file:
            file.write(f'\n[roundup]\nhome = "{home}/"\nfeeds = ["{feed}"]\ndelay = {DELAY}\n')
        self._poll()
        self.expected.same += len(urls)

    def edit(self) -> None:
        """Edit articles, redesign one publisher, withdraw articles and replace others by refused pages."""
        before = self.expected.edit_count()
        for publisher, slug, kind in plan.EDITS:
            edited = self.room.edit(self._at(publisher, slug).url, "body" if kind == "rewrite" else kind)
            self.expected.record_edit(edited.url, kind)
        self.room.redesign(plan.REDESIGNED, plan.BOX, template=True)
        for publisher, slug, replacement in plan.WITHDRAWN:
            self._withdraw(publisher, slug, replacement)
            self.expected.record_edit(self._at(publisher, slug).url, "withdrawn")
            self.expected.refused[publisher, "missing"] += 1
        self._refuse(plan.REFUSED_ON_REVISIT)
        self.expected.refused.subtract(
            (publisher, "failed") for publisher, _, replacement in plan.REFUSED_ON_REVISIT if replacement == "503"
        )
        self._revisit(self.expected.edit_count() - before)

    def restore(self) -> None:
        """Remove the refused pages, restore some articles and break one publisher."""
        publisher, path = plan.BROKEN_PATH
        self.room.fault(publisher, "none")
        self.room.fault(publisher, "status", path, "404")
        for name, slug, _ in plan.REFUSED_ON_REVISIT:
            if name != publisher:
                self.room.fault(name, "none", at_path(self._at(name, slug)))
        self.expected.refused.update((publisher, "missing") for publisher, _, _ in plan.WITHDRAWN)
        self.expected.refused.subtract((publisher, "missing") for publisher, _ in plan.RESTORED)
        for publisher, slug in plan.RESTORED:
            self.expected.record_edit(self.room.restore(self._at(publisher, slug).url).url, "restored")
        self._revisit(len(plan.RESTORED))

    # -- parts of the steps

    def _at(self, publisher: str, slug: str) -> Truth:
        return next(truth for truth in self.room.every(publisher) if truth.slug == slug)

    def _withdraw(self, publisher: str, slug: str, replacement: str) -> None:
        """Replace an article by an error status, a refused page or a redirect to the home page."""
        truth = self._at(publisher, slug)
        if replacement in ("404", "410"):
            self.room.withdraw(truth.url, int(replacement))
        elif replacement == "home":
            self.room.fault(publisher, "redirect", at_path(truth), f"{self.room.home(publisher)}/")
        else:
            self.room.fault(publisher, "status" if replacement == "503" else "wall", at_path(truth), replacement)

    def _refuse(self, events: Iterable[plan.Event]) -> None:
        for publisher, slug, replacement in events:
            self._withdraw(publisher, slug, replacement)
            self.expected.refused[publisher, _CODES[replacement]] += 1

    def _poll(self) -> None:
        self._reported["same"] += sum(record["repeats"] for record in self._crawl())
        hidden = {
            self._at(publisher, slug).url for publisher, slug, _ in (*plan.REFUSED_FROM_START, *plan.FAILED_FROM_START)
        }
        self.expected.kept = {truth.url for truth in self.room.articles()} - hidden

    def _revisit(self, edits: int) -> None:
        """Revisit every stored article. An article without an edit keeps its revision, whatever its host responded."""
        before = self.archive.articles()
        self._reported["reported as changed"] += sum(record["changed"] for record in self._crawl(*REVISIT))
        after = self.archive.articles()
        self._reported["same"] += sum(after[url]["revision"] == record["revision"] for url, record in before.items())
        self.expected.same += len(self.expected.kept) - edits


def _hours_later(publisher: str, method: str, index: int) -> float:
    """Return how much later a copy is dated: two hours earlier than its original if its page names the original."""
    names_original = method == "framed" or (method == "exact" and publisher in plan.DECLARES_CANONICAL)
    return -2.0 if names_original else 5.0 + 40.0 * index


def open_scenario(folder: Path, room: Newsroom, database: str = "") -> Archive:
    """Return an empty archive below a folder, with the catalogue of the newsroom."""
    return Archive(folder / "home", room.write_sources(folder / "sources.toml", DELAY), database)


def new_newsroom() -> Newsroom:
    """Return the newsroom before the first step."""
    room = Newsroom()
    return Newsroom(public={at.name: len(room.every(at.name)) - HELD_BACK for at in PUBLISHERS})


def main() -> int:
    """Play the scenario in a temporary home folder and print the counts of every step."""
    parser = argparse.ArgumentParser("python -m tests.newsroom.scenario", description=__doc__.partition("\n")[0])
    parser.add_argument("--db", default="", help="URL of an empty database to use instead of SQLite")
    arguments = parser.parse_args()
    differences = 0
    with tempfile.TemporaryDirectory() as folder, running(new_newsroom()) as room:
        scenario = Scenario(room, open_scenario(Path(folder), room, arguments.db))
        print(f"{'step':<12}{'what':<24}{'done':>6}{'stored':>9}")
        for result in scenario.play():
            differences += _print_step(result)
    print(f"{differences} differences" if differences else "the archive contains what was done")
    return 1 if differences else 0


def _print_step(result: StepResult) -> int:
    """Print the counts and differences of a step; return the number of differences."""
    expected, actual = result.expected.counts(), result.actual.counts()
    for kind in sorted(expected | actual):
        mark = "" if expected[kind] == actual[kind] else "  <--"
        print(f"{result.step:<12}{kind:<24}{expected[kind]:>6}{actual[kind]:>9}{mark}")
    differences = list(result.expected.differences(result.actual))
    for difference in differences:
        print(f"  {difference}")
    return len(differences) + (expected != actual)


if __name__ == "__main__":
    sys.exit(main())
