"""Load and check the catalogue of topics: the shipped topics.toml, extended or replaced by the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from aggregator.topics.matcher import TOPIC_KINDS, TopicCatalogue, TopicEntry, TopicMatcher, fold_name
from spiders.toml_tables import ENTRY_NAME, CatalogueError, CheckedTable, format_value, read_tables
from storage.text.clean import clean_line

SHIPPED_FILE = Path(__file__).parents[1] / "topics.toml"
MAX_TOPICS = 5_000
MAX_WORDS = 500
MAX_WORD_LENGTH = 80
"""Maximum numbers of topics in a catalogue, words in a list and characters in a word."""

TOPIC_KEYS = ("title", "kind", "aliases", "unsure", "context", "not", "case", "part_of", "enabled")
_GROUPS_KEY, _SHIPPED_KEY = "groups", "shipped"


def load_topics(home: Path | None, file: Path | None = None) -> TopicCatalogue:
    """Load the shipped catalogue extended by `home/topics.toml`, or `file` alone.

    A table of the user for a shipped topic changes single keys; `shipped = false` at the head of the file leaves the
    shipped topics out. Invalid entries are left out and listed in `problems`. Raise CatalogueError if a file is not
    valid TOML.
    """
    if file is not None:
        return _parse_catalogue(_with_location(str(file), read_tables(file)))
    own = home / "topics.toml" if home is not None else None
    added = read_tables(own) if own is not None and own.exists() else {}
    with_shipped = added.pop(_SHIPPED_KEY, True)
    if not isinstance(with_shipped, bool):
        raise CatalogueError(f"{own}: {_SHIPPED_KEY} = {format_value(with_shipped)}: allowed is true or false")
    entries = _with_location("topics.toml of evnews", read_tables(SHIPPED_FILE)) if with_shipped else {}
    for name, (where, table) in _with_location(str(own), added).items():
        before = entries.get(name, ("", {}))[1]
        both = isinstance(table, dict) and isinstance(before, dict)
        entries[name] = (where, {**before, **table} if both else table)  # type: ignore[dict-item]  # both are dicts
    return _parse_catalogue(entries)


def _with_location(where: str, tables: Mapping[str, object]) -> dict[str, tuple[str, object]]:
    return {name: (where, table) for name, table in tables.items()}


def _parse_catalogue(entries: dict[str, tuple[str, object]]) -> TopicCatalogue:
    topics, problems = [], []
    try:
        groups = _parse_groups(*entries.pop(_GROUPS_KEY, ("", {})))
    except CatalogueError as error:
        groups, problems = (), [str(error)]
    for name, (where, table) in entries.items():
        try:
            if not isinstance(table, dict):
                raise CatalogueError(
                    f"{where}: {name} = {format_value(table)} is no topic; a topic is a table: [{name}]"
                )
            if table.get("enabled", True) is not False:
                topics.append(parse_topic(name, table, where=where, groups=[group for group, _ in groups]))
        except CatalogueError as error:
            problems.append(str(error))
    if len(topics) > MAX_TOPICS:
        problems.append(f"the catalogue holds {len(topics)} topics; the first {MAX_TOPICS} are used")
    return _check_parents(TopicCatalogue(entries=tuple(topics[:MAX_TOPICS]), groups=groups), problems, entries)


def parse_topic(name: str, table: Mapping[str, object], *, where: str, groups: list[str]) -> TopicEntry:
    """Check and return one entry; raise CatalogueError, whose message begins with `where`."""
    if not ENTRY_NAME.fullmatch(name):
        raise CatalogueError(f"{where}: [{name[:80]}] is no name; allowed are a-z, 0-9 and -, at most 64 of them")
    entry = CheckedTable(f"{where}: [{name}]", table)
    entry.check_keys(TOPIC_KEYS)
    entry.flag("enabled")
    context = _checked_words(entry, "context")
    for word in context:
        if word.startswith("@") and word[1:] not in groups:
            raise entry.build_error(
                "context", word, f"a word, or @ and one of the groups: {', '.join(groups) or 'none'}"
            )
    aliases, unsure, part_of = _checked_words(entry, "aliases"), _checked_words(entry, "unsure"), entry.text("part_of")
    if not aliases and not unsure:
        raise entry.build_error("aliases", list(aliases), "a list of the names that texts call it by")
    if unsure and not context and not part_of:
        raise entry.build_error("context", list(context), "a list of words that make an unsure name sure, or a part_of")
    if entry.text("kind") not in TOPIC_KINDS:
        raise entry.build_error("kind", entry.text("kind"), f"one of {', '.join(TOPIC_KINDS)}")
    return TopicEntry(
        name=name,
        title=clean_line(entry.text("title")) or name,
        kind=entry.text("kind"),
        aliases=aliases,
        unsure=unsure,
        context=context,
        excluded=_checked_words(entry, "not"),
        case=entry.flag("case", default=False),
        part_of=part_of,
    )


def _parse_groups(where: str, table: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(table, dict):
        raise CatalogueError(f"{where}: {_GROUPS_KEY} = {format_value(table)}: allowed is a table of lists of words")
    entry = CheckedTable(f"{where}: [{_GROUPS_KEY}]", table)
    for name in table:
        if not ENTRY_NAME.fullmatch(name):
            raise entry.build_error(name, "a group", "a name of a-z, 0-9 and -")
    return tuple((name, _checked_words(entry, name)) for name in table)


def _checked_words(entry: CheckedTable, key: str) -> tuple[str, ...]:
    words = entry.texts(key)
    if len(words) > MAX_WORDS:
        raise entry.build_error(key, f"{len(words)} words", f"at most {MAX_WORDS}")
    for word in words:
        bare = word.removesuffix("*")
        letters = [character for character in fold_name(bare) if character.isalnum()]
        is_short = len(letters) < 2 and not (letters and ord(letters[0]) > 0x2E80)
        if is_short or "*" in bare or len(word) > MAX_WORD_LENGTH:
            raise entry.build_error(
                key, word, f"at least two letters or digits, at most {MAX_WORD_LENGTH} characters, * at the end"
            )
    return words


def _check_parents(
    catalogue: TopicCatalogue, problems: list[str], tables: Mapping[str, tuple[str, object]]
) -> TopicCatalogue:
    """Return the catalogue without each `part_of` that names no topic or leads back to its own topic."""
    parents = {entry.name: entry.part_of for entry in catalogue.entries}
    entries = []
    for entry in catalogue.entries:
        wrong = ""
        if entry.part_of and entry.part_of not in parents:
            wrong = "the name of another topic of the catalogue"
        elif _is_cyclic(entry.name, parents):
            wrong = "a topic that is not part of this one itself"
        if wrong:
            parents[entry.name] = ""
            place = CheckedTable(f"{tables[entry.name][0]}: [{entry.name}]", {})
            problems.append(str(place.build_error("part_of", entry.part_of, wrong)))
        entries.append(replace(entry, part_of="") if wrong else entry)
    return replace(catalogue, entries=tuple(entries), problems=tuple(problems))


def _is_cyclic(name: str, parents: Mapping[str, str]) -> bool:
    seen, at = set(), name
    while at := parents.get(at, ""):
        if at == name:
            return True
        if at in seen:
            return False  # a cycle further up, reported for its own members
        seen.add(at)
    return False


@cache
def shipped_matcher() -> TopicMatcher:
    """Return the matcher of the shipped catalogue, built once for each process."""
    return TopicMatcher(load_topics(None))
