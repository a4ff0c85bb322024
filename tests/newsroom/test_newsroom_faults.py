"""The faults of the newsroom."""

from __future__ import annotations

import gzip
import http.client
import re
import time
import zlib
from pathlib import Path

import lxml.etree
import lxml.html
import pytest

from tests.newsroom.faults import KINDS, REFUSED_PAGES
from tests.newsroom.http_client import FetchedResponse, fetch, open_request
from tests.newsroom.pages import at_path
from tests.newsroom.server import Newsroom


def faulty(room: Newsroom, kind: str, arg: str = "", **headers: str) -> FetchedResponse:
    """Fetch an RSS feed with a fault."""
    room.fault("chargepost", kind, "/feed.xml", arg)
    return fetch(room.index_url("chargepost"), **headers)


def test_fault_applies_to_its_path_until_it_is_removed(room: Newsroom) -> None:
    home = room.home("chargepost")
    room.fault("chargepost", "status")
    room.fault("chargepost", "none", "/robots.txt")
    room.fault("chargepost", "status", "/feed", "500")
    statuses = [fetch(home + path).status for path in ("/", "/robots.txt", "/feed.xml", "/sitemap.xml")]
    assert statuses == [503, 200, 500, 503]
    assert fetch(room.home("voltward") + "/").status == 200
    room.fault("chargepost", "none")
    assert [fetch(home + path).status for path in ("/", "/feed.xml")] == [200, 200]


def test_status_and_retry_after_have_the_given_values(room: Newsroom) -> None:
    assert faulty(room, "status", "404").status == 404
    assert faulty(room, "429").headers["Retry-After"] == "120"
    late = faulty(room, "429", "Wed, 21 Oct 2026 07:28:00 GMT")
    assert late.status == 429
    assert late.headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"


def test_redirects_lead_to_the_given_or_an_unusable_target(room: Newsroom) -> None:
    redirected = faulty(room, "redirect")
    assert (redirected.status, redirected.headers["Location"]) == (302, room.canary_url)
    moved = faulty(room, "moved", "http://127.1.0.3/feed")
    assert (moved.status, moved.headers["Location"]) == (301, "http://127.1.0.3/feed")
    assert faulty(room, "badredirect").headers["Location"] is None
    kinds = ("empty", "script", "file", "data", "malformed", "control")
    targets = {faulty(room, "badredirect", kind).headers["Location"] for kind in kinds}
    assert len(targets) == 6
    assert "file:///etc/passwd" in targets


def test_redirect_loop_names_a_new_url_each_time(room: Newsroom) -> None:
    url, seen = str(faulty(room, "loop").headers["Location"]), set()
    for _ in range(30):
        assert url not in seen
        seen.add(url)
        url = str(fetch(url).headers["Location"])


def test_documents_of_another_kind_are_served(room: Newsroom) -> None:
    page = faulty(room, "html")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert faulty(room, "empty").body == b""
    assert faulty(room, "empty").status == 200
    assert faulty(room, "video").headers["Content-Type"] == "video/mp4"
    with pytest.raises(lxml.etree.XMLSyntaxError):
        lxml.etree.fromstring(faulty(room, "broken", Accept_Encoding="gzip").content)


def test_hostile_xml_is_served(room: Newsroom) -> None:
    xml = faulty(room, "xxe").body.decode()
    assert "file:///etc/passwd" in xml
    assert room.canary_url in xml
    laughs = faulty(room, "laughs").body
    assert len(laughs) < 2000
    assert laughs.count(b"<!ENTITY") == 10
    with pytest.raises(lxml.etree.XMLSyntaxError):
        lxml.etree.fromstring(laughs)
    huge = lxml.etree.fromstring(faulty(room, "huge", "2500").body)
    assert len(huge.findall(".//item")) == 2500
    assert faulty(room, "attributes", "500").body.count(b"=1") == 500


