"""How what was asked is found: what the index is asked, what is compared with the articles' rows, between which dates.

A tree of words and filters becomes one question to the index wherever that can answer it. What only the rows know
(how long an article is, whether it is a copy) is a condition on them; where such a condition is bound by OR or NOT
to words, the words become a condition too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.search.analyzer import pairs, pieces, prepare
from storage.search.index import field_terms as labels
from storage.search.index.match import But, Either, Every, Match, Tokens
from storage.search.index.row_ids import FIRST_ROW, LAST_ROW, row_floor
from storage.search.query.tree import Ago, All, Any, Asked, Dated, Is, Named, Node, Not, Words
from storage.search.query.word_forms import forms

NOTHING = Either(parts=())
_LONGEST_PHRASE = 100
"""Tokens of a phrase that are looked for."""
EVERYTHING = Tokens(tokens=(labels.EVERY,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What must hold: `match` in the index (None: anything), each of `conditions` of the rows, from row to row.

    `low` and `high` are places in the index's order, both included.
    """

    match: Match | None = None
    conditions: tuple[Node, ...] = ()
    low: int = FIRST_ROW
    high: int = LAST_ROW

    @property
    def is_hopeless(self) -> bool:
        """Whether it is known beforehand that nothing is found."""
        return self.match == NOTHING or self.low > self.high


@dataclass(slots=True)
class _Parts:
    matches: list[Match] = field(default_factory=list)
    missing: list[Match] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)
    low: int = FIRST_ROW
    high: int = LAST_ROW


def plan(node: Node | None, now: datetime) -> Plan:
    """The plan of a tree; times ago are counted from `now`."""
    parts = _Parts()
    for one in node.nodes if isinstance(node, All) else [node] if node is not None else []:
        _add(parts, one, now)
    match = _every(parts.matches)
    if parts.missing:
        match = But(found=match or EVERYTHING, missing=_either(parts.missing))
    return Plan(match=match, conditions=tuple(parts.conditions), low=parts.low, high=parts.high)


def _add(parts: _Parts, node: Node, now: datetime) -> None:
    if isinstance(node, Dated | Ago):
        since, until = span(node, now)
        parts.low = max(parts.low, row_floor(since) if since else FIRST_ROW)
        parts.high = min(parts.high, row_floor(until) - 1 if until else LAST_ROW)
    elif isinstance(node, Not) and (found := matching(node.node)) is not None:
        parts.missing.append(found)
    elif (found := matching(node)) is not None:
        parts.matches.append(found)
    else:
        parts.conditions.append(node)


