"""Edits of the user's catalogue keep comments, change nothing on failure, and are read back unchanged."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spiders.catalogue import CatalogueError, load_catalogue
from spiders.catalogue_edit import add_source, remove_source
from spiders.source import Source, SourceListing
from storage.text.clean import clean_line

VOLT = Source(
    name="volt",
    title='Volt "news"',
    home="https://volt.example/",
    feeds=("https://volt.example/feed",),
    every=300.0,
    delay=0.5,
)
MINE = """# My own sources.

# Too chatty.
[electrek]
enabled = false  # for now

[bus]  # buses
home = 'https://bus.example/'
feeds = [
  "https://bus.example/a", # the first
  "https://bus.example/b",
]
"""


def test_add_source_changes_nothing_else(tmp_path: Path):
    path = tmp_path / "sources.toml"
    path.write_text(MINE, encoding="utf-8")
    add_source(path, VOLT)
    assert path.read_text(encoding="utf-8").startswith(MINE)
    assert next(source for source in load_catalogue(tmp_path).sources if source.name == "volt") == VOLT


def test_add_source_creates_a_missing_file(tmp_path: Path):
    add_source(tmp_path / "sources.toml", VOLT)
    assert load_catalogue(None, tmp_path / "sources.toml").sources == (VOLT,)
    assert [file.name for file in tmp_path.iterdir()] == ["sources.toml"]


def test_add_source_replaces_one_of_the_same_name_in_place(tmp_path: Path):
    path = tmp_path / "sources.toml"
    path.write_text(MINE, encoding="utf-8")
    new = Source(name="electrek", title="E", home="https://e.example/", feeds=("https://e.example/f",))
    add_source(path, new)
    assert "# Too chatty." in path.read_text(encoding="utf-8")
    assert [source.name for source in load_catalogue(None, path).sources] == ["electrek", "bus"]
    assert load_catalogue(None, path).sources[0] == new


def test_remove_source_deletes_the_table(tmp_path: Path):
    path = tmp_path / "sources.toml"
    path.write_text(MINE, encoding="utf-8")
    remove_source(path, "bus", is_shipped=False)
    assert path.read_text(encoding="utf-8").startswith(MINE[: MINE.index("[bus]")].rstrip())
    assert "bus.example" not in path.read_text(encoding="utf-8")
    remove_source(path, "never-there", is_shipped=False)


@pytest.mark.parametrize("before", ["", "[insideevs]\nevery = '1h' # hourly\n", "insideevs = { every = '1h' }\n"])
def test_remove_source_disables_a_shipped_source(tmp_path: Path, before: str):
    path = tmp_path / "sources.toml"
    path.write_text(before, encoding="utf-8")
    remove_source(path, "insideevs", is_shipped=True)
    source = next(source for source in load_catalogue(tmp_path).sources if source.name == "insideevs")
    assert not source.enabled
    assert source.every == (3600.0 if before else 0.0)
    assert ("# hourly" in path.read_text(encoding="utf-8")) == ("# hourly" in before)


def test_invalid_file_is_left_unchanged(tmp_path: Path):
    path = tmp_path / "sources.toml"
    path.write_text("[volt", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"sources\.toml: is not TOML, so nothing was written"):
        add_source(path, VOLT)
    assert path.read_text(encoding="utf-8") == "[volt"


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "sources.toml"
    path.write_text(MINE, encoding="utf-8")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        add_source(path, VOLT)
    assert path.read_text(encoding="utf-8") == MINE
    assert [file.name for file in tmp_path.iterdir()] == ["sources.toml"]


def test_mode_and_symlink_of_the_file_are_kept(tmp_path: Path):
    real, link = tmp_path / "real.toml", tmp_path / "sources.toml"
    real.write_text(MINE, encoding="utf-8")
    real.chmod(0o600)
    link.symlink_to(real)
    add_source(link, VOLT)
    assert link.is_symlink()
    assert "volt" in real.read_text(encoding="utf-8")
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20).map(clean_line)
# Without backslashes: cssselect resolves escapes twice, so that an escaped backslash may become a control character.
SELECTORS = WORDS.map(lambda words: f"article [data-box='{words.translate({92: None, 39: None})}'] > p")
SOURCES = st.builds(
    Source,
    name=st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,20}\Z"),
    title=WORDS.filter(bool),
    home=st.just("https://volt.example/"),
    language=st.sampled_from(["", "de", "pt-BR"]),
    feeds=st.just(("https://volt.example/f?a=1&b='\"",)),
    sitemaps=st.sampled_from([(), ("https://volt.example/a", "https://volt.example/b")]),
    listings=st.sampled_from([(), (SourceListing(url="https://volt.example/", css="a", pattern=r"/\d{4}/'\""),)]),
    every=st.floats(0.001, 1e6),
    delay=st.floats(0.001, 1e6),
    timezone=st.sampled_from(["", "Europe/Oslo"]),
    enabled=st.booleans(),
    body_css=st.just("") | SELECTORS,
    drop_css=st.lists(SELECTORS, max_size=3).map(tuple),
    tags=st.lists(WORDS.filter(bool), max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SOURCES, min_size=1, max_size=3, unique_by=lambda source: source.name))
def test_written_sources_are_read_back(sources: list[Source]):
    with TemporaryDirectory() as home:
        path = Path(home) / "sources.toml"
        for source in sources:
            add_source(path, source)
        assert load_catalogue(None, path).sources == tuple(sources)
