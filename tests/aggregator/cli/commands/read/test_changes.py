"""`evnews changes`: edits, withdrawals and restorations."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.aggregator.cli.evnews_command import Evnews

HEADLINE, BODY = "kerbside", "chargepost"
"""Publishers of `edited`: one whose headline was edited, one with an edited body and a withdrawal."""


def test_changes_are_json_objects_newest_first(edited: Evnews) -> None:
    records = edited("changes", "--json").records
    assert [record["kind"] for record in records].count("withdrawn") == 1
    assert records[0]["kind"] == "withdrawn"
    assert sorted(record["kind"] for record in records[1:]) == ["body", "headline", "numbers"]
    assert list(records[0]) == ["id", "url", "source", "title", "revision", "kind", "at", "added", "removed"]
    times = [datetime.fromisoformat(record["at"]) for record in records]
    assert times == sorted(times, reverse=True)
    assert all(time.utcoffset() is not None and time < datetime.now(UTC) for time in times)
    by_kind = {record["kind"]: record for record in records}
    assert by_kind["headline"]["title"].startswith("Update: ")
    assert by_kind["headline"]["added"] == len("Update:")
    assert (by_kind["numbers"]["added"], by_kind["numbers"]["removed"]) == (3, 2)
    assert (by_kind["withdrawn"]["added"], by_kind["withdrawn"]["removed"]) == (0, 0)
    assert all(record["revision"] == 2 for record in records)


def test_changes_are_filtered(edited: Evnews) -> None:
    assert [r["kind"] for r in edited("changes", "--kind", "headline", "--json").records] == ["headline"]
    both = edited("changes", "--kind", "headline", "--kind", "numbers", "--json").records
    assert {record["kind"] for record in both} == {"headline", "numbers"}
    assert {r["kind"] for r in edited("changes", "--source", BODY, "--json").records} == {"body", "withdrawn"}
    withdrawn = edited("changes", "--limit", "1", "--json").records
    assert [record["kind"] for record in withdrawn] == ["withdrawn"]
    assert edited("changes", "--since", withdrawn[0]["at"][:-1], "--json").records == withdrawn
    assert edited("changes", "--since", "2200-01-01", "--json").out == ""


def test_no_changes_is_status_1_and_an_unknown_kind_status_2(edited: Evnews, crawled: Evnews) -> None:
    assert crawled("changes").status == 1
    assert "evnews crawl --revisit" in crawled("changes").err
    assert edited("changes", "--kind", "typo", "--json").status == 1
    done = edited("changes", "--kind", "rewording")
    assert (done.status, done.out) == (2, "")
    assert "withdrawn, restored, rewrite, headline, numbers, typo, body" in done.err


def test_changes_are_a_table(edited: Evnews) -> None:
    lines = edited("changes").out.splitlines()
    assert lines[0].split() == ["time", "article", "revision", "kind", "added", "removed", "source", "title"]
    assert len(lines) == 5
    assert "withdrawn" in lines[1]
    assert any("Update: " in line and "headline" in line and HEADLINE in line for line in lines)
