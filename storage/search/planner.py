"""How what was asked is found: what the index is asked, what is compared with the articles' rows, between which dates.

A tree of words and filters becomes one question to the index wherever that can answer it. What only the rows know
(how long an article is, whether it is a copy) is a condition on them; where such a condition is bound by OR or NOT
to words, the words become a condition too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.search.analyzer import prepare, split_pairs, split_words
from storage.search.index import field_terms
from storage.search.index.match import Match, MatchAll, MatchAny, MatchExcept, TokenSequence
from storage.search.index.row_ids import FIRST_ROW_ID, LAST_ROW_ID, first_row_id_from
from storage.search.query.tree import And, DateRange, Field, Node, Not, Or, ParsedQuery, Since, State, Terms
from storage.search.query.word_forms import word_forms

MATCH_NOTHING = MatchAny(parts=())
_MAX_PHRASE_TOKENS = 100
"""Tokens of a phrase that are looked for."""
MATCH_EVERYTHING = TokenSequence(tokens=(field_terms.EVERY_ARTICLE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """What must hold: `match` in the index (None: anything), each of `conditions` of the rows, from row to row.

    `low` and `high` are places in the index's order, both included.
    """

    match: Match | None = None
    conditions: tuple[Node, ...] = ()
    low_row_id: int = FIRST_ROW_ID
    high_row_id: int = LAST_ROW_ID

    @property
    def is_empty(self) -> bool:
        """Whether it is known beforehand that nothing is found."""
        return self.match == MATCH_NOTHING or self.low_row_id > self.high_row_id


@dataclass(slots=True)
class _PlanParts:
    matches: list[Match] = field(default_factory=list)
    missing: list[Match] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)
    low: int = FIRST_ROW_ID
    high: int = LAST_ROW_ID


def plan_query(node: Node | None, now: datetime) -> QueryPlan:
    """The plan of a tree; times ago are counted from `now`."""
    parts = _PlanParts()
    for one in node.nodes if isinstance(node, And) else [node] if node is not None else []:
        _add_node(parts, one, now)
    match = _all_of(parts.matches)
    if parts.missing:
        match = MatchExcept(required=match or MATCH_EVERYTHING, excluded=_any_of(parts.missing))
    return QueryPlan(match=match, conditions=tuple(parts.conditions), low_row_id=parts.low, high_row_id=parts.high)


def _add_node(parts: _PlanParts, node: Node, now: datetime) -> None:
    if isinstance(node, DateRange | Since):
        since, until = time_range(node, now)
        parts.low = max(parts.low, first_row_id_from(since) if since else FIRST_ROW_ID)
        parts.high = min(parts.high, first_row_id_from(until) - 1 if until else LAST_ROW_ID)
    elif isinstance(node, Not) and (found := match_of(node.node)) is not None:
        parts.missing.append(found)
    elif (found := match_of(node)) is not None:
        parts.matches.append(found)
    else:
        parts.conditions.append(node)


def time_range(node: DateRange | Since, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when to when, the end excluded."""
    if isinstance(node, DateRange):
        return node.since, node.until
    try:
        return now - timedelta(hours=node.hours), None
    except OverflowError:
        return None, None


def match_of(node: Node) -> Match | None:
    """What the index is asked for a tree, or None where it cannot answer."""
    if isinstance(node, Terms):
        return _match_terms(node)
    if isinstance(node, Field):
        return _match_field(node)
    if isinstance(node, State):
        return (
            TokenSequence(tokens=(field_terms.state_label(node.state),))
            if node.state in field_terms.STATE_LABELS
            else None
        )
    if isinstance(node, Not):
        found = match_of(node.node)
        return MatchExcept(required=MATCH_EVERYTHING, excluded=found) if found is not None else None
    if isinstance(node, And):
        return _match_all_nodes(node.nodes)
    if isinstance(node, Or):
        found_parts = [match_of(one) for one in node.nodes]
        known = [one for one in found_parts if one is not None]
        return _any_of(known) if len(known) == len(found_parts) else None
    return None


def _match_all_nodes(nodes: Sequence[Node]) -> Match | None:
    found: list[Match] = []
    missing: list[Match] = []
    for node in nodes:
        made = match_of(node.node if isinstance(node, Not) else node)
        if made is None:
            return None
        (missing if isinstance(node, Not) else found).append(made)
    match = _all_of(found)
    return MatchExcept(required=match or MATCH_EVERYTHING, excluded=_any_of(missing)) if missing else match


def _match_field(node: Field) -> Match | None:
    label = {
        "source": field_terms.source_label,
        "lang": field_terms.language_label,
        "topic": field_terms.topic_label,
        "site": field_terms.site_label,
    }.get(node.field)
    return TokenSequence(tokens=(label(node.name),)) if label else None


