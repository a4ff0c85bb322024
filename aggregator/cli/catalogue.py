"""The catalogue as the commands use it: read, complained about, and chosen from."""

from __future__ import annotations

import difflib
from pathlib import Path

from aggregator.cli.output import complain, mistake
from aggregator.config import Config
from spiders.catalogue import Catalogue, load_catalogue
from spiders.source import Source


def read_catalogue(config: Config, file: Path | None) -> Catalogue:
    """The catalogue; wrong entries are told on stderr. Raises CatalogueError where the file cannot be read."""
    catalogue = load_catalogue(config.home, file)
    for problem in catalogue.problems:
        complain(problem)
    return catalogue


def complain_of_no_contact(config: Config) -> None:
    """That publishers cannot reach who crawls, where nothing tells them how."""
    if not config.contact and not config.user_agent:
        complain("no contact is set, publishers cannot reach you (see EVNEWS_CONTACT)")


def chosen(catalogue: Catalogue, names: list[str]) -> tuple[Source, ...]:
    """The named sources, or every enabled one; an unknown name ends the program with status 2."""
    if not names:
        return catalogue.enabled_sources
    by_name = {source.name: source for source in catalogue.sources}
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`evnews sources` lists them"
            mistake(f"no source is named {name!r}; {hint}")
    return tuple(by_name[name] for name in dict.fromkeys(names))
