"""`evnews stats`: print what the archive contains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json
from aggregator.cli.output import print_json
from aggregator.formatting import format_count, format_size
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.model.crawl import SourceState

app = CommandApp()


@app.add("stats", "evnews stats", "evnews stats --json")
def stats(context: typer.Context, as_json: Json = False) -> None:
    """Print how much the archive contains, source by source."""
    raise typer.Exit(print_stats(context.obj.load(), as_json=as_json))


def print_stats(config: Config, *, as_json: bool) -> int:
    """Print totals and a row per source."""
    from aggregator.feeds.json_records import source_fields
    from storage.monitor import Monitor

    with open_archive(config) as database:
        monitor = Monitor(database)
        stats, sources = monitor.stats(), monitor.source_states()
        refused = monitor.verdicts_by_source()
    totals = {
        "articles": stats.articles,
        "copies": stats.copies,
        "revisions": stats.revisions,
        "sources": len(sources),
        "captures": stats.captures,
        "database_bytes": stats.database_bytes,
        "warc_bytes": sum(path.stat().st_size for path in _files(config.warc_folder)),
    }
    if as_json:
        print_json({"archive": str(config.home), **totals})
        for state in sources:
            print_json(source_fields(state, refused.get(state.name, {})))
    else:
        _print(config, totals, sources, refused)
    return 0


def _print(
    config: Config,
    totals: Mapping[str, int],
    sources: Sequence[SourceState],
    refused: Mapping[str, Mapping[str, int]],
) -> None:
    from aggregator.cli.terminal import draw, make_table, print_folded

    if sources:
        table = make_table("source", ">articles", ">waiting", "not kept", "last poll", "outcome", "reason")
        for state in sources:
            last_poll = f"{state.last_poll_at:%Y-%m-%d %H:%M}" if state.last_poll_at else "never"
            counts = (str(state.articles), str(state.leads_waiting))
            verdicts = ", ".join(f"{count} {verdict}" for verdict, count in refused.get(state.name, {}).items())
            outcome = (last_poll, state.last_outcome, safe_line(state.last_reason))
            table.add_row(state.name, *counts, safe_line(verdicts), *outcome)
        draw(table)
    print_folded(
        f"{format_count(totals['articles'], 'article')} ({totals['copies']} of them copies,"
        f" {totals['revisions']} revisions)"
        f" from {format_count(totals['sources'], 'source')}; database {format_size(totals['database_bytes'])}, "
        f"{format_count(totals['captures'], 'capture')} in {format_size(totals['warc_bytes'])}; in {config.home}"
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