def _match_terms(node: Terms) -> Match:
    if node.field == "url":
        return _match_labels(field_terms.url_labels(node.text))
    if node.field == "author":
        return _match_labels(field_terms.author_labels(node.text))
    titled = node.field == "title"
    if node.is_phrase:
        return _match_phrase(list(split_words(node.text)), titled)
    return _all_of([_match_word(part, titled, node.is_prefix) for part in node.text.split()]) or MATCH_NOTHING


def _match_labels(tokens: Sequence[str]) -> Match:
    return TokenSequence(tokens=tuple(tokens)) if tokens else MATCH_NOTHING


def _match_word(text: str, in_title: bool, is_prefix: bool) -> Match:
    """One word as it was typed, which may hold several: `lithium-ion`, `ID.7`, `it's`, `小米SU7`."""
    parts = list(split_words(remove_possessive(text)))
    if not parts:
        return MATCH_NOTHING
    runs = [part for part in parts if part[1]]
    if runs and len(parts) > 1:
        # Between scripts there is no space to be trusted: each part is found for itself.
        return _all_of([_match_phrase([part], in_title) for part in parts]) or MATCH_NOTHING
    if runs:
        return _match_phrase(parts, in_title)
    words = [word for word, _ in parts]
    if is_prefix:
        return TokenSequence(tokens=tuple(words), is_prefix=True, in_title=in_title)
    spelled = [tuple(words)]
    spelled += [(*words[:-1], form) for form in word_forms(words[-1])]
    if len(words) > 1:
        spelled.append(("".join(words),))
    else:
        spelled += [split for split in [split_at_digits(words[0])] if len(split) > 1]
    return _any_of([TokenSequence(tokens=one, in_title=in_title) for one in dict.fromkeys(spelled)])


def remove_possessives(text: str) -> str:
    """The words of a text as they are looked for: `Tesla's` is looked for as `Tesla`."""
    return " ".join(remove_possessive(word) for word in text.split())


def remove_possessive(text: str) -> str:
    """A word without its `'s`."""
    for ending in ("'s", "’s", "ʼs"):
        if len(text) > len(ending) + 1 and text.lower().endswith(ending):
            return text[: -len(ending)]
    return text


def split_at_digits(word: str) -> tuple[str, ...]:
    """`ex30` as `ex 30`, `82kwh` as `82 kwh`: where one part is letters and the other digits."""
    cut = next((i for i in range(1, len(word)) if word[i].isdigit() != word[i - 1].isdigit()), 0)
    left, right = word[:cut], word[cut:]
    whole = cut and (left.isdigit() or left.isalpha()) and (right.isdigit() or right.isalpha())
    return (left, right) if whole else (word,)


def _match_phrase(parts: Sequence[tuple[str, bool]], titled: bool) -> Match:
    """Words and runs side by side. What ends in a single character of a run is found where that character stands."""
    tokens: list[str] = []
    alone: list[Match] = []
    for number, (piece, is_run) in enumerate(parts):
        last = number == len(parts) - 1
        if not is_run:
            tokens.append(piece)
        elif not last:
            tokens += [*split_pairs(piece), piece[-1]]
        elif len(piece) > 1:
            tokens += split_pairs(piece)
        else:
            alone.append(TokenSequence(tokens=(field_terms.character_label(piece),), in_title=titled))
    found = [TokenSequence(tokens=tuple(tokens[:_MAX_PHRASE_TOKENS]), in_title=titled)] if tokens else []
    return _all_of([*found, *alone]) or MATCH_NOTHING


def _all_of(parts: Sequence[Match]) -> Match | None:
    known = list(dict.fromkeys(parts))
    if MATCH_NOTHING in known:
        return MATCH_NOTHING
    return MatchAll(parts=tuple(known)) if len(known) > 1 else known[0] if known else None


def _any_of(parts: Iterable[Match]) -> Match:
    known = [one for one in dict.fromkeys(parts) if one != MATCH_NOTHING]
    return known[0] if len(known) == 1 else MatchAny(parts=tuple(known))


def searched_terms(asked: ParsedQuery) -> list[Terms]:
    """The words that are looked for in title and text, those that must be missing left out."""
    found: list[Terms] = []
    waiting = [asked.node] if asked.node is not None else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, And | Or):
            waiting[:0] = node.nodes
        elif isinstance(node, Terms) and node.field in ("", "title") and prepare(node.text):
            found.append(node)
    return found


def match_units(words: Sequence[Terms]) -> list[Match]:
    """Each thing that is looked for, with all its spellings."""
    found: list[Match] = []
    for one in words:
        match = _match_terms(one)
        found += match.parts if isinstance(match, MatchAll) else [match]
    return [one for one in dict.fromkeys(found) if one != MATCH_NOTHING]
