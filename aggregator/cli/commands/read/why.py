"""`evnews why`: explain every decision about an article, URL or source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn, warn_no_article
from aggregator.formatting import format_time
from aggregator.logs import safe_line
from storage.identity import host_of, url_key
from storage.model.search import MAX_ID

if TYPE_CHECKING:
    from rich.console import Console

    from aggregator.config import Config
    from aggregator.explain.reason import FactValue, Reason, Section
    from storage.provenance.polling import PollTiming

MAX_REASONS = 12
"""Number of reasons shown from the beginning of a section, and from its end."""
MAX_URL = 4096

app = CommandApp()


@app.add("why", "evnews why 42", "evnews why electrek", "evnews why https://electrek.co/2026/01/31/a-story/")
def why(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="The ID of an article, a URL or the name of a source.")
    ],
    as_json: Json = False,
) -> None:
    """Explain every decision about an article, URL or source.

    Exit status 1 if nothing is known about it.
    """
    raise typer.Exit(explain(context.obj.load(), subject, as_json=as_json))


def explain(config: Config, subject: str, *, as_json: bool) -> int:
    """Print what is known about an article, a URL or a source. Return 1 if nothing is."""
    from spiders.toml_tables import ENTRY_NAME

    if (
        ENTRY_NAME.fullmatch(subject)
        and not subject.isdigit()
        and (timing := _source_timing(config, subject)) is not None
    ):
        return _explain_source(timing, as_json=as_json)
    article_id = int(subject) if subject.isascii() and subject.isdigit() and len(subject) < 20 else None
    if article_id is None and not _is_url(subject):
        usage_error(
            f"{subject[:80]!r} is not the ID of an article, a URL or a source; `evnews search` prints IDs and URLs,"
            " `evnews sources` lists the sources"
        )
    return _explain_article(config, subject, article_id, as_json=as_json)


def _explain_article(config: Config, subject: str, article_id: int | None, *, as_json: bool) -> int:
    from storage.provenance.gather import gather_provenance
    from storage.provenance.model import Provenance

    now = datetime.now(UTC)
    with open_archive(config) as database:
        if article_id is not None and not 0 < article_id <= MAX_ID:
            provenance = Provenance(requested=subject)
        else:
            provenance = gather_provenance(
                database, subject if article_id is None else article_id, config.warc_folder, now
            )
    if not provenance.is_known:
        _warn_unknown(config, subject, article_id)
        return EXIT_FAILURE
    from aggregator.explain.sections import build_sections, format_heading
    from aggregator.topics.catalogue import load_topics

    _print_sections(format_heading(provenance), build_sections(provenance, now), as_json=as_json)
    if provenance.catalogue_digest and provenance.catalogue_digest != load_topics(config.home).digest:
        warn("the topics were found with another topic catalogue; `evnews topics --refresh` updates them")
    return 0


def _source_timing(config: Config, name: str) -> PollTiming | None:
    """Return the polls of a source that the archive or the catalogue knows, else None."""
    from spiders.catalogue import load_catalogue
    from storage.provenance.polling import load_poll_timing

    with open_archive(config) as database:
        source_timing = load_poll_timing(database, name)
    if source_timing.polls or source_timing.next_poll_at:
        return source_timing
    return source_timing if any(name == source.name for source in load_catalogue(config.home).sources) else None


def _explain_source(timing: PollTiming, *, as_json: bool) -> int:
    """Print when a source is polled and why. Return 1 if it was never polled."""
    from aggregator.explain.polling import explain_polling

    name, sections = timing.source, explain_polling(timing, datetime.now(UTC))
    if not sections:
        warn(f"{name} was never polled; `evnews crawl {name}` polls it now, `evnews up` on schedule")
        return EXIT_FAILURE
    _print_sections(f"Source {name}", sections, as_json=as_json)
    return 0


def _is_url(subject: str) -> bool:
    """Return whether the text has a host; a single word has none."""
    host = host_of(url_key(subject)) if len(subject) <= MAX_URL else ""
    return bool(host) and ("." in host or "://" in subject)


def _warn_unknown(config: Config, subject: str, article_id: int | None) -> None:
    """Report that nothing is known, and the command that may change this."""
    if article_id is not None:
        warn_no_article(subject)
        return
    from aggregator.cli.catalogue import read_catalogue

    key = url_key(subject)
    unknown = f"no index lists {subject}, and it was never fetched"
    for source in read_catalogue(config, None).sources:
        indexes = {url_key(url) for url, *_ in source.indexes}
        if key in indexes:
            warn(
                f"{subject} is an index of {source.name}, not an article; `evnews why {source.name}` explains its polls"
            )
            return
        if host_of(key) in {host_of(url) for url in (url_key(source.home), *indexes)}:
            warn(f"{unknown}; `evnews crawl {source.name}` polls its source now")
            return
    scheme = "http" if subject[:7].lower() == "http://" else "https"
    warn(f"{unknown}; `evnews sources add {scheme}://{host_of(key)}/` adds its site as a source")


def _print_sections(title: str, sections: Iterable[Section], *, as_json: bool) -> None:
    if as_json:
        for fields in reason_fields(sections):
            print_json(fields)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(safe_line(title), style="bold"), soft_wrap=True)
    for section in sections:
        if section.title:
            console.print()
            console.print(Text(section.title, style="bold"), soft_wrap=True)
        for reason in _shortened(section):
            _print_reason(console, reason)


def reason_fields(sections: Iterable[Section]) -> Iterator[dict[str, object]]:
    """Yield the fields of each reason's JSON object (docs/json.md)."""
    from aggregator.feeds.json_records import format_optional_timestamp

    for section in sections:
        for reason in section.reasons:
            facts = {name: _json_value(figure) for name, figure in reason.facts}
            yield {
                "section": section.name,
                "at": format_optional_timestamp(reason.at),
                "words": reason.text,
                "facts": facts,
            }


def _json_value(figure: FactValue) -> object:
    from aggregator.feeds.json_records import format_optional_timestamp

    return (
        format_optional_timestamp(figure)
        if isinstance(figure, datetime)
        else list(figure)
        if isinstance(figure, tuple)
        else figure
    )


def _shortened(section: Section) -> Iterator[Reason]:
    """Yield the reasons of a section; a long section loses its middle."""
    from aggregator.explain.reason import Reason

    reasons = section.reasons
    omitted = len(reasons) - 2 * MAX_REASONS
    if omitted <= 1:
        yield from reasons
        return
    yield from reasons[:MAX_REASONS]
    yield Reason(text=f"… {omitted} more, which --json prints …")
    yield from reasons[-MAX_REASONS:]


def _print_reason(console: Console, reason: Reason) -> None:
    from rich.text import Text

    from aggregator.cli.terminal import fold

    at = f"{format_time(reason.at)}  " if reason.at else ""
    text = Text.assemble((at, "dim"), safe_line(reason.text))
    width = console.width - 4 if console.is_terminal else len(text) * 2
    for number, line in enumerate(fold(text, max(width, 20))):
        console.print("    " if number else "  ", line, sep="", soft_wrap=True)
    for detail in reason.details:
        console.print(Text(f"      {safe_line(detail)}", style="dim"), soft_wrap=True)
