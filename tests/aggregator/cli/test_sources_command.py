"""`evnews sources`: the catalogue shown, extended, checked, imported and exported."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aggregator.cli.commands.sources import name_of
from aggregator.cli.source_check import Report
from aggregator.cli.source_discovery import Discovery, Look
from aggregator.extraction.pool import ExtractionPool
from spiders.catalogue import load_catalogue
from storage.model.article import Refusal
from storage.model.page import Page, ParsedIndex
from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.room import Newsroom

RSS = b"""<rss version="2.0"><channel><title>Plain News</title>
<item><title>First</title><link>http://127.3.0.1/1</link></item></channel></rss>"""


class _PlainSite(BaseHTTPRequestHandler):
    """A site whose home page links to no feed, and which keeps one at a usual address."""

    def do_GET(self) -> None:
        body = {"/": b"<html><body><p>News</p></body></html>", "/feed": RSS}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def plain_site() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.3.0.1", 0), _PlainSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.3.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_table_and_the_records(evnews: Evnews) -> None:
    """Every shipped source, on lines that fit; one that is off says so."""
    records = evnews("sources", "--json").records
    assert len(records) >= 45
    assert len({record["language"].partition("-")[0] for record in records}) >= 8
    assert evnews("sources", "remove", "electrek").status == 0
    lines = evnews("sources").out.splitlines()
    assert len(lines) > len(records)
    electrek = next(line for line in lines if line.startswith("electrek "))
    assert " off " in electrek


def test_add_a_home_page(evnews: Evnews, newsroom: Newsroom) -> None:
    """Its feed is found by its link and shown with titles; the user's own words in the file stay."""
    own = evnews.home / "sources.toml"
    evnews.home.mkdir()
    own.write_text("# mine\n[electrek] # not now\nenabled = false # too much\n")
    done = evnews("sources", "add", newsroom.home("chargepost"), "--name", "post", "--every", "2h")
    assert done.status == 0, done.err
    assert f"feed {newsroom.index_url('chargepost')}: Charge Post, 2 entries" in done.out
    assert done.out.count("\n    ") == 2, "its titles"
    assert own.read_text().startswith("# mine\n[electrek] # not now\nenabled = false # too much\n")
    source = next(one for one in load_catalogue(evnews.home).sources if one.name == "post")
    assert (source.title, source.every, source.feeds) == ("Charge Post", 7200.0, (newsroom.index_url("chargepost"),))
    clash = evnews.here("sources", "add", newsroom.home("chargepost"), "--name", "post")
    assert clash.status == 2
    assert "give this one another --name" in clash.err
    twin = evnews("sources", "add", newsroom.index_url("chargepost"), "--name", "other")
    assert twin.status == 2
    assert "is polled already, by post" in twin.err


def test_add_finds_feeds_at_usual_addresses(evnews: Evnews, plain_site: str) -> None:
    """Where no page links to one. Looked at and not written with --dry-run."""
    done = evnews("sources", "add", plain_site, "--dry-run")
    assert done.status == 0, done.err
    assert f"feed {plain_site}feed: Plain News, 1 entries\n    First\n" in done.out
    assert not (evnews.home / "sources.toml").exists()


def test_mistakes_in_adding(evnews: Evnews, newsroom: Newsroom) -> None:
    """Nothing there is 1; what cannot be is 2, before the site is asked."""
    newsroom.fault("chargepost", "status", "/", "404")
    nothing = evnews("sources", "add", newsroom.home("chargepost"))
    assert nothing.status == 1
    assert "nothing to poll was found" in nothing.err
    assert "HTTP 404" in nothing.err
    before = len(newsroom.log)
    for words in (["ftp://x/"], ["http://"], ["x.example", "--name", "No Name"], ["x.example", "--every", "soon"]):
        wrong = evnews.here("sources", "add", *words)
        assert wrong.status == 2, wrong
        assert wrong.err.startswith("evnews: ")
        assert wrong.err.count("\n") == 1
    assert len(newsroom.log) == before
    refused = evnews("sources", "add", newsroom.home("voltward"), EVNEWS_ALLOW_NETWORKS="")
    assert refused.status == 1
    assert "not public" in refused.err
    assert not newsroom.hits("voltward")


def test_sitemaps_are_found_by_robots_txt(newsroom: Newsroom) -> None:
    """Where no feed is; of a sitemap index the first sitemap's titles are shown."""
    told: list[str] = []

    async def page(url: str) -> Page | str:
        try:
            with urllib.request.urlopen(url) as answer:
                headers = tuple(answer.headers.items())
                return Page(url=url, status=200, headers=headers, body=answer.read(), fetched_at=datetime.now(UTC))
        except OSError as error:
            return str(error)

    async def look(pool: ExtractionPool) -> Discovery:
        found = Discovery(home="")
        await Look(pool, page, lambda: datetime.now(UTC), found, told.append).at(newsroom.home("kerbside") + "/")
        return found

    pool = ExtractionPool(1)
    try:
        found = asyncio.run(look(pool))
    finally:
        pool.close()
    assert found.sitemaps == [newsroom.index_url("kerbside")]
    assert not found.feeds
    assert any(line.startswith("    ") for line in told)


