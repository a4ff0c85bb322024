"""A newsroom's life, played once as it comes and once with the crawls killed: the archive says what was done."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
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
    """A scenario that was played, and the state of its archive after the articles were edited."""

    archive: Archive
    room: Newsroom
    scenes: list[Scene]
    edited: Any


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
        scenes = Scenario(room, archive).play()
        until = list(islice(scenes, 3))
        edited = state_of(archive, room)
        yield Played(archive, room, [*until, *scenes], edited)


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

        scenes = list(islice(Scenario(room, archive, crawl).play(), 3))
        assert moments == {}
        assert state_of(archive, room) == played.edited
    assert list(scenes[1].must.differences(scenes[1].said)) == []
    assert list(scenes[2].must.differences(scenes[2].said, refused=False)) == []
    assert archive.check().status == 0


def state_of(archive: Archive, room: Newsroom) -> Any:
    """What there is of every article, less the archive's own numbers and the crawls' times."""
    kept = archive.articles()
    urls = {record["id"]: url for url, record in kept.items()}
    stories: dict[int, list[str]] = {}
    for url, record in sorted(kept.items()):
        stories.setdefault(record["story"], []).append(url)
    state = {
        url: record
        | {
            "copy_of": urls.get(record["copy_of"]),
            "story": stories[record["story"]],
            "withdrawn": bool(record["withdrawn"]),
        }
        for url, record in kept.items()
    }
    for record in state.values():
        del record["id"], record["first_seen"]
        for revision in record["revisions"]:
            del revision["at"]
    return json.loads(json.dumps(state).replace(f":{room.port}/", "/"))


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
