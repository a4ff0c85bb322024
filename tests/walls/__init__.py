"""Pages that stand in an article's place; each file is named by the verdict it must get, its maker and its language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
KINDS = {"notfound": "not-found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """A page's name, the code of the refusal that it must get, and its bytes."""

    name: str
    code: str
    body: bytes


def every_wall() -> list[Wall]:
    """All of them, by name."""
    return [
        Wall(name=path.stem, code=KINDS.get(kind, kind), body=path.read_bytes())
        for path in sorted(FOLDER.glob("*.html"))
        for kind in [path.stem.partition("-")[0]]
    ]