def test_check_stores_nothing(evnews: Evnews, newsroom: Newsroom, tmp_path: Path) -> None:
    """It prints what it saw of each source; status 1 where one yields nothing."""
    catalogue = newsroom.write_sources(tmp_path / "newsroom.toml")
    newsroom.fault("dianche", "broken", "/rss.rdf")
    newsroom.fault("voltward", "status", "/feed.json", "500")
    done = evnews("sources", "check", "chargepost", "kerbside", "voltward", "--sources", catalogue, "--json")
    assert done.status == 1, done.err
    by_name = {record["source"]: record for record in done.records}
    assert by_name["chargepost"]["good"]
    assert [article["words"] > 50 for article in by_name["chargepost"]["articles"]] == [True, True]
    assert by_name["kerbside"]["good"]
    assert by_name["voltward"]["indexes"][0]["problem"] == "HTTP 500"
    with closing(sqlite3.connect(evnews.home / "archive.db")) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in
                  ("articles", "leads", "captures", "polls", "endpoints")]  # fmt: skip
    assert counts == [0, 0, 0, 0, 0]


def test_a_report_for_people() -> None:
    """What was seen of each index and article, a line each."""
    report = Report(
        "x", [("http://x/feed", ParsedIndex(kind="feed", total=3)), ("http://x/map", ParsedIndex(problem="HTTP 500"))]
    )
    report.articles.append(("http://x/1", Refusal(code="thin", reason="6 words")))
    assert report.lines() == [
        "x", "  feed http://x/feed: 3 entries", "  index http://x/map: HTTP 500", "  http://x/1: refused, 6 words"
    ]  # fmt: skip
    assert not report.is_good


def test_what_an_errand_raises_comes_out(evnews: Evnews) -> None:
    """Scrapy only logs what is raised where a spider starts."""
    code = (
        "from aggregator.config import load_config\n"
        "from aggregator.crawl.runner import run_in_reactor\n"
        "from aggregator.service.setup import open_runner\n"
        "from spiders.source import Source\n"
        "source = Source(name='x', title='x', home='http://x.example/')\n"
        "async def fail(fetch): raise LookupError('out it comes')\n"
        "async def main():\n"
        "    async with open_runner(load_config(), [source]) as crew: await crew.errand(source, fail)\n"
        "run_in_reactor(main)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], **evnews.around(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.endswith("LookupError: out it comes\n")


def test_remove(evnews: Evnews, newsroom: Newsroom) -> None:
    """A source of one's own goes; a shipped one is switched off; an unknown one is a mistake."""
    evnews.home.mkdir()
    newsroom.write_sources(evnews.home / "sources.toml")
    assert evnews("sources", "remove", "chargepost").status == 0
    assert evnews("sources", "remove", "electrek").status == 0
    left = {source.name: source for source in load_catalogue(evnews.home).sources}
    assert "chargepost" not in left
    assert "kerbside" in left
    assert not left["electrek"].enabled
    unknown = evnews("sources", "remove", "chargepst")
    assert unknown.status == 2


def test_opml_goes_in_and_out(evnews: Evnews, tmp_path: Path) -> None:
    """What is known is left alone, names never clash, what is no subscription list is a mistake."""
    file = tmp_path / "mine.opml"
    feeds = "".join(f'<outline text="F{n}" xmlUrl="https://blog.site.example/{n}.xml"/>' for n in range(3))
    file.write_text(f'<opml version="2.0"><body><outline text="EV">{feeds}</outline></body></opml>')
    assert evnews("sources", "import", file).out.startswith("3 feeds added, 0 known already")
    assert evnews("sources", "import", file).out.startswith("0 feeds added, 3 known already")
    names = {source.name for source in load_catalogue(evnews.home).sources}
    assert {"site", "site-2", "site-3"} <= names
    out = tmp_path / "out.opml"
    assert evnews("sources", "export", "-o", out).status == 0
    again = Evnews(tmp_path / "other")
    assert again("sources", "import", out).status == 0
    file.write_text("<html>no</html>")
    wrong = evnews("sources", "import", file)
    assert wrong.status == 2
    assert str(file) in wrong.err


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.auto-motor.example/x", "auto-motor"), ("https://electrek.co", "electrek"),
        ("http://127.0.0.1/", "127-0-0-1"), ("https://xn--bcher-kva.example", "xn--bcher-kva"),
        (f"https://{'a' * 63}.{'b' * 63}.example/", "a" * 63),
    ],
)  # fmt: skip
def test_names_made_from_hosts(url: str, name: str) -> None:
    """Short, legal names."""
    assert name_of(url) == name
