"""`evnews changes`: what publishers edited, withdrew or restored after it was kept."""

from __future__ import annotations

from aggregator.archive import open_archive
from aggregator.cli.commands.search import moment
from aggregator.cli.output import TROUBLE, complain, mistake, print_json
from aggregator.config import Config
from aggregator.feeds.json_records import change_fields
from aggregator.logs import safe_line
from storage.library import Library
from storage.model.article import Change
from storage.text.diff import EditKind

SHOWN = 20


def show_changes(
    config: Config,
    since: str | None,
    kinds: tuple[str, ...],
    sources: tuple[str, ...],
    *,
    limit: int | None,
    as_json: bool,
) -> int:
    """Print edits, newest first; 1 where there are none."""
    if unknown := [kind for kind in kinds if kind not in list(EditKind)]:
        mistake(f"--kind {unknown[0]!r} is none; there are {', '.join(EditKind)}")
    after = moment("--since", since)
    most = limit if limit is not None or as_json else SHOWN
    many = 0
    with open_archive(config) as database:
        found = Library(database).changes(since=after, kinds=kinds, sources=sources, limit=most)
        if as_json:
            for change in found:
                many += 1
                print_json(change_fields(change))
        else:
            shown = list(found)
            many = len(shown)
            _print(shown)
    if not many:
        complain("nothing was edited; `evnews crawl --revisit` asks again for what is kept")
    elif many == most and limit is None:
        complain(f"the newest {SHOWN} are shown; --limit shows more")
    return 0 if many else TROUBLE


def _print(changes: list[Change]) -> None:
    from aggregator.cli.terminal import draw, table_of

    table = table_of("when", ">article", ">revision", "kind", ">+", ">-", "source", "title")
    for change in changes:
        numbers = (f"{change.at:%Y-%m-%d %H:%M}", str(change.article_id), str(change.revision))
        sizes = (change.kind, str(change.added), str(change.removed))
        table.add_row(*numbers, *sizes, safe_line(change.source), safe_line(change.title))
    if changes:
        draw(table)
