"""Tables, progress bars and live displays."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 160
"""Columns of a table that is not written to a terminal."""
NAME_WIDTH = 24


class LiveDisplay(ABC):
    """A context manager that redraws `_render()` on stderr, `per_second` times a second, if stderr is a terminal."""

    def __init__(self, per_second: int, *, is_on: bool = True) -> None:
        self._per_second = per_second
        self._is_on = is_on and sys.stderr.isatty()
        self._live: Live | None = None

    @abstractmethod
    def _render(self) -> RenderableType:
        """Return the present content."""

    @property
    def is_open(self) -> bool:
        """True if the display is on the screen now."""
        return self._live is not None

    @property
    def is_used(self) -> bool:
        """True if the display is on the screen before, now or later."""
        return self._is_on

    def __enter__(self) -> Self:
        if self._is_on:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False, markup=False, emoji=False)
            self._live = Live(
                get_renderable=self._render, console=console, refresh_per_second=self._per_second, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Restore the terminal."""
        if self._live:
            self._live.stop()
            self._live = None


def make_table(*titles: str) -> Table:
    """Return an empty table without lines; a title that begins with > marks a column of numbers, the last folds."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in titles[:-1]:
        if title.startswith(">"):
            table.add_column(title[1:], justify="right", no_wrap=True)
        else:
            table.add_column(title, overflow="fold", max_width=NAME_WIDTH)
    table.add_column(titles[-1], overflow="fold", ratio=1)
    return table


def draw(content: RenderableType) -> None:
    """Print on stdout, as wide as the terminal, without trailing blanks."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as capture:
        console.print(content)
    for line in capture.get().splitlines():
        print(line.rstrip())


def print_folded(text: str) -> None:
    """Print a line on stdout; a terminal shows it folded between words."""
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False).print(text)


def fold(text: Text, width: int) -> Iterator[Text]:
    """Yield lines of at most `width` cells: broken at spaces, or anywhere in scripts without spaces."""
    from rich.cells import cell_len

    cuts, start, space, used = [], 0, 0, 0
    plain = text.plain
    for index, character in enumerate(plain):
        used += cell_len(character)
        if used > width:
            cut = space if space > start and plain[index] != " " and ord(plain[index]) < 0x2E80 else index
            cuts.append(cut)
            start, used = cut, cell_len(plain[cut : index + 1])
        if character == " ":
            space = index + 1
    for line in text.divide(cuts):
        line.rstrip()
        if line.plain.startswith(" "):
            line = line[1:]
        yield line


@contextmanager
def progress_bar(label: str, *, in_bytes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield update(done, total) for a progress bar labelled `label`; total 0 means unknown."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counts = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
