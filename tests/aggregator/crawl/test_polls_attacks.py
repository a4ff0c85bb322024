"""Attacks and failures: the poll has a reason, other sources are complete, memory and event loop stay bounded."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.crawl.runner import CrawlRunner
from tests.aggregator.crawl.loopback_crawl import AGENT_CONTACT, ALLOWED, Home, setting, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Asked, Site, rss, serving
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import Newsroom

INDEX_FAULTS = {
    "bomb": "too large", "layered": "layered content coding", "endless": "too large",
    "headers": "too many response headers",
    "interim": "too many response headers", "loop": "redirect loop", "badgzip": "damaged content coding",
    "reset": "connection reset", "truncate": "truncated", "hang": "timeout", "slow": "timeout", "empty": "empty",
    "html": "", "broken": "", "xxe": None, "laughs": "", "video": "video/mp4", "badredirect": "HTTP 302",
    "attributes": "", "status": "HTTP 503",
}  # fmt: skip
"""Part of the reason for each fault of an index; empty: any reason; None: the index may be read."""


class Pulse:
    """Measures the longest block of the event loop in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.02)
            self.longest = max(self.longest, loop.time() - before - 0.02)

    def stop(self) -> float:
        self._task.cancel()
        return self.longest


def test_every_failure_of_an_index_has_a_reason_and_affects_no_other_source(
    home: Home, room: Newsroom, tmp_path: Path
) -> None:
    """Five publishers fail in four ways each; the sixth keeps publishing and is always complete."""
    sources = sources_of(room, tmp_path, delay=0.001)
    failing = [at.name for at in PUBLISHERS if at.name != "ev-kurier"]
    paths = {at.name: at.index_path for at in PUBLISHERS}
    faults = list(INDEX_FAULTS)
    rounds = [faults[n : n + len(failing)] for n in range(0, len(faults), len(failing))]

    async def work(runner: CrawlRunner) -> float:
        pulse = Pulse()
        for kinds in rounds:
            room.publish(1, "ev-kurier")
            wrong = dict(zip(failing, kinds, strict=False))
            for name, kind in wrong.items():
                room.fault(name, kind, paths[name], {"slow": "1", "bomb": "64"}.get(kind, ""))
            results = {result.source: result for result in await runner.poll_all(sources.values(), lambda _: None)}
            assert results["ev-kurier"].has_succeeded
            assert {truth.url for truth in room.articles("ev-kurier")} <= home.articles()
            for name, kind in wrong.items():
                check_named(results[name].problems, kind)
                room.fault(name, "none", paths[name])
        return pulse.stop()

    with setting("DOWNLOAD_TIMEOUT", 3):
        longest = home.run(work, *sources.values())
        assert longest < 3.0  # parsing in this process would block it for many seconds
        results = home.poll(*sources.values())
    assert all(result.has_succeeded for result in results.values())
    assert {truth.url for truth in room.articles()} <= home.articles()
    assert room.canary_hits == []
    assert "root:" not in str(home.rows("SELECT lead_json FROM leads"))
    assert home.damage() == []


def check_named(problems: tuple[str, ...], kind: str) -> None:
    """Check that the poll's reason names the fault."""
    words = INDEX_FAULTS[kind]
    if words is not None:
        assert problems, kind
        assert words in " | ".join(problems), (kind, problems)


def test_malicious_articles_end_with_a_reason_and_others_are_stored(home: Home, room: Newsroom, tmp_path: Path) -> None:
    kinds = {
        "bomb": "refused", "layered": "refused", "endless": "retry", "headers": "retry", "interim": "retry",
        "loop": "refused",
        "badgzip": "refused", "reset": "retry", "truncate": "retry", "hang": "retry", "empty": "refused",
        "html": "retry",
        "video": "refused", "attributes": "refused", "status": "retry",
    }  # fmt: skip
    room.publish(60, "chargepost")
    room.publish(60, "voltward")
    victims = dict(zip([*room.articles("chargepost"), *room.articles("voltward")], kinds, strict=False))
    for truth, kind in victims.items():
        room.fault(truth.publisher, kind, "/" + truth.url.split("/", 3)[3])
    sources = sources_of(room, tmp_path, delay=0.001)
    with setting("DOWNLOAD_TIMEOUT", 3):
        results = home.poll(*sources.values())
    assert all(result.has_succeeded for result in results.values())
    leads = home.leads()
    for truth, kind in victims.items():
        state, reason, _ = leads[truth.lead_url]
        assert (kind, state) == (kind, kinds[kind]), reason
        assert reason
        assert kind != "video" or reason == "not an HTML page: video/mp4"
    assert home.articles() == {truth.url for truth in room.articles() if truth not in victims}
    assert home.damage() == []


def test_video_is_stopped_after_its_headers(home: Home, site: Site) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 10000000000\r\n\r\n"
        for _ in range(2000):
            yield b"\0" * 65536

    site.pages["/film"] = site.pages["/film.xml"] = Answer(stream=endless)
    site.feed(site.url("/film"), site.article("/a"))
    result = home.poll(site.source("site", "/feed.xml", "/film.xml"))["site"]
    assert home.leads()[site.url("/film")][:2] == ("refused", "not an HTML page: video/mp4")
    assert "video/mp4" in result.problems[0]
    assert home.articles() == {site.url("/a")}
    assert site.asked("/film")[0].sent < 8 * 2**20
    assert site.asked("/film.xml")[0].sent < 8 * 2**20


