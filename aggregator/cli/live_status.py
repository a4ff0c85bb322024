"""What a running service shows: in a terminal a live table, elsewhere a line for each poll that is worth one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Self

from aggregator.cli.commands.serve import tell_serving
from aggregator.cli.crawl_report import print_next, why
from aggregator.cli.output import complain, format_count
from aggregator.cli.terminal import Display
from aggregator.crawl.runner import CrawlRunner, PollResult
from aggregator.formatting import format_duration
from aggregator.health.examine import HealthReport
from aggregator.logs import safe_line
from storage.db.database import Database
from storage.errors import ArchiveError
from storage.glance import ServiceStatus, load_service_status

if TYPE_CHECKING:
    from rich.console import Group

_POLLS, _ARRIVALS, _PROBLEMS = 5, 10, 5
UNREACHED = "no source can be reached: is this machine online"
_OFFLINE_AFTER = 3
"""So many sources have to be tried, and none reached, before the network is taken to be away."""


class Board(Display):
    """A context manager around a service (a `service.Watcher`), on stderr; `is_plain` shows nothing but troubles."""

    SECONDS: ClassVar[float] = 2.0
    """How often it looks at the archive."""

    def __init__(self, database: Database, address: str, *, is_plain: bool = False) -> None:
        super().__init__(2, is_on=not is_plain)
        self._database, self._address, self._is_plain = database, address, is_plain
        self._crew: CrawlRunner | None = None
        self._glance = ServiceStatus()
        self._problems: dict[str, str] = {}
        self._unwell: dict[str, str] = {}
        self._unreached: set[str] = set()
        self._said = ""

    def __enter__(self) -> Self:
        tell_serving(self._address)
        return super().__enter__()

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """It polls from now on, or another does."""
        self._crew = runner
        if runner is None:
            self._say("another service polls this archive; this one serves, and takes over when that one ends")
        elif self._said:
            self._say("this service polls now")

    def on_fatal_error(self, reason: str) -> None:
        """It cannot go on at present."""
        self._say(f"{reason}; evnews waits a minute and tries again")

    def examined(self, reports: Sequence[HealthReport]) -> None:
        """Every source was examined; those that are not well are shown until they are."""
        self._unwell = {one.source: f"{one.state}: {one.findings[0].evidence}" for one in reports if not one.is_ok}

    def on_poll(self, result: PollResult) -> None:
        """A source was polled."""
        self._problems.pop(result.source, None)
        if not result.has_succeeded:
            self._problems[result.source] = why(result)
        self._look_for_the_web(result)
        is_news = result.counts["kept"] or not result.has_succeeded
        if is_news and not self.is_used and not self._is_plain and not self._is_offline:
            print_next(result)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by source; one for all while none can be reached."""
        return {"all of them": UNREACHED} if self._is_offline else self._unwell | self._problems

    @property
    def _is_offline(self) -> bool:
        return len(self._unreached) >= _OFFLINE_AFTER

    def _look_for_the_web(self, result: PollResult) -> None:
        """Say it once where no source at all can be reached, and once when one can again."""
        if any(poll.status for poll in result.polls):
            if self._is_offline:
                self._say("the web can be reached again")
            self._unreached.clear()
        elif result.polls and not result.has_succeeded:
            was_offline = self._is_offline
            self._unreached.add(result.source)
            if self._is_offline and not was_offline:
                self._say(f"{UNREACHED}? evnews goes on trying")

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            complain(words)

    async def look(self) -> None:
        """Look at the archive for what is shown; nothing where nothing is."""
        if not self.is_open:
            return
        try:
            self._glance = await asyncio.to_thread(self._read)
        except ArchiveError as error:
            self._say(str(error))

    def _read(self) -> ServiceStatus:
        with self._database.read() as tx:
            return load_service_status(tx, _POLLS, _ARRIVALS)

    def _shown(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        lines = board_lines(self._glance, self._crew, self.problems, self._address, datetime.now(UTC))
        return Group(*(Text(line, style=style, no_wrap=True, overflow="ellipsis") for line, style in lines))


def board_lines(
    seen: ServiceStatus, crew: CrawlRunner | None, problems: dict[str, str], address: str, now: datetime
) -> list[tuple[str, str]]:
    """The board as (line, style) pairs."""
    lines = [(f"evnews  {address}  for your reader: {address}opml", "bold"), ("", "")]
    if crew is not None:
        counts, running = crew.stats.outcomes, sorted(crew.stats.running)
        now_at = f"polling {', '.join(running[:4])}{' ...' if len(running) > 4 else ''}" if running else "idle"
        done = f"{format_count(crew.stats.polled, 'poll')}, {counts['kept']} kept, {counts['refused']} refused"
        lines.append((f"{done}; {now_at}", ""))
        lines.append(("", ""))
    if seen.latest_articles:
        lines.append(("last articles", "bold"))
        lines += [
            (f"  {at:%H:%M:%S}  {source:<20.20}  {safe_line(title)}", "")
            for _, source, title, at in seen.latest_articles
        ]
        lines.append(("", ""))
    if seen.next_polls:
        lines.append(("next polls", "bold"))
        for source, at, reason in seen.next_polls:
            wait = (at - now).total_seconds()
            lines.append(
                (
                    f"  {'now' if wait <= 0 else 'in ' + format_duration(wait):<9} {source:<20.20}  {safe_line(reason)}",
                    "",
                )
            )
    if problems:
        lines += [("", ""), (f"problems ({len(problems)})", "bold yellow")]
        newest = list(problems.items())[-_PROBLEMS:]
        lines += [(f"  {source:<20.20}  {words}", "yellow") for source, words in newest]
    return lines
