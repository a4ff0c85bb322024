"""`evnews why`: every decision about an article or an address, in words, with figures and times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.commands.search import LARGEST_ID, complain_of_no_article
from aggregator.cli.output import TROUBLE, complain, mistake, print_json
from aggregator.config import Config
from aggregator.explain.polling import explain_polling
from aggregator.explain.reason import FactValue, Reason, Section
from aggregator.explain.sections import build_sections, format_heading
from aggregator.feeds.json_records import format_optional_timestamp
from aggregator.logs import safe_line
from aggregator.topics.catalogue import load_topics
from spiders.catalogue import load_catalogue
from spiders.toml_tables import ENTRY_NAME
from storage.identity import host_of, url_key
from storage.provenance.gather import gather_provenance
from storage.provenance.model import Provenance
from storage.provenance.polling import PollTiming, load_poll_timing

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 12
"""Of a section's reasons so many are shown from its beginning and so many from its end."""
LONGEST_ADDRESS = 4096


def tell_why(config: Config, asked: str, *, as_json: bool) -> int:
    """Print what is known of the article with a number, at an address, or of a source; 1 where nothing is."""
    if ENTRY_NAME.fullmatch(asked) and not asked.isdigit() and (source := _source(config, asked)) is not None:
        return _tell_when(source, as_json=as_json)
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 20 else None
    if number is None and not _is_address(asked):
        mistake(
            f"{asked[:80]!r} is neither the number of an article nor an address, which `evnews search` prints, nor a"
            " source, which `evnews sources` lists"
        )
    now = datetime.now(UTC)
    with open_archive(config) as database:
        if number is not None and not 0 < number <= LARGEST_ID:
            found = Provenance(requested=asked)
        else:
            found = gather_provenance(database, asked if number is None else number, config.warc_folder, now)
    if not found.is_known:
        _complain_of_nothing(config, asked, number)
        return TROUBLE
    told = build_sections(found, now)
    if as_json:
        for record in records(told):
            print_json(record)
    else:
        _print(format_heading(found), told)
    if found.catalogue_digest and found.catalogue_digest != load_topics(config.home).digest:
        complain("its topics were read with another catalogue; `evnews topics --refresh` brings them up to date")
    return 0


def _source(config: Config, name: str) -> PollTiming | None:
    """The times of a source that the archive knows, or that the catalogue names; None where it is none."""
    with open_archive(config) as database:
        known = load_poll_timing(database, name)
    is_known = known.polls or known.next_poll_at
    return known if is_known or any(name == one.name for one in load_catalogue(config.home).sources) else None


def _tell_when(source: PollTiming, *, as_json: bool) -> int:
    """When a source is polled, and why then; 1 where it never was."""
    name, told = source.source, explain_polling(source, datetime.now(UTC))
    if not told:
        complain(f"{name} was never polled; `evnews crawl {name}` does it now, `evnews up` from now on")
        return TROUBLE
    if as_json:
        for record in records(told):
            print_json(record)
    else:
        _print(f"Source {name}", told)
    return 0


def _is_address(asked: str) -> bool:
    """Whether it names a host: a bare word is nobody's address."""
    host = host_of(url_key(asked)) if len(asked) <= LONGEST_ADDRESS else ""
    return bool(host) and ("." in host or "://" in asked)


def records(told: Iterable[Section]) -> Iterator[dict[str, object]]:
    """Each reason as the fields of one JSON object (docs/json.md)."""
    for section in told:
        for one in section.reasons:
            facts = {name: _plain(figure) for name, figure in one.facts}
            yield {"section": section.name, "at": format_optional_timestamp(one.at), "words": one.text, "facts": facts}


def _plain(figure: FactValue) -> object:
    return (
        format_optional_timestamp(figure)
        if isinstance(figure, datetime)
        else list(figure)
        if isinstance(figure, tuple)
        else figure
    )


def _complain_of_nothing(config: Config, asked: str, number: int | None) -> None:
    """That nothing is known, and what to do next: its source is polled again, or its site becomes one."""
    if number is not None:
        complain_of_no_article(asked)
        return
    from aggregator.cli.catalogue import read_catalogue

    key = url_key(asked)
    for source in read_catalogue(config, None).sources:
        indexes = {url_key(url) for url, *_ in source.indexes}
        if key in indexes:
            complain(f"{asked} is an index of {source.name} and no article; `evnews stats` tells how its polls went")
            return
        if host_of(key) in {host_of(one) for one in (url_key(source.home), *indexes)}:
            complain(f"{_UNKNOWN.format(asked)}; `evnews crawl {source.name}` reads what its source names now")
            return
    scheme = "http" if asked[:7].lower() == "http://" else "https"
    complain(f"{_UNKNOWN.format(asked)}; `evnews sources add {scheme}://{host_of(key)}/` makes its site a source")


_UNKNOWN = "no index named {}, and it was never fetched"


def _print(head: str, told: Iterable[Section]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(head), style="bold"), soft_wrap=True)
    for section in told:
        if section.title:
            console.print()
            console.print(Text(section.title, style="bold"), soft_wrap=True)
        for one in _shown(section):
            _print_reason(console, one)


def _shown(section: Section) -> Iterator[Reason]:
    """The reasons of a section, the middle left out where there are very many."""
    reasons = section.reasons
    between = len(reasons) - 2 * SHOWN
    if between <= 1:
        yield from reasons
        return
    yield from reasons[:SHOWN]
    yield Reason(text=f"… {between} more, which --json prints …")
    yield from reasons[-SHOWN:]


def _print_reason(console: Console, one: Reason) -> None:
    from rich.text import Text

    from aggregator.cli.terminal import folded

    at = f"{one.at:%Y-%m-%d %H:%M:%S} UTC  " if one.at else ""
    text = Text.assemble((at, "dim"), safe_line(one.text))
    width = console.width - 4 if console.is_terminal else len(text) * 2
    for number, line in enumerate(folded(text, max(width, 20))):
        console.print("    " if number else "  ", line, sep="", soft_wrap=True)
    for address in one.details:
        console.print(Text(f"      {safe_line(address)}", style="dim"), soft_wrap=True)