def test_body_over_the_size_limit_is_refused_at_its_headers(home: Home, site: Site) -> None:
    def large() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16000000\r\n\r\n"
        for _ in range(244):
            yield b"a" * 65536

    site.pages["/large"] = Answer(stream=large)
    site.feed(site.url("/large"))
    home.poll(site.source())
    assert home.leads()[site.url("/large")][1] == "too large: over the size limit"
    assert site.asked("/large")[0].sent < 8 * 2**20


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\r\n\r\n", b"garbage\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n" + b" folded\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n\0\0: \xff\xfe\r\nContent-Length: 1\r\n\r\nx", b"HTTP/1.1 101 Upgrade\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: //\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a:b/\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)  # fmt: skip
def test_malformed_response_affects_only_its_own_request(home: Home, site: Site, head: bytes) -> None:
    site.pages["/odd"] = site.pages["/odd.xml"] = Answer(stream=lambda: iter([head]))
    site.feed(site.url("/odd"), site.article("/a"))
    with setting("DOWNLOAD_TIMEOUT", 1):
        result = home.poll(site.source("site", "/feed.xml", "/odd.xml"))["site"]
    assert home.articles() == {site.url("/a")}
    assert [poll.outcome for poll in result.polls].count("ok") == 1
    assert result.problems
    assert "internal error" not in result.error
    state, reason, _ = home.leads()[site.url("/odd")]
    assert state in ("refused", "retry")
    assert reason


def test_self_signed_certificate_is_refused(home: Home, site: Site, tmp_path: Path) -> None:
    from http.server import ThreadingHTTPServer
    from threading import Thread

    from tests.aggregator.crawl.loopback_server import _Handler

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer((site.address, 0), type("Handler", (_Handler,), {"site": site}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        secure = f"https://{site.address}:{server.server_address[1]}"
        site.feed(f"{secure}/a", site.article("/b"))
        site.feed(path="/secure.xml")
        result = home.poll(site.source("secure", sitemaps=(f"{secure}/secure.xml",)), site.source())["secure"]
    finally:
        server.shutdown()
        server.server_close()
    assert result.problems
    assert site.paths() == ["/feed.xml", "/b"]
    rows = [str(reason) for (reason,) in home.rows("SELECT reason FROM polls WHERE reason <> ''")]
    assert any("TLS handshake failed" in reason for reason in rows), rows


def self_signed(folder: Path) -> Path:
    """Write a self-signed certificate for 127.2.0.1 and its key to a file; return its path."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.2.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.2.0.1"))]), False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "self-signed.pem"
    file.write_bytes(key.private_bytes(*form) + pem)
    return file


def test_internal_error_of_a_poll_affects_no_other_source(
    home: Home, room: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = sources_of(room, tmp_path)

    async def work(runner: CrawlRunner) -> dict[str, bool]:
        honest = runner.context.repository.load_boilerplate

        async def broken(source: str) -> None:
            if source == "voltward":
                raise OSError("the disk is on fire")
            await honest(source)

        monkeypatch.setattr(runner.context.repository, "load_boilerplate", broken)
        results = await runner.poll_all(sources.values(), lambda _: None)
        return {result.source: result.has_succeeded for result in results}

    assert home.run(work, *sources.values()) == {name: name != "voltward" for name in sources}
    assert home.articles() == {truth.url for truth in room.articles() if truth.publisher != "voltward"}


def test_memory_stays_bounded_under_attack(room: Newsroom, tmp_path: Path) -> None:
    """Compare the peak memory of a process whose publishers all attack with that of a usual crawl."""
    file = room.write_sources(tmp_path / "room.toml", delay=0.001, wide=True)
    honest = peak(tmp_path / "honest", file)
    heavy = ("bomb", "endless", "headers", "interim", "huge", "laughs")
    for publisher, fault in zip(PUBLISHERS, heavy, strict=True):
        room.fault(publisher.name, fault, publisher.index_path)
        room.fault(publisher.name, heavy[publisher.number % 6], "/sitemap.xml", "20000" if fault == "bomb" else "")
    attacked = peak(tmp_path / "attacked", file)
    assert attacked - honest < 150, f"{honest} MiB, then {attacked} MiB"


def peak(home: Path, sources: Path) -> int:
    """Return the peak memory in MiB of `evnews crawl` without its workers."""
    code = (
        "import sys; from aggregator.crawl import settings; settings.DOWNLOAD_TIMEOUT = 4\n"
        "from aggregator.cli import main\n"
        "try: main()\n"
        "finally: print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(home), "crawl", "--sources", str(sources), "--json"],
        cwd=Path(__file__).parents[3], text=True, capture_output=True, timeout=90, check=False,
        env={**os.environ, "EVNEWS_ALLOW_NETWORKS": ",".join(map(str, ALLOWED)), "EVNEWS_CONTACT": AGENT_CONTACT},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 6
    return int(done.stderr.split("VmHWM:")[1].split()[0]) >> 10


def test_slow_host_delays_no_other_source(home: Home) -> None:
    slow, quick = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(slow, quick):
        slow.pages["/feed.xml"] = Answer(rss(), seconds=1.5)
        quick.feed(*(quick.article(f"/{n}") for n in range(3)))
        home.poll(slow.source("slow"), quick.source("quick"))
    last: Asked = quick.log[-1]
    assert last.ended < slow.asked("/feed.xml")[0].ended
