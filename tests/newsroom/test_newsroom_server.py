"""The newsroom's server: HTTP, the proxy, the log, steering it, and running it."""

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

from tests.newsroom.asking import KIND, NAMES, Answer, announced, ask, page_blocks, raw, wait_for
from tests.newsroom.server import Newsroom, running

ROOT = Path(__file__).parents[2]


def test_conditional_requests_are_answered_304(open_room: Newsroom) -> None:
    urls = [url for name in NAMES for url in (open_room.index_url(name), open_room.articles(name)[0].url)]
    for url in [*urls, open_room.home("kerbside") + "/robots.txt"]:
        first = ask(url)
        by_tag = ask(url, If_None_Match=first.headers["ETag"], If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")
        by_time = ask(url, If_Modified_Since=first.headers["Last-Modified"])
        assert (first.status, by_tag.status, by_time.status) == (200, 304, 304)
        assert by_tag.body == b""
        assert by_tag.headers["ETag"] == first.headers["ETag"]
        assert ask(url, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"]).status == 200
        assert ask(url, If_Modified_Since="yesterday").status == 200


def test_gzip_where_it_is_accepted(open_room: Newsroom) -> None:
    url = open_room.articles("kerbside")[0].url
    packed, bare = ask(url, Accept_Encoding="gzip, deflate"), ask(url)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(bare.body)
    assert packed.content == bare.body
    assert bare.headers["Content-Encoding"] is None


def test_head_tells_the_length_and_sends_nothing(open_room: Newsroom) -> None:
    url = open_room.articles("kerbside")[0].url
    head = ask(url, method="HEAD")
    assert head.status == 200
    assert head.body == b""
    assert int(head.headers["Content-Length"]) == len(ask(url).body)
    assert ask(url, method="POST").status == 405


def test_a_connection_stays_open(open_room: Newsroom) -> None:
    parts = urlsplit(open_room.home("kerbside"))
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    connection.request("GET", "/")
    assert Answer(connection.getresponse()).status == 200
    first = connection.sock
    connection.request("GET", "/robots.txt", headers={"Connection": "close"})
    assert first is not None
    assert connection.sock is first
    answer = Answer(connection.getresponse())
    assert answer.status == 200
    assert answer.headers["Connection"] == "close"
    connection.close()


def test_the_proxy_serves_publishers_by_name(open_room: Newsroom) -> None:
    for name in NAMES:
        url = open_room.index_url(name, proxy=True)
        answer = ask(url, proxy=open_room.proxy_url)
        assert answer.status == 200
        assert f"http://{name}.example/".encode() in answer.body or KIND["listing"] == name
        assert b"127.1.0." not in answer.body
        assert open_room.log[-1].host == f"{name}.example"
        assert open_room.log[-1].publisher == name
    truth = open_room.articles("chargepost")[0]
    assert ask(truth.proxy_url, proxy=open_room.proxy_url).status == 200


def test_what_is_not_there_is_404(open_room: Newsroom) -> None:
    for path in ("/nothing", "/news/nothing", "/sitemap-2031-01.xml.gz", "/amp/nothing", "/feed.xml"):
        assert ask(open_room.home("stromvei") + path).status == 404
    assert ask(open_room.home("stromvei") + "/media/x.png").body.startswith(b"\x89PNG")


def test_the_log_tells_who_asked_for_what(room: Newsroom) -> None:
    url = room.index_url("ev-kurier")
    answer = ask(url, User_Agent="test/1")
    ask(url, User_Agent="test/1", If_None_Match=answer.headers["ETag"])
    first, second = room.hits("ev-kurier", "/atom")
    assert (first.host, first.path, first.method) == ("127.1.0.2", "/atom.xml", "GET")
    assert (first.status, first.agent) == (200, "test/1")
    assert (first.conditional, second.conditional, second.status) == (False, True, 304)
    assert first.time <= first.ended <= second.time
    assert second.concurrent == 1
    assert "if-none-match" in second.headers


def test_the_log_counts_requests_in_hand_by_host(room: Newsroom) -> None:
    room.fault("kerbside", "hang", "/stories/")
    with ExitStack() as held:
        for truth in room.articles("kerbside"):
            held.enter_context(raw(truth.url))
        other = ask(room.home("voltward") + "/")
        wait_for(lambda: [hit.status for hit in room.hits("kerbside")] == [200] * 3)
        assert sorted(hit.concurrent for hit in room.hits("kerbside")) == [1, 2, 3]
        assert [hit.concurrent for hit in room.hits("voltward")] == [1]
        assert other.status == 200
        assert {hit.ended for hit in room.hits("kerbside")} == {0.0}
    wait_for(lambda: all(hit.ended for hit in room.hits("kerbside")))


def test_the_canary_sings(room: Newsroom) -> None:
    assert room.canary_hits == []
    assert ask(room.canary_url).status == 200
    assert [hit.path for hit in room.canary_hits] == ["/canary"]


# -- steering


def test_articles_are_published_one_by_one(room: Newsroom) -> None:
    before = ask(room.index_url("ev-kurier"))
    hidden = next(truth for truth in room.every("ev-kurier") if not truth.public)
    assert ask(hidden.url).status == 404
    assert hidden not in room.articles()
    assert [truth.url for truth in room.publish(1, "ev-kurier")] == [hidden.url]
    after = ask(room.index_url("ev-kurier"), If_None_Match=before.headers["ETag"])
    assert after.status == 200
    assert hidden.title in after.body.decode()
    assert ask(room.index_url("ev-kurier"), If_Modified_Since=before.headers["Last-Modified"]).status == 200
    assert ask(hidden.url).status == 200
    assert len(room.publish(2)) == 12
    assert len(room.publish(99)) > 12
    assert room.publish(1) == []


def test_how_many_are_public_may_differ_by_publisher() -> None:
    room = Newsroom(public={"voltward": 1, "kerbside": 0})
    assert len(room.articles("voltward")) == 1
    assert room.articles("kerbside") == []
    assert all(truth.public for truth in room.every("chargepost"))


def test_an_edit_changes_text_page_and_index(room: Newsroom) -> None:
    recall = next(truth for truth in room.every("chargepost") if "recall" in truth.slug)
    page, index = ask(recall.url), ask(room.index_url("chargepost"))
    edited = room.edit(recall.lead_url)
    assert edited.url == recall.url
    assert edited.text != recall.text
    assert "34,500" in edited.text
    again = ask(recall.url, If_None_Match=page.headers["ETag"], If_Modified_Since=page.headers["Last-Modified"])
    assert again.status == 200
    assert set(edited.text.split("\n\n")) <= set(page_blocks(edited, again.body))
    assert ask(recall.url, If_Modified_Since=page.headers["Last-Modified"]).status == 200
    assert ask(room.index_url("chargepost"), If_Modified_Since=index.headers["Last-Modified"]).status == 200
    assert edited.modified is not None
    assert edited.modified > recall.published


def test_any_article_can_be_edited_again_and_again(room: Newsroom) -> None:
    for name in NAMES:
        truth = room.articles(name)[0]
        texts = {truth.text, room.edit(truth.url).text, room.edit(truth.url).text, room.edit(truth.url).text}
        assert len(texts) == 4
        assert room.find(truth.url).text.split("\n\n")[-1] in page_blocks(truth, ask(truth.url).body)


def test_a_withdrawn_article_is_gone(room: Newsroom) -> None:
    first, second = room.articles("voltward")[:2]
    room.withdraw(first.url)
    room.withdraw(second.url, 404, listed=False)
    assert ask(first.url).status == 410
    assert ask(second.url).status == 404
    named = announced(room, room.index_url("voltward"))
    assert first.url in named
    assert second.url not in named
    assert not {first.url, second.url} & {truth.url for truth in room.articles()}


def test_unknown_names_are_refused(room: Newsroom) -> None:
    with pytest.raises(KeyError):
        room.edit(room.home("voltward") + "/nothing")
    with pytest.raises(KeyError):
        room.publish(1, "nobody")
    with pytest.raises(ValueError, match="unknown fault"):
        room.fault("voltward", "sneeze")


# -- running it


def test_two_rooms_run_side_by_side_and_stop_with_clients_hanging() -> None:
    before = threading.enumerate()
    with running(Newsroom()) as one, running(Newsroom(public=0)) as two:
        one.fault("chargepost", "hang")
        sock = raw(one.index_url("chargepost"))
        assert one.port != two.port
        assert ask(two.home("kerbside") + "/").status == 200
    with sock, suppress(ConnectionResetError):
        assert sock.recv(1) == b""
    assert set(threading.enumerate()) <= set(before)
    with pytest.raises(ConnectionRefusedError):
        ask(two.home("kerbside") + "/")


def test_the_command_prints_its_addresses_and_writes_a_catalogue(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.newsroom.server", "--port", "0", "--public", "4"]
    command += ["--sources", str(tmp_path / "s.toml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        addresses = json.loads(process.stdout.readline())
        kurier = addresses["publishers"]["ev-kurier"]
        assert kurier["public"] == 4
        assert kurier["articles"] > 4
        assert ask(kurier["index"]).body.count(b"<entry>") == 4
        assert "ev-kurier" in tomllib.loads((tmp_path / "s.toml").read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr.read() == b""
