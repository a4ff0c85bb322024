"""Read the article files: TOML front matter between `+++` lines, then the blocks of the text."""

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
class PublisherArticle:
    """One article of a publisher, before any edit.

    `blocks` are paragraphs; a block that begins with `## ` is a subheading, with `> ` a quotation; `[words](URL)` is
    a link. `edited` holds the blocks after an edit (empty: a note is added). `copy_of` is the `publisher/slug` of the
    original; with `declares_original` the page names it as canonical. An empty `language` is the publisher's.
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
    declares_original: bool = False
    language: str = ""


@cache
def read_articles(publisher: str) -> tuple[PublisherArticle, ...]:
    """Return the articles of one publisher, oldest first."""
    articles = [_read_file(path, publisher) for path in (FOLDER / publisher).glob("*.md")]
    return tuple(sorted(articles, key=lambda article: (article.published, article.slug)))


def plain(blocks: tuple[str, ...]) -> str:
    """Return the visible text: without markup, blocks joined by blank lines."""
    return "\n\n".join(_LINK.sub(r"\1", _bare(block)) for block in blocks)


def as_html(block: str) -> str:
    """Render one block as an HTML element."""
    inner = _LINK.sub(r'<a href="\2">\1</a>', escape(_bare(block), quote=False))
    if block.startswith("## "):
        return f"<h2>{inner}</h2>"
    if block.startswith("> "):
        return f"<blockquote><p>{inner}</p></blockquote>"
    return f"<p>{inner}</p>"


def _bare(block: str) -> str:
    return block.removeprefix("## ").removeprefix("> ")


def _read_file(path: Path, publisher: str) -> PublisherArticle:
    _, front, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    facts = tomllib.loads(front)
    text, _, edited = body.partition(_EDITED)
    original = str(facts.get("copy_of", ""))
    blocks = _read_file(FOLDER / f"{original}.md", original.partition("/")[0]).blocks if original else _blocks(text)
    return PublisherArticle(
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