def test_damaged_and_layered_gzip_are_served(room: Newsroom) -> None:
    damaged = faulty(room, "badgzip")
    assert damaged.headers["Content-Encoding"] == "gzip"
    with pytest.raises((OSError, zlib.error, EOFError)):
        gzip.decompress(damaged.body)
    layered = faulty(room, "layered", Accept_Encoding="gzip", If_None_Match="*")
    assert layered.headers["Content-Encoding"] == "gzip, gzip"
    assert gzip.decompress(gzip.decompress(layered.body)).startswith(b"<?xml")


def test_bomb_is_small_and_expands(room: Newsroom) -> None:
    small = faulty(room, "bomb", "3")
    assert small.content == b" " * 3 * 2**20
    large = faulty(room, "bomb")
    assert large.headers["Content-Encoding"] == "gzip"
    assert len(large.body) < 2**20
    unpacker, size, rest = zlib.decompressobj(31), 0, large.body
    while rest and size < 40 * 2**20:
        size += len(unpacker.decompress(rest, 2**20))
        rest = unpacker.unconsumed_tail
    assert size == 40 * 2**20


def test_validators_are_long_or_missing_or_ignored(room: Newsroom) -> None:
    assert len(faulty(room, "bigetag").headers["ETag"]) == 65_000
    assert len(faulty(room, "bigetag", "4000").headers["ETag"]) == 4000
    plain = faulty(room, "unconditional", If_None_Match="*")
    assert plain.status == 200
    assert plain.headers["ETag"] is None
    assert plain.headers["Last-Modified"] is None
    assert faulty(room, "notmodified").status == 304


def test_truncated_response_is_shorter_than_its_content_length(room: Newsroom) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        faulty(room, "truncate", If_None_Match="*")
    assert caught.value.partial
    assert caught.value.expected


def test_reset_fault_resets_the_connection(room: Newsroom) -> None:
    with pytest.raises(ConnectionResetError):
        faulty(room, "reset")
    assert room.log[-1].path == "/feed.xml"


def test_hanging_response_sends_nothing(room: Newsroom) -> None:
    room.fault("chargepost", "hang")
    with open_request(room.index_url("chargepost"), 0.2) as sock, pytest.raises(TimeoutError):
        sock.recv(1)


def test_slow_response_takes_its_time(room: Newsroom) -> None:
    room.fault("chargepost", "slow", arg="0.05")
    started = time.monotonic()
    with open_request(room.home("chargepost") + "/robots.txt") as sock:
        received = b""
        while b"sitemap.xml" not in received:
            received += sock.recv(4096)
    assert time.monotonic() - started > 0.045


@pytest.mark.parametrize(("kind", "shape"), [("endless", rb"and so on"), ("interim", rb"103 Early Hints")])
def test_endless_streams_send_megabytes(room: Newsroom, kind: str, shape: bytes) -> None:
    room.fault("chargepost", kind)
    with open_request(room.index_url("chargepost")) as sock:
        size = 0
        while size < 3 * 2**20:
            piece = sock.recv(2**16)
            assert piece
            size += len(piece)
    assert re.search(shape, piece)


def test_response_has_very_many_headers(room: Newsroom) -> None:
    room.fault("chargepost", "headers")
    with open_request(room.index_url("chargepost")) as sock, sock.makefile("rb") as lines:
        count = sum(1 for line in iter(lines.readline, b"\r\n") if line.startswith(b"X-Line-"))
    assert count == 200_000


def test_refused_page_replaces_an_article(room: Newsroom) -> None:
    truth = room.articles("kerbside")[0]
    room.fault("kerbside", "wall", at_path(truth), "consent-onetrust-en")
    assert fetch(truth.url).body == REFUSED_PAGES["consent-onetrust-en"].body


def test_every_kind_of_fault_occurs_in_this_module() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert {kind for kind in KINDS if f'"{kind}"' not in source} == set()
