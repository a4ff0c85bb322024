"""A display on stderr that is drawn anew as long as it is open; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live


class Display:
    """A context manager; `shown` gives what is drawn, `per_second` times a second."""

    def __init__(self, shown: Callable[[], RenderableType], per_second: int, *, is_on: bool = True) -> None:
        self._shown, self._per_second = shown, per_second
        self._is_on = is_on and sys.stderr.isatty()
        self._live: Live | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is drawn at present."""
        return self._live is not None

    @property
    def is_used(self) -> bool:
        """Whether it is drawn at all, before, now or after."""
        return self._is_on

    def __enter__(self) -> Display:
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
