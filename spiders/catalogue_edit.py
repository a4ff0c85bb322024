"""Changes the user's own sources.toml: comments and order stay, and a crash leaves the old file or the new one."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import fields
from pathlib import Path

import tomlkit

from spiders.source import Source, SourceListing
from spiders.toml_tables import read_document, write_document

_DEFAULTS = {one.name: one.default for one in fields(Source)}


def add_source(path: Path, source: Source) -> None:
    """Write a source into the file, in place of one of the same name; see `add_sources`."""
    add_sources(path, (source,))


def add_sources(path: Path, sources: Iterable[Source]) -> None:
    """Write sources into the file, all or none; the file is made where there is none.

    Raises CatalogueError where the file is no TOML, OSError where it cannot be written.
    """
    document = read_document(path)
    for source in sources:
        document[source.name] = _source_table(source)
    write_document(path, document)


def remove_source(path: Path, name: str, is_shipped: bool) -> None:
    """Take a source out of the file; one that is `shipped` is switched off by `enabled = false`."""
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
    """A source's table: only the keys that differ from their defaults."""
    table = tomlkit.table()
    for key, default in _DEFAULTS.items():
        value = getattr(source, key)
        if key != "name" and value != default:
            table[key] = _toml_value(value)
    return table


def _toml_value(value: object) -> object:
    if not isinstance(value, tuple):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    listed = tomlkit.array()
    for one in value:
        listed.append(_listing_table(one) if isinstance(one, SourceListing) else one)
    return listed.multiline(len(value) > 1)


def _listing_table(listing: SourceListing) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    for key in ("url", "css", "pattern"):
        if getattr(listing, key):
            table[key] = getattr(listing, key)
    return table
