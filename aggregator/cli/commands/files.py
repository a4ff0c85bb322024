"""`evnews export` and `evnews import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import (
    WORDS_MAY_BEGIN_WITH_A_DASH,
    AboutTopic,
    FromSource,
    Output,
    SavedName,
    Since,
    Until,
    Words,
    query_asked,
)

export_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Write articles to a file, whole or not at all.",
    epilog="Example: evnews export jsonl -o articles.jsonl",
)
app.add_typer(export_app, name="export")


import_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Bring an export back into an empty archive.",
    epilog="Examples: evnews import jsonl articles.jsonl; evnews --home restored import jsonl articles.jsonl",
)
app.add_typer(import_app, name="import")


@import_app.command(
    "jsonl", epilog="Examples: evnews import jsonl articles.jsonl; evnews --home restored import jsonl articles.jsonl"
)
def import_jsonl(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", exists=True, dir_okay=False)],
) -> None:
    """Bring back what `evnews export jsonl` wrote: numbers, revisions, copies, stories; not the captured pages."""
    from aggregator.cli.commands.import_ import import_jsonl as run

    raise typer.Exit(run(context.obj.load(), file))


def _data_command(form: str, what: str) -> None:
    """`evnews export` of articles for work with data: the formats differ in nothing but what is written."""

    @export_app.command(
        form,
        context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
        epilog=f"Example: evnews export {form} battery -o battery.{form}",
        help=f"{what}: every matching article, copies included.",
    )
    def export(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        saved: SavedName = "",
    ) -> None:
        from aggregator.cli.commands.export import export_data

        query = query_asked(context, words, source, since, until, topic, saved=saved)
        raise typer.Exit(export_data(context.obj.load(), form, query, output))


for _form, _what in (("jsonl", "One JSON object a line"), ("parquet", "Apache Parquet, with types")):
    _data_command(_form, _what)


@export_app.command(
    "csv",
    context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
    epilog="Examples: evnews export csv battery -o battery.csv; evnews export csv --raw -o all.csv",
)
def export_csv(
    context: typer.Context,
    output: Output,
    words: Words = None,
    source: FromSource = None,
    topic: AboutTopic = None,
    since: Since = None,
    until: Until = None,
    saved: SavedName = "",
    raw: Annotated[
        bool, typer.Option("--raw", help="For programs: cells that a spreadsheet takes for formulas stay as they are.")
    ] = False,
) -> None:
    """CSV for spreadsheets: every matching article, copies included."""
    from aggregator.cli.commands.export import export_data

    query = query_asked(context, words, source, since, until, topic, saved=saved)
    raise typer.Exit(export_data(context.obj.load(), "csv-raw" if raw else "csv", query, output))


@export_app.command("opml", epilog="Example: evnews export opml -o evnews.opml")
def export_opml(context: typer.Context, output: Output) -> None:
    """The list of every feed that `evnews serve` has, for a reader to import."""
    from aggregator.cli.commands.export import export_opml as run

    raise typer.Exit(run(context.obj.load(), output))


def _feed_command(form: str, what: str) -> None:
    """`evnews export` of a kind of feed: they differ in nothing but what is written."""

    @export_app.command(
        form,
        context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
        epilog=f'Examples: evnews export {form} "fast charging" -o charging.{form}; '
        f"evnews export {form} --all-searches -o public",
        help=f"{what} of the newest matching articles.",
    )
    def export(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many entries.")] = 50,
        saved: SavedName = "",
        full: Annotated[bool, typer.Option("--full", help="With the whole texts, not only summaries.")] = False,
        all_searches: Annotated[
            bool,
            typer.Option(
                "--all-searches", help="Into the folder -o: a feed of everything and one of each saved search."
            ),
        ] = False,
    ) -> None:
        from aggregator.cli.commands.export import export_feed, export_folder

        if all_searches:
            raise typer.Exit(export_folder(context.obj.load(), form, output, full=full, limit=limit))
        query = query_asked(context, words, source, since, until, topic, limit=limit, saved=saved)
        raise typer.Exit(export_feed(context.obj.load(), form, query, output, full=full))


for _form, _what in (("rss", "An RSS 2.0 feed"), ("atom", "An Atom 1.0 feed"), ("json", "A JSON Feed 1.1")):
    _feed_command(_form, _what)
