"""The shipped catalogue, the overlay of the user's file, and the messages for invalid entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from spiders.catalogue import SHIPPED_CATALOGUE, CatalogueError, load_catalogue, parse_source
from spiders.source import Source, SourceListing

GOOD: dict[str, object] = {"title": "Volt", "home": "https://volt.example/", "feeds": ["https://volt.example/feed"]}


def load(tmp_path: Path, text: str):
    (tmp_path / "sources.toml").write_text(text, encoding="utf-8")
    return load_catalogue(tmp_path)


# -- shipped catalogue ------------------------------------------------------------------


def test_shipped_catalogue_is_valid_and_covers_many_languages():
    catalogue = load_catalogue(None)
    assert catalogue.problems == ()
    enabled = [source for source in catalogue.sources if source.enabled]
    assert len(enabled) >= 45
    assert len({source.language for source in enabled}) >= 8
    assert all(source.title and source.home and source.language for source in catalogue.sources)
    endpoints = [url for source in catalogue.sources for url in (*source.feeds, *source.sitemaps)]
    assert len(set(endpoints)) == len(endpoints)


def test_shipped_file_documents_every_key():
    header = SHIPPED_CATALOGUE.read_text(encoding="utf-8").partition("\n[")[0]
    for key in Source.__dataclass_fields__:
        assert key == "name" or f"#   {key} " in header


def test_home_without_a_file_uses_the_shipped_catalogue(tmp_path: Path):
    assert load_catalogue(tmp_path) == load_catalogue(None)


# -- overlay ----------------------------------------------------------------------


def test_user_file_adds_changes_and_disables_sources(tmp_path: Path):
    before = {source.name: source for source in load_catalogue(None).sources}
    catalogue = load(
        tmp_path,
        '[electrek]\nevery = "5 min"\n[insideevs]\nenabled = false\n'
        '[volt]\ntitle = "Volt"\nhome = "https://volt.example/"\nfeeds = "https://volt.example/feed"\n',
    )
    after = {source.name: source for source in catalogue.sources}
    assert catalogue.problems == ()
    assert set(after) == {*before, "volt"}
    assert (after["electrek"].every, after["electrek"].feeds) == (300.0, before["electrek"].feeds)
    assert not after["insideevs"].enabled
    assert after["volt"].feeds == ("https://volt.example/feed",)
    assert {name: after[name] for name in before if name not in ("electrek", "insideevs")} == {
        name: source for name, source in before.items() if name not in ("electrek", "insideevs")
    }


def test_explicit_file_replaces_the_shipped_catalogue(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[volt]\nhome = "https://volt.example/"\nsitemaps = ["https://volt.example/s.xml"]\n', encoding="utf-8"
    )
    (tmp_path / "sources.toml").write_text("[electrek]\nenabled = false\n", encoding="utf-8")
    assert [source.name for source in load_catalogue(tmp_path, file).sources] == ["volt"]


def test_invalid_entry_affects_no_other(tmp_path: Path):
    catalogue = load(
        tmp_path, 'stray = 3\n[Volt]\nfeeds = []\n[electrek]\ndelay = 0\n[volt]\nfeeds = ["https://volt.example/f"]\n'
    )
    names = {source.name for source in catalogue.sources}
    assert "volt" in names
    assert "electrek" not in names
    assert len(catalogue.problems) == 3
    assert all(str(tmp_path / "sources.toml") in problem for problem in catalogue.problems)


@pytest.mark.parametrize("text", ["[volt", "a = \n", "[volt]\n[volt]\n", "\x00"])
def test_invalid_toml_is_an_error_that_names_the_file(tmp_path: Path, text: str):
    with pytest.raises(CatalogueError, match=r"sources\.toml: is not TOML: "):
        load(tmp_path, text)


def test_missing_or_undecodable_file_is_an_error(tmp_path: Path):
    with pytest.raises(CatalogueError, match=r"none\.toml: cannot be read: "):
        load_catalogue(None, tmp_path / "none.toml")
    (tmp_path / "sources.toml").write_bytes(b"[volt]\ntitle = '\xff'\n")
    with pytest.raises(CatalogueError, match="is not TOML"):
        load_catalogue(tmp_path)


def test_byte_order_mark_is_accepted(tmp_path: Path):
    (tmp_path / "sources.toml").write_bytes(b"\xef\xbb\xbf[electrek]\nenabled = false\n")
    assert not next(source for source in load_catalogue(tmp_path).sources if source.name == "electrek").enabled


# -- entry ------------------------------------------------------------------------


def test_every_key_is_parsed():
    table = {
        **GOOD,
        "language": "nb",
        "sitemaps": ["http://volt.example/s.xml"],
        "timezone": "Europe/Oslo",
        "every": "2h",
        "delay": 0.001,
        "listings": [
            {"url": "https://volt.example/news", "css": ".card a"},
            {"url": "https://volt.example/all", "pattern": r"/\d+$"},
        ],
        "enabled": False,
        "body_css": "article",
        "drop_css": [".ad"],
        "tags": ["nordic"],
    }
    assert parse_source("www-volt-no", table, where="x") == Source(
        name="www-volt-no",
        title="Volt",
        home="https://volt.example/",
        language="nb",
        feeds=("https://volt.example/feed",),
        sitemaps=("http://volt.example/s.xml",),
        every=7200.0,
        delay=0.001,
        timezone="Europe/Oslo",
        enabled=False,
        body_css="article",
        listings=(
            SourceListing(url="https://volt.example/news", css=".card a"),
            SourceListing(url="https://volt.example/all", pattern=r"/\d+$"),
        ),
        drop_css=(".ad",),
        tags=("nordic",),
    )


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        ("30 min", 1800),
        ("5s", 5),
        ("2h", 7200),
        ("1 day", 86400),
        ("1.5 hours", 5400),
        ("90 seconds", 90),
        (45, 45),
        (0.5, 0.5),
    ],
)
def test_duration_is_a_phrase_or_seconds(every: object, seconds: float):
    assert parse_source("volt", {**GOOD, "every": every}, where="x").every == seconds


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("title", 3, "title = 3: allowed is a text"),
        ("home", "volt.example", 'home = "volt.example": allowed is an http or https address'),
        ("feeds", ["ftp://volt.example/"], 'feeds = "ftp://volt.example/": allowed is an http or https address'),
        ("feeds", [3], "feeds = [3]: allowed is a list of texts"),
        ("feeds", "file:///etc/passwd", 'feeds = "file:///etc/passwd": allowed is an http or https address'),
        ("sitemaps", {"a": 1}, "sitemaps = {'a': 1}: allowed is a list of texts"),
        ("listings", ["https://volt.example/"], "allowed is a list of tables, each with url and css or pattern"),
        ("listings", [{"url": "https://volt.example/"}], 'listings[0] css = "": allowed is a CSS selector'),
        ("listings", [{"url": "https://v.example/", "css": "a["}], 'listings[0] css = "a[": allowed is a CSS selector'),
        (
            "listings",
            [{"url": "https://v.example/", "pattern": "("}],
            'listings[0] pattern = "(": allowed is a regular',
        ),
        (
            "listings",
            [{"url": "https://v.example/", "pattern": "x" * 501}],
            "a regular expression of at most 500 characters",
        ),
        ("listings", [{"css": "a"}], 'listings[0] url = "": allowed is an http or https address'),
        (
            "listings",
            [{"url": "https://v.example/", "css": "a", "xpath": "b"}],
            "listings[0] xpath: there is no such key",
        ),
        ("body_css", "a[", 'body_css = "a[": allowed is a CSS selector'),
        ("drop_css", ["p", "::"], 'drop_css = "::": allowed is a CSS selector'),
        ("feeds", "https://user:secret@volt.example/feed", "user and password"),
        ("every", "soon", 'every = "soon": allowed is a time above 0, such as "30 min"'),
        ("every", "0s", 'every = "0s": allowed is a time above 0'),
        ("every", True, "every = true: allowed is a time above 0"),
        ("delay", 0, "delay = 0: allowed is a time above 0"),
        ("delay", -1.0, "delay = -1.0: allowed is a time above 0"),
        ("delay", float("nan"), "delay = nan: allowed is a time above 0"),
        ("delay", float("inf"), "delay = inf: allowed is a time above 0"),
        ("enabled", "no", 'enabled = "no": allowed is true or false'),
        ("timezone", "Mars/Olympus", 'timezone = "Mars/Olympus": allowed is a time zone of the IANA database'),
        ("timezone", "../../etc/passwd", "allowed is a time zone of the IANA database"),
        ("language", "Norwegian!", 'language = "Norwegian!": allowed is a language tag'),
        ("frequency", 3, "frequency: there is no such key; allowed are title, home, language, feeds"),
    ],
)
def test_error_names_file_table_key_and_allowed_values(key: str, value: object, message: str):
    with pytest.raises(CatalogueError) as error:
        parse_source("volt", {**GOOD, key: value}, where="my.toml")
    assert str(error.value).startswith("my.toml: [volt] ")
    assert message in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["", "Volt", "-volt", "volt.example", "vo lt", "../volt", "x" * 65, "vølt"])
def test_invalid_source_names_are_rejected(name: str):
    with pytest.raises(CatalogueError, match="allowed are a-z, 0-9 and -"):
        parse_source(name, GOOD, where="x")


def test_source_needs_between_1_and_50_indexes():
    with pytest.raises(CatalogueError, match=r"x: \[volt\] names nothing to poll; give it feeds, sitemaps or listings"):
        parse_source("volt", {"title": "Volt", "feeds": []}, where="x")
    with pytest.raises(CatalogueError, match="names 51 indexes"):
        parse_source("volt", {"feeds": [f"https://volt.example/{n}" for n in range(51)]}, where="x")
