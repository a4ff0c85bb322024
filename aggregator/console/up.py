"""`evnews up`: polls by the clock and serves, in one process, until it is told to end."""

from __future__ import annotations

import asyncio
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from aggregator.config import Config
from aggregator.console.alerting import telling
from aggregator.console.answer import complain, mistake
from aggregator.console.board import Board
from aggregator.console.catalogue import complain_of_no_contact, read_catalogue
from aggregator.console.serve import with_server
from aggregator.console.signals import at_signals, tell_stopping
from aggregator.crawl.runner import run_in_reactor
from aggregator.logs import configure_logging
from aggregator.schedule.ticker import Job
from aggregator.service.crew import utc_now
from aggregator.service.housekeeping import LOOK_SECONDS, back_up_when_due
from aggregator.service.server import Server
from aggregator.service.service import Service
from spiders.catalogue import load_catalogue
from spiders.source import Source
from spiders.tablefile import CatalogueError
from storage.database import Database


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
    if not any(source.enabled for source in read_catalogue(config, file).sources):
        mistake("the catalogue names no source that is enabled; `evnews sources add URL` adds one")
    complain_of_no_contact(config)

    def work(database: Database, server: Server) -> int:
        with server.running():
            return run_in_reactor(lambda: _run(config, database, file, server, how))

    return with_server(config, how.host, how.port, work)


async def _run(config: Config, database: Database, file: Path | None, server: Server, how: How) -> int:
    with Board(database, server.address, is_plain=how.log == "json") as board:
        service = Service(config, database, _Reader(config, file), board, jobs=[
            telling(config),
            Job("backup", LOOK_SECONDS, lambda: _back_up(config, database)),
            Job("board", board.SECONDS, board.look),
        ])  # fmt: skip

        def stop() -> None:
            board.close()
            tell_stopping()
            service.stop()

        at_signals(stop, board.close)
        if how.open:
            await asyncio.to_thread(webbrowser.open, server.address)
        await service.run()
    return 0


async def _back_up(config: Config, database: Database) -> None:
    await back_up_when_due(config, database, utc_now)


class _Reader:
    """The enabled sources; a catalogue that cannot be read leaves them as they were, and is told of once."""

    def __init__(self, config: Config, file: Path | None) -> None:
        self._config, self._file = config, file
        self._last: tuple[Source, ...] = ()
        self._told: set[str] = set()

    def __call__(self) -> tuple[Source, ...]:
        try:
            catalogue = load_catalogue(self._config.home, self._file)
        except CatalogueError as error:
            self._tell([str(error)])
            return self._last
        self._tell(catalogue.problems)
        self._last = tuple(source for source in catalogue.sources if source.enabled)
        return self._last

    def _tell(self, problems: tuple[str, ...] | list[str]) -> None:
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                if len(self._told) > 1 or self._last:
                    complain(problem)
