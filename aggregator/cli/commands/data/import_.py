"""`evnews import`: restore an export into an empty archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from aggregator.archive import open_archive
from aggregator.cli.catalogue import read_topics
from aggregator.cli.command_app import CommandApp
from aggregator.cli.output import EXIT_FAILURE, usage_error, warn
from aggregator.formatting import format_count

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.ingest.import_articles import ImportProgress
    from aggregator.topics.matcher import TopicMatcher
    from storage.db.database import Database

_BATCH = 200
"""Number of articles per transaction; an interrupted import continues after the last complete batch."""

app = CommandApp(
    no_args_is_help=True,
    examples=("evnews import jsonl articles.jsonl", "evnews --home restored import jsonl articles.jsonl"),
)


@app.callback()
def import_() -> None:
    """Restore an export into an empty archive."""


@app.add("jsonl", "evnews import jsonl articles.jsonl", "evnews --home restored import jsonl articles.jsonl")
def import_jsonl(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="File written by `evnews export jsonl`."),
    ],
) -> None:
    """Restore articles from `evnews export jsonl`.

    Restores IDs, revisions, copies and stories, but not the captured pages. The archive must be empty; give --home to
    create another one. Exit status 1 if a line is invalid.
    """
    raise typer.Exit(import_articles(context.obj.load(), file))


def import_articles(config: Config, path: Path) -> int:
    """Restore the articles of a file. Return 1 if a line is invalid."""
    from aggregator.cli.terminal import progress_bar
    from aggregator.ingest.import_articles import ExportError, ImportProgress, complete_import
    from aggregator.topics.matcher import TopicMatcher
    from storage.articles.importing import begin_import

    matcher = TopicMatcher(read_topics(config))
    with open_archive(config) as database:
        with database.write() as tx:
            if not begin_import(tx):
                usage_error("the archive is not empty; `evnews --home DIR import ...` creates another archive in DIR")
        state = ImportProgress()
        try:
            with path.open("rb") as file, progress_bar("importing articles", in_bytes=True) as progress:
                _import_batches(database, file, path.stat().st_size, state, matcher, progress)
        except ExportError as error:
            warn(f"{path}: {error}; {format_count(state.imported, 'article')} imported before this line")
            warn("correct the line and run the command again: the import continues after the imported articles")
            return EXIT_FAILURE
        with database.write() as tx:
            orphans = complete_import(tx, state)
    skipped = (
        f"; {format_count(state.already_stored, 'article')} already imported before" if state.already_stored else ""
    )
    print(f"{format_count(state.imported, 'article')} imported from {path}{skipped}")
    if orphans:
        warn(
            f"{format_count(orphans, 'copied article')} became original, because the export does not contain"
            " what they copy"
        )
    return 0


def _import_batches(
    database: Database,
    file: BinaryIO,
    size: int,
    state: ImportProgress,
    matcher: TopicMatcher,
    progress: Callable[[int, int], None],
) -> None:
    from aggregator.ingest.import_articles import import_lines, read_numbered_lines
    from storage.db.statements import batched

    for batch in batched(read_numbered_lines(file), _BATCH):
        with database.write() as tx:
            import_lines(tx, batch, state, matcher)
        progress(file.tell(), size)
