"""`evnews search` and `evnews show`: articles found, and one article read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.commands.topics import resolved
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.config import Config
from aggregator.feeds.json_records import article_fields
from aggregator.feeds.timestamps import parse_time
from aggregator.logs import safe_line
from storage.library import Library
from storage.model.article import KeptArticle, Story
from storage.model.search import Query, ResultCount, SearchHit, SearchResults
from storage.text.clean import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MARKS = re.compile("[\ue000\ue001]")
INDENT = 8
SHOWN_LINES = 4
"""Lines of a passage that a terminal shows."""
LARGEST_ID = 2**63 - 1

MOST_TOPICS = 16
PATIENCE = 2.0
"""Seconds that a page is looked for in a terminal before it stops and says so."""


def query_of(
    words: str,
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    topics: tuple[str, ...] = (),
    *,
    limit: int | None,
    order: str,
    cursor: str = "",
) -> Query:
    """The options as a Query; a date that is none is a mistake."""
    return Query(
        words=clean(words), topics=tuple(dict.fromkeys(topics))[:MOST_TOPICS], sources=sources,
        since=moment("--since", since), until=moment("--until", until), limit=limit, order=order, cursor=cursor,
    )  # fmt: skip


def moment(option: str, text: str | None) -> datetime | None:
    """An option's date or time ago; what is neither is a mistake."""
    if not text:
        return None
    try:
        return parse_time(text, datetime.now(UTC))
    except ValueError:
        mistake(f"{option} {text!r} is no date; write 2026-01-31, 2026-01-31T12:00 or a time ago: 12h, 7d, 4w, 6m, 1y")


def run_search(config: Config, query: Query, *, as_json: bool, unmuted: bool = False) -> int:
    """Print a page of what was found; 1 where nothing was. What is muted is left out, or not."""
    asked = resolved(query, config)
    if isinstance(asked, str):
        complain(asked)
        return TROUBLE
    query = replace(asked, collapse=not as_json, muted=() if unmuted else config.mute)
    with open_archive(config) as database:
        library = Library(database)
        answer = library.search(query, seconds=PATIENCE)
        meant = "" if answer.hits or query.cursor else library.did_you_mean(query.words)
        many = library.count(query) if answer.hits and not as_json else None
    for note in answer.notes:
        complain(note)
    if as_json:
        for hit in answer.hits:
            print_json({**article_fields(hit.article), "snippet": MARKS.sub("", hit.snippet)})
    elif answer.hits:
        _print_hits(answer.hits)
    if not answer.hits and answer.is_complete:
        complain(f"nothing found; {_advice(meant, query)}")
    _tell_what_follows(answer, many)
    return 0 if answer.hits else TROUBLE


def _advice(meant: str, query: Query) -> str:
    if meant:
        return f"did you mean {meant}"
    muted = "; what evnews.toml mutes is found with --all" if query.muted else ""
    return f"fewer words, or `evnews crawl` first?{muted}"


def _tell_what_follows(answer: SearchResults, many: ResultCount | None) -> None:
    """How many there are, how far the answer looked, and how to see the rest; on stderr, beside the hits."""
    told = []
    if many is not None and answer.cursor:
        told.append(f"{'' if many.is_exact else 'at least '}{format_count(many.number, 'article')}")
    if answer.scanned_until is not None:
        told.append(f"looked at those since {answer.scanned_until:%Y-%m-%d}")
    if answer.cursor:
        told.append(f"go on with --cursor {answer.cursor}")
    if told:
        complain("; ".join(told))


