"""`evnews sources`: the catalogue is listed, extended, checked, imported and exported."""

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

from aggregator.cli.catalogue import name_from_url
from aggregator.cli.source_check import SourceCheck
from aggregator.cli.source_discovery import SiteDiscovery, SiteIndexes
from aggregator.extraction.pool import ExtractionPool
from spiders.catalogue import load_catalogue
from storage.model.article import Refusal
from storage.model.page import Page, ParsedIndex
from tests.aggregator.cli.evnews_command import Evnews
from tests.newsroom.newsroom import Newsroom

RSS = b"""<rss version="2.0"><channel><title>Plain News</title>
<item><title>First</title><link>http://127.3.0.1/1</link></item></channel></rss>"""


class _PlainSite(BaseHTTPRequestHandler):
    """A site whose home page links to no feed, but which has one at a common URL."""

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
    """The URL of a running _PlainSite."""
    with ThreadingHTTPServer(("127.3.0.1", 0), _PlainSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.3.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_sources_are_listed_as_table_and_json(evnews: Evnews) -> None:
    records = evnews("sources", "--json").records
    assert len(records) >= 45
    assert len({record["language"].partition("-")[0] for record in records}) >= 8
    assert evnews("sources", "remove", "electrek").status == 0
    lines = evnews("sources").out.splitlines()
    assert len(lines) > len(records)
    electrek = next(line for line in lines if line.startswith("electrek "))
    assert " off " in electrek


def test_add_finds_the_feed_that_a_home_page_links_to(evnews: Evnews, newsroom: Newsroom) -> None:
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
    assert "choose another name with --name" in clash.err
    duplicate = evnews("sources", "add", newsroom.index_url("chargepost"), "--name", "other")
    assert duplicate.status == 2
    assert "is already polled by the source post" in duplicate.err


def test_add_finds_feeds_at_common_urls(evnews: Evnews, plain_site: str) -> None:
    done = evnews("sources", "add", plain_site, "--dry-run")
    assert done.status == 0, done.err
    assert f"feed {plain_site}feed: Plain News, 1 entries\n    First\n" in done.out
    assert not (evnews.home / "sources.toml").exists()


def test_add_reports_usage_errors_before_any_request(evnews: Evnews, newsroom: Newsroom) -> None:
    newsroom.fault("chargepost", "status", "/", "404")
    nothing = evnews("sources", "add", newsroom.home("chargepost"))
    assert nothing.status == 1
    assert "no feed or sitemap was found" in nothing.err
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


def test_discovery_finds_sitemaps_by_robots_txt(newsroom: Newsroom) -> None:
    lines: list[str] = []

    async def page(url: str) -> Page | str:
        try:
            with urllib.request.urlopen(url) as answer:
                headers = tuple(answer.headers.items())
                return Page(url=url, status=200, headers=headers, body=answer.read(), fetched_at=datetime.now(UTC))
        except OSError as error:
            return str(error)

    async def discover(pool: ExtractionPool) -> SiteIndexes:
        indexes = SiteIndexes(home="")
        await SiteDiscovery(pool, page, lambda: datetime.now(UTC), indexes, lines.append).run(
            newsroom.home("kerbside") + "/"
        )
        return indexes

    pool = ExtractionPool(1)
    try:
        indexes = asyncio.run(discover(pool))
    finally:
        pool.close()
    assert indexes.sitemaps == [newsroom.index_url("kerbside")]
    assert not indexes.feeds
    assert any(line.startswith("    ") for line in lines)


def test_check_prints_results_and_stores_nothing(evnews: Evnews, newsroom: Newsroom, tmp_path: Path) -> None:
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


def test_check_is_printed_as_lines() -> None:
    check = SourceCheck(
        "x", [("http://x/feed", ParsedIndex(kind="feed", total=3)), ("http://x/map", ParsedIndex(problem="HTTP 500"))]
    )
    check.articles.append(("http://x/1", Refusal(code="thin", reason="6 words")))
    assert check.lines() == [
        "x", "  feed http://x/feed: 3 entries", "  index http://x/map: HTTP 500", "  http://x/1: refused, 6 words"
    ]  # fmt: skip
    assert not check.is_good


def test_exception_of_a_single_fetch_is_raised(evnews: Evnews) -> None:
    code = (
        "from aggregator.config import load_config\n"
        "from aggregator.crawl.reactor import run_in_reactor\n"
        "from aggregator.service.setup import open_runner\n"
        "from spiders.source import Source\n"
        "source = Source(name='x', title='x', home='http://x.example/')\n"
        "async def fail(fetch): raise LookupError('out it comes')\n"
        "async def main():\n"
        "    async with open_runner(load_config(), [source]) as runner: await runner.run_single_fetch(source, fail)\n"
        "run_in_reactor(main)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], **evnews.around(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.endswith("LookupError: out it comes\n")


def test_remove_deletes_own_sources_and_disables_built_in_ones(evnews: Evnews, newsroom: Newsroom) -> None:
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


def test_opml_is_imported_and_exported(evnews: Evnews, tmp_path: Path) -> None:
    file = tmp_path / "mine.opml"
    feeds = "".join(f'<outline text="F{n}" xmlUrl="https://blog.site.example/{n}.xml"/>' for n in range(3))
    file.write_text(f'<opml version="2.0"><body><outline text="EV">{feeds}</outline></body></opml>')
    assert evnews("sources", "import", file).out.startswith("3 feeds added, 0 already in the catalogue")
    assert evnews("sources", "import", file).out.startswith("0 feeds added, 3 already in the catalogue")
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
def test_source_names_are_derived_from_hosts(url: str, name: str) -> None:
    assert name_from_url(url) == name
