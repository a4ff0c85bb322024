"""What runs together, composed: the archive, its writer and tape, the worker processes, and a crew that polls."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aggregator import __version__
from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.crawl.address_policy import AddressPolicy
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.repository import Desk
from aggregator.crawl.resolver import install_guard
from aggregator.crawl.revisit_round import Revisiting
from aggregator.crawl.runner import Crew
from aggregator.extraction.pool import ReaderPool
from aggregator.schedule.budget import Planner
from aggregator.topics.catalogue import load_topics, use
from spiders.source import Source
from storage.crawl import leads
from storage.crawl.lease_owner import Owner, dead_owners
from storage.db.writer import Work, Writer
from storage.errors import ArchiveError
from storage.warc.store import WarcTape, recover

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.topics.matcher import TopicCatalogue


POLLS_A_DAY = 24.0
"""How many requests for indexes a source may cost a day, on average over all sources."""

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_crew(
    config: Config,
    sources: Iterable[Source],
    *,
    again: Revisiting | None = None,
    planner: Planner | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Crew]:
    """A crew ready to poll, on the running reactor: leases of dead processes given back, torn tapes mended."""
    policy = AddressPolicy(config.allow_networks)
    guard = install_guard(policy, exempt=host_of(config.proxy) if config.proxy else "")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(open_archive(config))
        run_folder = config.home / "run"
        owner = Owner(run_folder)
        for mended in recover(config.warc_folder):
            log.info("event=tape-recovered what=%s", mended)
        tape = WarcTape(config.warc_folder, software=f"evnews/{__version__}", clock=now)
        writer = Writer(database, tape if config.keeps_pages else None)
        stack.callback(tape.close)
        stack.callback(writer.close)
        stack.callback(_leave, writer, owner)
        _reclaim(writer, run_folder, owner.token)
        pool = ReaderPool(config.process_count, _topics(config.home))
        stack.callback(pool.close)
        desk = Desk(writer, owner.token, now, config.warc_folder)
        planner = planner or new_planner()
        await reprice(planner, desk)
        crew = Crew(config=config, desk=desk, pool=pool, guard=guard, plan=planner, now=now, again=again)
        await crew.prepare(sources)
        yield crew


def new_planner() -> Planner:
    """A planner that keeps to the budget, and knows nothing yet."""
    return Planner(POLLS_A_DAY)


async def reprice(planner: Planner, desk: Desk) -> None:
    """Tell the planner what was learned of all indexes, and how many were asked in the last day."""
    now = desk.now()
    known = await desk.learned_appointments()
    sources = len({one.source for one in known})
    spent, first = await desk.polls_since(now - timedelta(days=1))
    days = (now - first) / timedelta(days=1) if first else 0.0
    rhythms = [one.rhythm for one in known if one.rhythm is not None]
    planner.reprice(rhythms, now.timestamp(), sources=sources, spent=spent, days=days)
    planner.share_hosts(known, now.timestamp())


def _topics(home: Path) -> TopicCatalogue | None:
    """The catalogue of topics for the workers, where it is not the shipped one, and for this process in any case."""
    catalogue = load_topics(home)
    for problem in catalogue.problems:
        log.warning("event=topic-unusable what=%s", problem)
    use(catalogue)
    return catalogue if (home / "topics.toml").exists() else None


def _reclaim(writer: Writer, folder: Path, own: str) -> None:
    """Give back the leases of processes that died; a killed fetch is no attempt."""
    for token, path in dead_owners(folder):
        if token != own:
            writer.submit(_release(token)).result()
            path.unlink(missing_ok=True)


def _leave(writer: Writer, owner: Owner) -> None:
    """Give back every lease; where the archive cannot be written, the next start does it."""
    try:
        writer.submit(_release(owner.token)).result()
    except ArchiveError:
        owner.abandon()
    else:
        owner.close()


def _release(token: str) -> Work[int]:
    return lambda tx, _: leads.release_leads(tx, token)
