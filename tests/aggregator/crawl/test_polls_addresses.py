"""Private addresses are never requested, in any spelling, by redirect or by any command."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address, IPv6Address

from aggregator.crawl.address_policy import AddressPolicy
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.resolver import install_guard
from aggregator.crawl.runner import CrawlRunner, PollResult
from tests.aggregator.crawl.loopback_crawl import ALLOWED, ROOT, Home, Reactor, environment, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Site, canary, serving
from tests.newsroom.server import Newsroom

PRIVATE = (
    "127.0.0.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0", "127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①",
    "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fd00:ec2::254]", "169.254.169.254", "10.0.0.1",
    "192.168.1.1", "100.64.0.1", "168.63.129.16", "0.0.0.0", "224.0.0.1", "user:word@127.0.0.1",
)  # fmt: skip
SCHEMES = ("file:///etc/passwd", "data:text/html,x", "ftp://127.2.0.1/x", "s3://bucket/key", "gopher://127.2.0.1/x")


def build_private_urls(port: int) -> list[str]:
    """Return URLs of the canary in every spelling, including ambiguous ones."""
    tricks = [
        f"http://127.0.0.1:{port}\\@evil.example/t0", f"http://evil.example\\@127.0.0.1:{port}/t1",
        f"http://evil.example@127.0.0.1:{port}/t2", f"http://127.0.0.1:{port}#@evil.example/t3",
        f"http:///127.0.0.1:{port}/t4", f"http://127.0.0.1:{port}\\.evil.example/t5",
    ]  # fmt: skip
    return [f"http://{host}:{port}/{n}" for n, host in enumerate(PRIVATE)] + tricks


def is_refused(reason: str) -> bool:
    """Return whether a reason says that no request was sent."""
    return reason.removeprefix("robots: ").startswith(("blocked_address: ", "blocked: ", "host name not found"))


def test_index_at_a_private_address_is_never_requested(home: Home, site: Site) -> None:
    with canary() as forbidden, canary("127.0.0.2") as second:
        urls = [*build_private_urls(forbidden.port), f"http://127.0.0.2:{second.port}/x"]
        sources = [site.source(f"s{n}", sitemaps=tuple(urls[n : n + 30])) for n in range(0, len(urls), 30)]
        results = home.poll(*sources)
        assert forbidden.log == []
        assert second.log == []
    polls = [poll for result in results.values() for poll in result.polls]
    assert {poll.url for poll in polls} == set(urls)
    assert {poll.outcome for poll in polls} <= {"refused", "failed"}
    reasons = {poll.url: poll.reason for poll in polls}
    assert [(url, why) for url, why in reasons.items() if not is_refused(why)] == []
    others = {url: why for url, why in reasons.items() if "blocked_address" not in why}
    assert [url for url in others if "evil" not in url and "///" not in url and "localhost." not in url] == [], others


def test_only_http_and_https_on_web_ports_are_requested(home: Home, site: Site) -> None:
    ports = [f"http://{site.address}:{port}/x" for port in (1, 22, 25, 110, 6379, 11211, 3306)]
    result = home.poll(site.source(sitemaps=(*SCHEMES, "javascript:alert(1)", "//x/y", "", "http://[", *ports)))["site"]
    assert len(result.polls) == len(SCHEMES) + 4 + len(ports)
    assert result.error == ""
    reasons = {poll.url: poll.reason for poll in result.polls}
    assert all(reason.startswith("blocked: ") for reason in reasons.values()), reasons
    assert {poll.outcome for poll in result.polls} == {"refused"}
    assert site.log == []


def hostile_site(site: Site, port: int) -> tuple[list[str], list[str]]:
    """Serve a feed with private addresses and with pages that redirect to them; return the targets and these pages."""
    targets = build_private_urls(port) + list(SCHEMES) + [f"http://{site.address}:22/x"]
    redirecting_urls = []
    for n, target in enumerate(targets):
        site.pages[f"/door/{n}"] = Answer(status=302, headers=(("Location", target.encode().decode("latin-1")),))
        redirecting_urls.append(site.url(f"/door/{n}"))
    site.feed(site.article("/sound"), *redirecting_urls, *build_private_urls(port))
    return targets, redirecting_urls


def check_leads(home: Home, site: Site, redirecting_urls: Sequence[str]) -> None:
    """Check that each lead is refused with a reason, except the article."""
    leads = home.leads()
    assert home.articles() == {site.url("/sound")}
    assert len(site.asked("/sound")) == 1
    for url, (state, reason, _) in leads.items():
        if url.startswith(site.url("/sound")) or url.endswith("/t4"):  # t4 has no host: it is a path of the site
            continue
        if state == "waiting":  # no such name: its robots.txt could not be read
            assert "evil" in url or "localhost." in url, url
        elif url in redirecting_urls:
            assert state in ("refused", "retry"), (url, state, reason)
        else:
            assert state == "refused", (url, state, reason)
            assert is_refused(reason), (url, reason)


def test_article_at_a_private_address_is_never_requested(home: Home, site: Site) -> None:
    with canary() as forbidden:
        _, redirecting_urls = hostile_site(site, forbidden.port)
        assert home.poll(site.source())["site"].has_succeeded
        assert forbidden.log == []
    check_leads(home, site, redirecting_urls)
    assert all(len(site.asked(f"/door/{n}")) == 1 for n in range(len(redirecting_urls)))


def test_scrapy_crawl_has_the_address_guard(home: Home, site: Site) -> None:
    with canary() as forbidden:
        _, redirecting_urls = hostile_site(site, forbidden.port)
        home.folder.mkdir()
        hosts = "".join(
            f'"{url}", ' for url in (*build_private_urls(forbidden.port)[:3], f"http://localhost:{forbidden.port}/f")
        )
        (home.folder / "sources.toml").write_text(
            f'[site]\nhome = "{site.url()}"\nfeeds = ["{site.url("/feed.xml")}", {hosts}]\ndelay = 0.001\n'
        )
        done = scrapy(home, "crawl", "site")
        assert forbidden.log == []
    assert done.returncode == 1, done.stderr
    check_leads(home, site, redirecting_urls)
    rows = home.rows("SELECT url, outcome, reason FROM polls")
    assert len(rows) == 5
    assert {str(outcome) for _, outcome, _ in rows[:]} == {"ok", "refused"}
    assert all("blocked_address" in str(reason) for _, outcome, reason in rows if outcome == "refused"), rows


def scrapy(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `scrapy` in the project with EVNEWS_HOME."""
    return subprocess.run(
        [sys.executable, "-m", "scrapy", *words], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
        env=environment(home),
    )  # fmt: skip


