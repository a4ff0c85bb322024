"""`evnews stats`: totals and a row per source."""

from __future__ import annotations

import re

from tests.aggregator.cli.evnews_command import ROOT, Evnews


def test_stats_are_the_same_as_json_and_table(crawled: Evnews) -> None:
    totals, *sources = crawled("stats", "--json").records
    documented = (ROOT / "docs" / "json.md").read_text().partition("## stats")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", documented, flags=re.M)) == {*totals, *sources[0]}
    assert totals["articles"] == sum(source["articles"] for source in sources) == 59
    assert totals["sources"] == len(sources) == 6
    assert totals["captures"] >= 59
    assert totals["database_bytes"] > 0
    assert totals["warc_bytes"] > 0
    shown = crawled("stats").out
    assert f"{totals['articles']} articles" in shown
    assert str(crawled.home) in shown
    assert all(source["source"] in shown for source in sources)
