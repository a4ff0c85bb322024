"""An archive whose articles were edited and withdrawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.server import running

HEADLINE, BODY, NUMBER = "kerbside", "chargepost", "voltward"
"""The publishers whose articles are edited in these ways."""


@pytest.fixture(scope="session")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Evnews:
    """The command on a home whose articles were edited, withdrawn and revisited."""
    folder = tmp_path_factory.mktemp("edited")
    evnews = Evnews(folder / "home")
    with running(Newsroom(public=3)) as room:
        room.write_sources(folder / "sources.toml")
        _crawl(evnews, folder)
        room.edit(room.articles(BODY)[1].url)
        headline = room.articles(HEADLINE)[0]
        room.correct(headline.url, headline.title, f"Update: {headline.title}")
        numbers = next(one for one in room.articles(NUMBER) if re.search(r" \d\d ", one.text))
        number = re.search(r" \d\d ", numbers.text)
        assert number is not None
        room.correct(numbers.url, number.group(), f" 1{number.group().strip()} ")
        _crawl(evnews, folder, "--revisit")
        room.withdraw(room.articles(BODY)[2].url)
        _crawl(evnews, folder, "--revisit", BODY)
    return evnews


def _crawl(evnews: Evnews, folder: Path, *words: str) -> None:
    done = evnews("crawl", "--sources", folder / "sources.toml", *words)
    assert done.status == 0, done.err
