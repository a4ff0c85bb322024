"""Polls and leads are stored with the code of their outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.extraction.classify.model import PageKind
from storage.model.article import DecisionKind
from storage.model.crawl import LeadState, ReasonCode
from tests.aggregator.crawl.loopback_crawl import Home, setting, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Site
from tests.newsroom.server import Newsroom

CODES = {code.value for enum in (ReasonCode, DecisionKind, PageKind) for code in enum}


def poll_codes(home: Home) -> set[tuple[object, ...]]:
    return set(home.rows("SELECT outcome, code FROM polls"))


def lead_codes(home: Home) -> dict[str, object]:
    return {str(url).rpartition("/")[2]: code for url, code in home.rows("SELECT url, code FROM leads")}


def test_every_lead_of_the_newsroom_that_was_fetched_has_a_known_code(
    home: Home, room: Newsroom, tmp_path: Path
) -> None:
    room.fault("voltward", "status", "*", "503")
    home.poll(*sources_of(room, tmp_path).values())
    rows = home.rows("SELECT state, code FROM leads")
    assert {str(code) for state, code in rows if state != LeadState.WAITING} <= CODES - {""}
    kept = {str(code) for state, code in rows if state == LeadState.KEPT}
    assert kept
    assert kept <= {kind.value for kind in DecisionKind}
    assert all(bool(code) == (outcome not in ("ok", "unmodified")) for outcome, code in poll_codes(home))
    assert {str(code) for _, code in poll_codes(home)} <= CODES | {""}


def test_each_end_of_a_lead_has_its_code(home: Home, site: Site) -> None:
    site.pages["/"] = Answer(b"<title>Home</title>")
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /private", type="text/plain")
    site.article("/good")
    site.article("/private")
    site.pages["/failing"] = Answer(b"", 503)
    site.pages["/busy"] = Answer(b"", 408)
    site.pages["/forbidden"] = Answer(b"", 401)
    site.pages["/film"] = Answer(b"x", type="video/mp4")
    site.pages["/home"] = Answer(status=302, headers=(("Location", "/"),))
    site.pages["/loop"] = Answer(status=302, headers=(("Location", "/loop"),))
    site.pages["/wall"] = Answer(b"", 403, headers=(("cf-mitigated", "challenge"),))
    site.pages["/slow"] = Answer(b"", seconds=3)
    site.pages["/reset"] = Answer(stream=lambda: iter(()))
    names = (
        "good",
        "private",
        "failing",
        "busy",
        "forbidden",
        "missing",
        "film",
        "home",
        "loop",
        "wall",
        "slow",
        "reset",
    )
    site.feed(*(site.url(f"/{name}") for name in names))
    with setting("DOWNLOAD_TIMEOUT", 1):
        home.poll(site.source())
    assert lead_codes(home) == {
        "good": DecisionKind.NEW,
        "private": ReasonCode.ROBOTS_DISALLOWED,
        "failing": ReasonCode.HTTP_SERVER_ERROR,
        "busy": ReasonCode.HTTP_TRY_LATER,
        "forbidden": ReasonCode.HTTP_STATUS,
        "missing": ReasonCode.HTTP_NOT_FOUND,
        "film": ReasonCode.NOT_HTML,
        "home": ReasonCode.REDIRECTED,
        "loop": ReasonCode.REDIRECT_LOOP,
        "wall": PageKind.CHALLENGE,
        "slow": ReasonCode.TIMEOUT,
        "reset": ReasonCode.CONNECTION_RESET,
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(b"", 404), ReasonCode.HTTP_NOT_FOUND),
        (Answer(b"", 410), ReasonCode.HTTP_GONE),
        (Answer(b"", 500), ReasonCode.HTTP_SERVER_ERROR),
        (Answer(b"", 403), ReasonCode.HTTP_STATUS),
        (Answer(b"<html>no feed</html>"), ReasonCode.UNREADABLE_INDEX),
        (Answer(b"x", type="video/mp4"), ReasonCode.NOT_AN_INDEX),
        (Answer(stream=lambda: iter(())), ReasonCode.CONNECTION_RESET),
    ],
)
def test_each_failure_of_an_index_has_its_code(home: Home, site: Site, answer: Answer, code: ReasonCode) -> None:
    site.pages["/feed.xml"] = answer
    home.poll(site.source())
    assert {stored for _, stored in poll_codes(home)} == {code}


def test_index_that_robots_txt_forbids_has_its_code(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /", type="text/plain")
    home.poll(site.source())
    assert poll_codes(home) == {("refused", ReasonCode.ROBOTS_DISALLOWED)}


def test_successful_poll_has_no_code(home: Home, site: Site) -> None:
    site.feed(site.article("/a"))
    home.poll(site.source())
    assert poll_codes(home) == {("ok", "")}
