"""Pages become clean UTF-8, whatever charset they declare and whatever characters they contain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.decode import transcode_to_utf8
from spiders.parse.charset import CODECS, decode, find_codec

GERMAN = "Die Batterie läuft – für 39.990 €"
CHINESE = "小米汽车今年交付超过三十万辆，电池工厂将于明年投产。" * 3
TAIWANESE = "電動車今年交車超過三萬輛，新電池工廠明年投產。" * 3
RUSSIAN = "Новый электромобиль получил батарею на сто киловатт-часов и запас хода." * 3


def page(text: str, charset: str = "", codec: str = "utf-8") -> bytes:
    meta = f'<meta charset="{charset}">' if charset else ""
    return f"<html><head>{meta}</head><body><p>{text}</p></body></html>".encode(codec)


def text_of(body: bytes, content_type: str = "text/html") -> str:
    return transcode_to_utf8(body, content_type).decode("utf-8")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (page(GERMAN), "text/html", GERMAN),
        (page(GERMAN, "iso-8859-1", "cp1252"), "text/html", GERMAN),
        (page(GERMAN, "utf-8", "cp1252"), "text/html; charset=windows-1252", GERMAN),
        (page(CHINESE, "gb2312", "gb18030"), "text/html", CHINESE),
        (page(TAIWANESE, "", "big5hkscs"), "text/html; charset=Big5", TAIWANESE),
        (page(RUSSIAN, "windows-1251", "cp1251"), "text/html", RUSSIAN),
        (page(RUSSIAN, "", "koi8-r"), 'text/html; charset="KOI8-R"', RUSSIAN),
        (b"\xef\xbb\xbf" + page(GERMAN, "iso-8859-1"), "text/html; charset=iso-8859-1", GERMAN),
        (page(GERMAN, "", "utf-16"), "text/html", GERMAN),
        (b"\xfe\xff" + page(GERMAN, "", "utf-16-be"), "text/html; charset=utf-8", GERMAN),
    ],
)
def test_charset_comes_from_bom_then_http_then_meta(body: bytes, content_type: str, expected: str) -> None:
    assert f"<p>{expected}</p>" in text_of(body, content_type)


@pytest.mark.parametrize(
    "label", ["utf-16", "utf-16le", "utf-7", "punycode", "undefined", "hex", "utf-8\x00", "shift_jis", "x"]
)
def test_utf8_page_survives_a_wrong_label(label: str) -> None:
    assert GERMAN in text_of(page(GERMAN), f"text/html; charset={label}")


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/html; charset=utf-16", "text/html"])
def test_windows_1252_bytes_survive_any_declaration(content_type: str) -> None:
    body = page("Größe, Länge und Höhe für Käufer in München über 20 Übungen " * 5, "", "cp1252")
    assert "Größe, Länge und Höhe" in text_of(body, content_type)


def test_charset_is_kept_despite_a_broken_byte() -> None:
    body = page(CHINESE, "gb2312", "gb18030").replace("电池".encode("gb18030"), "电池".encode("gb18030") + b"\xff", 1)
    assert "小米汽车今年交付" in text_of(body)


def test_codecs_unknown_to_browsers_are_not_used() -> None:
    forbidden = {"utf-7", "punycode", "idna", "rot13", "undefined", "base64", "hex"}
    assert not forbidden & set(CODECS)
    assert not any(map(find_codec, forbidden))


@pytest.mark.parametrize("feed", [b"<rss><title>\xc4rger</title></rss>", b'{"title": "\xc4rger"}'])
def test_feed_survives_a_wrong_utf16_label(feed: bytes) -> None:
    assert "Ärger" in decode(feed * 20, "utf-16")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_bom_is_recognised(codec: str) -> None:
    text = '<?xml version="1.0" encoding="utf-8"?><rss><channel><title>Tägliche Ladung</title></channel></rss>'
    assert decode(text.encode(codec)) == text
    assert decode(text.encode(codec), codec) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a&#x1F;b", "ab"),
        ("a&#31;b", "ab"),
        ("a&#0;b", "ab"),
        ("a&#xFFFE;b", "ab"),
        ("a&#xD800;b", "a\ufffdb"),
        ("a&#99999999999999999999;b", "a\ufffdb"),
        ("a&#146;b", "a\u2019b"),
        ("a\x00b\x1fc\x7fd", "abcd"),
        ("a\ufffeb\u0085\ufdd0c", "ab\u0085c"),
        ("a&#8364;b&#65;", "a&#8364;b&#65;"),
        ("a&#10;b", "a&#10;b"),
    ],
)
def test_forbidden_characters_and_references_are_removed(written: str, read: str) -> None:
    assert text_of(written.encode()) == read


@given(st.binary(max_size=400), st.text(max_size=60))
def test_any_bytes_become_utf8(body: bytes, content_type: str) -> None:
    assert "\x00" not in text_of(body, content_type)