def span(node: Dated | Ago, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when to when, the end excluded."""
    if isinstance(node, Dated):
        return node.since, node.until
    try:
        return now - timedelta(hours=node.hours), None
    except OverflowError:
        return None, None


def matching(node: Node) -> Match | None:
    """What the index is asked for a tree, or None where it cannot answer."""
    if isinstance(node, Words):
        return _words(node)
    if isinstance(node, Named):
        return _named(node)
    if isinstance(node, Is):
        return Tokens(tokens=(labels.state_label(node.state),)) if node.state in labels.STATES else None
    if isinstance(node, Not):
        found = matching(node.node)
        return But(found=EVERYTHING, missing=found) if found is not None else None
    if isinstance(node, All):
        return _all(node.nodes)
    if isinstance(node, Any):
        found_parts = [matching(one) for one in node.nodes]
        known = [one for one in found_parts if one is not None]
        return _either(known) if len(known) == len(found_parts) else None
    return None


def _all(nodes: Sequence[Node]) -> Match | None:
    found: list[Match] = []
    missing: list[Match] = []
    for node in nodes:
        made = matching(node.node if isinstance(node, Not) else node)
        if made is None:
            return None
        (missing if isinstance(node, Not) else found).append(made)
    match = _every(found)
    return But(found=match or EVERYTHING, missing=_either(missing)) if missing else match


def _named(node: Named) -> Match | None:
    label = {
        "source": labels.source_label,
        "lang": labels.language_label,
        "topic": labels.topic_label,
        "site": labels.site_label,
    }.get(node.field)
    return Tokens(tokens=(label(node.name),)) if label else None


def _words(node: Words) -> Match:
    if node.field == "url":
        return _labelled(labels.url_labels(node.text))
    if node.field == "author":
        return _labelled(labels.author_labels(node.text))
    titled = node.field == "title"
    if node.phrase:
        return _phrase(list(pieces(node.text)), titled)
    return _every([_word(part, titled, node.prefix) for part in node.text.split()]) or NOTHING


def _labelled(tokens: Sequence[str]) -> Match:
    return Tokens(tokens=tuple(tokens)) if tokens else NOTHING


def _word(text: str, titled: bool, prefix: bool) -> Match:
    """One word as it was typed, which may hold several: `lithium-ion`, `ID.7`, `it's`, `小米SU7`."""
    parts = list(pieces(without_possessive(text)))
    if not parts:
        return NOTHING
    runs = [part for part in parts if part[1]]
    if runs and len(parts) > 1:
        # Between scripts there is no space to be trusted: each part is found for itself.
        return _every([_phrase([part], titled) for part in parts]) or NOTHING
    if runs:
        return _phrase(parts, titled)
    words = [word for word, _ in parts]
    if prefix:
        return Tokens(tokens=tuple(words), prefix=True, titled=titled)
    spelled = [tuple(words)]
    spelled += [(*words[:-1], form) for form in forms(words[-1])]
    if len(words) > 1:
        spelled.append(("".join(words),))
    else:
        spelled += [split for split in [at_digits(words[0])] if len(split) > 1]
    return _either([Tokens(tokens=one, titled=titled) for one in dict.fromkeys(spelled)])


def without_possessives(text: str) -> str:
    """The words of a text as they are looked for: `Tesla's` is looked for as `Tesla`."""
    return " ".join(without_possessive(word) for word in text.split())


def without_possessive(text: str) -> str:
    """A word without its `'s`."""
    for ending in ("'s", "’s", "ʼs"):
        if len(text) > len(ending) + 1 and text.lower().endswith(ending):
            return text[: -len(ending)]
    return text


def at_digits(word: str) -> tuple[str, ...]:
    """`ex30` as `ex 30`, `82kwh` as `82 kwh`: where one part is letters and the other digits."""
    cut = next((i for i in range(1, len(word)) if word[i].isdigit() != word[i - 1].isdigit()), 0)
    left, right = word[:cut], word[cut:]
    whole = cut and (left.isdigit() or left.isalpha()) and (right.isdigit() or right.isalpha())
    return (left, right) if whole else (word,)


def _phrase(parts: Sequence[tuple[str, bool]], titled: bool) -> Match:
    """Words and runs side by side. What ends in a single character of a run is found where that character stands."""
    tokens: list[str] = []
    alone: list[Match] = []
    for number, (piece, is_run) in enumerate(parts):
        last = number == len(parts) - 1
        if not is_run:
            tokens.append(piece)
        elif not last:
            tokens += [*pairs(piece), piece[-1]]
        elif len(piece) > 1:
            tokens += pairs(piece)
        else:
            alone.append(Tokens(tokens=(labels.character_label(piece),), titled=titled))
    found = [Tokens(tokens=tuple(tokens[:_LONGEST_PHRASE]), titled=titled)] if tokens else []
    return _every([*found, *alone]) or NOTHING


def _every(parts: Sequence[Match]) -> Match | None:
    known = list(dict.fromkeys(parts))
    if NOTHING in known:
        return NOTHING
    return Every(parts=tuple(known)) if len(known) > 1 else known[0] if known else None


def _either(parts: Iterable[Match]) -> Match:
    known = [one for one in dict.fromkeys(parts) if one != NOTHING]
    return known[0] if len(known) == 1 else Either(parts=tuple(known))


def sought(asked: Asked) -> list[Words]:
    """The words that are looked for in title and text, those that must be missing left out."""
    found: list[Words] = []
    waiting = [asked.node] if asked.node is not None else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, All | Any):
            waiting[:0] = node.nodes
        elif isinstance(node, Words) and node.field in ("", "title") and prepare(node.text):
            found.append(node)
    return found


def units(words: Sequence[Words]) -> list[Match]:
    """Each thing that is looked for, with all its spellings."""
    found: list[Match] = []
    for one in words:
        match = _words(one)
        found += match.parts if isinstance(match, Every) else [match]
    return [one for one in dict.fromkeys(found) if one != NOTHING]
