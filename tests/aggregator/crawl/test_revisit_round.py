"""Revisits of stored articles: edits and withdrawals are recorded, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from aggregator.crawl import revisit_round
from storage.archive import open_database
from tests.aggregator.crawl.loopback_crawl import Home, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Asked, Site, rss, story
from tests.newsroom.server import Newsroom

GONE = Answer(b"gone", 410)
NOWHERE = Answer(b"none", 404)


TIME_COLUMNS = (
    ("snapshots", "fetched_at"),
    ("article_checks", "checked_at"),
    ("texts", "fetched_at"),
    ("revisions", "fetched_at"),
)


def let_pass(home: Home, **span: float) -> None:
    """Let time pass by moving stored times into the past: pages have the real time of their fetch."""
    elapsed = timedelta(**span) // timedelta(microseconds=1)
    for table, column in TIME_COLUMNS:
        write(home, f"UPDATE {table} SET {column} = {column} - {elapsed}")
    home.clock.forward(**span)


def write(home: Home, statement: str) -> None:
    """Run an SQL statement on the archive."""
    database = open_database(home.config.database_url)
    with database.write() as tx:
        tx.execute(text(statement))
    database.close()


def articles(site: Site, *names: str) -> None:
    """Serve articles and a feed of them."""
    site.feed(*(site.article(f"/{name}") for name in names))


def test_edits_withdrawals_and_restorations_are_recorded(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    sources = sources_of(room, tmp_path)
    home.poll(*sources.values())
    assert home.changes() == {}
    truths = {name: room.articles(name) for name in sources}
    body = [room.edit(truths[name][-1].url) for name in ("chargepost", "ev-kurier", "stromvei")]
    headline = [
        room.correct(truth.url, truth.title, f"Update: {truth.title}")
        for truth in (truths["voltward"][1], truths["kerbside"][1])
    ]
    typo = []
    for truth in (truths["chargepost"][1], truths["voltward"][2]):
        word = next(word for word in truth.text.split("\n\n")[-1].split() if word.isalpha() and len(word) > 6)
        typo.append(room.correct(truth.url, f" {word} ", f" {word}s "))
    withdrawn = [room.withdraw(truths[name][3].url) for name in ("dianche", "kerbside")]
    expected = {truth.url: ["body"] for truth in body} | {truth.url: ["headline"] for truth in headline}
    expected |= {truth.url: ["typo"] for truth in typo} | {truth.url: ["withdrawn"] for truth in withdrawn}
    before = len(room.hits())
    home.revisit(*sources.values())
    assert home.changes() == expected
    asked = [hit for hit in room.hits()[before:] if hit.path in {truth.proxy_url.split("/", 3)[3] for truth in body}]
    assert all(hit.conditional for hit in asked)
    let_pass(home, hours=2)
    room.restore(withdrawn[0].url)
    home.revisit(*sources.values())
    expected[withdrawn[0].url] = ["withdrawn", "restored"]
    assert home.changes() == expected
    assert home.damage() == []


def test_redesign_of_all_pages_is_no_edit_and_is_reported(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    source = sources_of(room, tmp_path)["chargepost"]
    home.poll(source)
    room.redesign("chargepost", "Our editors read every letter and answer most of them before the week is over.")
    edited = room.edit(room.articles("chargepost")[2].url)
    result = home.revisit(source)["chargepost"]
    assert home.changes() == {edited.url: ["body"]}
    assert any("held back, no edit" in reason for reason, _ in result.reasons), result
    room.redesign("chargepost", "")
    home.revisit(source)
    assert home.changes() == {edited.url: ["body"]}


def test_every_stored_article_is_revisited_once_with_its_validators(home: Home, site: Site) -> None:
    tagged = (("ETag", '"1"'),)

    def page(asked: Asked) -> Answer:
        return (
            Answer(status=304) if asked.headers.get("if-none-match") == '"1"' else Answer(story("/a"), headers=tagged)
        )

    articles(site, "b", "c")
    site.pages["/a"] = page
    site.pages["/feed.xml"] = Answer(rss(*(site.url(f"/{name}") for name in "abc")), type="application/rss+xml")
    home.poll(site.source())
    home.revisit(site.source())
    assert [len(site.asked(f"/{name}")) for name in "abc"] == [2, 2, 2]
    assert [asked.conditional for asked in site.asked("/a")] == [False, True]
    assert home.changes() == {}
    assert home.rows("SELECT outcome, status FROM article_checks") == [("unmodified", 304)]


@pytest.mark.parametrize(
    ("answer", "edits"), [(GONE, ["withdrawn"]), (NOWHERE, []), (Answer(b"busy", 503), []), (Answer(b"no", 403), [])]
)
def test_only_status_410_withdraws_an_article_at_once(home: Home, site: Site, answer: Answer, edits: list[str]) -> None:
    articles(site, "a", "b")
    home.poll(site.source())
    site.pages["/a"] = answer
    home.revisit(site.source())
    let_pass(home, minutes=30)
    home.revisit(site.source())
    assert home.changes() == ({site.url("/a"): edits} if edits else {})
    assert home.articles() == {site.url("/a"), site.url("/b")}


def test_missing_page_is_withdrawn_at_a_revisit_an_hour_later(home: Home, site: Site) -> None:
    articles(site, "a", "b", "c")
    site.pages["/"] = Answer(b"<!DOCTYPE html><title>Front</title><p>Welcome to our site.")
    home.poll(site.source())
    site.pages["/a"] = NOWHERE
    site.pages["/b"] = Answer(status=302, headers=(("Location", site.url("/")),))
    home.revisit(site.source())
    assert home.changes() == {}
    let_pass(home, minutes=58)
    home.revisit(site.source())
    assert home.changes() == {}
    let_pass(home, minutes=3)
    home.revisit(site.source())
    assert home.changes() == {site.url("/a"): ["withdrawn"], site.url("/b"): ["withdrawn"]}
    site.article("/a", "It is back.")
    home.revisit(site.source())
    assert home.changes()[site.url("/a")] == ["withdrawn", "restored"]
    assert home.damage() == []


def test_confirm_now_requests_a_missing_page_twice(home: Home, site: Site) -> None:
    articles(site, "a", "b")
    home.poll(site.source())
    site.pages["/a"] = NOWHERE
    home.revisit(site.source(), confirm_now=True)
    assert len(site.asked("/a")) == 3
    assert len(site.asked("/b")) == 2
    assert home.changes() == {site.url("/a"): ["withdrawn"]}


def test_host_with_only_missing_pages_has_an_outage(home: Home, site: Site) -> None:
    names = [f"n{number}" for number in range(revisit_round.MIN_MISSING_FOR_OUTAGE)]
    articles(site, *names)
    home.poll(site.source())
    kept = dict(site.pages)
    for name in names:
        site.pages[f"/{name}"] = NOWHERE
    for _ in range(2):
        result = home.revisit(site.source(), confirm_now=True)["site"]
        let_pass(home, hours=2)
    assert home.changes() == {}
    assert any("taken for an outage" in reason for reason, _ in result.reasons), result
    site.pages["/n0"] = kept["/n0"]
    home.revisit(site.source(), confirm_now=True)
    assert home.changes() == {site.url(f"/{name}"): ["withdrawn"] for name in names[1:]}


def test_wall_in_place_of_an_article_is_no_edit(home: Home, site: Site) -> None:
    articles(site, "a")
    home.poll(site.source())
    site.pages["/a"] = Answer(
        b"<!DOCTYPE html><title>Just a moment...</title><h1>Checking your browser</h1><p>Enable JavaScript and cookies"
        b" to continue.</p><div id='cf-challenge'></div>"
    )
    home.revisit(site.source())
    assert home.changes() == {}
    assert home.rows("SELECT outcome FROM article_checks") == [("refused",)]


def test_declared_challenge_is_recorded_whatever_its_status(home: Home, site: Site) -> None:
    articles(site, "a")
    home.poll(site.source())
    site.pages["/a"] = Answer(b"<title>Just a moment...</title>", 403, headers=(("cf-mitigated", "challenge"),))
    result = home.revisit(site.source())["site"]
    assert home.changes() == {}
    assert home.rows("SELECT outcome, status FROM article_checks") == [("refused", 403)]
    assert (result.counts["refused"], result.counts["failed"]) == (1, 0)
    assert home.rows("SELECT outcome FROM revisits") == [("failed",)]


def test_article_updated_by_its_index_is_fetched_by_a_poll(home: Home, site: Site) -> None:
    def feed(updated: str) -> None:
        entry = f"<entry><id>1</id><title>A</title><link href='{site.url('/a')}'/><updated>{updated}</updated></entry>"
        site.pages["/feed.xml"] = Answer(
            f"<feed xmlns='http://www.w3.org/2005/Atom'><title>S</title>{entry}</feed>".encode(),
            type="application/atom+xml",
        )

    site.article("/a")
    feed("2025-01-01T00:00:00Z")
    home.poll(site.source())
    site.article("/a", "The regulator has confirmed it since, and asks owners to wait for a letter.")
    home.clock.forward(hours=3)
    home.poll(site.source())
    assert len(site.asked("/a")) == 1, "the date of its index is unchanged"
    feed((home.clock()).strftime("%Y-%m-%dT%H:%M:%SZ"))
    home.poll(site.source())
    assert len(site.asked("/a")) == 2
    assert home.changes() == {site.url("/a"): ["body"]}
    home.poll(site.source())
    assert len(site.asked("/a")) == 2
    feed("2099-01-01T00:00:00Z")
    home.clock.forward(hours=3)
    home.poll(site.source())
    assert len(site.asked("/a")) == 2, "a date in the future is ignored"


def test_stored_page_is_extracted_again_after_a_change_of_extractor(home: Home, site: Site) -> None:
    """An edit since then is recorded, and a difference between the extractors is none."""
    articles(site, "a", "b")
    home.poll(site.source())
    write(home, "UPDATE texts SET extractor = 'older', comparable_digest = 'x', page_data_digest = 'x'")
    site.article("/b", "The regulator has confirmed it since, and asks owners to wait for a letter.")
    home.revisit(site.source())
    assert home.changes() == {site.url("/b"): ["body"]}
