"""`evnews show`: print one article, its revisions or a diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn, warn_no_article
from aggregator.formatting import format_count, format_minute, format_time
from aggregator.logs import safe_line
from storage.model.search import MAX_ID

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from aggregator.config import Config
    from storage.model.article import KeptArticle, Revision, Story
    from storage.text.diff import DiffPart

_STYLES = {"=": "", "-": "strike red", "+": "bold green"}
_MARKS = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
"""Marks of deleted and inserted words without colours, as `git diff --word-diff` writes them."""

app = CommandApp()


@app.add("show", "evnews show 42", "evnews show 42 --revisions", "evnews show 42 --diff 1 3")
def show(
    context: typer.Context,
    article: Annotated[int, typer.Argument(metavar="ID", help="ID of the article.")],
    revisions: Annotated[
        list[int] | None, typer.Argument(metavar="REVISION", help="With --diff: the two revisions to compare.")
    ] = None,
    list_revisions: Annotated[bool, typer.Option("--revisions", help="List the revisions of the article.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show the words that changed between two revisions, the last two by default.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print an article, its revisions or the edits between them.

    Exit status 1 if there is no article with this ID.
    """
    config = context.obj.load()
    if diff or revisions:
        raise typer.Exit(print_diff(config, article, revisions or [], diff=diff, as_json=as_json))
    if list_revisions:
        raise typer.Exit(print_revisions(config, article, as_json=as_json))
    raise typer.Exit(print_article(config, article, as_json=as_json))


def print_article(config: Config, article_id: int, *, as_json: bool) -> int:
    """Print one article. Return 1 if the ID is unknown."""
    from aggregator.feeds.json_records import article_fields
    from storage.library import Library

    with open_archive(config) as database:
        library = Library(database)
        article = library.article(article_id) if 0 < article_id <= MAX_ID else None
        captures = library.captures(article.id) if article else []
        copies = library.copies(article.id) if article else []
        story = library.story(article.id) if article else None
    if article is None:
        warn_no_article(article_id)
        return EXIT_FAILURE
    if as_json:
        print_json(article_fields(article))
        return 0
    places = [f"{capture.file} at {capture.offset}, fetched {format_time(at)}" for capture, _, at in captures]
    related = [("copied as", f"{copy_id}  {url}") for copy_id, url in copies] + _story_facts(story, article)
    _print_article(article, related, places)
    return 0


def _story_facts(story: Story | None, article: KeptArticle) -> list[tuple[str, str]]:
    """Return the story of an article and the other articles of it; nothing if there are none."""
    if story is None or len(story.members) == 1:
        return []
    from aggregator.cli.commands.read.stories import member_lines

    size = f"{format_count(len(story.members), 'article')} from {format_count(story.source_count, 'source')}"
    members = zip(story.members, member_lines(story), strict=True)
    others = [line for member, line in members if member.article_id != article.id]
    return [("story", f"{story.id}, {size}: {story.title}"), *(("covered by", line) for line in others)]


def _print_article(article: KeptArticle, related: list[tuple[str, str]], captures: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(article.title), style="bold"), soft_wrap=True)
    for name, value in _facts(article, related, captures):
        console.print(Text.assemble((f"{name:<12}", "dim"), safe_line(value)), soft_wrap=True)
    console.print()
    for paragraph in article.text.split("\n"):
        _print_paragraph(console, Text(safe_line(paragraph)))


def _print_paragraph(console: Console, paragraph: Text) -> None:
    from aggregator.cli.terminal import fold

    width = console.width if console.is_terminal else len(paragraph) * 2
    for line in fold(paragraph, max(width, 20)):
        console.print(line, soft_wrap=True)


