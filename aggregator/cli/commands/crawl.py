"""`evnews crawl`: polls sources, shows progress, and tells the truth with its exit status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aggregator.archive import open_archive
from aggregator.cli.catalogue import chosen, complain_of_no_contact, read_catalogue
from aggregator.cli.crawl_report import Progress, print_summary, record_of
from aggregator.cli.output import INTERRUPTED, complain, mistake, print_json
from aggregator.cli.saved_search_option import tell_of_new, telling
from aggregator.cli.shutdown import Stopping, tell_stopping
from aggregator.config import Config
from aggregator.crawl.revisit_round import RevisitOptions
from aggregator.crawl.runner import CrawlRunner, PollResult, run_in_reactor
from aggregator.logs import configure_logging
from aggregator.schedule.clock import PollClock
from aggregator.service.health_alerts import check_health
from aggregator.service.setup import open_runner, utc_now
from spiders.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The options of a crawl."""

    due: bool = False
    watch: bool = False
    revisit: bool = False
    confirm_now: bool = False
    as_json: bool = False

    @property
    def again(self) -> RevisitOptions | None:
        """Whether and how kept articles are asked for again."""
        return RevisitOptions(self.confirm_now) if self.revisit else None


def run_crawl(config: Config, names: list[str], file: Path | None, how: How) -> int:
    """Poll and report. 0 every index was polled, 1 some could not be, 130 stopped by Ctrl-C."""
    if how.confirm_now and not how.revisit:
        mistake("--confirm-now says how --revisit treats missing pages; give both")
    if how.revisit and how.watch:
        mistake("--revisit asks for every kept article once; it cannot be combined with --watch")
    configure_logging()
    catalogue = read_catalogue(config, file)
    sources = chosen(catalogue, names)
    complain_of_no_contact(config)
    if not sources:
        complain("the catalogue names no source that is enabled")
        return 1
    status = run_in_reactor(lambda: _crawl(config, catalogue.sources, sources, how))
    return 1 if status == 0 and catalogue.problems and not names else status


async def _crawl(config: Config, catalogue: tuple[Source, ...], sources: tuple[Source, ...], how: How) -> int:
    async with open_runner(config, catalogue, revisit_options=how.again) as crew:
        with Progress(crew.stats, quiet=how.as_json, endless=how.watch) as progress:
            stopping = Stopping(crew, tell_stopping, leave=progress.close)
            report = _reporter(progress, as_json=how.as_json)
            if how.watch:
                clock = PollClock(crew, sources, report)
                await clock.run([telling(config)])
                results = list(clock.last_results.values())
            else:
                polled = await _due(crew, sources) if how.due else sources
                results = await crew.poll_all(polled, report, only_due=how.due)
        await stopping.done()
        await tell_of_new(config)
        if not crew.is_stopping:
            await _look_after(config, catalogue)
        if not how.as_json and not how.watch:
            print_summary(results, crew.stats, progress.seconds)
        return _status(crew, results)


async def _look_after(config: Config, catalogue: Sequence[Source]) -> None:
    """How the sources are after the crawl is put down, and told where that is news, as a service does."""
    with open_archive(config) as database:
        await check_health(config, database, [source for source in catalogue if source.enabled], utc_now())


def _status(crew: CrawlRunner, results: Sequence[PollResult]) -> int:
    if crew.fatal_error:
        complain(crew.fatal_error)
        return 1
    if crew.is_stopping:
        return INTERRUPTED
    return 0 if all(result.has_succeeded for result in results) else 1


def _reporter(progress: Progress, *, as_json: bool) -> Callable[[PollResult], None]:
    def report(result: PollResult) -> None:
        if as_json:
            print_json(record_of(result))
        else:
            progress.polled(result)

    return report


async def _due(crew: CrawlRunner, sources: tuple[Source, ...]) -> list[Source]:
    by_name = {source.name: source for source in sources}
    return [by_name[name] for name in await crew.repository.find_due_sources(list(by_name))]
