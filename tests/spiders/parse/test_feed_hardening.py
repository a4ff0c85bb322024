"""Hostile and broken feeds give a problem message, without delay or side effects."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spiders.parse.feed import read_feed
from storage.model.page import ParsedIndex

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ITEM = "<item><title>T</title><link>http://a.example/</link></item>"


def read(body: bytes | str, **options: object) -> ParsedIndex:
    data = body if isinstance(body, bytes) else body.encode()
    return read_feed(data, "https://volt.example/feed", now=NOW, **options)  # type: ignore[arg-type]


def channel(inner: str) -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>V</title>{inner}</channel></rss>'


# -- other documents ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("<!DOCTYPE html><html><body>Hi</body></html>", "an HTML page, not a feed"),
        ("\n<!-- x --><HTML><head></head></HTML>", "an HTML page, not a feed"),
        (
            '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0" "x"><html xmlns="http://www.w3.org/1999/xhtml"/>',
            "an HTML page, not a feed",
        ),
        ("<catalog><book/></catalog>", "XML, but not a feed: its root is <catalog>"),
        ("just words", "not a feed (text/plain): not XML: no element in it"),
        (b"\x1f\x8b\x08garbage", "damaged content coding"),
        (gzip.compress(channel(ITEM).encode(), mtime=0)[:-9], "compressed body is cut off"),
        (gzip.compress(bytes(60_000_000), mtime=0), "too large: over 52428800 bytes decompressed"),
    ],
)
def test_other_documents_are_named_in_the_problem(body: bytes | str, problem: str):
    index = read(body, media_type="text/plain")
    assert (index.kind, index.leads) == ("feed", ())
    assert index.problem.startswith(problem)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", "damaged JSON"),
        ("[]", "JSON, but not a JSON Feed"),
        ("{}", "JSON, but not a JSON Feed"),
        ('{"items": {}}', "JSON, but not a JSON Feed"),
        ('{"items":' + "[" * 200_000, "JSON that is nested too deeply"),
        ('{"items": [{"id": ' + "9" * 1_000_000 + "}]}", "damaged JSON"),
    ],
)
def test_other_json_is_named_in_the_problem(body: str, problem: str):
    index = read(body)
    assert index.leads == ()
    assert index.problem.startswith(problem)


def test_json_values_of_wrong_types_are_ignored():
    wrong = [
        None,
        3,
        "x",
        [],
        {},
        {"url": 7},
        {"url": ["http://a.example/"]},
        {"id": float("inf"), "url": "http://a.example/i"},
    ]
    right = {
        "id": True,
        "url": "http://a.example/r",
        "title": ["x"],
        "summary": {},
        "authors": [None, 3, {"name": 4}, "Ida"],
        "tags": [1, "a", None],
        "date_published": 20250603,
        "image": False,
        "language": {"a": 1},
    }
    index = read(json.dumps({"title": 3, "language": [], "items": [*wrong, right]}))
    assert [lead.url for lead in index.leads] == ["http://a.example/i", "http://a.example/r"]
    assert [lead.id for lead in index.leads] == ["", ""]
    assert (index.leads[1].title, index.leads[1].authors, index.leads[1].tags) == ("", ("Ida",), ("a",))


def test_json_surrogates_become_replacement_characters():
    index = read('{"title": "a\\ud800b", "items": [{"url": "http://a.example/", "title": "\\udfff\\u0000x"}]}')
    assert (index.title, index.leads[0].title) == ("a\ufffdb", "\ufffdx")


# -- malformed feeds ----------------------------------------------------------------


def test_truncated_feed_gives_its_entries_and_a_problem():
    whole = channel(ITEM.replace("a.example/", "a.example/1") + ITEM.replace("a.example/", "a.example/2"))
    index = read(whole[: whole.index("a.example/2") - 15])
    assert [lead.url for lead in index.leads] == ["http://a.example/1"]
    assert index.problem == "cut off: the end of <rss> is missing"


@pytest.mark.parametrize("at", range(5, len(channel(ITEM)), 9))
def test_truncation_anywhere_is_a_problem(at: int):
    assert read(channel(ITEM)[:at]).problem


@pytest.mark.parametrize(
    "inner",
    [
        "<description>A & B <br> C</description>",
        "<description>&nbsp;&eacute;&hellip;&bogus;</description>",
        "<description><b>never closed</description>",
        "<description>1 < 2 and 3 > 2</description>",
        "<description><![CDATA[ never ]] closed ]]></description>",
        "<undeclared:thing>x</undeclared:thing>",
        "<description attribute=bare>x</description>",
    ],
)
def test_malformed_xml_is_read_to_its_end(inner: str):
    index = read(channel(ITEM.replace("</item>", f"{inner}</item>") + ITEM.replace("a.example", "b.example")))
    assert [lead.url for lead in index.leads] == ["http://a.example/", "http://b.example/"]
    assert index.problem == ""


def test_output_before_the_feed_is_ignored():
    index = read("\n<br />\n<b>Warning</b>: include(): x & y in /var/www on line 3<br />\n" + channel(ITEM))
    assert (index.total, index.problem) == (1, "")


def test_comment_before_the_feed_is_ignored():
    assert read("<!-- <html> <rss> & ]]> -->" + channel(ITEM).partition("?>")[2]).total == 1


def test_control_characters_and_nuls_are_dropped():
    index = read(channel(ITEM.replace("T<", "a\x00b\x0bc\x1fd\x7fe\ufffef<")).encode())
    assert (index.leads[0].title, index.problem) == ("abcdef", "")


def test_gzipped_feed_is_parsed():
    assert read(gzip.compress(channel(ITEM).encode(), mtime=0)).total == 1


# -- charset --------------------------------------------------------------------------

WORDS = "Überholspur für Elektroautos – schön, größer, weiter und natürlich günstiger"


@pytest.mark.parametrize(
    ("encoding", "declared", "http"),
    [
        ("utf-8", "", ""),
        ("utf-8", "iso-8859-1", "iso-8859-1"),
        ("utf-8-sig", "windows-1251", ""),
        ("cp1252", "iso-8859-1", ""),
        ("cp1252", "", "windows-1252"),
        ("cp1252", "windows-1251", "windows-1252"),
        ("cp1252", "utf-8", "utf-8"),
        ("cp1252", "utf-7", ""),
        ("cp1252", "punycode", "undefined"),
        ("cp1252", "utf-8\x00", "no such thing"),
        ("utf-16", "", ""),
        ("utf-16", "utf-8", "utf-8"),
        ("utf-16-le", "utf-16", ""),
        ("utf-16-be", "", ""),
        ("utf-32", "", ""),
        ("utf-8", "utf-16", ""),
    ],
)
def test_charset_is_detected(encoding: str, declared: str, http: str):
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    text = (
        f"{declaration}<rss><channel><item><title>{WORDS}</title><link>http://a.example/</link></item></channel></rss>"
    )
    index = read(text.encode(encoding), charset=http)
    assert [lead.title for lead in index.leads] == [WORDS]


@pytest.mark.parametrize(
    ("encoding", "label", "words"),
    [
        ("gb18030", "gb2312", "小米汽车交付量再创新高"),
        ("big5", "big5", "電動車銷量創新高"),
        ("shift_jis", "x-sjis", "新型電気自動車を発売"),
        ("euc_jp", "euc-jp", "新型電気自動車を発売"),
        ("iso2022_jp", "iso-2022-jp", "新型電気自動車を発売"),
        ("euc_kr", "ks_c_5601-1987", "전기차 판매"),
        ("koi8-r", "koi8-r", "Электромобили дешевеют"),
        ("cp1251", "windows-1251", "Электромобили дешевеют"),
        ("iso8859-2", "latin2", "Elektryczne wózki żółte"),
        ("iso8859-9", "iso-8859-9", "Elektrikli araç şarjı"),
    ],
)
def test_declared_charsets_are_used(encoding: str, label: str, words: str):
    text = f'<?xml version="1.0" encoding="{label}"?><rss><channel><title>{words}</title></channel></rss>'
    assert read(text.encode(encoding)).title == words


# -- entities and external references ---------------------------------------------------


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    hits: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"canary")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", hits
    server.shutdown()
    thread.join()
    server.server_close()


def test_entities_read_no_file_and_no_url(canary: tuple[str, list[str]], tmp_path: Path):
    address, hits = canary
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    doctype = (
        f'<!DOCTYPE rss SYSTEM "{address}/dtd" [<!ENTITY f SYSTEM "file://{secret}"><!ENTITY h SYSTEM "{address}/h">'
        f'<!ENTITY % p SYSTEM "{address}/p"> %p;]>'
    )
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{secret}" parse="text"/>'
    sheet = f'<?xml-stylesheet href="{address}/x"?>'
    index = read(f"{sheet}{doctype}<rss><channel><title>&f;&h;{include}</title>{ITEM}</channel></rss>")
    assert hits == []
    assert "do not tell" not in repr(index)
    assert index.total == 1
    assert index.problem == "uses entities of its own (f, h), which are not expanded"


def test_entity_bombs_are_not_expanded():
    steps = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    began = time.process_time()
    index = read(f'<!DOCTYPE rss [<!ENTITY l0 "ha">{steps}]><rss><channel><title>&l9;</title>{ITEM}</channel></rss>')
    assert time.process_time() - began < 1
    assert (index.title, index.total, index.problem.partition(" (")[0]) == ("&l9;", 1, "uses entities of its own")


def test_external_document_type_is_ignored():
    index = read(f'<!DOCTYPE rss SYSTEM "http://a.example/x.dtd"><rss><channel>{ITEM}</channel></rss>')
    assert (index.total, index.problem) == (1, "")


def test_declared_but_unused_entities_are_no_problem():
    index = read(
        f'<!DOCTYPE rss [<!ENTITY nbsp "&#160;"><!ENTITY own "x">]><rss><channel>'
        f"<title>a&nbsp;b</title>{ITEM}</channel></rss>"
    )
    assert (index.title, index.problem) == ("a b", "")


# -- size -----------------------------------------------------------------------------


def test_newest_of_a_hundred_thousand_entries_are_kept_and_all_counted():
    body = channel(
        "".join(
            f"<item><title>Item {n}</title><link>http://a.example/{n}</link>"
            f"<pubDate>Tue, 03 Jun 2025 {n // 5000:02d}:{n // 100 % 50:02d}:00 +0200</pubDate></item>"
            for n in range(100_000)
        )
    )
    began = time.process_time()
    index = read(body)
    assert time.process_time() - began < 8  # about 2 on an idle machine; a quadratic parser needs minutes
    assert (index.total, len(index.leads), index.leads[0].url) == (100_000, 1000, "http://a.example/99900")


@pytest.mark.parametrize(
    "body",
    [
        channel(f"<item><link>http://a.example/</link><author>{'a' * 200_000}</author></item>"),
        channel(f"<item><link>http://a.example/</link><author>{'a@' * 100_000}(</author></item>"),
        channel(f"<item><link>http://a.example/</link><title>{'&lt;!--' * 100_000}</title></item>"),
        channel(f"<item><link>http://a.example/</link><description>{'&lt;a ' * 100_000}</description></item>"),
        channel(f"<item><link>http://a.example/</link><description>{'&amp;amp;' * 100_000}</description></item>"),
        "<rss " + " ".join(f'a{n}="x"' for n in range(130_000)) + f"><channel>{ITEM}</channel></rss>",
        channel("<item " + " ".join(f'a{n}="x"' for n in range(100_000)) + "><link>http://a.example/</link></item>"),
        channel("<a>" * 200_000),
        channel("<item>" * 100_000),
        channel("&" * 1_000_000),
        "<" * 1_000_000,
        "<!" * 500_000,
        "<!---->" * 200_000 + channel(ITEM),
        "<!--" + "-->" * 1000 + "<!---->" * 500 + "<htm",
        "<rss>" + "<!--" * 300_000,
        "<rss>" + "<![CDATA[" * 200_000,
        "<!DOCTYPE rss [" + "]   " * 300_000 + "x",
        "<!DOCTYPE rss " * 100_000,
        "<?xml " * 200_000,
        channel("<item xml:base='http://a.example/b/'>" * 250 + "<link>x</link>"),
        channel(f"<item><link>{'http://a.example/' + chr(9) * 100_000}</link></item>"),
        channel(f"<item><link>http://a.example/</link>{'<category>x</category>' * 50_000}</item>"),
        channel(f"<item><link>http://a.example/</link><pubDate>{'1 ' * 100_000}</pubDate></item>"),
        channel(f"<item><link>http://a.example/</link><title>{'x' * 11_000_000}</title></item>"),
    ],
    ids=lambda body: body[:90],
)
def test_size_bombs_take_little_time(body: str):
    began = time.process_time()
    assert read(body).kind == "feed"
    assert time.process_time() - began < 3


def test_too_deep_feed_is_a_problem():
    assert read(channel("<a>" * 1000)).problem.startswith("too deep or too large")
