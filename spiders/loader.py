"""Scrapy's spider loader for the catalogue: each source is a spider name."""

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
    """Spider loader over the catalogue in EVNEWS_HOME, or in the default home folder."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = {source.name: source for source in sources if source.enabled}

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> CatalogueLoader:
        home = os.environ.get("EVNEWS_HOME")
        return cls(load_catalogue(Path(home).expanduser() if home else default_home()).sources)

    def load(self, spider_name: str) -> type[Spider]:
        """Return the spider class of a source; raises KeyError for an unknown or disabled source."""
        if spider_name not in self._sources:
            raise KeyError(f"no source named {spider_name!r} in the catalogue")
        return SourceSpider

    def list(self) -> list[str]:
        return sorted(self._sources)

    def find_by_request(self, request: Request) -> list[str]:  # type: ignore[valid-type]
        """Return no spider: requests are never assigned to sources."""
        return []
