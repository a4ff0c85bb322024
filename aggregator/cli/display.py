"""What is drawn anew on stderr as long as it is open; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live


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
