"""Load the source and topic catalogues for a command and report their problems."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.cli.output import usage_error, warn

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.topics.matcher import TopicCatalogue
    from spiders.catalogue import Catalogue
    from spiders.source import Source

MAX_NAME = 64


def read_catalogue(config: Config, file: Path | None) -> Catalogue:
    """Return the source catalogue and print its invalid entries. Raises CatalogueError if the file is unreadable."""
    from spiders.catalogue import load_catalogue

    catalogue = load_catalogue(config.home, file)
    for problem in catalogue.problems:
        warn(problem)
    return catalogue


def read_topics(config: Config) -> TopicCatalogue:
    """Return the topic catalogue and print its invalid entries. Raises CatalogueError if the file is unreadable."""
    from aggregator.topics.catalogue import load_topics

    catalogue = load_topics(config.home)
    for problem in catalogue.problems:
        warn(problem)
    return catalogue


def warn_without_contact(config: Config) -> None:
    """Warn if the user agent names no contact."""
    if not config.contact and not config.user_agent:
        warn("no contact is set, so publishers cannot reach you; set contact in evnews.toml or EVNEWS_CONTACT")


def select_sources(catalogue: Catalogue, names: list[str]) -> tuple[Source, ...]:
    """Return the named sources, or every enabled source without names. Raises UsageError."""
    if not names:
        return catalogue.enabled_sources
    by_name = {source.name: source for source in catalogue.sources}
    for name in names:
        if name not in by_name:
            similar = difflib.get_close_matches(name, by_name, n=3)
            hint = f"did you mean {' or '.join(similar)}?" if similar else "`evnews sources` lists the sources"
            usage_error(f"there is no source {name!r}; {hint}")
    return tuple(by_name[name] for name in dict.fromkeys(names))


def user_catalogue(config: Config) -> Path:
    """Return the path of the user's own catalogue."""
    return config.home / "sources.toml"


def name_from_url(url: str) -> str:
    """Return a source name derived from a URL's host: www.auto-motor.example -> auto-motor."""
    host = (urlsplit(url).hostname or "").lower()
    labels = [label for label in host.split(".") if label not in ("www", "feeds", "rss", "blog")]
    name_labels = labels[:-1] if len(labels) > 1 and not labels[-1].isdigit() else labels
    text = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in "-".join(name_labels))
    return text.strip("-")[:MAX_NAME].strip("-") or "source"
