"""`evnews import`: an export is restored into an empty archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aggregator.cli.evnews_command import Evnews

EXPORTS = Path(__file__).parent / "exports"
"""Exports of evnews as it was on the day in their names: articles, an edit, a withdrawal, copies."""


def test_import_restores_an_export(copied: Evnews, tmp_path: Path) -> None:
    first, again = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    assert copied.here("export", "jsonl", "-o", first).status == 0
    other = Evnews(tmp_path / "restored")
    done = other.here("import", "jsonl", first)
    assert (done.status, done.err) == (0, "")
    assert f"imported from {first}" in done.out
    assert other.here("export", "jsonl", "-o", again).status == 0
    assert again.read_bytes() == first.read_bytes()
    assert other.here("db", "check", "--all").out == "no problems found\n"
    refused = other.here("import", "jsonl", first)
    assert refused.status == 2
    assert "--home DIR" in refused.err


def test_import_continues_after_a_corrected_line(copied: Evnews, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    copied.here("export", "jsonl", "-o", whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([*lines[:-1], b'{"id": 7']))
    other = Evnews(tmp_path / "restored")
    failed = other.here("import", "jsonl", broken)
    assert failed.status == 1
    assert f"line {len(lines)}: no JSON" in failed.err
    done = other.here("import", "jsonl", whole)
    assert (done.status, done.err) == (0, "")
    assert other.here("import", "jsonl", tmp_path / "nowhere").status == 2


@pytest.mark.parametrize("day", ["2026-11-28", "2026-11-29"])
def test_import_restores_exports_of_earlier_versions(evnews: Evnews, tmp_path: Path, day: str) -> None:
    export, again = EXPORTS / f"{day}.jsonl", tmp_path / "again.jsonl"
    assert evnews.here("import", "jsonl", export).status == 0
    assert evnews.here("db", "check", "--all").out == "no problems found\n"
    assert evnews.here("export", "jsonl", "-o", again).status == 0
    assert again.read_bytes() == export.read_bytes()
