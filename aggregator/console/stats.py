"""`evnews stats`: what the archive holds."""

from __future__ import annotations

import json
from pathlib import Path

from aggregator.config import Config
from aggregator.logs import safe_line
from aggregator.service import open_archive
from storage.library import Library


def show_stats(config: Config, *, as_json: bool) -> int:
    """Print totals and a row a source."""
    with open_archive(config) as database:
        library = Library(database)
        stats, sources = library.stats(), library.source_states()
    pages = sum(path.stat().st_size for path in _files(config.warc_folder))
    totals = {
        "articles": stats.articles, "copies": stats.copies, "revisions": stats.revisions, "sources": len(sources),
        "captures": stats.captures, "database_bytes": stats.database_bytes, "warc_bytes": pages,
    }
    rows = [
        {
            "source": state.name, "articles": state.articles, "leads_waiting": state.leads_waiting,
            "last_poll_at": state.last_poll_at.isoformat() if state.last_poll_at else None,
            "last_outcome": state.last_outcome, "last_reason": state.last_reason,
            "next_poll_at": state.next_poll_at.isoformat() if state.next_poll_at else None,
            "next_reason": state.next_reason,
        }
        for state in sources
    ]
    if as_json:
        print(json.dumps({"archive": str(config.home), **totals}, ensure_ascii=False))
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    else:
        _print(config, totals, rows)
    return 0


def _print(config: Config, totals: dict[str, int], rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("source", no_wrap=True)
    table.add_column("articles", justify="right")
    table.add_column("waiting", justify="right")
    table.add_column("last poll", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=1)
    for row in rows:
        last = str(row["last_poll_at"] or "never")[:16].replace("T", " ")
        why = Text(safe_line(str(row["last_reason"] or "")))
        table.add_row(Text(safe_line(str(row["source"]))), str(row["articles"]), str(row["leads_waiting"]), last, str(row["last_outcome"]), why)
    if rows:
        console.print(table)
    console.print(
        f"{totals['articles']} articles ({totals['copies']} of them copies, {totals['revisions']} revisions) from "
        f"{totals['sources']} sources; database {_size(totals['database_bytes'])}, "
        f"{totals['captures']} captures in {_size(totals['warc_bytes'])}; in {config.home}"
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
