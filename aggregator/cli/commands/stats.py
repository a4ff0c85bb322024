"""`evnews stats`: what the archive holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aggregator.archive import open_archive
from aggregator.cli.output import format_count, print_json
from aggregator.config import Config
from aggregator.feeds.json_records import source_fields
from aggregator.formatting import format_size
from aggregator.logs import safe_line
from storage.model.crawl import SourceState
from storage.monitor import Monitor


def show_stats(config: Config, *, as_json: bool) -> int:
    """Print totals and a row a source."""
    with open_archive(config) as database:
        monitor = Monitor(database)
        stats, sources = monitor.stats(), monitor.source_states()
        refused = monitor.verdicts_by_source()
    pages = sum(path.stat().st_size for path in _files(config.warc_folder))
    totals = {
        "articles": stats.articles,
        "copies": stats.copies,
        "revisions": stats.revisions,
        "sources": len(sources),
        "captures": stats.captures,
        "database_bytes": stats.database_bytes,
        "warc_bytes": pages,
    }
    rows = [source_fields(state, refused.get(state.name, {})) for state in sources]
    if as_json:
        print_json({"archive": str(config.home), **totals})
        for row in rows:
            print_json(row)
    else:
        _print(config, totals, sources, refused)
    return 0


def _print(
    config: Config,
    totals: Mapping[str, int],
    sources: Sequence[SourceState],
    refused: Mapping[str, Mapping[str, int]],
) -> None:
    from aggregator.cli.terminal import draw, say, table_of

    table = table_of("source", ">articles", ">waiting", "not kept", "last poll", "outcome", "why")
    for state in sources:
        last = f"{state.last_poll_at:%Y-%m-%d %H:%M}" if state.last_poll_at else "never"
        counts = (str(state.articles), str(state.leads_waiting))
        verdicts = ", ".join(f"{many} {verdict}" for verdict, many in refused.get(state.name, {}).items())
        table.add_row(state.name, *counts, safe_line(verdicts), last, state.last_outcome, safe_line(state.last_reason))
    if sources:
        draw(table)
    say(
        f"{totals['articles']} articles ({totals['copies']} of them copies, {totals['revisions']} revisions) from "
        f"{format_count(totals['sources'], 'source')}; database {format_size(totals['database_bytes'])}, "
        f"{totals['captures']} captures in {format_size(totals['warc_bytes'])}; in {config.home}"
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
