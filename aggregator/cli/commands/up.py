"""`evnews up`: polls by the clock and serves, in one process, until it is told to end."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aggregator.cli.catalogue import complain_of_no_contact, read_catalogue
from aggregator.cli.commands.serve import with_server
from aggregator.cli.live_status import Board
from aggregator.cli.output import complain, mistake
from aggregator.cli.saved_search_option import telling
from aggregator.cli.shutdown import at_signals, tell_stopping
from aggregator.config import Config
from aggregator.crawl.runner import run_in_reactor
from aggregator.logs import configure_logging
from aggregator.schedule.clock import PeriodicJob
from aggregator.service.health_alerts import check_health
from aggregator.service.housekeeping import HOUSEKEEPING_CHECK_SECONDS, PruningJob, back_up_if_due, merge_index_if_due
from aggregator.service.server import Server, reload_on_change
from aggregator.service.service import Service, ServiceObservers
from aggregator.service.setup import utc_now
from spiders.catalogue import Catalogue, load_catalogue
from spiders.source import Source
from spiders.toml_tables import CatalogueError
from storage.db.database import Database

HEALTH_SECONDS = 300.0
CUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The options of `up`."""

    host: str = "127.0.0.1"
    port: int = 8080
    open: bool = False
    log: str = "text"


def run_up(config: Config, file: Path | None, how: How) -> int:
    """Run until Ctrl-C or SIGTERM. 0 ended in good order, 1 it cannot serve or poll at all, 130 left at once."""
    if how.log not in ("text", "json"):
        mistake(f"--log is text or json, not {how.log!r}")
    configure_logging(how.log)
    catalogue = read_catalogue(config, file)
    if not catalogue.enabled_sources:
        mistake("the catalogue names no source that is enabled; `evnews sources add URL` adds one")
    complain_of_no_contact(config)
    sources = _sources(config, file, catalogue)

    def work(database: Database, server: Server) -> int:
        with server.running():
            return run_in_reactor(lambda: _run(config, database, file, sources, server, how))

    return with_server(config, how.host, how.port, work)


async def _run(
    config: Config,
    database: Database,
    file: Path | None,
    sources: Callable[[], tuple[Source, ...]],
    server: Server,
    how: How,
) -> int:
    ending = threading.Event()

    async def back_up() -> None:
        await back_up_if_due(config, database, utc_now, ending.is_set)

    pruning = PruningJob(config, database, file, utc_now, ending.is_set)

    async def prune() -> None:
        await pruning.run()

    async def join_index() -> None:
        await merge_index_if_due(database, utc_now, ending.is_set)

    async def cut_feeds() -> None:
        await asyncio.to_thread(server.cut_feeds, ending.is_set)

    async def look_after_sources() -> None:
        board.examined(await check_health(config, database, sources(), utc_now()))

    with Board(database, server.address, is_plain=how.log == "json") as board:
        metrics = server.metrics
        await asyncio.to_thread(metrics.load_last_success, sources())
        service = Service(config, database, sources, ServiceObservers([board, metrics]), lag=metrics.lag, jobs=[
            telling(config),
            PeriodicJob("backup", HOUSEKEEPING_CHECK_SECONDS, back_up),
            PeriodicJob("prune", HOUSEKEEPING_CHECK_SECONDS, prune),
            PeriodicJob("optimize", HOUSEKEEPING_CHECK_SECONDS, join_index),
            PeriodicJob("feed-pages", CUT_SECONDS, cut_feeds),
            PeriodicJob("health", HEALTH_SECONDS, look_after_sources, first_seconds=20.0),
            PeriodicJob("board", board.SECONDS, board.look),
        ])  # fmt: skip

        def stop() -> None:
            ending.set()
            board.close()
            tell_stopping()
            service.stop()

        at_signals(stop, board.close)
        if how.open:
            await asyncio.to_thread(webbrowser.open, server.address)
        await service.run()
    return 0


def _sources(config: Config, file: Path | None, catalogue: Catalogue) -> Callable[[], tuple[Source, ...]]:
    """Gives the enabled sources, from `catalogue` on read again when its file changes.

    A file that cannot be read leaves them as they were; each problem is told of once.
    """
    known, told = catalogue, set(catalogue.problems)

    def read() -> tuple[Source, ...]:
        nonlocal known
        problems: tuple[str, ...]
        try:
            known = load_catalogue(config.home, file)
            problems = known.problems
        except CatalogueError as error:
            problems = (str(error),)
        for problem in problems:
            if problem not in told:
                told.add(problem)
                complain(problem)
        return known.enabled_sources

    return reload_on_change(file or config.home / "sources.toml", read)
