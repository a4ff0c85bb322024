"""The periodic jobs of `evnews up`, and the sources as the catalogue has them at the moment."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.cli.live_status import LiveStatus
from aggregator.cli.output import warn
from aggregator.cli.saved_search_option import notify_job
from aggregator.cli.shutdown import handle_signals, warn_stopping
from aggregator.schedule.clock import PeriodicJob
from aggregator.service.health_alerts import check_health
from aggregator.service.housekeeping import HOUSEKEEPING_CHECK_SECONDS, PruningJob, back_up_if_due, merge_index_if_due
from aggregator.service.server import reload_on_change
from aggregator.service.service import Service, ServiceObservers
from spiders.catalogue import load_catalogue
from spiders.toml_tables import CatalogueError
from storage.timestamps import utc_now

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.service.server import Server
    from spiders.catalogue import Catalogue
    from spiders.source import Source
    from storage.db.database import Database

HEALTH_SECONDS = 300.0
FIRST_HEALTH_SECONDS = 20.0
CUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """The options of `evnews up`."""

    host: str = "127.0.0.1"
    port: int = 8080
    open: bool = False
    log: str = "text"


async def run_service(
    config: Config,
    database: Database,
    file: Path | None,
    sources: Callable[[], tuple[Source, ...]],
    server: Server,
    options: UpOptions,
) -> int:
    """Poll on schedule and run the periodic jobs until a signal stops the service."""
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

    async def examine_sources() -> None:
        status.examined(await check_health(config, database, sources(), utc_now()))

    with LiveStatus(database, server.address, is_plain=options.log == "json") as status:
        metrics = server.metrics
        await asyncio.to_thread(metrics.load_last_success, sources())
        service = Service(config, database, sources, ServiceObservers([status, metrics]), lag=metrics.lag, jobs=[
            notify_job(config),
            PeriodicJob("backup", HOUSEKEEPING_CHECK_SECONDS, back_up),
            PeriodicJob("prune", HOUSEKEEPING_CHECK_SECONDS, prune),
            PeriodicJob("optimize", HOUSEKEEPING_CHECK_SECONDS, join_index),
            PeriodicJob("feed-pages", CUT_SECONDS, cut_feeds),
            PeriodicJob("health", HEALTH_SECONDS, examine_sources, first_seconds=FIRST_HEALTH_SECONDS),
            PeriodicJob("status", status.SECONDS, status.refresh),
        ])  # fmt: skip

        def stop() -> None:
            ending.set()
            status.close()
            warn_stopping()
            service.stop()

        handle_signals(stop, status.close)
        if options.open:
            await asyncio.to_thread(webbrowser.open, server.address)
        await service.run()
    return 0


def watch_sources(config: Config, file: Path | None, catalogue: Catalogue) -> Callable[[], tuple[Source, ...]]:
    """Return a function that returns the enabled sources and reads a changed catalogue again.

    An unreadable file leaves the sources as they were. Each problem is reported once.
    """
    current, reported = catalogue, set(catalogue.problems)

    def read() -> tuple[Source, ...]:
        nonlocal current
        problems: tuple[str, ...]
        try:
            current = load_catalogue(config.home, file)
            problems = current.problems
        except CatalogueError as error:
            problems = (str(error),)
        for problem in problems:
            if problem not in reported:
                reported.add(problem)
                warn(problem)
        return current.enabled_sources

    return reload_on_change(file or config.home / "sources.toml", read)
