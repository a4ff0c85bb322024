"""`scrapy crawl NAME`: the same poll as `evnews crawl NAME`, through the other door."""

from __future__ import annotations

import argparse
from typing import ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError


class Command(ScrapyCommand):
    """Takes the place of Scrapy's own crawl command."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """How it is called."""
        return "[options] SOURCE"

    def short_desc(self) -> str:
        """What it does, for `scrapy --help`."""
        return "Poll one source of the catalogue, as `evnews crawl SOURCE` does"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Poll the named source; the exit status is `evnews crawl`'s."""
        if len(args) != 1:
            raise UsageError("name one source; `scrapy list` prints them")
        from aggregator.cli.output import answered

        self.exitcode = answered(lambda: _poll(args))


def _poll(names: list[str]) -> int:
    from aggregator.cli.commands.crawl import How, run_crawl
    from aggregator.config import load_config

    return run_crawl(load_config(), names, None, How())
