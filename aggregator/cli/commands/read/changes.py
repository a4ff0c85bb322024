"""`evnews changes`: list edits, withdrawals and restorations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import FromSource, Json
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn
from aggregator.cli.query_options import parse_date
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.model.article import Change

DEFAULT_LIMIT = 20

app = CommandApp()


@app.add(
    "changes",
    "evnews changes --since 7d",
    "evnews changes --kind headline --source electrek --json",
)
def changes(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Seen on or after DATE: 2026-01-31, 12h, 7d, 4w.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only withdrawn, restored, rewrite, headline, numbers, typo or body; repeatable.",
        ),
    ] = None,
    source: FromSource = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, metavar="N", help="Maximum number of changes; 20 by default, unlimited with --json."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List edits, withdrawals and restorations, newest first.

    `evnews crawl --revisit` and `evnews up` find them. Exit status 1 if there are none.
    """
    raise typer.Exit(
        print_changes(context.obj.load(), since, tuple(kind or ()), tuple(source or ()), limit=limit, as_json=as_json)
    )


def print_changes(
    config: Config,
    since: str | None,
    kinds: tuple[str, ...],
    sources: tuple[str, ...],
    *,
    limit: int | None,
    as_json: bool,
) -> int:
    """Print changes, newest first. Return 1 if there are none."""
    from aggregator.feeds.json_records import change_fields
    from storage.library import Library
    from storage.text.diff import EditKind

    if unknown := [kind for kind in kinds if kind not in list(EditKind)]:
        usage_error(f"--kind {unknown[0]!r} is unknown; the kinds are {', '.join(EditKind)}")
    after = parse_date("--since", since)
    max_changes = limit if limit is not None or as_json else DEFAULT_LIMIT
    count = 0
    with open_archive(config) as database:
        changes = Library(database).changes(since=after, kinds=kinds, sources=sources, limit=max_changes)
        if as_json:
            for change in changes:
                count += 1
                print_json(change_fields(change))
        else:
            listed = list(changes)
            count = len(listed)
            _print_table(listed)
    if not count:
        warn("no changes found; `evnews crawl --revisit` requests the stored articles again")
    elif count == max_changes and limit is None:
        warn(f"only the newest {DEFAULT_LIMIT} changes are listed; --limit N lists more")
    return 0 if count else EXIT_FAILURE


def _print_table(changes: list[Change]) -> None:
    from aggregator.cli.terminal import draw, make_table

    if not changes:
        return
    table = make_table("time", ">article", ">revision", "kind", ">added", ">removed", "source", "title")
    for change in changes:
        numbers = (f"{change.at:%Y-%m-%d %H:%M}", str(change.article_id), str(change.revision))
        sizes = (change.kind, str(change.added), str(change.removed))
        table.add_row(*numbers, *sizes, safe_line(change.source), safe_line(change.title))
    draw(table)
