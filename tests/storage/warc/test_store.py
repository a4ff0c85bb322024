"""WARC files return every recorded page exactly, whatever it contains and whenever the process died."""

import gzip
import io
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from base64 import b32encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio_command

from storage.model.crawl import Capture
from storage.model.page import Lead, Page
from storage.warc import record as warc_record
from storage.warc.store import WarcError, WarcStore, recover_files, replay_page, replay_pages

NOW = datetime(2025, 3, 4, 8, 30, 15, 123456, tzinfo=UTC)


def new_store(folder: Path, max_bytes: int = 10**9) -> WarcStore:
    return WarcStore(folder, software="evnews/test", max_bytes=max_bytes, clock=lambda: NOW)


def page(number: int = 1, body: bytes = b"<p>An article.</p>", **changes: object) -> Page:
    default = Page(
        url=f"https://news.example/{number}?a=b",
        status=200,
        headers=(("Content-Type", "text/html"), ("X-Twice", "one"), ("x-twice", "two")),
        body=body,
        fetched_at=NOW,
        source="example",
        lead=Lead(url=f"https://news.example/{number}", title="Überraschung", published=NOW, authors=("A", "B")),
        request_headers=(("User-Agent", "evnews"),),
        ip="192.0.2.7",
    )
    return replace(default, **changes)  # type: ignore[arg-type]


# Any text except a high surrogate before a low one: JSON reads such a pair as one character.
_text = st.text(st.characters(exclude_categories=()), max_size=30).filter(
    lambda text: re.search("[\ud800-\udbff][\udc00-\udfff]", text) is None
)
_hostile = st.sampled_from(
    ["a\r\nWARC-Type: response", "\x00", "é", "\xff", "小米", "\udc80", " padded ", "a:b", "\r\n\r\n", "\x85\u2028"]
)
_string = _text | _hostile
_times = st.datetimes(timezones=st.just(UTC))
_pairs = st.lists(
    st.tuples(
        _string | st.sampled_from(["Content-Length", "transfer-encoding", "Content-Encoding", "Host"]),
        _string | st.just("gzip"),
    ),
    max_size=5,
).map(tuple)
_strings = st.lists(_string, max_size=3).map(tuple)
LEAD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "url": _string,
    "id": _string,
    "title": _string,
    "summary": _string,
    "authors": _strings,
    "published": st.none() | _times,
    "published_raw": _string,
    "zone_known": st.booleans(),
    "updated": st.none() | _times,
    "language": _string,
    "image": _string,
    "tags": _strings,
}
PAGE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "url": _string.map("http://a.example/{}".format) | st.just("https://user:word@[::1]:8080/a b?c=ä#d"),
    "status": st.integers(-1, 1000),
    "headers": _pairs,
    "body": st.binary(max_size=300) | st.just(b"\r\n\r\nWARC/1.1\r\n"),
    "fetched_at": _times,
    "source": _string,
    "lead": st.none() | st.builds(Lead, **LEAD_FIELDS),
    "via": _strings,
    "ip": _string | st.sampled_from(["192.0.2.1", "2001:db8::1", "fe80::1%a\r\nb"]),
    "request_headers": _pairs,
    "method": _string | st.just("POST"),
    "protocol": _string | st.sampled_from(["HTTP/1.0", "h2"]),
}
any_page = st.builds(Page, **PAGE_FIELDS)


def test_strategies_cover_every_field() -> None:
    assert {field.name for field in fields(Page) if field.compare} == set(PAGE_FIELDS)
    assert {field.name for field in fields(Lead)} == set(LEAD_FIELDS)


def test_any_page_is_replayed_exactly_and_warcio_reads_the_file(tmp_path: Path) -> None:
    store, kept = new_store(tmp_path), []

    @settings(max_examples=300, deadline=None)
    @given(any_page)
    def check(page: Page) -> None:
        capture = store.record(page)
        assert replay_page(tmp_path, capture) == page
        kept.append(page)

    check()
    store.close()
    [file] = tmp_path.iterdir()
    assert list(replay_pages(file)) == kept
    assert [kind for kind, _ in records(file)] == ["warcinfo"] + ["response", "request", "metadata"] * len(kept)


