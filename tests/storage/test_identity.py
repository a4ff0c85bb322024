"""URL keys: spellings of a page share a key, possibly different pages do not, and keys are idempotent."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.identity import (
    TRACKING_PARAMETERS,
    fold_text,
    host_of,
    is_root,
    key_digest,
    text_digest,
    url_key,
    variant_key,
)

KEY = "ev.example/2026/01/new-car"


@pytest.mark.parametrize(
    "url",
    [
        "https://ev.example/2026/01/new-car",
        "http://ev.example/2026/01/new-car",
        "HTTPS://EV.Example/2026/01/new-car",
        "https://www.ev.example/2026/01/new-car/",
        "https://m.ev.example/2026/01/new-car",
        "https://mobile.ev.example/2026/01/new-car",
        "https://amp.ev.example/2026/01/new-car",
        "https://www.m.ev.example/2026/01/new-car",
        "https://ev.example:443/2026/01/new-car",
        "http://ev.example:80/2026/01/new-car",
        "http://ev.example:/2026/01/new-car",
        "https://ev.example./2026/01/new-car",
        "https://reader:word@ev.example/2026/01/new-car",
        "https://ev.example/2026/01/new-car#comments",
        "https://ev.example/2026/01/new-car?",
        "https://ev.example/2026/01/new-car?utm_source=rss&UTM_Medium=feed",
        "https://ev.example/2026/01/new-car?fbclid=x&gclid=y&mc_cid=z",
        "https://ev.example/2026/01/new-car?%75tm_source=rss",
        "https://ev.example/2026/01/new-car?&&",
        "https://ev.example//2026///01/new-car//",
        "https://ev.example/2026/01/./new-car",
        "https://ev.example/2026/02/../01/new-car",
        "https://ev.example/2026/01/new-car/index.html",
        "https://ev.example/2026/01/new-car/amp/",
        "https://ev.example/2026/01/new-car/amp",
        "https://ev.example/2026/01/new-car.amp",
        "https://ev.example/2026/01/new-car?amp",
        "https://ev.example/2026/01/new-car?amp=1",
        "https://ev.example/2026/01/new-car?outputType=amp",
        "https://ev.example/2026/01/new%2Dcar",
        "https://ev.example/2026/01/%6eew-car",
        "https://ev.example/2026/01/new-car;jsessionid=0123ABC",
        "https://ev.example/2026/01/new-car?PHPSESSID=0123abc",
        "https:\\\\ev.example\\2026\\01\\new-car",
        "  https://ev.example/2026/01/\nnew-car\t",
        "//ev.example/2026/01/new-car",
    ],
)
def test_spellings_of_a_page_share_a_key(url: str) -> None:
    assert url_key(url) == KEY


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://ev.example/a", "https://ev.example/A"),
        ("https://ev.example/a", "https://ev.example:8080/a"),
        ("https://ev.example/a", "https://ev.example/b"),
        ("https://ev.example/a", "https://news.ev.example/a"),
        ("https://ev.example/a", "ftp://ev.example/a"),
        ("https://ev.example/?id=1", "https://ev.example/?id=2"),
        ("https://ev.example/?p=1&q=2", "https://ev.example/?p=2&q=1"),
        ("https://ev.example/a%2Fb", "https://ev.example/a/b"),
        ("https://ev.example/a?b%26c", "https://ev.example/a?b&c"),
        ("https://ev.example/example", "https://ev.example/ex"),
        ("https://ev.example/swamp", "https://ev.example/sw"),
        ("https://m.io/a", "https://io/a"),
        ("https://ev.example/100%25", "https://ev.example/100"),
    ],
)
def test_possibly_different_pages_have_different_keys(first: str, second: str) -> None:
    assert url_key(first) != url_key(second)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://ev.example", "ev.example"),
        ("https://ev.example/", "ev.example"),
        ("https://ev.example/index.html", "ev.example"),
        ("https://ev.example:8080/a", "ev.example:8080/a"),
        ("https://ev.example/?b=2&a=1", "ev.example?a=1&b=2"),
        ("https://ev.example/s?q=a%20b", "ev.example/s?q=a+b"),
        ("https://bücher.example/ä", "xn--bcher-kva.example/%C3%A4"),
        ("https://bücher.example/%c3%a4", "xn--bcher-kva.example/%C3%A4"),
        ("http://例え。テスト/小米", "xn--r8jz45g.xn--zckzah/%E5%B0%8F%E7%B1%B3"),
        ("http://[2001:DB8::1]:80/a", "[2001:db8::1]/a"),
        ("http://[2001:db8::1]:8080/a", "[2001:db8::1]:8080/a"),
        ("https://ev.example/50%", "ev.example/50%25"),
        ("ftp://ev.example/a", "ftp://ev.example/a"),
        ("", ""),
    ],
)
def test_keys_are_as_documented(url: str, key: str) -> None:
    assert url_key(url) == key
    assert url_key(key) == key


@pytest.mark.parametrize("name", sorted(TRACKING_PARAMETERS))
def test_tracking_parameters_are_ignored(name: str) -> None:
    assert url_key(f"https://ev.example/a?{name.upper()}=1&id=7&{name}=2") == "ev.example/a?id=7"


@pytest.mark.parametrize(
    ("url", "variant"),
    [
        ("https://www.ev.example/a", ""),
        ("https://m.ev.example/a", "m"),
        ("https://mobile.ev.example/a", "m"),
        ("https://amp.ev.example/a", "amp"),
        ("https://m.ev.example/a/amp", "amp"),
        ("https://ev.example/a?amp=1", "amp"),
        ("https://ev.example/a?outputType=amp", "amp"),
        ("https://ev.example/a.amp.html", "amp"),
    ],
)
def test_variants_of_a_page_are_distinguished(url: str, variant: str) -> None:
    assert variant_key(url) == variant


# fmt: off
_PARTS = st.lists(
    st.sampled_from([
        "http://", "https://", "ftp://", "//", "/", "\\", ".", "..", "./", "?", "&", "=", "#", "%", "%2", "%41",
        "%2f", "%zz", ";", ":", ":80", ":443", ":8080", "@", "[", "]", "[::1]", "www.", "m.", "amp.",
        "mobile.", "ev.example",
        "bücher.example", "xn--bcher-kva.example", "\u3002", "İ", "ß", "a", "A", "amp", "/amp", ".amp", "index.html",
        "/index.html/", "default.aspx", ";jsessionid=1", "utm_source=x", "fbclid", "amp=1", "outputType=amp", "&amp;",
        "+", "~", " ", "小米", "\x00", "\ud800",
    ]),
    max_size=12,
).map("".join)
# fmt: on


@settings(max_examples=2000)
@given(_PARTS | st.text(max_size=60) | st.text(max_size=40).map("https://ev.example/".__add__))
@example("https://a:80:80/")
@example("amp.m.www.ev.example/index.html/amp/index.php/")
@example("http://http://ev.example")
def test_url_key_is_idempotent(url: str) -> None:
    key = url_key(url)
    assert url_key(key) == key
    assert len(key_digest(key)) == 64


@given(_PARTS)
def test_key_contains_only_safe_characters(url: str) -> None:
    key = url_key(url)
    assert "#" not in key
    assert not key.startswith(("http://", "https://"))
    assert is_root(host_of(key))


def test_front_page_is_a_root() -> None:
    assert is_root(url_key("https://www.ev.example/"))
    assert not is_root(url_key("https://www.ev.example/a"))
    assert not is_root(url_key("https://www.ev.example/?p=1"))


@pytest.mark.parametrize(
    "text",
    [
        "The car, at last.",
        "the  car\nat last",
        "THE CAR — AT LAST!",
        "“The car”: at last",
        "Ｔｈｅ ｃａｒ at\u00a0last",
        "the car at last…",
    ],
)
def test_text_digest_ignores_case_width_space_and_punctuation(text: str) -> None:
    assert text_digest(text) == text_digest("the car at last")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("range 500 km", "range 600 km"),
        ("the car", "thecar"),
        ("車を買う", "車を売る"),
        ("が", "か"),
        ("किताब", "कताब"),
        ("小米汽车", "小米汽車"),
        ("résumé", "resume"),
    ],
)
def test_text_digest_depends_on_the_words(first: str, second: str) -> None:
    assert text_digest(first) != text_digest(second)


@given(st.text())
def test_fold_text_is_idempotent(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)
