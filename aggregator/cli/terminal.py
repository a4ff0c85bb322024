"""Tables and passages as terminals show them; without a terminal, lines of their own length that pipes can use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
from collections.abc import Callable
from contextlib import contextmanager


class Display(ABC):
    """A context manager that draws what `_shown` gives, `per_second` times a second."""

    def __init__(self, per_second: int, *, is_on: bool = True) -> None:
        self._per_second = per_second
        self._is_on = is_on and sys.stderr.isatty()
        self._live: Live | None = None

    @abstractmethod
    def _shown(self) -> RenderableType:
        """What is drawn at this moment."""

    @property
    def is_open(self) -> bool:
        """Whether it is drawn at present."""
        return self._live is not None

    @property
    def is_used(self) -> bool:
        """Whether it is drawn at all, before, now or after."""
        return self._is_on

    def __enter__(self) -> Self:
        if self._is_on:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False, markup=False, emoji=False)
            self._live = Live(
                get_renderable=self._shown, console=console, refresh_per_second=self._per_second, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._live:
            self._live.stop()
            self._live = None


PIPE_WIDTH = 160
"""Columns of a table that no terminal shows."""
NAME_WIDTH = 24


def table_of(*titles: str) -> Table:
    """An empty table without lines: columns of numbers begin with >, the last takes what is left, and folds."""
    table = Table(box=None, pad_edge=False)
    for title in titles[:-1]:
        if title.startswith(">"):
            table.add_column(title[1:], justify="right", no_wrap=True)
        else:
            table.add_column(title, overflow="fold", max_width=NAME_WIDTH)
    table.add_column(titles[-1], overflow="fold", ratio=1)
    return table


def draw(what: RenderableType) -> None:
    """Print on stdout, as wide as the terminal, without blanks at the ends of lines."""
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as capture:
        console.print(what)
    for line in capture.get().splitlines():
        print(line.rstrip())


def say(text: str) -> None:
    """A line on stdout, folded between words where a terminal shows it."""
    Console(highlight=False, markup=False, emoji=False).print(text, soft_wrap=not sys.stdout.isatty())


def folded(text: Text, width: int) -> Iterator[Text]:
    """A text in lines of at most `width` cells: broken at spaces, or anywhere in writing that has none."""
    cuts, start, space, used = [], 0, 0, 0
    plain = text.plain
    for at, character in enumerate(plain):
        used += cell_len(character)
        if used > width:
            cut = space if space > start and plain[at] != " " and ord(plain[at]) < 0x2E80 else at
            cuts.append(cut)
            start, used = cut, cell_len(plain[cut : at + 1])
        if character == " ":
            space = at + 1
    for line in text.divide(cuts):
        line.rstrip()
        if line.plain.startswith(" "):
            line = line[1:]
        yield line


@contextmanager
def bar(what: str, *, in_bytes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Gives what is told how many of how many (0: not known) are done; `what` says of what."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counts = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