def records(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the type and the named fields of each record, as warcio reads and verifies them."""
    types_and_fields = []
    with file.open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests="raise"):
            record.raw_stream.read()
            types_and_fields.append((record.rec_type, dict(record.rec_headers.headers)))
    return types_and_fields


def test_file_follows_the_warc_standard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headers = (
        ("Set-Cookie", "a=1"), ("Transfer-Encoding", "chunked"), ("Content-Length", "9999"), ("set-cookie", "b=2"),
    )  # fmt: skip
    store = new_store(tmp_path)
    store.record(page(headers=headers, body=b"x" * 100, status=404, protocol="h2"))
    store.close()
    [file] = tmp_path.iterdir()
    (info_type, info_fields), (_, response), (_, request), (_, metadata) = records(file)
    assert info_type == "warcinfo"
    assert info_fields["WARC-Filename"] == file.name
    for record in (response, request, metadata):
        assert record["WARC-Target-URI"] == "https://news.example/1?a=b"
        assert record["WARC-Date"] == "2025-03-04T08:30:15.123456Z"
        assert record["WARC-IP-Address"] == "192.0.2.7"
        assert record["WARC-Warcinfo-ID"] == info_fields["WARC-Record-ID"]
        assert record["WARC-Block-Digest"].startswith("sha1:")
    assert response["WARC-Payload-Digest"] == "sha1:" + b32encode(sha1(b"x" * 100).digest()).decode()
    assert request["WARC-Concurrent-To"] == metadata["WARC-Concurrent-To"] == response["WARC-Record-ID"]
    with file.open("rb") as stream:
        _, response_http, request_http, metadata_http = [
            (r.http_headers, r.content_stream().read()) for r in ArchiveIterator(stream)
        ]
    assert response_http[0].protocol == "HTTP/1.1"
    assert response_http[0].statusline == "404 Not Found"
    assert response_http[1] == b"x" * 100
    assert response_http[0].headers == [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Content-Length", "100")]
    assert request_http[0].statusline == "/1?a=b HTTP/1.1"
    assert ("Host", "news.example") in request_http[0].headers
    assert metadata_http[0] is None
    assert b'"protocol": "h2"' in metadata_http[1]
    with pytest.raises(SystemExit) as exit_info:
        warcio_command(["check", "-v", str(file)])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out.count("digest pass") == 4


@pytest.mark.parametrize(
    "hostile", ["\r\nWARC-Type: conversion\r\n", "\r\n\r\nWARC/1.1\r\n", "\n X: y", "\x00", "\x85X: y", "\u2028X: y"]
)
def test_page_content_never_becomes_a_warc_header(tmp_path: Path, hostile: str) -> None:
    store = new_store(tmp_path)
    hostile_page = page(
        url=f"https://news.example/{hostile}", ip=f"192.0.2.7{hostile}",
        method=f"GET{hostile}", protocol=f"HTTP/1.1{hostile}",
        headers=(("X-A", f"1{hostile}2"), (f"X-B{hostile}", "3")), request_headers=(("Host", hostile), (hostile, "4")),
        source=hostile, via=(hostile,),
    )  # fmt: skip
    assert replay_page(tmp_path, store.record(hostile_page)) == hostile_page
    store.close()
    [file] = tmp_path.iterdir()
    assert [kind for kind, _ in records(file)] == ["warcinfo", "response", "request", "metadata"]
    with file.open("rb") as stream:
        names = [name for r in ArchiveIterator(stream) if r.http_headers for name, _ in r.http_headers.headers]
    assert names == ["X-A", "Content-Length", "Host"]
    allowed = {name for name, _ in [pair for _, head in _harmless_records(tmp_path) for pair in head.items()]}
    assert {name for _, head in records(file) for name in head} <= allowed


def _harmless_records(folder: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the records of a harmless page: the only field names that may appear."""
    subfolder = folder / "calm"
    store = new_store(subfolder)
    store.record(page())
    store.close()
    return records(next(subfolder.iterdir()))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\x00", "CON", "x" * 300, "", "evnews-1.warc.gz"])
def test_capture_with_a_foreign_file_name_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarcError, match="not the name"):
        replay_page(tmp_path, Capture(file=name, offset=0, length=1, digest=""))


