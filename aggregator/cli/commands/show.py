"""`evnews show --revisions` and `--diff`: how one article was edited, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.commands.search import LARGEST_ID, complain_of_no_article
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.config import Config
from aggregator.feeds.event_entries import select_compared_texts
from aggregator.feeds.json_records import revision_fields
from aggregator.logs import safe_line
from storage.library import Library
from storage.model.article import Revision
from storage.text.diff import DiffPart, diff_words

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"=": "", "-": "strike red", "+": "bold green"}
_MARKS = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
"""How a diff is written where there are no colours, as other word diffs do."""


def show_revisions(config: Config, number: int, *, as_json: bool) -> int:
    """Print every revision of an article, oldest first; 1 where there is no such article."""
    found = _revisions(config, number)
    for one in found:
        if as_json:
            print_json(revision_fields(one) | {"text": one.text})
        else:
            print(_line(one))
    return 0 if found else TROUBLE


def show_diff(config: Config, number: int, numbers: list[int], *, diff: bool, as_json: bool) -> int:
    """Print what was edited between two revisions, the last two by default; 1 where there is no such article."""
    if not diff or len(numbers) not in (0, 2):
        mistake("give two revisions: evnews show ID --diff A B; or none for the last edit")
    found = {one.number: one for one in _revisions(config, number)}
    if not found:
        return TROUBLE
    first, second = numbers or (max(found) - 1, max(found))
    if len(found) == 1:
        complain(f"article {number} was never edited")
        return TROUBLE
    if missing := [one for one in (first, second) if one not in found]:
        mistake(f"article {number} has no revision {missing[0]}; it has {format_count(len(found), 'revision')}")
    _print_diff(found[first], found[second], as_json=as_json)
    return 0


def _revisions(config: Config, number: int) -> list[Revision]:
    with open_archive(config) as database:
        found = Library(database).revisions(number) if 0 < number <= LARGEST_ID else []
    if not found:
        complain_of_no_article(number)
    return found


def _line(one: Revision) -> str:
    edit = f"{one.kind}, {one.added} characters came, {one.removed} went" if one.kind else "as first seen"
    return f"{one.number:>4}  {one.fetched_at:%Y-%m-%d %H:%M} UTC  {edit}  {safe_line(one.title)}"


def _print_diff(before: Revision, after: Revision, *, as_json: bool) -> None:
    parts = diff_words(*select_compared_texts(before, after))
    if as_json:
        print_json(
            {"from": before.number, "to": after.number, "diff": [{"op": part.op, "text": part.text} for part in parts]}
        )
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"revision {before.number} ({before.fetched_at:%Y-%m-%d %H:%M} UTC)", style="dim", soft_wrap=True)
    console.print(f"revision {after.number} ({after.fetched_at:%Y-%m-%d %H:%M} UTC)", style="dim", soft_wrap=True)
    console.print()
    console.print(_drawn(parts, marks=not console.is_terminal), soft_wrap=not console.is_terminal)


def _drawn(parts: list[DiffPart], *, marks: bool) -> Text:
    from rich.text import Text

    drawn = Text()
    for part in parts:
        opening, closing = _MARKS[part.op] if marks else ("", "")
        text = "\n".join(map(safe_line, part.text.split("\n")))
        drawn.append(f"{opening}{text}{closing}", style=_STYLES[part.op])
    return drawn
