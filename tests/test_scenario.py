"""The scenario of the newsroom, with and without killed crawls: the archive contains what was done."""

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
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.scenario import REVISIT, Scenario, StepResult, new_newsroom, open_scenario
from tests.newsroom.server import running
from tests.newsroom.truth import Hit

KillCondition = Callable[[list[Hit]], bool]
"""Tells, from the requests of a crawl so far, whether to kill it."""


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played. `edited` is the state of the archive after the step `edit`."""

    archive: Archive
    room: Newsroom
    results: list[StepResult]
    edited: Any


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return a function that makes the URL of a new database, of each dialect in turn; empty for SQLite in the home."""
    if request.param == "sqlite":
        return str
    made: Callable[[], str] = request.getfixturevalue("new_postgres")
    return made


@pytest.fixture(scope="module")
def played(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play the scenario without kills."""
    with running(new_newsroom()) as room:
        archive = open_scenario(tmp_path_factory.mktemp("played"), room, new_database())
        steps = Scenario(room, archive).play()
        until_edited = list(islice(steps, 3))
        edited = state_of(archive, room)
        yield Played(archive, room, [*until_edited, *steps], edited)


def test_archive_contains_what_was_done(played: Played) -> None:
    for result in played.results:
        assert list(result.expected.differences(result.actual)) == []
        assert result.actual.counts() == result.expected.counts(), result.step
    assert played.archive.check().status == 0


def test_scenario_has_every_kind_of_edit_and_refusal(played: Played) -> None:
    counts = played.results[-1].expected.counts()
    edits = {"body", "headline", "numbers", "typo", "rewrite", "withdrawn", "restored"}
    refusals = {"challenge", "consent", "not-found", "shell", "login", "error", "thin", "redirected"}
    assert {f"revised: {kind}" for kind in edits} | {f"refused: {code}" for code in refusals} <= counts.keys()
    assert counts["copy"] > 30
    assert not played.room.hits("ev-kurier", "/private/")
    assert not played.room.canary_hits
    assert {hit.concurrent for hit in played.room.log} == {1}


@pytest.mark.faults
def test_killed_crawls_end_in_the_same_state(played: Played, new_database: Callable[[], str], tmp_path: Path) -> None:
    kills: dict[tuple[str, ...], list[KillCondition]] = {
        (): [after(40), after(30)],
        REVISIT: [after(40), is_asked_twice("linnet-estate-first-drive")],
    }
    with running(new_newsroom()) as room:
        archive = open_scenario(tmp_path, room, new_database())

        def crawl(*words: str) -> list[Record]:
            for condition in kills.pop(words, ()):
                kill(archive, room, condition, *words)
            return archive.crawl(*words)

        results = list(islice(Scenario(room, archive, crawl).play(), 3))
        assert kills == {}
        assert state_of(archive, room) == played.edited
    assert list(results[1].expected.differences(results[1].actual)) == []
    assert list(results[2].expected.differences(results[2].actual, refused=False)) == []
    assert archive.check().status == 0


def state_of(archive: Archive, room: Newsroom) -> Any:
    """Return every article without ids and the times of the crawls."""
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


def after(count: int) -> KillCondition:
    """Kill at this request."""
    return lambda hits: len(hits) == count


def is_asked_twice(slug: str) -> KillCondition:
    """Kill when the withdrawal of an article is to be confirmed."""
    return lambda hits: sum(slug in hit.path for hit in hits) == 2


def kill(archive: Archive, room: Newsroom, condition: KillCondition, *words: str) -> None:
    """Crawl, and kill the process at the first request that fulfils the condition, before the response."""
    hits: list[Hit] = []
    process = archive.start(*words)

    def watch(hit: Hit) -> None:
        hits.append(hit)
        if condition(hits):
            process.kill()

    room.watch = watch
    try:
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    finally:
        room.watch = lambda hit: None
