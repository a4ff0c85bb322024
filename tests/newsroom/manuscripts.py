"""The articles as their files hold them: TOML front matter between `+++` lines, then the text, block by block."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent / "articles"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_EDITED = "+++ edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """One article as its author left it.

    `blocks` are paragraphs; one that begins with `## ` is a subheading, one with `> ` a
    quotation; `[words](address)` is a link. `edited` is what the blocks become when the
    article is edited (empty: a dated note is added). `copy_of` names the original as
    `publisher/slug`, `points_home` tells that the page does so too. `language` is empty where it is
    its publisher's.
    """

    publisher: str
    slug: str
    title: str
    authors: tuple[str, ...]
    published: datetime
    summary: str
    tags: tuple[str, ...]
    blocks: tuple[str, ...]
    edited: tuple[str, ...] = ()
    private: bool = False
    thin: bool = False
    copy_of: str = ""
    points_home: bool = False
    language: str = ""


@cache
def manuscripts(publisher: str) -> tuple[Manuscript, ...]:
    """The manuscripts of one publisher, oldest first."""
    found = [_read(path, publisher) for path in (FOLDER / publisher).glob("*.md")]
    return tuple(sorted(found, key=lambda one: (one.published, one.slug)))


def plain(blocks: tuple[str, ...]) -> str:
    """The text a reader sees: marks and link addresses gone, blocks joined by blank lines."""
    return "\n\n".join(_LINK.sub(r"\1", _bare(block)) for block in blocks)


def as_html(block: str) -> str:
    """One block as an HTML element."""
    inner = _LINK.sub(r'<a href="\2">\1</a>', escape(_bare(block), quote=False))
    if block.startswith("## "):
        return f"<h2>{inner}</h2>"
    if block.startswith("> "):
        return f"<blockquote><p>{inner}</p></blockquote>"
    return f"<p>{inner}</p>"


def _bare(block: str) -> str:
    return block.removeprefix("## ").removeprefix("> ")


def _read(path: Path, publisher: str) -> Manuscript:
    _, front, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    facts = tomllib.loads(front)
    text, _, edited = body.partition(_EDITED)
    original = str(facts.get("copy_of", ""))
    blocks = _read(FOLDER / f"{original}.md", original.partition("/")[0]).blocks if original else _blocks(text)
    return Manuscript(
        publisher=publisher,
        slug=path.stem,
        title=facts["title"],
        authors=tuple(facts["authors"]),
        published=facts["published"],
        summary=facts["summary"],
        tags=tuple(facts["tags"]),
        blocks=blocks,
        edited=_blocks(edited),
        private=bool(facts.get("private", False)),
        thin=bool(facts.get("thin", False)),
        copy_of=original,
    )


def _blocks(text: str) -> tuple[str, ...]:
    return tuple(" ".join(block.split("\n")) for block in (part.strip() for part in text.split("\n\n")) if block)
