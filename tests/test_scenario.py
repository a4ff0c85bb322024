"""A newsroom's life, played once as it comes and once with the crawls killed: the archive says what was done."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.newsroom.archive import Archive, Record
from tests.newsroom.room import Newsroom
from tests.newsroom.scenario import AGAIN, Scenario, Scene, new_room, open_scenario
from tests.newsroom.server import running
from tests.newsroom.truth import Hit

Moment = Callable[[list[Hit]], bool]
"""Whether it has come, given the requests of a crawl up to now."""


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played to its end."""

    archive: Archive
    room: Newsroom
    scenes: list[Scene]

    def state(self) -> Any:
        """What there is of every article in the end, less the archive's own numbers and the crawls' times."""
        kept = self.archive.articles()
        urls = {record["id"]: url for url, record in kept.items()}
        state = {url: record | {"copy_of": urls.get(record["copy_of"])} for url, record in kept.items()}
        for url, record in state.items():
            record["withdrawn"] = record["withdrawn"] is not None
            record["edits"] = self.scenes[-1].said.articles[url]["edits"]
            del record["id"], record["first_seen"]
        return json.loads(json.dumps(state).replace(f":{self.room.port}/", "/"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes the URL of a fresh archive, of each dialect in turn; empty for the home's own SQLite."""
    if request.param == "sqlite":
        return str
    made: Callable[[], str] = request.getfixturevalue("new_postgres")
    return made


@pytest.fixture(scope="module")
def played(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The scenario as it comes."""
    with running(new_room()) as room:
        archive = open_scenario(tmp_path_factory.mktemp("played"), room, new_database())
        yield Played(archive, room, list(Scenario(room, archive).play()))


def test_the_archive_says_what_was_done(played: Played) -> None:
    for scene in played.scenes:
        assert list(scene.must.differences(scene.said)) == []
        assert scene.said.counts() == scene.must.counts(), scene.step
    assert played.archive.check().status == 0


def test_enough_happens(played: Played) -> None:
    """What the scenario is to show is in it: nothing is left out unnoticed."""
    counts = played.scenes[-1].must.counts()
    edits = {"body", "headline", "numbers", "typo", "rewrite", "withdrawn", "restored"}
    walls = {"challenge", "consent", "not-found", "shell", "login", "error", "thin", "redirected"}
    assert {f"revised: {kind}" for kind in edits} | {f"refused: {code}" for code in walls} <= counts.keys()
    assert counts["copy"] > 30
    assert not played.room.hits("ev-kurier", "/private/")
    assert not played.room.canary_hits
    assert {hit.concurrent for hit in played.room.log} == {1}


def test_kill_9_at_any_moment_ends_in_the_same_state(
    played: Played, new_database: Callable[[], str], tmp_path: Path
) -> None:
    moments: dict[tuple[str, ...], list[Moment]] = {
        (): [after(40), after(30)],
        AGAIN: [after(40), is_asked_twice("linnet-estate-first-drive")],
    }
    with running(new_room()) as room:
        archive = open_scenario(tmp_path, room, new_database())

        def crawl(*words: str) -> list[Record]:
            for moment in moments.pop(words, ()):
                kill(archive, room, moment, *words)
            return archive.crawl(*words)

        killed = Played(archive, room, list(Scenario(room, archive, crawl).play()))
    assert moments == {}
    assert archive.check().status == 0
    assert killed.state() == played.state()
    assert seen_once(killed) == seen_once(played)


def after(many: int) -> Moment:
    """When so many requests have come."""
    return lambda hits: len(hits) == many


def is_asked_twice(slug: str) -> Moment:
    """When an article that seems to be missing is asked for once more."""
    return lambda hits: sum(slug in hit.path for hit in hits) == 2


def kill(archive: Archive, room: Newsroom, moment: Moment, *words: str) -> None:
    """Crawl, and kill the process when its moment has come: as a request arrives, before it is answered."""
    hits: list[Hit] = []
    process = archive.start(*words)

    def watch(hit: Hit) -> None:
        hits.append(hit)
        if moment(hits):
            process.kill()

    room.watch = watch
    try:
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    finally:
        room.watch = lambda hit: None


def seen_once(played: Played) -> Counter[tuple[str, str]]:
    """The pages that were refused, but for those that are refused anew at each look."""
    walls = ("challenge", "consent", "shell", "missing")
    return Counter({key: many for key, many in played.archive.refused().items() if key[1] not in walls})
