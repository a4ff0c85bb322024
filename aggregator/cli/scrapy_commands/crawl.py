"""`scrapy crawl NAME`: the same poll as `evnews crawl NAME`."""

from __future__ import annotations

import argparse
from typing import ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError


class Command(ScrapyCommand):
    """Replace Scrapy's own crawl command."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """Return the arguments, for `scrapy crawl --help`."""
        return "[options] SOURCE"

    def short_desc(self) -> str:
        """Return the summary, for `scrapy --help`."""
        return "Poll one source of the catalogue, like `evnews crawl SOURCE`"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Poll the named source; the exit status is that of `evnews crawl`."""
        if len(args) != 1:
            raise UsageError("name one source; `scrapy list` lists the sources")
        from aggregator.cli.output import run_command

        self.exitcode = run_command(lambda: _poll(args))


def _poll(names: list[str]) -> int:
    from aggregator.cli.commands.collect.crawl import CrawlOptions, run_crawl
    from aggregator.config import load_config

    return run_crawl(load_config(), names, None, CrawlOptions())
