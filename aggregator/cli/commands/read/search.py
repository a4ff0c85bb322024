"""`evnews search`: print search results, timelines and facets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import AboutTopic, FromSource, Json, SavedName, Since, Until, Words
from aggregator.cli.output import EXIT_FAILURE, print_json, warn
from aggregator.cli.query_options import make_query, resolve_topics
from aggregator.formatting import format_count
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from aggregator.config import Config
    from storage.model.search import Query, ResultCount, SearchHit, SearchResults

HIGHLIGHT_MARKS = re.compile("[\ue000\ue001]")
INDENT = 8
SNIPPET_LINES = 4
PATIENCE = 2.0
"""Seconds after which a search returns what it has found so far."""

app = CommandApp()


@app.add(
    "search",
    'evnews search "solid state"',
    "evnews search '\"solid state\" -toyota after:2025'",
    "evnews search battery --by month",
    words_may_begin_with_a_dash=True,
)
def search(
    context: typer.Context,
    words: Words = None,
    source: FromSource = None,
    topic: AboutTopic = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="Maximum number of results.")
    ] = 20,
    best: Annotated[bool, typer.Option("--best", help="Best match first instead of newest first.")] = False,
    cursor: Annotated[
        str, typer.Option("--cursor", metavar="CURSOR", help="Continue after the previous page (its cursor).")
    ] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="UNIT", help="Count results by day, week or month instead of listing them.")
    ] = "",
    facets: Annotated[
        bool, typer.Option("--facets", help="Count results by source, language and topic instead of listing them.")
    ] = False,
    saved: SavedName = "",
    unmuted: Annotated[bool, typer.Option("--all", help="Include articles that evnews.toml mutes.")] = False,
    as_json: Json = False,
) -> None:
    """Search the archive and print the matching articles.

    The query language is described in docs/searching.md. Exit status 1 if nothing is found.
    """
    config = context.obj.load()
    order = "best" if best else "new"
    query = make_query(config, words, source, topic, since, until, saved=saved, limit=limit, order=order, cursor=cursor)
    if facets or by:
        from aggregator.cli.commands.read.search_summary import print_facets, print_timeline

        if facets:
            raise typer.Exit(print_facets(config, query, as_json=as_json))
        raise typer.Exit(print_timeline(config, query, by, as_json=as_json))
    raise typer.Exit(print_results(config, query, as_json=as_json, unmuted=unmuted))


def print_results(config: Config, query: Query, *, as_json: bool, unmuted: bool = False) -> int:
    """Print a page of results, without muted articles unless `unmuted`. Return 1 if there are none."""
    from storage.library import Library

    resolved = resolve_topics(query, config)
    if isinstance(resolved, str):
        warn(resolved)
        return EXIT_FAILURE
    query = replace(resolved, collapse=not as_json, muted=() if unmuted else config.mute)
    with open_archive(config) as database:
        library = Library(database)
        answer = library.search(query, seconds=PATIENCE)
        suggestion = "" if answer.hits or query.cursor else library.did_you_mean(query.words)
        total = library.count(query) if answer.hits and not as_json else None
    for note in answer.notes:
        warn(note)
    if as_json:
        for hit in answer.hits:
            print_json(_hit_fields(hit))
    elif answer.hits:
        _print_hits(answer.hits)
    if not answer.hits and answer.is_complete:
        warn(f"nothing found; {_advice(suggestion, query)}")
    _print_continuation(answer, total)
    return 0 if answer.hits else EXIT_FAILURE


def _hit_fields(hit: SearchHit) -> dict[str, object]:
    from aggregator.feeds.json_records import article_fields

    return {**article_fields(hit.article), "snippet": HIGHLIGHT_MARKS.sub("", hit.snippet)}


def _advice(suggestion: str, query: Query) -> str:
    if suggestion:
        return f"did you mean {suggestion}?"
    muted = "; --all includes muted articles" if query.muted else ""
    return f"try fewer words, or run `evnews crawl` first{muted}"


def _print_continuation(answer: SearchResults, total: ResultCount | None) -> None:
    """Print the number of results, how far back the search went, and the cursor of the next page, on stderr."""
    parts = []
    if total is not None and answer.cursor:
        parts.append(f"{'' if total.is_exact else 'at least '}{format_count(total.number, 'article')}")
    if answer.scanned_until is not None:
        parts.append(f"searched back to {answer.scanned_until:%Y-%m-%d}")
    if answer.cursor:
        parts.append(f"more results: --cursor {answer.cursor}")
    if parts:
        warn("; ".join(parts))


def _print_hits(hits: Sequence[SearchHit]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for hit in hits:
        article = hit.article
        day = article.published_date or (article.published or article.first_seen).date().isoformat()
        title = Text.assemble((f"{article.id:>{INDENT - 2}}  ", "dim"), (safe_line(article.title), "bold"))
        facts = f"{' ' * INDENT}{day}  {safe_line(article.source)}{_variant(hit)}  {safe_line(article.url)}"
        # Never folded: a URL in two halves cannot be copied.
        console.print(title, soft_wrap=True)
        console.print(Text(facts, style="dim"), soft_wrap=True)
        _print_snippet(console, _highlighted(hit.snippet))


def _variant(hit: SearchHit) -> str:
    """Return the facts about copies and earlier revisions."""
    variant = f"  copy of {hit.article.copy_of}" if hit.article.copy_of else ""
    if hit.since is not None:
        variant += f"  text of {hit.since:%Y-%m-%d} to {hit.until or hit.since:%Y-%m-%d}"
    return variant + (f"  also at {safe_line(', '.join(hit.copy_sources))}" if hit.copy_sources else "")


def _print_snippet(console: Console, snippet: Text) -> None:
    from aggregator.cli.terminal import fold

    width = console.width - INDENT - 2 if console.is_terminal else len(snippet) * 2
    lines = list(fold(snippet, max(width, 20)))
    if len(lines) > SNIPPET_LINES:
        lines[SNIPPET_LINES - 1].append(" …")
    for line in lines[:SNIPPET_LINES]:
        console.print(" " * INDENT, line, sep="", soft_wrap=True)
    console.print()


def _highlighted(snippet: str) -> Text:
    from rich.text import Text

    text = Text()
    for number, part in enumerate(HIGHLIGHT_MARKS.split(snippet)):
        text.append(safe_line(part), style="bold yellow" if number % 2 else "")
    return text
