"""`evnews search` and `evnews show`: articles found, and one article read."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta

from aggregator.config import Config
from aggregator.feeds.jsonl import jsonl
from aggregator.logs import safe_line
from aggregator.service import open_archive
from storage.article import Hit, KeptArticle, Query
from storage.library import Library

_SPAN = re.compile(r"(\d{1,4})([hdwmy])")
_HOURS = {"h": 1, "d": 24, "w": 168, "m": 730, "y": 8766}
MARKS = ("\ue000", "\ue001")


def query_of(
    words: str, sources: tuple[str, ...], since: str | None, until: str | None, *, limit: int | None, order: str
) -> Query:
    """The options as a Query; raises ValueError for a date that is none."""
    return Query(words=words, sources=sources, since=_moment(since), until=_moment(until), limit=limit, order=order)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    span = _SPAN.fullmatch(text)
    if span:
        return datetime.now(UTC) - timedelta(hours=int(span[1]) * _HOURS[span[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write 2026-01-31, 2026-01-31T12:00 or 7d, 4w, 6m, 1y") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def run_search(config: Config, query: Query, *, as_json: bool) -> int:
    """Print what was found; 1 where nothing was."""
    with open_archive(config) as database:
        hits = Library(database).search(query)
    if as_json:
        for hit in hits:
            print(json.dumps({**_fields(hit.article), "snippet": _unmarked(hit.snippet)}, ensure_ascii=False))
    else:
        _print_hits(hits)
    if not hits and not as_json:
        print("nothing found; fewer words, or `evnews crawl` first?", file=sys.stderr)
    return 0 if hits else 1


def _fields(article: KeptArticle) -> dict[str, object]:
    """The fields of an export, so that every door names them alike."""
    fields: dict[str, object] = json.loads(next(iter(jsonl([article]))))
    return fields


def _print_hits(hits: list[Hit]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for hit in hits:
        article = hit.article
        day = article.published_date or (article.published or article.first_seen).date().isoformat()
        head = Text.assemble((f"{article.id:>6}  ", "dim"), (safe_line(article.title), "bold"))
        console.print(head)
        copy = f"  copy of {article.copy_of}" if article.copy_of else ""
        console.print(Text(f"        {day}  {safe_line(article.source)}{copy}  {safe_line(article.url)}", style="dim"))
        console.print(_highlighted(hit.snippet))


def _highlighted(snippet: str) -> object:
    from rich.padding import Padding
    from rich.text import Text

    text = Text()
    for number, part in enumerate(re.split(f"[{MARKS[0]}{MARKS[1]}]", snippet)):
        text.append(safe_line(part), style="bold yellow" if number % 2 else "")
    return Padding(text, (0, 0, 1, 8))


def _unmarked(snippet: str) -> str:
    return snippet.replace(MARKS[0], "").replace(MARKS[1], "")


def show_article(config: Config, number: int, *, as_json: bool) -> int:
    """Print one article; 1 where there is none with that number."""
    with open_archive(config) as database:
        library = Library(database)
        article = library.article(number)
        captures = library.captures(article.id) if article else []
    if article is None:
        print(f"evnews: no article has the number {number}; `evnews search` prints the numbers", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(_fields(article), ensure_ascii=False))
        return 0
    _print_article(article, [f"{capture.file} at {capture.offset}, fetched {at:%Y-%m-%d %H:%M:%S} UTC" for capture, _, at in captures])
    return 0


def _print_article(article: KeptArticle, captures: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(article.title), style="bold"))
    for name, value in _facts(article, captures):
        console.print(Text.assemble((f"{name:<12}", "dim"), safe_line(value)))
    console.print()
    for paragraph in article.text.split("\n"):
        console.print(Text(safe_line(paragraph)))


def _facts(article: KeptArticle, captures: list[str]) -> list[tuple[str, str]]:
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
        ("revision", str(article.revision)),
        ("copy of", str(article.copy_of) if article.copy_of else ""),
        ("why", article.reason),
        ("read by", article.extractor),
        ("origins", ", ".join(f"{field} from {origin}" for field, origin in article.origins)),
        *(("captured", capture) for capture in captures),
    ]
    return [(name, value) for name, value in facts if value]
