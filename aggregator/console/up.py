"""`evnews up`: polls by the clock and serves, in one process, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.alerting import tell_of_new
from aggregator.console.answer import INTERRUPTED, TROUBLE, complain, mistake
from aggregator.console.board import Board
from aggregator.console.catalogue import read_catalogue
from aggregator.crawl.runner import run_in_reactor
from aggregator.logs import configure_logging
from aggregator.schedule.ticker import Job
from aggregator.service.crew import utc_now
from aggregator.service.housekeeping import LOOK_SECONDS, back_up_when_due
from aggregator.service.server import CannotListen, NeedsTokens, Server, opened_server
from aggregator.service.service import Service
from spiders.catalogue import load_catalogue
from spiders.source import Source
from spiders.tablefile import CatalogueError
from storage.database import Database

TELL_SECONDS = 60.0


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
    if not config.contact and not config.user_agent:
        complain("no contact is set, publishers cannot reach you (see EVNEWS_CONTACT)")
    with open_archive(config) as database:
        try:
            with opened_server(config, database, how.host, how.port) as server, server.running():
                return run_in_reactor(lambda: _run(config, database, file, server, how))
        except NeedsTokens as error:
            mistake(str(error))
        except CannotListen as error:
            complain(str(error))
            return TROUBLE


async def _run(config: Config, database: Database, file: Path | None, server: Server, how: How) -> int:
    with Board(database, server.address, is_plain=how.log == "json") as board:
        service = Service(config, database, _Reader(config, file), board, jobs=[
            Job("tell", TELL_SECONDS, lambda: tell_of_new(config)),
            Job("backup", LOOK_SECONDS, lambda: _back_up(config, database)),
            Job("board", board.SECONDS, board.look),
        ])  # fmt: skip
        _on_signals(service, board)
        if how.open:
            await asyncio.to_thread(webbrowser.open, server.address)
        await service.run()
    return 0


async def _back_up(config: Config, database: Database) -> None:
    await back_up_when_due(config, database, utc_now)


def _on_signals(service: Service, board: Board) -> None:
    """The first signal ends the service in good order, a second at once; neither loses anything."""
    asked: list[int] = []

    def signalled() -> None:
        if asked:
            board.close()
            os._exit(INTERRUPTED)
        asked.append(1)
        board.close()
        complain("stopping; what is in flight is finished and kept (again to leave at once)")
        service.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signalled)


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
