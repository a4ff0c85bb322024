"""`evnews stories`: the news that several articles tell, and who had it first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aggregator.archive import open_archive
from aggregator.cli.commands.search import LARGEST_ID, moment
from aggregator.cli.output import TROUBLE, complain, format_count, print_json
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.feeds.json_records import story_fields
from aggregator.logs import safe_line
from storage.db.database import Database
from storage.library import Library
from storage.model.article import Story

_LIMIT = 20
_CHUNK = 100


def show_stories(config: Config, since: str | None, least_sources: int, *, limit: int | None, as_json: bool) -> int:
    """Print the stories that were told last; 1 where there are none."""
    most = limit or (None if as_json else _LIMIT)
    with open_archive(config) as database:
        library = Library(database)
        found = library.stories(since=moment("--since", since), min_sources=least_sources, limit=most)
        shown = _print_objects(found) if as_json else _print_table(list(found))
        due = library.count_queued_for_stories()
    if not shown:
        complain("no story is told by so many; fewer --min-sources, or `evnews crawl` first?")
    if due:
        complain(f"{format_count(due, 'article')} not yet looked at for stories; `evnews stories --refresh` does it")
    return 0 if shown else TROUBLE


def show_story(config: Config, number: int, *, as_json: bool) -> int:
    """Print who tells a story, by its number or that of any article of it; 1 where there is none."""
    with open_archive(config) as database:
        story = Library(database).story(number) if 0 < number <= LARGEST_ID else None
    if story is None:
        complain(f"no story has an article {number}; `evnews stories` prints the numbers")
        return TROUBLE
    if as_json:
        print_json(story_fields(story))
    else:
        _print_story(story)
    return 0


def _print_objects(found: Iterable[Story]) -> int:
    count = 0
    for count, story in enumerate(found, 1):  # noqa: B007  # it is returned
        print_json(story_fields(story))
    return count


def _print_table(found: Sequence[Story]) -> int:
    from aggregator.cli.terminal import draw, table_of

    if found:
        table = table_of(">story", "last told", ">articles", ">sources", "first", "title")
        for one in found:
            figures = (str(len(one.members)), str(one.source_count), safe_line(one.members[0].source))
            table.add_row(str(one.id), f"{one.last_at:%Y-%m-%d}", *figures, safe_line(one.title))
        draw(table)
    return len(found)


def _print_story(story: Story) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(story.title), style="bold"), soft_wrap=True)
    many = f"{format_count(len(story.members), 'article')} of {format_count(story.source_count, 'source')}"
    console.print(Text(f"story {story.id}: {many}", style="dim"))
    for line in told_by(story):
        console.print(safe_line(line), soft_wrap=True)


def told_by(story: Story) -> list[str]:
    """A line for each article of a story, the first to have it first; ~ where its time is that of its first fetch."""
    width = max(len(str(one.article_id)) for one in story.members)
    return [
        f"{one.at:%Y-%m-%d %H:%M}{' ' if one.has_publication_time else '~'} {one.article_id:>{width}}  {one.source}  {one.title}"
        f"{_copies(one.copy_count)}"
        for one in story.members
    ]


def _copies(count: int) -> str:
    if not count:
        return ""
    return "  (and a copy)" if count == 1 else f"  (and {count} copies)"


def refresh_stories(config: Config) -> int:
    """Find a place among the stories for every article that waits for one."""
    with open_archive(config) as database, bar("placing articles") as progress:
        waiting, done = Library(database).count_queued_for_stories(), 0
        while some := _refresh_some(database):
            done += some
            progress(done, max(waiting, done))
    print(f"{format_count(done, 'article')} placed among the stories")
    return 0


def _refresh_some(database: Database) -> int:
    from aggregator.stories.assign import recompute_queued
    from storage.db.database import acquire_write_lock

    with database.write() as tx:
        acquire_write_lock(tx)
        return recompute_queued(tx, _CHUNK)
