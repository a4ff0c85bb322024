"""`evnews crawl`: poll sources and report the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.catalogue import read_catalogue, select_sources, warn_without_contact
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, SourceNames, SourcesFile
from aggregator.cli.output import EXIT_FAILURE, EXIT_INTERRUPTED, print_json, usage_error, warn

if TYPE_CHECKING:
    from aggregator.cli.crawl_report import CrawlProgress
    from aggregator.config import Config
    from aggregator.crawl.context import RevisitOptions
    from aggregator.crawl.runner import CrawlRunner, PollResult
    from spiders.source import Source

app = CommandApp()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlOptions:
    """The options of `evnews crawl`."""

    due: bool = False
    watch: bool = False
    revisit: bool = False
    confirm_now: bool = False
    as_json: bool = False

    @property
    def revisiting(self) -> RevisitOptions | None:
        """Options of the revisits, or None without `--revisit`."""
        from aggregator.crawl.context import RevisitOptions

        return RevisitOptions(self.confirm_now) if self.revisit else None


@app.add("crawl", "evnews crawl", "evnews crawl electrek insideevs", "evnews crawl --watch")
def crawl(
    context: typer.Context,
    names: SourceNames = None,
    sources: SourcesFile = None,
    due: Annotated[bool, typer.Option("--due", help="Only sources that are due.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep running; poll each source whenever it is due.")] = False,
    revisit: Annotated[
        bool, typer.Option("--revisit", help="Then request every stored article again to find edits and withdrawals.")
    ] = False,
    confirm_now: Annotated[
        bool,
        typer.Option("--confirm-now", help="With --revisit: confirm a missing page with a second request at once."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Poll the sources now and store their new articles.

    Exit status 1 if a source could not be polled. The first Ctrl-C finishes the requests in flight, the second stops
    at once; nothing is lost.
    """
    options = CrawlOptions(due=due, watch=watch, revisit=revisit, confirm_now=confirm_now, as_json=as_json)
    raise typer.Exit(run_crawl(context.obj.load(), names or [], sources, options))


def run_crawl(config: Config, names: list[str], file: Path | None, options: CrawlOptions) -> int:
    """Poll and report. Return 0 if every index was polled, 1 if some could not be, 130 after Ctrl-C."""
    if options.confirm_now and not options.revisit:
        usage_error("--confirm-now changes what --revisit does; give both")
    if options.revisit and options.watch:
        usage_error("--revisit requests every stored article once and cannot be combined with --watch; give one")
    from aggregator.cli.garbage_collection import collect_as_usual
    from aggregator.crawl.reactor import run_in_reactor
    from aggregator.logs import configure_logging

    collect_as_usual()
    configure_logging()
    catalogue = read_catalogue(config, file)
    sources = select_sources(catalogue, names)
    warn_without_contact(config)
    if not sources:
        warn("no source is enabled; `evnews sources add URL` adds one")
        return EXIT_FAILURE
    status = run_in_reactor(lambda: _crawl(config, catalogue.sources, sources, options))
    return EXIT_FAILURE if status == 0 and catalogue.problems and not names else status


async def _crawl(
    config: Config, catalogue: tuple[Source, ...], sources: tuple[Source, ...], options: CrawlOptions
) -> int:
    from aggregator.cli.crawl_report import CrawlProgress, print_summary
    from aggregator.cli.saved_search_option import notify_during_crawl, notify_job
    from aggregator.cli.shutdown import CrawlStopper, warn_stopping
    from aggregator.schedule.clock import PollClock
    from aggregator.service.setup import open_runner

    async with open_runner(config, catalogue, revisit_options=options.revisiting) as runner:
        with CrawlProgress(runner.context.stats, quiet=options.as_json, endless=options.watch) as progress:
            stopper = CrawlStopper(runner, warn_stopping, close_display=progress.close)
            report = _reporter(progress, as_json=options.as_json)
            if options.watch:
                clock = PollClock(runner, sources, report)
                await clock.run([notify_job(config)])
                results = list(clock.last_results.values())
            else:
                polled = await _due_sources(runner, sources) if options.due else sources
                results = await runner.poll_all(polled, report, only_due=options.due)
        await stopper.finish()
        await notify_during_crawl(config)
        if not runner.context.is_stopping:
            await _record_health(config, catalogue)
        if not options.as_json and not options.watch:
            print_summary(results, runner.context.stats, progress.seconds)
        return _status(runner, results)


async def _record_health(config: Config, catalogue: Sequence[Source]) -> None:
    """Store the health of the enabled sources and notify the operator of changes."""
    from aggregator.archive import open_archive
    from aggregator.service.health_alerts import check_health
    from storage.timestamps import utc_now

    with open_archive(config) as database:
        await check_health(config, database, [source for source in catalogue if source.enabled], utc_now())


def _status(runner: CrawlRunner, results: Sequence[PollResult]) -> int:
    if runner.context.fatal_error:
        warn(runner.context.fatal_error)
        return EXIT_FAILURE
    if runner.context.is_stopping:
        return EXIT_INTERRUPTED
    return 0 if all(result.has_succeeded for result in results) else EXIT_FAILURE


def _reporter(progress: CrawlProgress, *, as_json: bool) -> Callable[[PollResult], None]:
    from aggregator.cli.crawl_report import poll_fields

    def report(result: PollResult) -> None:
        if as_json:
            print_json(poll_fields(result))
        else:
            progress.polled(result)

    return report


async def _due_sources(runner: CrawlRunner, sources: tuple[Source, ...]) -> list[Source]:
    by_name = {source.name: source for source in sources}
    return [by_name[name] for name in await runner.context.repository.find_due_sources(list(by_name))]
