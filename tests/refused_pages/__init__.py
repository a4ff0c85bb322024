"""Pages that sites serve in place of an article. Each file name has the expected code, the vendor and the language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_CODES = {"notfound": "not-found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPage:
    """A page: its name, the expected code of the refusal, and its bytes."""

    name: str
    code: str
    body: bytes


def refused_pages() -> list[RefusedPage]:
    """Return all pages, sorted by name."""
    return [
        RefusedPage(name=path.stem, code=_CODES.get(kind, kind), body=path.read_bytes())
        for path in sorted(FOLDER.glob("*.html"))
        for kind in [path.stem.partition("-")[0]]
    ]
