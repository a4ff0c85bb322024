"""`evnews search`, `show`, `why`, `changes`, `topics`, `stories` and `stats`."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import (
    WORDS_MAY_BEGIN_WITH_A_DASH,
    AboutTopic,
    FromSource,
    Json,
    SavedName,
    Since,
    Until,
    Words,
    query_asked,
)


@app.command(
    context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
    epilog="Examples: evnews search '\"solid state\" -toyota after:2025'; evnews search 小米 --since 30d --json",
)
def search(
    context: typer.Context,
    words: Words = None,
    source: FromSource = None,
    topic: AboutTopic = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    best: Annotated[bool, typer.Option("--best", help="Best match first instead of newest first.")] = False,
    cursor: Annotated[str, typer.Option("--cursor", metavar="CURSOR", help="The next page, as the last told.")] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="UNIT", help="How many of each day, week or month, instead of a page.")
    ] = "",
    facets: Annotated[
        bool, typer.Option("--facets", help="Their sources, languages and topics, instead of a page.")
    ] = False,
    saved: SavedName = "",
    unmuted: Annotated[bool, typer.Option("--all", help="Also what evnews.toml mutes.")] = False,
    as_json: Json = False,
) -> None:
    """Find articles; exit status 1 when there are none. The grammar: docs/searching.md."""
    from aggregator.cli.commands.search import run_search

    order = "best" if best else "new"
    query = query_asked(
        context, words, source, since, until, topic, limit=limit, order=order, cursor=cursor, saved=saved
    )
    if by or facets:
        from aggregator.cli.commands.overview import show_facets, show_timeline

        show = show_facets(context.obj.load(), query, as_json=as_json) if facets else None
        raise typer.Exit(show if show is not None else show_timeline(context.obj.load(), query, by, as_json=as_json))
    raise typer.Exit(run_search(context.obj.load(), query, as_json=as_json, unmuted=unmuted))


@app.command(epilog="Examples: evnews show 42; evnews show 42 --revisions; evnews show 42 --diff 1 3")
def show(
    context: typer.Context,
    article: Annotated[int, typer.Argument(metavar="ID")],
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[A B]", help="With --diff: from which revision to which.")
    ] = None,
    revisions: Annotated[bool, typer.Option("--revisions", help="Every revision and what was edited.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="The words that were edited last, or from A to B.")] = False,
    as_json: Json = False,
) -> None:
    """Print one article: title, facts and text; or how it was edited."""
    if revisions or diff or numbers:
        from aggregator.cli.commands.show import show_diff, show_revisions

        if diff or numbers:
            raise typer.Exit(show_diff(context.obj.load(), article, numbers or [], diff=diff, as_json=as_json))
        raise typer.Exit(show_revisions(context.obj.load(), article, as_json=as_json))
    from aggregator.cli.commands.search import show_article

    raise typer.Exit(show_article(context.obj.load(), article, as_json=as_json))


@app.command(epilog="Examples: evnews why 42; evnews why electrek; evnews why https://electrek.co/2026/01/31/a-story/")
def why(
    context: typer.Context,
    asked: Annotated[str, typer.Argument(metavar="WHAT", help="An article's number, an address, or a source.")],
    as_json: Json = False,
) -> None:
    """Every decision about an article or an address, or when a source is polled, in words; 1 if nothing is known."""
    from aggregator.cli.commands.why import tell_why

    raise typer.Exit(tell_why(context.obj.load(), asked, as_json=as_json))


@app.command(epilog="Examples: evnews changes --since 7d; evnews changes --kind headline --source electrek --json")
def changes(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Seen on or after, e.g. 7d.")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="withdrawn restored rewrite headline numbers typo body; repeatable."
        ),
    ] = None,
    source: FromSource = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many; 20 by default, no limit with --json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What was edited, withdrawn or restored after it was kept, newest first; exit status 1 when nothing was."""
    from aggregator.cli.commands.changes import show_changes

    raise typer.Exit(
        show_changes(context.obj.load(), since, tuple(kind or ()), tuple(source or ()), limit=limit, as_json=as_json)
    )


@app.command(epilog="Examples: evnews topics --since 30d --kind model; evnews search topic:xiaomi")
def topics(
    context: typer.Context,
    since: Since = None,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="Only maker, model, battery, ...")] = "",
    refresh: Annotated[bool, typer.Option("--refresh", help="Read older articles with the present catalogue.")] = False,
    as_json: Json = False,
) -> None:
    """What articles are about: topics of the catalogue with their articles and sources."""
    from aggregator.cli.commands.topics import refresh_topics, show_topics

    if refresh:
        raise typer.Exit(refresh_topics(context.obj.load()))
    from aggregator.cli.commands.search import moment

    raise typer.Exit(show_topics(context.obj.load(), moment("--since", since), kind, as_json=as_json))


@app.command(epilog="Examples: evnews stories --since 7d --min-sources 3; evnews stories 42; evnews stories --json")
def stories(
    context: typer.Context,
    story: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Who tells this one, the first first; any article's number.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Told on or after, e.g. 7d.")] = None,
    min_sources: Annotated[int, typer.Option("--min-sources", min=1, help="Told by so many sources at least.")] = 2,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many; 20 by default, no limit with --json.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Find the stories of articles that have none yet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The news that several articles tell, that which was told last first; exit status 1 when there is none."""
    from aggregator.cli.commands import stories as answers

    if refresh:
        raise typer.Exit(answers.refresh_stories(context.obj.load()))
    if story is not None:
        raise typer.Exit(answers.show_story(context.obj.load(), story, as_json=as_json))
    raise typer.Exit(answers.show_stories(context.obj.load(), since, min_sources, limit=limit, as_json=as_json))


@app.command(epilog="Example: evnews stats --json")
def stats(context: typer.Context, as_json: Json = False) -> None:
    """How much the archive holds, source by source."""
    from aggregator.cli.commands.stats import show_stats

    raise typer.Exit(show_stats(context.obj.load(), as_json=as_json))
