"""Read and write searches.toml in the home folder, which has a table per saved search.

[solid-state]
query = '"solid state" -toyota'
notify = ["mailto://user:password@example.org", "https://..."]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spiders.toml_tables import (
    ENTRY_NAME,
    ENTRY_NAME_RULE,
    CatalogueError,
    CheckedTable,
    format_value,
    read_document,
    read_tables,
    write_document,
)
from storage.search.query.parser import parse_strictly
from storage.search.query.tree import QueryError

_KEYS = ("query", "notify")
_PRIVATE_MODE = 0o600
"""Only the owner may read the file: notification addresses hold passwords."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A named search; `notify` are the addresses for notifications of new matches, in apprise's notation."""

    name: str
    query: str
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearches:
    """The valid saved searches in the order of the file, and the problems of the others."""

    searches: tuple[SavedSearch, ...] = ()
    problems: tuple[str, ...] = ()

    def find(self, name: str) -> SavedSearch | None:
        """Return the search with a name, or None."""
        return next((search for search in self.searches if search.name == name), None)


def searches_path(home: Path) -> Path:
    return home / "searches.toml"


def load_searches(home: Path) -> SavedSearches:
    """Return the saved searches, none if there is no file; raise CatalogueError if the file cannot be read."""
    path = searches_path(home)
    if not path.exists():
        return SavedSearches()
    searches, problems = [], []
    for name, table in read_tables(path).items():
        try:
            searches.append(_parse_search(str(path), name, table))
        except CatalogueError as error:
            problems.append(str(error))
    return SavedSearches(searches=tuple(searches), problems=tuple(problems))


def save_search(home: Path, search: SavedSearch) -> None:
    """Add a search to the file or replace the search of the same name; the rest of the file stays as it is."""
    import tomlkit

    path = searches_path(home)
    document = read_document(path)
    table = tomlkit.table()
    table["query"] = search.query
    if search.notify:
        table["notify"] = list(search.notify)
    document[search.name] = table
    write_document(path, document, new_mode=_PRIVATE_MODE)


def remove_search(home: Path, name: str) -> None:
    """Remove a search from the file if it is there."""
    path = searches_path(home)
    document = read_document(path)
    if name in document:
        del document[name]
        write_document(path, document, new_mode=_PRIVATE_MODE)


def _parse_search(location: str, name: str, entry: object) -> SavedSearch:
    if not ENTRY_NAME.fullmatch(name):
        raise CatalogueError(f"{location}: [{format_value(name)}] is no name; allowed are {ENTRY_NAME_RULE}")
    if not isinstance(entry, Mapping):
        raise CatalogueError(f"{location}: {name} = {format_value(entry)} is no search; a search is a table: [{name}]")
    table = CheckedTable(f"{location}: [{name}]", entry)
    table.check_keys(_KEYS)
    query = table.text("query")
    notify = entry.get("notify", ())
    notify = (notify.strip(),) if isinstance(notify, str) else table.texts("notify") if notify else ()
    try:
        parsed = parse_strictly(query)
    except QueryError as error:
        raise CatalogueError(f"{location}: [{name}] query = {format_value(query)}: {error}") from None
    if parsed.node is None:
        raise CatalogueError(f"{location}: [{name}] query = {format_value(query)}: it has no words to look for")
    return SavedSearch(name=name, query=query, notify=notify)
