"""Saved searches as text: `searches.toml` in the home folder, a table a search.

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
"""The file holds the passwords of channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A search with a name; `notify` are the addresses that are told of what is new, as apprise spells them."""

    name: str
    query: str
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearches:
    """Every saved search that can be used, in the order of the file, and what is wrong with the others."""

    searches: tuple[SavedSearch, ...] = ()
    problems: tuple[str, ...] = ()

    def find(self, name: str) -> SavedSearch | None:
        """The search of a name, or None."""
        return next((one for one in self.searches if one.name == name), None)


def searches_path(home: Path) -> Path:
    """Where the saved searches stand."""
    return home / "searches.toml"


def load_searches(home: Path) -> SavedSearches:
    """The saved searches; none where there is no file. Raises CatalogueError where it cannot be read."""
    path = searches_path(home)
    if not path.exists():
        return SavedSearches()
    found, problems = [], []
    for name, table in read_tables(path).items():
        try:
            found.append(_parse_search(str(path), name, table))
        except CatalogueError as error:
            problems.append(str(error))
    return SavedSearches(searches=tuple(found), problems=tuple(problems))


def save_search(home: Path, search: SavedSearch) -> None:
    """Write a search into the file, in place of one of the same name; all else in it stays as it is."""
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
    """Take a search out of the file, if it is there."""
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
        asked = parse_strictly(query)
    except QueryError as error:
        raise CatalogueError(f"{location}: [{name}] query = {format_value(query)}: {error}") from None
    if asked.node is None:
        raise CatalogueError(f"{location}: [{name}] query = {format_value(query)}: it has no words to look for")
    return SavedSearch(name=name, query=query, notify=notify)