def _print_hits(hits: Sequence[SearchHit]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for hit in hits:
        article = hit.article
        day = article.published_date or (article.published or article.first_seen).date().isoformat()
        title = Text.assemble((f"{article.id:>{INDENT - 2}}  ", "dim"), (safe_line(article.title), "bold"))
        copy = f"  copy of {article.copy_of}" if article.copy_of else ""
        if hit.since is not None:
            copy += f"  as it was from {hit.since:%Y-%m-%d} to {hit.until or hit.since:%Y-%m-%d}"
        copy += f"  also at {safe_line(', '.join(hit.copy_sources))}" if hit.copy_sources else ""
        facts = f"{' ' * INDENT}{day}  {safe_line(article.source)}{copy}  {safe_line(article.url)}"
        # Never folded: an address in two halves cannot be copied.
        console.print(title, soft_wrap=True)
        console.print(Text(facts, style="dim"), soft_wrap=True)
        _print_passage(console, _highlighted(hit.snippet))


def _print_passage(console: Console, passage: Text) -> None:
    from aggregator.cli.terminal import folded

    width = console.width - INDENT - 2 if console.is_terminal else len(passage) * 2
    lines = list(folded(passage, max(width, 20)))
    if len(lines) > SHOWN_LINES:
        lines[SHOWN_LINES - 1].append(" …")
    for line in lines[:SHOWN_LINES]:
        console.print(" " * INDENT, line, sep="", soft_wrap=True)
    console.print()


def _highlighted(snippet: str) -> Text:
    from rich.text import Text

    text = Text()
    for number, part in enumerate(MARKS.split(snippet)):
        text.append(safe_line(part), style="bold yellow" if number % 2 else "")
    return text


def complain_of_no_article(number: int | str) -> None:
    """That no article has a number, and where the numbers are."""
    complain(f"no article has the number {number}; `evnews search` prints the numbers")


def show_article(config: Config, number: int, *, as_json: bool) -> int:
    """Print one article; 1 where there is none with that number."""
    with open_archive(config) as database:
        library = Library(database)
        article = library.article(number) if 0 < number <= LARGEST_ID else None
        captures = library.captures(article.id) if article else []
        copies = library.copies(article.id) if article else []
        story = library.story(article.id) if article else None
    if article is None:
        complain_of_no_article(number)
        return TROUBLE
    if as_json:
        print_json(article_fields(article))
        return 0
    places = [f"{one.file} at {one.offset}, fetched {at:%Y-%m-%d %H:%M:%S} UTC" for one, _, at in captures]
    beside = [("copied as", f"{number}  {url}") for number, url in copies] + _story(story, article)
    _print_article(article, beside, places)
    return 0


def _story(story: Story | None, article: KeptArticle) -> list[tuple[str, str]]:
    """The story of an article and who else tells it; nothing where it is told by nobody else."""
    if story is None or len(story.members) == 1:
        return []
    from aggregator.cli.commands.stories import told_by

    many = f"{format_count(len(story.members), 'article')} of {format_count(story.source_count, 'source')}"
    others = [line for one, line in zip(story.members, told_by(story), strict=True) if one.article_id != article.id]
    return [("story", f"{story.id}, {many}: {story.title}"), *(("told by", line) for line in others)]


def _print_article(article: KeptArticle, copies: list[tuple[str, str]], captures: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(article.title), style="bold"), soft_wrap=True)
    for name, value in _facts(article, copies, captures):
        console.print(Text.assemble((f"{name:<12}", "dim"), safe_line(value)), soft_wrap=True)
    console.print()
    for paragraph in article.text.split("\n"):
        _print_paragraph(console, Text(safe_line(paragraph)))


def _print_paragraph(console: Console, paragraph: Text) -> None:
    from aggregator.cli.terminal import folded

    width = console.width if console.is_terminal else len(paragraph) * 2
    for line in folded(paragraph, max(width, 20)):
        console.print(line, soft_wrap=True)


def _facts(article: KeptArticle, copies: list[tuple[str, str]], captures: list[str]) -> list[tuple[str, str]]:
    published = f"{article.published:%Y-%m-%d %H:%M} UTC" if article.published else "unknown"
    facts = [
        ("source", article.source),
        ("url", article.url),
        ("canonical", article.canonical_url if article.canonical_url != article.url else ""),
        ("also at", ", ".join(url for url in article.aliases if url != article.url)),
        ("authors", ", ".join(article.authors)),
        ("published", published + ("" if article.zone_known or not article.published else " (its zone is not known)")),
        ("updated", f"{article.updated:%Y-%m-%d %H:%M} UTC" if article.updated else ""),
        ("first seen", f"{article.first_seen:%Y-%m-%d %H:%M} UTC"),
        ("language", article.language),
        ("words", str(article.words)),
        ("tags", ", ".join(article.tags)),
        ("topics", ", ".join(article.topics)),
        ("revision", str(article.revision) + (" (--revisions, --diff show the edits)" if article.revision > 1 else "")),
        ("withdrawn", f"{article.withdrawn:%Y-%m-%d %H:%M} UTC" if article.withdrawn else ""),
        ("truncated", "its publisher shows only the beginning" if article.truncated else ""),
        ("credits", article.credit),
        ("reprint of", article.original_url),
        ("copy of", str(article.copy_of) if article.copy_of else ""),
        *copies,
        ("why", article.reason),
        ("read by", article.extractor),
        ("origins", ", ".join(f"{field} from {origin}" for field, origin in article.origins)),
        *(("captured", capture) for capture in captures),
    ]
    return [(name, value) for name, value in facts if value]
