"""The catalogue as Scrapy sees it: `scrapy list` prints the sources, each name loads the one spider."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from spiders.catalogue import load_catalogue
from spiders.source import Source
from spiders.spider import SourceSpider
from storage.paths import default_home

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.settings import BaseSettings


class CatalogueLoader:
    """Scrapy's spider loader over the catalogue; the home folder is EVNEWS_HOME, else the default one."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = {source.name: source for source in sources if source.enabled}

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> CatalogueLoader:
        """Read the shipped catalogue and the user's own."""
        home = os.environ.get("EVNEWS_HOME")
        return cls(load_catalogue(Path(home).expanduser() if home else default_home()).sources)

    def load(self, spider_name: str) -> type[Spider]:
        """The spider class of a source; raises KeyError for a name that is not in the catalogue."""
        if spider_name not in self._sources:
            raise KeyError(f"no source named {spider_name!r} in the catalogue")
        return SourceSpider

    def list(self) -> list[str]:
        """The names of all enabled sources."""
        return sorted(self._sources)

    def find_by_request(self, request: Request) -> list[str]:  # type: ignore[valid-type]
        """No source claims a request of its own accord."""
        return []
