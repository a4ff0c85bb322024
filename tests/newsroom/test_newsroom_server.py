"""The server of the newsroom: HTTP, the proxy, the log, changes while it runs, the command."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import tomllib
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.newsroom.http_client import KIND, NAMES, FetchedResponse, fetch, listed_urls, open_request, page_blocks
from tests.newsroom.server import Newsroom, running
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def test_conditional_requests_are_answered_304(open_room: Newsroom) -> None:
    urls = [url for name in NAMES for url in (open_room.index_url(name), open_room.articles(name)[0].url)]
    for url in [*urls, open_room.home("kerbside") + "/robots.txt"]:
        first = fetch(url)
        by_tag = fetch(url, If_None_Match=first.headers["ETag"], If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")
        by_time = fetch(url, If_Modified_Since=first.headers["Last-Modified"])
        assert (first.status, by_tag.status, by_time.status) == (200, 304, 304)
        assert by_tag.body == b""
        assert by_tag.headers["ETag"] == first.headers["ETag"]
        assert fetch(url, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"]).status == 200
        assert fetch(url, If_Modified_Since="yesterday").status == 200


def test_response_is_gzipped_if_the_client_accepts_it(open_room: Newsroom) -> None:
    url = open_room.articles("kerbside")[0].url
    packed, bare = fetch(url, Accept_Encoding="gzip, deflate"), fetch(url)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(bare.body)
    assert packed.content == bare.body
    assert bare.headers["Content-Encoding"] is None


def test_head_response_has_the_length_and_no_body(open_room: Newsroom) -> None:
    url = open_room.articles("kerbside")[0].url
    head = fetch(url, method="HEAD")
    assert head.status == 200
    assert head.body == b""
    assert int(head.headers["Content-Length"]) == len(fetch(url).body)
    assert fetch(url, method="POST").status == 405


def test_connection_stays_open_until_the_client_closes_it(open_room: Newsroom) -> None:
    parts = urlsplit(open_room.home("kerbside"))
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    connection.request("GET", "/")
    assert FetchedResponse(connection.getresponse()).status == 200
    first = connection.sock
    connection.request("GET", "/robots.txt", headers={"Connection": "close"})
    assert first is not None
    assert connection.sock is first
    answer = FetchedResponse(connection.getresponse())
    assert answer.status == 200
    assert answer.headers["Connection"] == "close"
    connection.close()


def test_proxy_serves_publishers_by_name(open_room: Newsroom) -> None:
    for name in NAMES:
        url = open_room.index_url(name, proxy=True)
        answer = fetch(url, proxy=open_room.proxy_url)
        assert answer.status == 200
        assert f"http://{name}.example/".encode() in answer.body or KIND["listing"] == name
        assert b"127.1.0." not in answer.body
        assert open_room.log[-1].host == f"{name}.example"
        assert open_room.log[-1].publisher == name
    truth = open_room.articles("chargepost")[0]
    assert fetch(truth.proxy_url, proxy=open_room.proxy_url).status == 200


def test_unknown_paths_respond_with_404(open_room: Newsroom) -> None:
    for path in ("/nothing", "/news/nothing", "/sitemap-2031-01.xml.gz", "/amp/nothing", "/feed.xml"):
        assert fetch(open_room.home("stromvei") + path).status == 404
    assert fetch(open_room.home("stromvei") + "/media/x.png").body.startswith(b"\x89PNG")


def test_log_has_every_request_with_its_headers(room: Newsroom) -> None:
    url = room.index_url("ev-kurier")
    answer = fetch(url, User_Agent="test/1")
    fetch(url, User_Agent="test/1", If_None_Match=answer.headers["ETag"])
    first, second = room.hits("ev-kurier", "/atom")
    assert (first.host, first.path, first.method) == ("127.1.0.2", "/atom.xml", "GET")
    assert (first.status, first.agent) == (200, "test/1")
    assert (first.conditional, second.conditional, second.status) == (False, True, 304)
    assert first.time <= first.ended <= second.time
    assert second.concurrent == 1
    assert "if-none-match" in second.headers


def test_log_counts_concurrent_requests_by_host(room: Newsroom) -> None:
    room.fault("kerbside", "hang", "/stories/")
    with ExitStack() as held:
        for truth in room.articles("kerbside"):
            held.enter_context(open_request(truth.url))
        other = fetch(room.home("voltward") + "/")
        wait_until(lambda: [hit.status for hit in room.hits("kerbside")] == [200] * 3)
        assert sorted(hit.concurrent for hit in room.hits("kerbside")) == [1, 2, 3]
        assert [hit.concurrent for hit in room.hits("voltward")] == [1]
        assert other.status == 200
        assert {hit.ended for hit in room.hits("kerbside")} == {0.0}
    wait_until(lambda: all(hit.ended for hit in room.hits("kerbside")))


def test_request_to_the_canary_is_a_canary_hit(room: Newsroom) -> None:
    assert room.canary_hits == []
    assert fetch(room.canary_url).status == 200
    assert [hit.path for hit in room.canary_hits] == ["/canary"]


# -- changes


def test_published_articles_appear_in_pages_and_indexes(room: Newsroom) -> None:
    before = fetch(room.index_url("ev-kurier"))
    hidden = next(truth for truth in room.every("ev-kurier") if not truth.public)
    assert fetch(hidden.url).status == 404
    assert hidden not in room.articles()
    assert [truth.url for truth in room.publish(1, "ev-kurier")] == [hidden.url]
    after = fetch(room.index_url("ev-kurier"), If_None_Match=before.headers["ETag"])
    assert after.status == 200
    assert hidden.title in after.body.decode()
    assert fetch(room.index_url("ev-kurier"), If_Modified_Since=before.headers["Last-Modified"]).status == 200
    assert fetch(hidden.url).status == 200
    assert len(room.publish(2)) == 12
    assert len(room.publish(99)) > 12
    assert room.publish(1) == []


def test_number_of_published_articles_may_differ_by_publisher() -> None:
    room = Newsroom(public={"voltward": 1, "kerbside": 0})
    assert len(room.articles("voltward")) == 1
    assert room.articles("kerbside") == []
    assert all(truth.public for truth in room.every("chargepost"))


def test_edit_changes_text_page_and_index(room: Newsroom) -> None:
    recall = next(truth for truth in room.every("chargepost") if "recall" in truth.slug)
    page, index = fetch(recall.url), fetch(room.index_url("chargepost"))
    edited = room.edit(recall.lead_url)
    assert edited.url == recall.url
    assert edited.text != recall.text
    assert "34,500" in edited.text
    again = fetch(recall.url, If_None_Match=page.headers["ETag"], If_Modified_Since=page.headers["Last-Modified"])
    assert again.status == 200
    assert set(edited.text.split("\n\n")) <= set(page_blocks(edited, again.body))
    assert fetch(recall.url, If_Modified_Since=page.headers["Last-Modified"]).status == 200
    assert fetch(room.index_url("chargepost"), If_Modified_Since=index.headers["Last-Modified"]).status == 200
    assert edited.modified is not None
    assert edited.modified > recall.published


def test_every_edit_of_an_article_gives_a_new_text(room: Newsroom) -> None:
    for name in NAMES:
        truth = room.articles(name)[0]
        texts = {truth.text, room.edit(truth.url).text, room.edit(truth.url).text, room.edit(truth.url).text}
        assert len(texts) == 4
        assert room.find(truth.url).text.split("\n\n")[-1] in page_blocks(truth, fetch(truth.url).body)


def test_withdrawn_article_responds_with_its_status(room: Newsroom) -> None:
    first, second = room.articles("voltward")[:2]
    room.withdraw(first.url)
    room.withdraw(second.url, 404, listed=False)
    assert fetch(first.url).status == 410
    assert fetch(second.url).status == 404
    named = listed_urls(room, room.index_url("voltward"))
    assert first.url in named
    assert second.url not in named
    assert not {first.url, second.url} & {truth.url for truth in room.articles()}


def test_unknown_names_raise(room: Newsroom) -> None:
    with pytest.raises(KeyError):
        room.edit(room.home("voltward") + "/nothing")
    with pytest.raises(KeyError):
        room.publish(1, "nobody")
    with pytest.raises(ValueError, match="unknown fault"):
        room.fault("voltward", "sneeze")


# -- processes and threads


def test_two_newsrooms_run_at_once_and_stop_despite_hanging_clients() -> None:
    before = threading.enumerate()
    with running(Newsroom()) as first, running(Newsroom(public=0)) as second:
        first.fault("chargepost", "hang")
        sock = open_request(first.index_url("chargepost"))
        assert first.port != second.port
        assert fetch(second.home("kerbside") + "/").status == 200
    with sock, suppress(ConnectionResetError):
        assert sock.recv(1) == b""
    assert set(threading.enumerate()) <= set(before)
    with pytest.raises(ConnectionRefusedError):
        fetch(second.home("kerbside") + "/")


def test_command_prints_its_addresses_and_writes_a_catalogue(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.newsroom.server", "--port", "0", "--public", "4"]
    command += ["--sources", str(tmp_path / "s.toml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        addresses = json.loads(process.stdout.readline())
        kurier = addresses["publishers"]["ev-kurier"]
        assert kurier["public"] == 4
        assert kurier["articles"] > 4
        assert fetch(kurier["index"]).body.count(b"<entry>") == 4
        assert "ev-kurier" in tomllib.loads((tmp_path / "s.toml").read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr.read() == b""
