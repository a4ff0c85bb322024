"""`evnews crawl`: exit status, output, and the stop by Ctrl-C."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews, plain, read_until
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.server import running


@pytest.fixture
def catalogue(newsroom: Newsroom, tmp_path: Path) -> Path:
    """A catalogue of the newsroom's publishers."""
    return newsroom.write_sources(tmp_path / "newsroom.toml")


def kept(evnews: Evnews) -> set[str]:
    """Return the URLs of all articles in the archive, without tracking parameters."""
    with closing(sqlite3.connect(evnews.home / "archive.db")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'articles'").fetchall():
            return set()
        return {url.partition("?")[0] for (url,) in connection.execute("SELECT url FROM articles")}


def until(process: subprocess.Popen[str], holds: object, seconds: float = 30.0) -> None:
    """Wait until a condition holds while the process runs."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.1)


def test_crawl_outside_a_terminal_prints_lines_and_a_table(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    done = evnews("crawl", "--sources", catalogue)
    assert done.status == 0
    assert "\x1b" not in done.out + done.err
    assert {line.partition("]")[0] for line in done.err.splitlines()} == {f"[{number}/6" for number in range(1, 7)}
    assert "chargepost: ok, 2 kept" in done.err
    assert done.out.splitlines()[0].split() == ["source", "index", "kept", "repeats", "refused", "failed", "reason"]
    assert kept(evnews) == {truth.url for truth in newsroom.articles()}
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]
    again = evnews("crawl", "--sources", catalogue)
    assert again.status == 0
    assert again.out.splitlines()[-1].endswith("0 kept, 0 repeats, 0 refused, 0 to retry")


def test_crawl_stores_the_health_of_all_sources(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    evnews("crawl", "chargepost", "--sources", catalogue)
    with closing(sqlite3.connect(evnews.home / "archive.db")) as connection:
        found = dict(connection.execute("SELECT source, state FROM source_health"))
    assert len(found) == 6  # all of the catalogue, whichever were crawled
    assert set(found.values()) == {"ok"}


def test_failures_are_listed_with_reasons_and_status_1(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    newsroom.fault("chargepost", "429", arg="600")
    newsroom.fault("dianche", "html", "/rss.rdf")
    newsroom.fault("voltward", "reset")
    newsroom.fault("ev-kurier", "status", "/artikel/", "404")
    status, written = evnews.on_terminal(80, "crawl", "--sources", catalogue)
    lines = plain(written)
    table = lines[next(number for number, line in enumerate(lines) if line.startswith("source ")) :]
    assert status == 1
    assert max(map(len, table)) <= 80
    rows = {line.split()[0]: line.split() for line in table[1:] if line and not line.startswith(" ")}
    column = table[0].index("reason")
    words = " ".join(line[column:].strip() for line in table[1:])
    assert rows["kerbside"][1:4] == ["ok", "2", "0"]
    assert rows["dianche"][1] == "failed"
    for reason in ("HTTP 429, parked until", "an HTML page, not a feed", "connection reset", "HTTP 404 (2 articles)"):
        assert reason in words, table
    status, written = evnews.on_terminal(140, "crawl", "--sources", catalogue)
    parked = next(line for line in plain(written) if line.startswith("chargepost"))
    assert status == 1
    assert "parked until" in parked
    assert "HTTP 429" in parked
    assert "3 sources could not be polled" in plain(written)[-2]


def test_live_display_fits_and_restores_the_terminal(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    newsroom.write_sources(catalogue, delay=0.4)
    status, written = evnews.on_terminal(80, "crawl", "--sources", catalogue)
    lines = plain(written)
    assert status == 0
    assert any(line.startswith("sources 0/6  fetched ") for line in lines)
    assert any("pages/s  chargepost, " in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l"), "the cursor is left hidden"


def test_crawl_prints_one_json_object_per_source(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    newsroom.fault("voltward", "status", "/feed.json")
    catalogue.write_text(catalogue.read_text() + '[odd]\nfeeds = "http://127.1.0.1:1/\\u009b31m"\n')
    done = evnews("crawl", "voltward", "kerbside", "--sources", catalogue, "--json")
    assert done.status == 1
    assert "\x9b" not in done.out + done.err
    assert done.err.startswith(f"evnews: {catalogue}: [odd] feeds = ")
    by_name = {record["source"]: record for record in done.records}
    assert by_name["kerbside"]["polled"]
    assert by_name["kerbside"]["kept"] == 2
    assert not by_name["voltward"]["polled"]
    assert by_name["voltward"]["indexes"][0]["reason"] == "HTTP 503"


def test_due_skips_sources_polled_just_now(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    assert evnews("crawl", "kerbside", "--sources", catalogue).status == 0
    due = evnews("crawl", "--due", "--sources", catalogue, "--json")
    assert due.status == 0
    names = [record["source"] for record in due.records]
    assert sorted(names) == ["chargepost", "dianche", "ev-kurier", "stromvei", "voltward"]


def test_watch_stores_articles_published_later(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    newsroom.write_sources(catalogue, every="5s")
    process = evnews.start("crawl", "--watch", "chargepost", "ev-kurier", "kerbside", "--sources", catalogue)
    names = ("chargepost", "ev-kurier", "kerbside")
    until(process, lambda: (evnews.home / "archive.db").exists() and len(kept(evnews)) == 6)
    fresh = newsroom.publish(1, "kerbside")[0]
    until(process, lambda: fresh.url in kept(evnews))
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - asked < 10
    assert "Traceback" not in err
    assert "next  kerbside: ok, 1 kept" in err
    assert out == ""
    assert kept(evnews) == {truth.url for name in names for truth in newsroom.articles(name)}


def test_ctrl_c_stores_requests_in_flight_within_ten_seconds(evnews: Evnews, tmp_path: Path) -> None:
    with running(Newsroom()) as room:
        catalogue = room.write_sources(tmp_path / "newsroom.toml", delay=0.2)
        room.fault("voltward", "hang", "/2025")
        room.fault("stromvei", "hang")
        process = evnews.start("crawl", "--sources", catalogue)
        until(process, lambda: len(room.hits("kerbside", "/stories/")) > 2)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        out, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert time.monotonic() - asked < 10
        assert "evnews: stopping: requests in flight are finished" in err
        assert "Traceback" not in err
        assert 0 < len(kept(evnews)) < len(room.articles())
        assert "the crawl was stopped" in out
        room.fault("voltward", "none")
        room.fault("stromvei", "none")
        room.write_sources(catalogue)
        assert evnews("crawl", "--sources", catalogue).status == 0
        assert kept(evnews) == {truth.url for truth in room.articles()}


def test_second_ctrl_c_stops_at_once(evnews: Evnews, newsroom: Newsroom, catalogue: Path) -> None:
    newsroom.fault("voltward", "hang")
    process = evnews.start("crawl", "--sources", catalogue)
    until(process, lambda: newsroom.hits("voltward"))
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    assert process.wait(5) == 130
    assert time.monotonic() - asked < 2
    _, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    assert "leaked" not in err
    newsroom.fault("voltward", "none")
    assert evnews("crawl", "--sources", catalogue).status == 0
    assert evnews("db", "check").status == 0


def test_scrapy_crawl_polls_like_evnews_crawl(evnews: Evnews, newsroom: Newsroom, tmp_path: Path) -> None:
    evnews.home.mkdir()
    newsroom.write_sources(evnews.home / "sources.toml")

    def scrapy(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scrapy", *words]
        return subprocess.run(command, **evnews.around(), capture_output=True, text=True, timeout=60)

    listed = scrapy("list").stdout.split()
    assert {"electrek", "chargepost", "stromvei"} <= set(listed)
    assert listed == sorted(listed)
    done = scrapy("crawl", "kerbside")
    assert done.returncode == 0, done.stderr
    assert kept(evnews) == {truth.url for truth in newsroom.articles("kerbside")}
    unknown = scrapy("crawl", "kerbsid")
    assert unknown.returncode == 2
    assert unknown.stderr == "evnews: there is no source 'kerbsid'; did you mean kerbside?\n"
    for words in (["crawl"],):
        wrong = scrapy(*words)
        assert wrong.returncode == 2
        assert "name one source" in wrong.stdout + wrong.stderr
    (evnews.home / "evnews.toml").write_text("nope = 1\n")
    broken = scrapy("crawl", "kerbside")
    assert broken.returncode == 2
    assert "unknown key 'nope'" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_largest_delay_of_a_host_holds_even_if_its_source_is_not_crawled(
    evnews: Evnews, newsroom: Newsroom, catalogue: Path
) -> None:
    home = newsroom.home("chargepost")
    slow = f'\n[slow]\ntitle = "Slow"\nhome = "{home}/"\nfeeds = ["{home}/other.xml"]\ndelay = 0.4\n'
    catalogue.write_text(catalogue.read_text() + slow)
    assert evnews("crawl", "chargepost", "--sources", catalogue).status == 0
    hits = newsroom.hits("chargepost")
    assert len(hits) >= 4
    assert all(later.time - earlier.ended >= 0.4 for earlier, later in pairwise(hits))


def test_revisit_options_are_checked(evnews: Evnews) -> None:
    for words in (("--confirm-now",), ("--revisit", "--watch")):
        done = evnews.here("crawl", *words)
        assert done.status == 2
        assert "--revisit" in done.err
