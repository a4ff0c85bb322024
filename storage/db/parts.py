"""Many things in parts of so many: for statements that take a list, and for work that is written down on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def parts(many: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size`, the last of what is left; none of nothing. Takes no more than a part ahead."""
    rest = iter(many)
    while part := list(islice(rest, size)):
        yield part
