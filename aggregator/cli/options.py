"""What several commands take: options and arguments that look the same wherever they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from storage.model.search import Query


WORDS_MAY_BEGIN_WITH_A_DASH = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, on stdout.")]
SourcesFile = Annotated[Path | None, typer.Option("--sources", metavar="FILE", help="Use this catalogue alone.")]
Words = Annotated[list[str] | None, typer.Argument(metavar="WORDS", help="Only articles with all these words.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write; - for stdout.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Published on or after, e.g. 2026-01-31 or 7d.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Published before.")]
FromSource = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME", help="Only this source; may be repeated.")
]
AboutTopic = Annotated[
    list[str] | None, typer.Option("--topic", metavar="NAME", help="Only what names this topic; may be repeated.")
]
SavedName = Annotated[str, typer.Option("--saved", metavar="NAME", help="What a saved search finds.")]
Host = Annotated[str, typer.Option("--host", help="Where to listen; others than this machine need a token.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")]
Named = Annotated[str, typer.Argument(metavar="NAME")]


def query_asked(
    context: typer.Context,
    words: list[str] | None,
    source: list[str] | None,
    since: str | None,
    until: str | None,
    topic: list[str] | None = None,
    *,
    limit: int | None = None,
    order: str = "new",
    cursor: str = "",
    saved: str = "",
) -> Query:
    """The question that words and options ask."""
    from aggregator.cli.commands.search import query_of

    asked = " ".join(words or [])
    if saved:
        from aggregator.cli.saved_search_option import with_saved

        asked = with_saved(context.obj.load(), saved, asked)
    return query_of(
        asked, tuple(source or ()), since, until, tuple(topic or ()), limit=limit, order=order, cursor=cursor
    )
