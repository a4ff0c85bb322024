"""Edit the user's sources.toml: comments and order are kept, and a crash leaves the old file or the new one."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import fields
from pathlib import Path

import tomlkit

from spiders.source import Source, SourceListing
from spiders.toml_tables import read_document, write_document

_DEFAULTS = {field.name: field.default for field in fields(Source)}


def add_source(path: Path, source: Source) -> None:
    """Write a source to the file, replacing one of the same name; see `add_sources`."""
    add_sources(path, (source,))


def add_sources(path: Path, sources: Iterable[Source]) -> None:
    """Write all sources to the file, or none; a missing file is created.

    Raises CatalogueError if the file is not TOML, OSError if it cannot be written.
    """
    document = read_document(path)
    for source in sources:
        document[source.name] = _source_table(source)
    write_document(path, document)


def remove_source(path: Path, name: str, is_shipped: bool) -> None:
    """Remove a source from the file; a shipped source is disabled with `enabled = false` instead."""
    document = read_document(path)
    if is_shipped:
        table = document.get(name)
        if not isinstance(table, MutableMapping):
            table = document[name] = tomlkit.table()
        table["enabled"] = False
    elif name in document:
        del document[name]
    write_document(path, document)


def _source_table(source: Source) -> tomlkit.items.Table:
    """Return a source's table with the keys that differ from their defaults."""
    table = tomlkit.table()
    for key, default in _DEFAULTS.items():
        value = getattr(source, key)
        if key != "name" and value != default:
            table[key] = _toml_value(value)
    return table


def _toml_value(value: object) -> object:
    if not isinstance(value, tuple):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    array = tomlkit.array()
    for item in value:
        array.append(_listing_table(item) if isinstance(item, SourceListing) else item)
    return array.multiline(len(value) > 1)


def _listing_table(listing: SourceListing) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    for key in ("url", "css", "pattern"):
        if getattr(listing, key):
            table[key] = getattr(listing, key)
    return table
