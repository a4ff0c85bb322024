"""`evnews stories`: list stories and who covered them first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json
from aggregator.cli.output import EXIT_FAILURE, print_json, warn
from aggregator.cli.query_options import parse_date
from aggregator.formatting import format_count
from aggregator.logs import safe_line
from storage.model.search import MAX_ID

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.db.database import Database
    from storage.model.article import Story

_DEFAULT_LIMIT = 20
_BATCH = 100

app = CommandApp()


@app.add(
    "stories",
    "evnews stories --since 7d --min-sources 3",
    "evnews stories 42",
)
def stories(
    context: typer.Context,
    story: Annotated[
        int | None, typer.Argument(metavar="ID", help="List the articles of one story; the ID of any of its articles.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Covered on or after DATE: 2026-01-31, 12h, 7d, 4w.")
    ] = None,
    min_sources: Annotated[
        int,
        typer.Option("--min-sources", min=1, metavar="N", help="Only stories covered by at least this many sources."),
    ] = 2,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, metavar="N", help="Maximum number of stories; 20 by default, unlimited with --json."
        ),
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Assign the articles that have no story yet.")] = False,
    as_json: Json = False,
) -> None:
    """List stories: events that several sources cover.

    The most recently covered story comes first. Exit status 1 if there is none.
    """
    config = context.obj.load()
    if refresh:
        raise typer.Exit(refresh_stories(config))
    if story is not None:
        raise typer.Exit(print_story(config, story, as_json=as_json))
    raise typer.Exit(print_stories(config, since, min_sources, limit=limit, as_json=as_json))


def print_stories(config: Config, since: str | None, min_sources: int, *, limit: int | None, as_json: bool) -> int:
    """Print stories, most recently covered first. Return 1 if there are none."""
    from storage.library import Library

    max_stories = limit or (None if as_json else _DEFAULT_LIMIT)
    after = parse_date("--since", since)
    with open_archive(config) as database:
        library = Library(database)
        stories = library.stories(since=after, min_sources=min_sources, limit=max_stories)
        count = _print_objects(stories) if as_json else _print_table(list(stories))
        due = library.count_queued_for_stories()
    if not count:
        warn("no story has that many sources; lower --min-sources, or run `evnews crawl` first")
    if due:
        warn(f"{format_count(due, 'article')} without a story yet; `evnews stories --refresh` assigns them")
    return 0 if count else EXIT_FAILURE


def print_story(config: Config, article_id: int, *, as_json: bool) -> int:
    """Print the articles of the story that contains an article. Return 1 if there is none."""
    from aggregator.feeds.json_records import story_fields
    from storage.library import Library

    with open_archive(config) as database:
        story = Library(database).story(article_id) if 0 < article_id <= MAX_ID else None
    if story is None:
        warn(f"no story contains an article {article_id}; `evnews stories` prints story IDs")
        return EXIT_FAILURE
    if as_json:
        print_json(story_fields(story))
    else:
        _print_story(story)
    return 0


def _print_objects(stories: Iterable[Story]) -> int:
    from aggregator.feeds.json_records import story_fields

    count = 0
    for story in stories:
        count += 1
        print_json(story_fields(story))
    return count


def _print_table(stories: Sequence[Story]) -> int:
    from aggregator.cli.terminal import draw, make_table

    if stories:
        table = make_table(">story", "latest", ">articles", ">sources", "first", "title")
        for story in stories:
            figures = (str(len(story.members)), str(story.source_count), safe_line(story.members[0].source))
            table.add_row(str(story.id), f"{story.last_at:%Y-%m-%d}", *figures, safe_line(story.title))
        draw(table)
    return len(stories)


def _print_story(story: Story) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(story.title), style="bold"), soft_wrap=True)
    size = f"{format_count(len(story.members), 'article')} from {format_count(story.source_count, 'source')}"
    console.print(Text(f"story {story.id}: {size}", style="dim"))
    for line in member_lines(story):
        console.print(safe_line(line), soft_wrap=True)


def member_lines(story: Story) -> list[str]:
    """Return a line for each article of a story, earliest first; ~ marks the time of the first fetch."""
    width = max(len(str(member.article_id)) for member in story.members)
    return [
        f"{member.at:%Y-%m-%d %H:%M}{' ' if member.has_publication_time else '~'}"
        f" {member.article_id:>{width}}  {member.source}"
        f"  {member.title}{_copies(member.copy_count)}"
        for member in story.members
    ]


def _copies(count: int) -> str:
    return f"  (and {'1 copy' if count == 1 else f'{count} copies'})" if count else ""


def refresh_stories(config: Config) -> int:
    """Assign every article that has no story yet."""
    from aggregator.cli.terminal import progress_bar
    from storage.library import Library

    with open_archive(config) as database, progress_bar("assigning articles") as progress:
        due, assigned = Library(database).count_queued_for_stories(), 0
        while due and (batch := _assign_batch(database)):
            assigned += batch
            progress(assigned, max(due, assigned))
    print(f"{format_count(assigned, 'article')} assigned to stories")
    return 0


def _assign_batch(database: Database) -> int:
    from aggregator.stories.assign import recompute_queued
    from storage.db.database import acquire_write_lock

    with database.write() as tx:
        acquire_write_lock(tx)
        return recompute_queued(tx, _BATCH)
