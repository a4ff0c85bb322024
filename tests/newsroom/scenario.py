"""A newsroom's life as one script: what is done to it, beside what its archive says was done.

    python -m tests.newsroom.scenario [--db URL]

prints both after every step, and ends with 1 where they differ.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.newsroom import plot
from tests.newsroom.archive import Archive, Record
from tests.newsroom.ledger import Books, Ledger, said_by
from tests.newsroom.pages import at_path
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.room import Newsroom
from tests.newsroom.server import running
from tests.newsroom.syndication import HOWS
from tests.newsroom.truth import Truth
from tests.walls import every_wall

HELD_BACK = 2
"""How many of each publisher's articles are published after others had them already."""
ORIGINALS = 5
"""How many of each publisher's articles, the latest, are syndicated: one to each other publisher."""
DELAY = 0.01
AGAIN = ("--revisit", "--confirm-now")
_CODES = {wall.name: wall.code for wall in every_wall()} | {"404": "refused", "503": "failed", "home": "redirected"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A step of the scenario, what the archive must say after it, and what it says."""

    step: str
    must: Books
    said: Books


class Scenario:
    """Plays the plot, step by step; `crawl` is how the archive is crawled, with the command's further words."""

    def __init__(self, room: Newsroom, archive: Archive, crawl: Callable[..., Sequence[Record]] | None = None) -> None:
        self.room, self.archive, self._crawl = room, archive, crawl or archive.crawl
        self.ledger = Ledger()
        self._told = Counter[str]()

    def play(self) -> Iterator[Scene]:
        """Every step, with what must be so after it and what the archive says."""
        for step in (self.syndicate, self.publish, self.edit, self.restore):
            step()
            yield Scene(step.__name__, self.ledger.must_be(self.room), said_by(self.archive, self._told.copy()))

    # -- the steps

    def syndicate(self) -> None:
        """Thirty articles stand at other publishers too, some before they stand at their own; walls hide others."""
        own = [[one for one in self.room.every(at.name) if one.slug not in plot.ODD] for at in PUBLISHERS]
        for number, articles in enumerate(own):
            for place, original in enumerate(articles[-ORIGINALS:]):
                other = PUBLISHERS[(number + 1 + place) % len(PUBLISHERS)].name
                how = HOWS[(2 * number + place) % len(HOWS)]
                self.room.syndicate(original.url, other, how, _hours_later(other, how, place))
        for publisher, slug, other in plot.TWICE:
            self.room.syndicate(self._at(publisher, slug).url, other, "headline", 300.0)
        self._hide((*plot.WALLS, *plot.ABSENT))
        self.ledger.refused["stromvei", "thin"] += 1
        self._poll()

    def publish(self) -> None:
        """The originals that were held back are published, and another index points to what is kept already."""
        self.room.publish(HELD_BACK)
        named = [self._at(publisher, slug) for publisher, slug in plot.POINTED_TO]
        urls = [one.url for one in named] + [one.amp_url for one in named if one.amp_url]
        home, feed = self.room.home("kerbside"), self.room.point("kerbside", urls)
        with self.archive.catalogue.open("a", encoding="utf-8") as file:
            file.write(f'\n[roundup]\nhome = "{home}/"\nfeeds = ["{feed}"]\ndelay = {DELAY}\n')
        self._poll()
        self.ledger.same += len(urls)

    def edit(self) -> None:
        """Articles are edited, one publisher is redesigned, articles are withdrawn, walls stand before others."""
        before = self.ledger.many_edits()
        for publisher, slug, kind in plot.EDITS:
            edited = self.room.edit(self._at(publisher, slug).url, "body" if kind == "rewrite" else kind)
            self.ledger.edited(edited.url, kind)
        self.room.redesign(plot.REDESIGNED, plot.BOX, template=True)
        for publisher, slug, how in plot.WITHDRAWN:
            self._withdraw(publisher, slug, how)
            self.ledger.edited(self._at(publisher, slug).url, "withdrawn")
            self.ledger.refused[publisher, "missing"] += 1
        self._hide(plot.WALLED)
        self.ledger.refused.subtract((publisher, "failed") for publisher, _, how in plot.WALLED if how == "503")
        self._look_again(self.ledger.many_edits() - before)

    def restore(self) -> None:
        """The walls are gone, some articles are there again, and one publisher is out of order."""
        publisher, path = plot.OUT_OF_ORDER
        self.room.fault(publisher, "none")
        self.room.fault(publisher, "status", path, "404")
        for name, slug, _ in plot.WALLED:
            if name != publisher:
                self.room.fault(name, "none", at_path(self._at(name, slug)))
        self.ledger.refused.update((publisher, "missing") for publisher, _, _ in plot.WITHDRAWN)
        self.ledger.refused.subtract((publisher, "missing") for publisher, _ in plot.RESTORED)
        for publisher, slug in plot.RESTORED:
            self.ledger.edited(self.room.restore(self._at(publisher, slug).url).url, "restored")
        self._look_again(len(plot.RESTORED))

    # -- what the steps are made of

    def _at(self, publisher: str, slug: str) -> Truth:
        return next(truth for truth in self.room.every(publisher) if truth.slug == slug)

    def _withdraw(self, publisher: str, slug: str, how: str) -> None:
        """Answer with a status, a page of another kind or the front page in an article's place."""
        truth = self._at(publisher, slug)
        if how in ("404", "410"):
            self.room.withdraw(truth.url, int(how))
        elif how == "home":
            self.room.fault(publisher, "redirect", at_path(truth), f"{self.room.home(publisher)}/")
        else:
            self.room.fault(publisher, "status" if how == "503" else "wall", at_path(truth), how)

    def _hide(self, events: Iterable[plot.Event]) -> None:
        for publisher, slug, how in events:
            self._withdraw(publisher, slug, how)
            self.ledger.refused[publisher, _CODES[how]] += 1

    def _poll(self) -> None:
        self._told["same"] += sum(record["repeats"] for record in self._crawl())
        hidden = {self._at(publisher, slug).url for publisher, slug, _ in (*plot.WALLS, *plot.ABSENT)}
        self.ledger.kept = {truth.url for truth in self.room.articles()} - hidden

    def _look_again(self, edits: int) -> None:
        """Ask again for all that is kept; what is not edited is the same, also where nothing could be seen of it."""
        before = self.archive.articles()
        self._told["told as changed"] += sum(record["changed"] for record in self._crawl(*AGAIN))
        after = self.archive.articles()
        self._told["same"] += sum(after[url]["revision"] == one["revision"] for url, one in before.items())
        self.ledger.same += len(self.ledger.kept) - edits


def _hours_later(other: str, how: str, place: int) -> float:
    """How much later a copy is dated than its original: not at all where its page says whose it is."""
    says_so = how == "framed" or (how == "exact" and other in plot.DECLARING)
    return -2.0 if says_so else 5.0 + 40.0 * place


def open_scenario(folder: Path, room: Newsroom, database: str = "") -> Archive:
    """An empty archive below a folder, and the room's catalogue for it."""
    return Archive(folder / "home", room.write_sources(folder / "sources.toml", DELAY), database)


def new_room() -> Newsroom:
    """The room before the first step."""
    every = Newsroom()
    return Newsroom(public={at.name: len(every.every(at.name)) - HELD_BACK for at in PUBLISHERS})


def main() -> int:
    """Play the scenario in a throw-away home and print each step's counts."""
    parser = argparse.ArgumentParser("python -m tests.newsroom.scenario", description=__doc__.partition("\n")[0])
    parser.add_argument("--db", default="", help="an empty database to use in place of SQLite")
    given = parser.parse_args()
    differences = 0
    with tempfile.TemporaryDirectory() as folder, running(new_room()) as room:
        scenario = Scenario(room, open_scenario(Path(folder), room, given.db))
        print(f"{'step':<12}{'what':<24}{'done':>6}{'counted':>9}")
        for scene in scenario.play():
            differences += _print(scene)
    print(f"{differences} differences" if differences else "the archive says what was done")
    return 1 if differences else 0


def _print(scene: Scene) -> int:
    """A step's counts and what differs; returns how much does."""
    must, said = scene.must.counts(), scene.said.counts()
    for what in sorted(must | said):
        mark = "" if must[what] == said[what] else "  <--"
        print(f"{scene.step:<12}{what:<24}{must[what]:>6}{said[what]:>9}{mark}")
    differences = list(scene.must.differences(scene.said))
    for words in differences:
        print(f"  {words}")
    return len(differences) + (must != said)


if __name__ == "__main__":
    sys.exit(main())
