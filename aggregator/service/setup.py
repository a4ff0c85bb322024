"""Wire up everything a crawling process needs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator import __version__
from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.crawl.address_policy import AddressPolicy
from aggregator.crawl.context import CrawlContext, RevisitOptions
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.repository import CrawlRepository
from aggregator.crawl.resolver import install_guard
from aggregator.crawl.runner import CrawlRunner
from aggregator.extraction.pool import ExtractionPool
from aggregator.schedule.budget import BudgetPlanner
from aggregator.topics.catalogue import load_topics
from aggregator.topics.matcher import TopicMatcher
from spiders.source import Source
from storage.crawl import leads, polls
from storage.crawl.lease_owner import LeaseOwner, find_dead_owners
from storage.db.writer import DatabaseWriter, Work
from storage.errors import ArchiveError
from storage.timestamps import utc_now
from storage.warc.store import WarcStore, recover_files

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.topics.matcher import TopicCatalogue


POLLS_PER_DAY = 24.0
"""Maximum number of index requests per source and day, on average over all sources."""

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def open_runner(
    config: Config,
    sources: Iterable[Source],
    *,
    revisit_options: RevisitOptions | None = None,
    planner: BudgetPlanner | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[CrawlRunner]:
    """Yield a runner that is ready to poll on the running reactor.

    Release the leases of dead processes and repair WARC files that were cut off.
    """
    policy = AddressPolicy(config.allow_networks)
    guard = install_guard(policy, exempt_host=host_of(config.proxy) if config.proxy else "")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(open_archive(config))
        run_folder = config.home / "run"
        owner = LeaseOwner(run_folder)
        for repair in recover_files(config.warc_folder):
            log.info("event=warc-repaired what=%s", repair)
        store = WarcStore(config.warc_folder, software=f"evnews/{__version__}", clock=now)
        writer = DatabaseWriter(database, store if config.keeps_pages else None)
        stack.callback(store.close)
        stack.callback(writer.close)
        stack.callback(_release_own_leases, writer, owner)
        _release_dead_leases(writer, run_folder, owner.token)
        topics = _load_topic_catalogue(config.home)
        has_own_topics = (config.home / "topics.toml").exists()
        pool = ExtractionPool(config.worker_count, topics if has_own_topics else None)
        stack.callback(pool.close)
        repository = CrawlRepository(writer, owner.token, now, TopicMatcher(topics), config.warc_folder)
        planner = planner or create_planner()
        await reprice(planner, repository)
        context = CrawlContext(
            config=config,
            repository=repository,
            pool=pool,
            guard=guard,
            now=now,
            revisit_options=revisit_options,
        )
        await context.prepare(sources)
        yield CrawlRunner(context, planner)


def create_planner() -> BudgetPlanner:
    """Return a planner with the default budget, which has learned nothing yet."""
    return BudgetPlanner(POLLS_PER_DAY)


async def reprice(planner: BudgetPlanner, repository: CrawlRepository) -> None:
    """Update the planner's price from the publishing profiles of all indexes and the polls of the last day."""
    now = repository.now()
    next_polls = await repository.run(polls.load_learned_next_polls)
    sources = len({next_poll.source for next_poll in next_polls})
    spent, first = await repository.run(polls.count_polls_since, now - timedelta(days=1))
    days = (now - first) / timedelta(days=1) if first else 0.0
    profiles = [poll.publishing_profile for poll in next_polls if poll.publishing_profile is not None]
    planner.reprice(profiles, now.timestamp(), sources=sources, spent=spent, days=days)
    planner.share_hosts(next_polls, now.timestamp())


def _load_topic_catalogue(home: Path) -> TopicCatalogue:
    """Load the catalogue of topics and log each problem in it."""
    catalogue = load_topics(home)
    for problem in catalogue.problems:
        log.warning("event=topic-unusable what=%s", problem)
    return catalogue


def _release_dead_leases(writer: DatabaseWriter, folder: Path, own: str) -> None:
    """Release the leases of dead processes; a fetch that was killed does not count as an attempt."""
    for token, path in find_dead_owners(folder):
        if token != own:
            writer.submit(_release_work(token)).result()
            path.unlink(missing_ok=True)


def _release_own_leases(writer: DatabaseWriter, owner: LeaseOwner) -> None:
    """Release every lease of this process; if the archive cannot be written, the next start releases them."""
    try:
        writer.submit(_release_work(owner.token)).result()
    except ArchiveError:
        owner.abandon()
    else:
        owner.close()


def _release_work(token: str) -> Work[int]:
    return lambda tx, _: leads.release_leads(tx, token)
