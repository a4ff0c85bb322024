"""Options and arguments shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
SourcesFile = Annotated[
    Path | None, typer.Option("--sources", metavar="FILE", help="Use only this catalogue of sources.")
]
Words = Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="Words and filters; all must match.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write, - for stdout.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Published on or after DATE: 2026-01-31, 12h, 7d, 4w.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Published before DATE.")]
FromSource = Annotated[
    list[str] | None, typer.Option("--source", metavar="SOURCE", help="Only articles of this source; repeatable.")
]
AboutTopic = Annotated[
    list[str] | None, typer.Option("--topic", metavar="TOPIC", help="Only articles about this topic; repeatable.")
]
SavedName = Annotated[str, typer.Option("--saved", metavar="NAME", help="Use the query of a saved search.")]
Host = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; a public one requires a token.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port to listen on, 0 for any free.")]
SearchName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the saved search.")]
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token.")]
SourceNames = Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Names of sources; all by default.")]