class StubResolver:
    """Resolves each name to the next of its answers, repeating the last; other names by the real resolver."""

    def __init__(self, answers: dict[str, list[list[str]]], real: object) -> None:
        self.answers, self.asked, self._real = answers, [], real

    asked: list[str]

    def resolveHostName(
        self, receiver: object, name: str, port: int = 0, types: object = None, transport: str = "TCP"
    ) -> object:
        """Twisted's IHostnameResolver."""
        self.asked.append(name)
        if name.lower() not in self.answers:
            return self._real.resolveHostName(receiver, name, port, types, transport)  # type: ignore[attr-defined]
        left = self.answers[name.lower()]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        receiver.resolutionBegan(self)  # type: ignore[attr-defined]
        for address in addresses:
            kind = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(kind("TCP", address, port))  # type: ignore[attr-defined]
        receiver.resolutionComplete()  # type: ignore[attr-defined]
        return self


@contextlib.contextmanager
def resolving(runner: CrawlRunner, answers: dict[str, list[list[str]]]) -> Iterator[StubResolver]:
    """Replace the resolver below the address guard by a stub with these answers."""
    real = runner.context.guard.inner
    runner.context.guard.inner = StubResolver(answers, real)
    try:
        yield runner.context.guard.inner
    finally:
        runner.context.guard.inner = real


def poll_with_names(home: Home, site: Site, answers: dict[str, list[list[str]]], *feeds: str) -> PollResult:
    """Poll feeds whose host names resolve to these answers."""
    polled = replace(site.source(), feeds=feeds)

    async def work(runner: CrawlRunner) -> PollResult:
        with resolving(runner, answers):
            return await runner.poll(polled)

    return home.run(work, polled)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254"]
)
@pytest.mark.parametrize("name", ["inside.example", "Inside.EXAMPLE"])
def test_name_of_a_private_address_is_refused_with_the_reason(home: Home, site: Site, address: str, name: str) -> None:
    with canary() as forbidden:
        result = poll_with_names(
            home, site, {"inside.example": [[address]]}, f"http://{name}:{forbidden.port}/feed.xml"
        )
        assert forbidden.log == []
    assert result.polls[0].outcome == "refused"
    assert "blocked_address: inside.example leads to" in result.problems[0]


