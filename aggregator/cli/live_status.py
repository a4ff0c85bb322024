"""The live status screen of `evnews up`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Self

from aggregator.cli.crawl_report import print_next_poll, reasons
from aggregator.cli.output import warn
from aggregator.cli.terminal import LiveDisplay
from aggregator.formatting import format_count, format_duration
from aggregator.logs import safe_line
from storage.errors import ArchiveError
from storage.monitor import ServiceStatus, load_service_status

if TYPE_CHECKING:
    from rich.console import Group

    from aggregator.crawl.runner import CrawlRunner, PollResult
    from aggregator.health.examine import HealthReport
    from storage.db.database import Database

_POLLS, _ARRIVALS, _PROBLEMS, _RUNNING = 5, 10, 5, 4
OFFLINE = "no source can be reached; check the internet connection of this machine"
_OFFLINE_AFTER = 3
"""Number of sources that must be unreachable before the machine counts as offline."""


class LiveStatus(LiveDisplay):
    """The status of a service (a `ServiceObserver`) on stderr: a live screen in a terminal, lines elsewhere.

    With `is_plain` only problems are printed.
    """

    SECONDS: ClassVar[float] = 2.0
    """Interval between readings of the archive."""

    def __init__(self, database: Database, address: str, *, is_plain: bool = False) -> None:
        super().__init__(2, is_on=not is_plain)
        self._database, self._address, self._is_plain = database, address, is_plain
        self._runner: CrawlRunner | None = None
        self._status = ServiceStatus()
        self._problems: dict[str, str] = {}
        self._unhealthy: dict[str, str] = {}
        self._unreachable: set[str] = set()
        self._last_warning = ""

    def __enter__(self) -> Self:
        warn_serving(self._address)
        return super().__enter__()

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """Note that this service has become the leader (runner given), or that another service is it (None)."""
        self._runner = runner
        if runner is None:
            self._warn("another service polls this archive; this service only serves until the other one ends")
        elif self._last_warning:
            self._warn("this service polls now")

    def on_fatal_error(self, reason: str) -> None:
        """Report why the service cannot poll at present."""
        self._warn(f"{reason}; evnews tries again in a minute")

    def examined(self, reports: Sequence[HealthReport]) -> None:
        """Show the unhealthy sources until the next examination."""
        self._unhealthy = {
            report.source: f"{report.state}: {report.findings[0].evidence}" for report in reports if not report.is_ok
        }

    def on_poll(self, result: PollResult) -> None:
        """Take in the result of a poll; print it if it is worth a line and no screen shows it."""
        self._problems.pop(result.source, None)
        if not result.has_succeeded:
            self._problems[result.source] = reasons(result)
        self._detect_offline(result)
        is_news = result.counts["kept"] or not result.has_succeeded
        if is_news and not self.is_used and not self._is_plain and not self._is_offline:
            print_next_poll(result)

    @property
    def problems(self) -> dict[str, str]:
        """The problem of each source, or one for all while the machine is offline."""
        return {"all sources": OFFLINE} if self._is_offline else self._unhealthy | self._problems

    @property
    def _is_offline(self) -> bool:
        return len(self._unreachable) >= _OFFLINE_AFTER

    def _detect_offline(self, result: PollResult) -> None:
        """Warn once when no source can be reached any more, and once when a source can be reached again."""
        if any(poll.status for poll in result.polls):
            if self._is_offline:
                self._warn("sources can be reached again")
            self._unreachable.clear()
        elif result.polls and not result.has_succeeded:
            was_offline = self._is_offline
            self._unreachable.add(result.source)
            if self._is_offline and not was_offline:
                self._warn(f"{OFFLINE}; evnews keeps trying")

    def _warn(self, message: str) -> None:
        if message != self._last_warning:
            self._last_warning = message
            warn(message)

    async def refresh(self) -> None:
        """Read from the archive what the screen shows, if there is a screen."""
        if not self.is_open:
            return
        try:
            self._status = await asyncio.to_thread(self._read)
        except ArchiveError as error:
            self._warn(str(error))

    def _read(self) -> ServiceStatus:
        with self._database.read() as tx:
            return load_service_status(tx, _POLLS, _ARRIVALS)

    def _render(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        lines = status_lines(self._status, self._runner, self.problems, self._address, datetime.now(UTC))
        return Group(*(Text(line, style=style, no_wrap=True, overflow="ellipsis") for line, style in lines))


def warn_serving(address: str) -> None:
    """Print where the server listens, on stderr."""
    warn(f"serving {address}; import {address}opml into a feed reader; press Ctrl-C to stop")


def status_lines(
    status: ServiceStatus, runner: CrawlRunner | None, problems: dict[str, str], address: str, now: datetime
) -> list[tuple[str, str]]:
    """Return the status screen as (line, style) pairs."""
    lines = [(f"evnews  {address}  for feed readers: {address}opml", "bold"), ("", "")]
    if runner is not None:
        stats = runner.context.stats
        counts, running = stats.outcomes, sorted(stats.running)
        more = " ..." if len(running) > _RUNNING else ""
        activity = f"polling {', '.join(running[:_RUNNING])}{more}" if running else "idle"
        totals = f"{format_count(stats.polled, 'poll')}, {counts['kept']} kept, {counts['refused']} refused"
        lines += [(f"{totals}; {activity}", ""), ("", "")]
    if status.latest_articles:
        lines.append(("latest articles", "bold"))
        lines += [
            (f"  {at:%H:%M:%S}  {source:<20.20}  {safe_line(title)}", "")
            for _, source, title, at in status.latest_articles
        ]
        lines.append(("", ""))
    if status.next_polls:
        lines.append(("next polls", "bold"))
        for source, at, reason in status.next_polls:
            wait = (at - now).total_seconds()
            due = "now" if wait <= 0 else f"in {format_duration(wait)}"
            lines.append((f"  {due:<9} {source:<20.20}  {safe_line(reason)}", ""))
    if problems:
        lines += [("", ""), (f"problems ({len(problems)})", "bold yellow")]
        latest = list(problems.items())[-_PROBLEMS:]
        lines += [(f"  {source:<20.20}  {problem}", "yellow") for source, problem in latest]
    return lines
