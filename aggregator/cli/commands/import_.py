"""`evnews import`: an export is brought back into an empty archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aggregator.archive import open_archive
from aggregator.cli.commands.topics import read_topics
from aggregator.cli.output import TROUBLE, complain, format_count, mistake
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.ingest.import_articles import (
    ExportError,
    ImportProgress,
    complete_import,
    import_lines,
    read_numbered_lines,
)
from aggregator.topics.catalogue import use_catalogue
from storage.articles import importing
from storage.db.database import Database
from storage.db.statements import batched

_AT_ONCE = 200
"""Articles that are written together: what was begun is gone on with after them."""


def import_jsonl(config: Config, path: Path) -> int:
    """Bring the articles of a file back; 1 where a line is wrong."""
    use_catalogue(read_topics(config))
    with open_archive(config) as database:
        with database.write() as tx:
            if not importing.begin_import(tx):
                mistake("the archive holds articles already; --home DIR names an empty one, which is made")
        known = ImportProgress()
        try:
            with path.open("rb") as file, bar("bringing articles back", in_bytes=True) as progress:
                _bring(database, file, path.stat().st_size, known, progress)
        except ExportError as error:
            complain(f"{path}: {error}; {format_count(known.imported, 'article')} before it were brought back")
            complain("mend the line and run the command again: it goes on where it was left")
            return TROUBLE
        with database.write() as tx:
            orphans = complete_import(tx, known)
    there = f"; {format_count(known.already_stored, 'article')} were there from before" if known.already_stored else ""
    print(f"{format_count(known.imported, 'article')} brought back from {path}{there}")
    if orphans:
        complain(f"{format_count(orphans, 'article')} stand for themselves: the export has not what they are copies of")
    return 0


def _bring(
    database: Database, file: BinaryIO, size: int, known: ImportProgress, progress: Callable[[int, int], None]
) -> None:
    for some in batched(read_numbered_lines(file), _AT_ONCE):
        with database.write() as tx:
            import_lines(tx, some, known)
        progress(file.tell(), size)