def test_file_names_contain_nothing_of_the_page(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.record(page(url="https://../../etc/x", source="../../etc/x"))
    [file] = tmp_path.iterdir()
    assert file.name.startswith("evnews-20250304083015-")
    assert file.name.endswith(".warc.gz.open")


def test_wrong_offsets_lengths_and_digests_are_errors(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    first, second = store.record(page(1)), store.record(page(2))
    store.close()
    wrong = [
        replace(first, offset=first.offset + 1), replace(first, offset=-1), replace(first, offset=10**30),
        replace(first, length=first.length - 1), replace(first, length=10**6), replace(first, length=-1),
        replace(first, digest=second.digest), replace(first, digest=""),
        replace(first, file=first.file.replace("2025", "2026")),
    ]  # fmt: skip
    for capture in wrong:
        with pytest.raises(WarcError):
            replay_page(tmp_path, capture)
    assert replay_page(tmp_path, first) == page(1)


def test_flipped_bit_is_detected_and_damages_only_its_page(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    captures = [store.record(page(number)) for number in (1, 2, 3)]
    store.close()
    [file] = tmp_path.iterdir()
    good, middle = file.read_bytes(), captures[1]
    for offset in range(middle.offset, captures[2].offset):
        file.write_bytes(good[:offset] + bytes([good[offset] ^ 1 << offset % 8]) + good[offset + 1 :])
        if offset < middle.offset + middle.length:
            with pytest.raises(WarcError, match="digest"):
                replay_page(tmp_path, middle)
        else:
            # gzip's time and system bytes do not belong to the page; every other bit does.
            assert outcome(lambda: replay_page(tmp_path, middle)) in (page(2), WarcError)
        assert [replay_page(tmp_path, capture) for capture in (captures[0], captures[2])] == [page(1), page(3)]


def outcome(act: Callable[[], Page]) -> Page | type[WarcError]:
    try:
        return act()
    except WarcError:
        return WarcError


@pytest.mark.faults
def test_file_truncated_in_its_last_page_keeps_the_earlier_pages(tmp_path: Path) -> None:
    live, dead = tmp_path / "live", tmp_path / "dead"
    store = new_store(live)
    captures = [store.record(page(number, body=b"short")) for number in (1, 2, 3)]
    store.sync()
    [file] = live.iterdir()
    good = file.read_bytes()
    for end in range(captures[2].offset + 1, len(good)):
        dead.mkdir()
        truncated = dead / file.name
        truncated.write_bytes(good[:end])
        with pytest.raises(WarcError):
            list(replay_pages(truncated))
        assert recover_files(dead) == [
            f"{captures[0].file}: cut off {end - captures[2].offset} bytes after the last whole page; closed"
        ]
        assert [path.name for path in dead.iterdir()] == [captures[0].file]
        assert list(replay_pages(dead / captures[0].file)) == [page(1, body=b"short"), page(2, body=b"short")]
        with pytest.raises(WarcError):
            replay_page(dead, captures[2])
        shutil.rmtree(dead)


def test_abandoned_file_is_closed_or_removed_if_it_has_no_page(tmp_path: Path) -> None:
    live, dead = tmp_path / "live", tmp_path / "dead"
    store = new_store(live)
    capture = store.record(page())
    store.sync()
    [file] = live.iterdir()
    dead.mkdir()
    shutil.copy(file, dead)
    assert recover_files(dead) == [f"{capture.file}: whole; closed"]
    assert replay_page(dead, capture) == page()
    (dead / file.name.replace("2025", "2026")).write_bytes(file.read_bytes()[: capture.offset])
    (dead / file.name.replace("2025", "2027")).touch()
    (dead / "somebody-elses.warc.gz.open").touch()
    assert [message.split(": ")[1] for message in recover_files(dead)] == [
        f"held no whole page ({capture.offset} bytes); removed",
        "held no whole page (0 bytes); removed",
    ]
    assert sorted(path.name for path in dead.iterdir()) == [capture.file, "somebody-elses.warc.gz.open"]
    assert recover_files(dead) == []


def test_file_that_cannot_be_closed_does_not_stop_the_recovery(tmp_path: Path) -> None:
    assert recover_files(tmp_path / "never made") == []
    writer = new_store(tmp_path / "live")
    capture = writer.record(page())
    writer.sync()
    dead = tmp_path / "dead"
    dead.mkdir()
    shutil.copy(next((tmp_path / "live").iterdir()), dead)
    (dead / (capture.file.replace("2025", "2024") + ".open")).mkdir()
    unusable, closed = recover_files(dead)
    assert "left as it is" in unusable
    assert closed == f"{capture.file}: whole; closed"
    assert replay_page(dead, capture) == page()


def test_payload_cannot_imitate_the_last_whole_page(tmp_path: Path) -> None:
    """A server sends a coded body, stored as it is, with three records that look like real ones."""
    live, dead = tmp_path / "live", tmp_path / "dead"
    fake = b"".join(warc_record.encode_page(page(666), "0" * 32))
    hostile_page = page(2, body=fake + os.urandom(3000), headers=(("Content-Encoding", "gzip"),))
    store = new_store(live)
    first, second = store.record(page(1)), store.record(hostile_page)
    [file] = live.iterdir()
    data = file.read_bytes()
    assert fake in data
    dead.mkdir()
    (dead / file.name).write_bytes(data[: second.offset + second.length - 10])
    assert "cut off" in recover_files(dead)[0]
    assert list(replay_pages(dead / first.file)) == [page(1)]


def test_body_that_was_encoded_before_is_recorded_as_it_is(tmp_path: Path) -> None:
    fetched = page(body=b"<p>Volt opens a plant</p>" * 400)
    encoded = warc_record.encode_body(fetched)
    store = new_store(tmp_path)
    capture = store.record(replace(fetched, encoded_body=encoded))
    plain = store.record(fetched)
    store.close()
    assert encoded.deflated in (tmp_path / capture.file).read_bytes()
    assert replay_page(tmp_path, capture) == replay_page(tmp_path, plain) == fetched
    assert list(replay_pages(tmp_path / capture.file)) == [fetched, fetched]


def test_records_of_different_pages_are_rejected(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    first, second = store.record(page(1, body=b"one")), store.record(page(2, body=b"two"))
    store.close()
    data = (tmp_path / first.file).read_bytes()
    info, response = data[: first.offset], data[first.offset :][: first.length]
    of_second = data[second.offset + second.length :]
    altered = gzip.compress(gzip.decompress(response).replace(b"\r\none\r\n", b"\r\nONE\r\n"))
    of_first = data[first.offset + first.length : second.offset]
    for pieces, reason in (
        ((info, response, of_second), "belong to another"),
        ((info, altered, of_first), "digest"),
        ((info, of_first, response), "not a response"),
        ((info,) * 4, "not a response"),
        ((b"GIF89a",), "damaged"),
        ((gzip.compress(b"GIF89a"),), "not a WARC record"),
        ((info, response[:-1]), "ends inside"),
    ):
        (tmp_path / "other").write_bytes(b"".join(pieces))
        with pytest.raises(WarcError, match=reason):
            list(replay_pages(tmp_path / "other"))


def test_recovery_leaves_files_of_live_stores_alone(tmp_path: Path) -> None:
    first, second = new_store(tmp_path), new_store(tmp_path)
    kept = [
        (store.record(expected), expected)
        for number in range(10)
        for store, expected in ((first, page(number)), (second, page(-number)))
    ]
    assert recover_files(tmp_path) == []
    assert all(replay_page(tmp_path, capture) == expected for capture, expected in kept)
    first.close()
    assert recover_files(tmp_path) == []
    kept.append((second.record(page(11)), page(11)))
    second.close()
    assert all(replay_page(tmp_path, capture) == expected for capture, expected in kept)
    assert len({capture.file for capture, _ in kept}) == 2
    assert {path.name for path in tmp_path.iterdir()} == {capture.file for capture, _ in kept}


def test_recovery_never_takes_a_file_that_is_being_created(tmp_path: Path) -> None:
    done = Event()

    def recover_repeatedly() -> None:
        while not done.is_set():
            recover_files(tmp_path)

    with ThreadPoolExecutor() as threads:
        recovery = threads.submit(recover_repeatedly)
        try:
            for number in range(150):
                store = new_store(tmp_path)
                capture = store.record(page(number))
                store.sync()
                assert replay_page(tmp_path, capture) == page(number)
                store.close()
        finally:
            done.set()
        recovery.result()
    assert len(list(tmp_path.glob("*.warc.gz"))) == 150


def test_files_are_rotated_and_an_empty_store_leaves_no_file(tmp_path: Path) -> None:
    store = new_store(tmp_path, max_bytes=4000)
    store.close()
    assert not list(tmp_path.iterdir())
    captures = [store.record(page(number, body=os.urandom(1000))) for number in range(6)]
    assert sum(path.name.endswith(".open") for path in tmp_path.iterdir()) == 1
    store.close()
    files = {capture.file for capture in captures}
    assert len(files) > 1
    assert {path.name for path in tmp_path.iterdir()} == files
    assert [replay_page(tmp_path, capture).url for capture in captures] == [page(number).url for number in range(6)]
    assert all(path.stat().st_size < 4000 + 3000 for path in tmp_path.iterdir())


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_store_remains_usable_after_a_full_disk(tmp_path: Path) -> None:
    """A limit on the file's size truncates a write at that byte, as a full disk does."""
    store = new_store(tmp_path)
    first = store.record(page(1))
    [file] = tmp_path.iterdir()
    before = file.read_bytes()
    for room in (0, 1, 500, 5000):
        with files_no_larger_than(len(before) + room), pytest.raises(WarcError, match="cannot write"):
            store.record(page(2, body=os.urandom(10_000)))
        assert file.read_bytes() == before
    second = store.record(page(3))
    store.close()
    assert [replay_page(tmp_path, first), replay_page(tmp_path, second)] == [page(1), page(3)]
    assert list(replay_pages(tmp_path / first.file)) == [page(1), page(3)]


def test_failed_creation_of_a_file_leaves_no_file(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with files_no_larger_than(100), pytest.raises(WarcError, match="cannot write"):
        store.record(page())
    assert not list(tmp_path.iterdir())
    assert replay_page(tmp_path, store.record(page())) == page()


def test_failed_sync_raises_and_a_new_file_is_used(tmp_path: Path) -> None:
    store = new_store(tmp_path / "warc")
    store.record(page(1))
    shutil.rmtree(tmp_path / "warc")
    with pytest.raises(WarcError, match="could not be synced to disk"):
        store.sync()
    capture = store.record(page(2))
    store.sync()
    assert replay_page(tmp_path / "warc", capture) == page(2)


def test_oversized_page_is_rejected_and_the_next_is_stored(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with pytest.raises(WarcError, match="too large"):
        store.record(page(body=bytes(warc_record.MAX_BLOCK_BYTES)))
    with pytest.raises(WarcError, match="too large"):
        store.record(page(headers=(("X", "x" * warc_record.MAX_BLOCK_BYTES),)))
    assert replay_page(tmp_path, store.record(page())) == page()


WRITER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from storage.model.page import Page
from storage.warc.store import WarcStore

now = datetime(2025, 3, 4, tzinfo=UTC)
store = WarcStore(Path(sys.argv[1]), software="evnews/test", clock=lambda: now)
for number in range(100_000):
    body = os.urandom(40_000) + b"%d" % number
    capture = store.record(Page(url=f"https://news.example/{number}", status=200, body=body, fetched_at=now))
    if number % 5 == 4:
        store.sync()
        print(capture.file, capture.offset, capture.length, capture.digest, number, flush=True)
    if number == 0 and len(sys.argv) > 2 and os.fork() == 0:
        os.setsid()
        print("child", os.getpid(), flush=True)
        __import__("time").sleep(60)
"""


def start_writer(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("pause", [0.0, 0.003, 0.01, 0.02, 0.035, 0.05, 0.08, 0.12])
def test_killed_process_loses_no_synced_page(tmp_path: Path, pause: float) -> None:
    writer = start_writer(tmp_path)
    assert writer.stdout
    lines = [writer.stdout.readline()]
    assert recover_files(tmp_path) == []
    time.sleep(pause)
    writer.kill()
    lines += writer.stdout.readlines()
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    [message] = recover_files(tmp_path)
    assert message.endswith("closed")
    acknowledged = [line.split() for line in lines if line.endswith("\n")]
    for name, offset, length, digest, number in acknowledged:
        kept = replay_page(tmp_path, Capture(file=name, offset=int(offset), length=int(length), digest=digest))
        assert kept.body.endswith(number.encode())
    [file] = tmp_path.iterdir()
    urls = [kept.url for kept in replay_pages(file)]
    assert urls == [f"https://news.example/{number}" for number in range(len(urls))]
    assert len(urls) > int(acknowledged[-1][4])


def test_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    writer = start_writer(tmp_path, "and fork")
    assert writer.stdout
    child = next(line for line in writer.stdout if line.startswith("child ")).split()[1]
    try:
        writer.kill()
        writer.wait()
        writer.stdout.close()
        [message] = recover_files(tmp_path)
        assert message.endswith("closed")
        os.kill(int(child), 0)
    finally:
        os.kill(int(child), signal.SIGKILL)
        writer.stdout.close()


def test_record_is_a_standard_gzip_member(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    capture = store.record(page(body=b"coded " * 20_000, headers=(("Content-Encoding", "br"),)))
    store.close()
    data = (tmp_path / capture.file).read_bytes()[capture.offset :][: capture.length]
    plain = gzip.GzipFile(fileobj=io.BytesIO(data)).read()
    assert plain.startswith(b"WARC/1.1\r\nWARC-Type: response\r\n")
    assert plain.endswith(b"coded \r\n\r\n")