def test_connection_uses_the_address_that_was_checked(home: Home) -> None:
    """The name resolves to a permitted address at first, then to the canary."""
    site = Site("127.2.0.1")
    with canary() as forbidden:
        site.port = forbidden.port
        with serving(site):
            close = (("Connection", "close"),)
            base = f"http://rebind.example:{site.port}"
            site.feed(f"{base}/a", f"{base}/b", headers=close)
            site.pages["/robots.txt"] = Answer(b"", 404, headers=close)
            answers = {"rebind.example": [["127.2.0.1"], ["127.2.0.1"], ["127.0.0.1"]]}
            result = poll_with_names(home, site, answers, f"{base}/feed.xml")
            assert result.has_succeeded
            assert site.paths() == ["/feed.xml"]
        assert forbidden.log == []
    assert {state for state, _, _ in home.leads().values()} == {"refused"}
    assert all("blocked_address: rebind.example leads to 127.0.0.1" in why for _, why, _ in home.leads().values())


def test_only_permitted_addresses_of_a_name_are_tried(home: Home) -> None:
    site = Site("127.2.0.1")
    with canary() as forbidden:
        site.port = forbidden.port
        with serving(site):
            site.feed()
            answers = {"both.example": [["127.0.0.1", "127.2.0.1", "::1"]]}
            assert poll_with_names(home, site, answers, f"http://both.example:{site.port}/feed.xml").has_succeeded
        assert forbidden.log == []


def test_crawl_does_not_start_without_the_address_guard(reactor: Reactor, home: Home) -> None:
    async def start() -> None:
        from twisted.internet import reactor as running

        guard = install_guard(AddressPolicy())
        running.installNameResolver(guard.inner)  # type: ignore[attr-defined]
        try:
            CrawlContext(config=home.config, repository=None, pool=None, guard=guard)  # type: ignore[arg-type]
        finally:
            install_guard(AddressPolicy())

    with pytest.raises(RuntimeError, match="not the address guard"):
        reactor.run(start())


def test_proxy_receives_every_request_and_resolves_the_names(home: Home, room: Newsroom, tmp_path: Path) -> None:
    home.configure(proxy=room.proxy_url, allow_networks=())
    sources = list(sources_of(room, tmp_path, proxy=True, delay=0.001).values())
    room.fault("dianche", "redirect", "/rss.rdf", "http://dianche.example/there.rdf")

    async def work(runner: CrawlRunner) -> list[str]:
        with resolving(runner, {}) as stub:
            await runner.poll_all(sources, lambda result: None)
        return stub.asked

    assert set(home.run(work, *sources)) == {"127.0.0.1"}
    assert {hit.host for hit in room.log} == {f"{source.name}.example" for source in sources}
    for source in sources:
        assert len(room.hits(source.name, "/robots.txt")) == 1
    assert room.hits("dianche", "/there.rdf")
    wanted = {truth.proxy_url for truth in room.articles() if truth.publisher != "dianche"}
    assert home.articles() == wanted


def test_proxy_receives_no_request_for_a_private_address(home: Home, room: Newsroom, site: Site) -> None:
    home.configure(proxy=room.proxy_url, allow_networks=())
    urls = [
        url
        for url in build_private_urls(room.port)
        if "evil" not in url and "localhost" not in url.lower() and "///" not in url
    ]
    result = home.poll(site.source(sitemaps=tuple(urls)))["site"]
    assert len(result.polls) == len(urls)
    assert {poll.outcome for poll in result.polls} == {"refused"}
    assert all("blocked_address" in poll.reason for poll in result.polls)
    assert room.log == []
    for n, url in enumerate(urls[:12]):
        room.fault("chargepost", "redirect", f"/r{n}", url.encode().decode("latin-1"))
    redirecting_urls = tuple(f"http://chargepost.example/r{n}" for n in range(12))
    result = home.poll(site.source("redirects", sitemaps=redirecting_urls))["redirects"]
    assert all("blocked_address" in poll.reason for poll in result.polls), result.problems
    assert {hit.host for hit in room.log} == {"chargepost.example"}


def test_proxies_of_the_environment_are_ignored(home: Home, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with canary() as forbidden:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{forbidden.port}")
        site.feed(site.article("/a"))
        assert home.poll(site.source())["site"].has_succeeded
        assert forbidden.log == []


def test_only_allowed_networks_are_fetched(home: Home) -> None:
    home.configure(allow_networks=(ALLOWED[0],))
    with serving(Site("127.2.0.1")) as other:
        other.feed()
        assert "blocked_address" in home.poll(other.source())["site"].problems[0]
        home.configure(allow_networks=ALLOWED)
        assert home.poll(other.source())["site"].has_succeeded
        assert len(other.log) == 2
