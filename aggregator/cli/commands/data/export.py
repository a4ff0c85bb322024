"""`evnews export`: write articles, feeds or OPML to files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import AboutTopic, FromSource, Output, SavedName, Since, Until, Words
from aggregator.cli.output import output_file, usage_error
from aggregator.cli.query_options import make_query, unmuted_query
from aggregator.formatting import format_count

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.library import Library
    from storage.model.article import KeptArticle
    from storage.model.search import Query

app = CommandApp(
    no_args_is_help=True,
    examples=("evnews export jsonl -o articles.jsonl", 'evnews export rss "fast charging" -o charging.xml'),
)


@app.callback()
def export() -> None:
    """Export articles as data, feeds or OPML.

    A file is replaced only when its new content is complete.
    """


def _add_data_command(form: str, summary: str) -> None:
    """Add `evnews export` of a data format; these commands differ only in what they write."""

    @app.add(
        form,
        f"evnews export {form} -o articles.{form}",
        f"evnews export {form} battery --since 30d -o battery.{form}",
        words_may_begin_with_a_dash=True,
        help=f"{summary}\n\nThe file contains every matching article, copies and muted articles included.",
    )
    def export_format(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        saved: SavedName = "",
    ) -> None:
        config = context.obj.load()
        query = make_query(config, words, source, topic, since, until, saved=saved)
        raise typer.Exit(export_data(config, form, query, output))


_add_data_command("jsonl", "Export articles as JSON Lines, one object per line.")
_add_data_command("parquet", "Export articles as Apache Parquet with typed columns.")


@app.add(
    "csv",
    "evnews export csv battery -o battery.csv",
    "evnews export csv --raw -o articles.csv",
    words_may_begin_with_a_dash=True,
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
        bool, typer.Option("--raw", help="Do not protect cells that a spreadsheet would run as formulas.")
    ] = False,
) -> None:
    """Export articles as CSV for spreadsheets.

    The file contains every matching article, copies and muted articles included.
    """
    config = context.obj.load()
    query = make_query(config, words, source, topic, since, until, saved=saved)
    raise typer.Exit(export_data(config, "csv-raw" if raw else "csv", query, output))


@app.add("opml", "evnews export opml -o evnews.opml")
def export_opml(context: typer.Context, output: Output) -> None:
    """Export the list of the server's feeds as OPML.

    A feed reader that imports the file subscribes to every feed of `evnews serve`.
    """
    from aggregator.cli.commands.data.export_feeds import write_opml

    raise typer.Exit(write_opml(context.obj.load(), output))


def _add_feed_command(form: str, summary: str) -> None:
    """Add `evnews export` of a feed format; these commands differ only in what they write."""

    @app.add(
        form,
        f'evnews export {form} "fast charging" -o charging.{form}',
        f"evnews export {form} --all-searches -o public",
        words_may_begin_with_a_dash=True,
        help=summary,
    )
    def export_format(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="Maximum number of entries.")
        ] = 50,
        saved: SavedName = "",
        full: Annotated[bool, typer.Option("--full", help="Include full texts instead of summaries.")] = False,
        all_searches: Annotated[
            bool,
            typer.Option(
                "--all-searches", help="Write a feed of all articles and of each saved search into the folder -o."
            ),
        ] = False,
    ) -> None:
        from aggregator.cli.commands.data.export_feeds import write_feed, write_folder

        config = context.obj.load()
        if all_searches:
            raise typer.Exit(write_folder(config, form, output, full=full, limit=limit))
        query = make_query(config, words, source, topic, since, until, saved=saved, limit=limit)
        raise typer.Exit(write_feed(config, form, query, output, full=full))


_add_feed_command("rss", "Export the newest articles as an RSS 2.0 feed.")
_add_feed_command("atom", "Export the newest articles as an Atom 1.0 feed.")
_add_feed_command("json", "Export the newest articles as a JSON Feed 1.1.")


def export_data(config: Config, form: str, query: Query, output: Path) -> int:
    """Write every matching article, without mute rules."""
    from aggregator.cli.terminal import progress_bar
    from aggregator.feeds.formats import DATA_FORMATS
    from aggregator.feeds.parquet import MissingPyarrow
    from storage.library import Library

    query = unmuted_query(query, config)
    with open_archive(config) as database, progress_bar("exporting articles") as progress:
        library = Library(database)
        articles = _CountedArticles(
            library.articles(query, include_past_texts=form == "jsonl"), progress, _total(library, query)
        )
        try:
            with output_file(output) as file:
                DATA_FORMATS[form](articles, file)
        except MissingPyarrow as error:
            usage_error(str(error))
    if str(output) != "-":
        print(f"{format_count(articles.count, 'article')} written to {output}")
    return 0


def _total(library: Library, query: Query) -> int:
    """Return the number of matching articles, 0 if counting takes long."""
    from storage.model.search import Query

    if query == Query(limit=None):
        return sum(source.articles for source in library.sources())
    total = library.count(query)
    return total.number if total.is_exact else 0


class _CountedArticles:
    """Iterate over articles, count them and report the progress."""

    def __init__(self, articles: Iterable[KeptArticle], progress: Callable[[int, int], None], total: int) -> None:
        self._articles, self._progress, self._total = articles, progress, total
        self.count = 0

    def __iter__(self) -> Iterator[KeptArticle]:
        for article in self._articles:
            yield article
            self.count += 1
            if self.count % 100 == 0:
                self._progress(self.count, self._total)