def _facts(article: KeptArticle, related: list[tuple[str, str]], captures: list[str]) -> list[tuple[str, str]]:
    published = format_minute(article.published) if article.published else "unknown"
    zone = "" if article.zone_known or not article.published else " (time zone unknown)"
    facts = [
        ("source", article.source),
        ("url", article.url),
        ("canonical", article.canonical_url if article.canonical_url != article.url else ""),
        ("also at", ", ".join(url for url in article.aliases if url != article.url)),
        ("authors", ", ".join(article.authors)),
        ("published", published + zone),
        ("updated", format_minute(article.updated) if article.updated else ""),
        ("first seen", format_minute(article.first_seen)),
        ("language", article.language),
        ("words", str(article.words)),
        ("tags", ", ".join(article.tags)),
        ("topics", ", ".join(article.topics)),
        ("revision", str(article.revision) + (" (see --revisions and --diff)" if article.revision > 1 else "")),
        ("withdrawn", format_minute(article.withdrawn) if article.withdrawn else ""),
        ("truncated", "the publisher shows only the beginning" if article.truncated else ""),
        ("credits", article.credit),
        ("reprint of", article.original_url),
        ("copy of", str(article.copy_of) if article.copy_of else ""),
        *related,
        ("reason", article.reason),
        ("extractor", article.extractor),
        ("fields from", ", ".join(f"{field}: {origin}" for field, origin in article.origins)),
        *(("captured", capture) for capture in captures),
    ]
    return [(name, value) for name, value in facts if value]


def print_revisions(config: Config, article_id: int, *, as_json: bool) -> int:
    """Print every revision of an article, oldest first. Return 1 if the ID is unknown."""
    from aggregator.feeds.json_records import revision_fields

    revisions = _revisions(config, article_id)
    for revision in revisions:
        if as_json:
            print_json(revision_fields(revision) | {"text": revision.text})
        else:
            print(_revision_line(revision))
    return 0 if revisions else EXIT_FAILURE


def print_diff(config: Config, article_id: int, numbers: list[int], *, diff: bool, as_json: bool) -> int:
    """Print the edits between two revisions, the last two by default. Return 1 if there are none."""
    if not diff or len(numbers) not in (0, 2):
        usage_error("give two revisions, `evnews show ID --diff 1 3`, or none for the last edit")
    revisions = {revision.number: revision for revision in _revisions(config, article_id)}
    if not revisions:
        return EXIT_FAILURE
    first, second = numbers or (max(revisions) - 1, max(revisions))
    if len(revisions) == 1:
        warn(f"article {article_id} was never edited")
        return EXIT_FAILURE
    if unknown := [number for number in (first, second) if number not in revisions]:
        usage_error(
            f"article {article_id} has no revision {unknown[0]}; it has {format_count(len(revisions), 'revision')}"
        )
    _print_diff(revisions[first], revisions[second], as_json=as_json)
    return 0


def _revisions(config: Config, article_id: int) -> list[Revision]:
    from storage.library import Library

    with open_archive(config) as database:
        revisions = Library(database).revisions(article_id) if 0 < article_id <= MAX_ID else []
    if not revisions:
        warn_no_article(article_id)
    return revisions


def _revision_line(revision: Revision) -> str:
    edit = "as first seen"
    if revision.kind:
        edit = f"{revision.kind}, {revision.added} characters added, {revision.removed} removed"
    return f"{revision.number:>4}  {format_minute(revision.fetched_at)}  {edit}  {safe_line(revision.title)}"


def _print_diff(before: Revision, after: Revision, *, as_json: bool) -> None:
    from aggregator.feeds.event_entries import select_compared_texts
    from storage.text.diff import diff_words

    parts = diff_words(*select_compared_texts(before, after))
    if as_json:
        edits = [{"op": part.op, "text": part.text} for part in parts]
        print_json({"from": before.number, "to": after.number, "diff": edits})
        return
    from rich.console import Console

    console = Console(highlight=False)
    for revision in (before, after):
        heading = f"revision {revision.number} ({format_minute(revision.fetched_at)})"
        console.print(heading, style="dim", soft_wrap=True)
    console.print()
    console.print(_diff_text(parts, marks=not console.is_terminal), soft_wrap=not console.is_terminal)


def _diff_text(parts: list[DiffPart], *, marks: bool) -> Text:
    from rich.text import Text

    diff = Text()
    for part in parts:
        opening, closing = _MARKS[part.op] if marks else ("", "")
        text = "\n".join(map(safe_line, part.text.split("\n")))
        diff.append(f"{opening}{text}{closing}", style=_STYLES[part.op])
    return diff
