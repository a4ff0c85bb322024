"""Plan a query: index match, row predicates, time range.

Words and filters become one index match wherever the index can evaluate them. Properties that only article rows hold
(number of words, whether the article is a copy) become row conditions. Where OR or NOT combines such a property with
words, the words become part of the row condition.
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
"""Number of tokens of a phrase that are matched."""
MATCH_EVERYTHING = TokenSequence(tokens=(field_terms.EVERY_ARTICLE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """An index match (None matches everything), conditions on article rows, and an inclusive range of row ids."""

    match: Match | None = None
    conditions: tuple[Node, ...] = ()
    low_row_id: int = FIRST_ROW_ID
    high_row_id: int = LAST_ROW_ID

    @property
    def is_empty(self) -> bool:
        """True if the plan cannot match any article."""
        return self.match == MATCH_NOTHING or self.low_row_id > self.high_row_id


@dataclass(slots=True)
class _PlanParts:
    matches: list[Match] = field(default_factory=list)
    excluded: list[Match] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)
    low: int = FIRST_ROW_ID
    high: int = LAST_ROW_ID


def plan_query(node: Node | None, now: datetime) -> QueryPlan:
    """Return the plan of a query tree. Relative times refer to `now`."""
    parts = _PlanParts()
    for child in node.nodes if isinstance(node, And) else [node] if node is not None else []:
        _add_node(parts, child, now)
    match = _all_of(parts.matches)
    if parts.excluded:
        match = MatchExcept(required=match or MATCH_EVERYTHING, excluded=_any_of(parts.excluded))
    return QueryPlan(match=match, conditions=tuple(parts.conditions), low_row_id=parts.low, high_row_id=parts.high)


def _add_node(parts: _PlanParts, node: Node, now: datetime) -> None:
    if isinstance(node, DateRange | Since):
        since, until = time_range(node, now)
        parts.low = max(parts.low, first_row_id_from(since) if since else FIRST_ROW_ID)
        parts.high = min(parts.high, first_row_id_from(until) - 1 if until else LAST_ROW_ID)
    elif isinstance(node, Not) and (match := match_of(node.node)) is not None:
        parts.excluded.append(match)
    elif (match := match_of(node)) is not None:
        parts.matches.append(match)
    else:
        parts.conditions.append(node)


def time_range(node: DateRange | Since, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the start and the exclusive end of a date filter; None leaves a side open."""
    if isinstance(node, DateRange):
        return node.since, node.until
    try:
        return now - timedelta(hours=node.hours), None
    except OverflowError:
        return None, None


def match_of(node: Node) -> Match | None:
    """Return the index match of a query tree, or None where the index cannot evaluate it."""
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
        excluded = match_of(node.node)
        return MatchExcept(required=MATCH_EVERYTHING, excluded=excluded) if excluded is not None else None
    if isinstance(node, And):
        return _match_all_nodes(node.nodes)
    if isinstance(node, Or):
        matches = [match for child in node.nodes if (match := match_of(child)) is not None]
        return _any_of(matches) if len(matches) == len(node.nodes) else None
    return None


def _match_all_nodes(nodes: Sequence[Node]) -> Match | None:
    required: list[Match] = []
    excluded: list[Match] = []
    for node in nodes:
        match = match_of(node.node if isinstance(node, Not) else node)
        if match is None:
            return None
        (excluded if isinstance(node, Not) else required).append(match)
    combined = _all_of(required)
    return MatchExcept(required=combined or MATCH_EVERYTHING, excluded=_any_of(excluded)) if excluded else combined


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
    in_title = node.field == "title"
    if node.is_phrase:
        return _match_phrase(list(split_words(node.text)), in_title)
    return _all_of([_match_word(part, in_title, node.is_prefix) for part in node.text.split()]) or MATCH_NOTHING


def _match_labels(tokens: Sequence[str]) -> Match:
    return TokenSequence(tokens=tuple(tokens)) if tokens else MATCH_NOTHING


def _match_word(text: str, in_title: bool, is_prefix: bool) -> Match:
    """Match one word as typed, which may consist of several tokens: `lithium-ion`, `ID.7`, `it's`, `小米SU7`."""
    parts = list(split_words(remove_possessive(text)))
    if not parts:
        return MATCH_NOTHING
    runs = [part for part in parts if part[1]]
    if runs and len(parts) > 1:
        # Spaces between scripts are optional, so each part is matched separately.
        return _all_of([_match_phrase([part], in_title) for part in parts]) or MATCH_NOTHING
    if runs:
        return _match_phrase(parts, in_title)
    words = [word for word, _ in parts]
    if is_prefix:
        return TokenSequence(tokens=tuple(words), is_prefix=True, in_title=in_title)
    spellings = [tuple(words)]
    spellings += [(*words[:-1], form) for form in word_forms(words[-1])]
    if len(words) > 1:
        spellings.append(("".join(words),))
    else:
        spellings += [split for split in [split_at_digits(words[0])] if len(split) > 1]
    return _any_of([TokenSequence(tokens=tokens, in_title=in_title) for tokens in dict.fromkeys(spellings)])


def remove_possessives(text: str) -> str:
    """Remove the possessive ending of each word of a text: `Tesla's` becomes `Tesla`."""
    return " ".join(remove_possessive(word) for word in text.split())


def remove_possessive(text: str) -> str:
    """Remove a final `'s` from a word."""
    for ending in ("'s", "’s", "ʼs"):
        if len(text) > len(ending) + 1 and text.lower().endswith(ending):
            return text[: -len(ending)]
    return text


def split_at_digits(word: str) -> tuple[str, ...]:
    """Split a word of letters and digits in two: `ex30` into `ex 30`, `82kwh` into `82 kwh`. Keep other words whole."""
    cut = next((i for i in range(1, len(word)) if word[i].isdigit() != word[i - 1].isdigit()), 0)
    left, right = word[:cut], word[cut:]
    is_split = cut and (left.isdigit() or left.isalpha()) and (right.isdigit() or right.isalpha())
    return (left, right) if is_split else (word,)


def _match_phrase(parts: Sequence[tuple[str, bool]], in_title: bool) -> Match:
    """Match adjacent words and runs. A final run of one character is matched by the label of that character."""
    tokens: list[str] = []
    characters: list[Match] = []
    for number, (piece, is_run) in enumerate(parts):
        last = number == len(parts) - 1
        if not is_run:
            tokens.append(piece)
        elif not last:
            tokens += [*split_pairs(piece), piece[-1]]
        elif len(piece) > 1:
            tokens += split_pairs(piece)
        else:
            characters.append(TokenSequence(tokens=(field_terms.character_label(piece),), in_title=in_title))
    phrase = [TokenSequence(tokens=tuple(tokens[:_MAX_PHRASE_TOKENS]), in_title=in_title)] if tokens else []
    return _all_of([*phrase, *characters]) or MATCH_NOTHING


def _all_of(parts: Sequence[Match]) -> Match | None:
    distinct = list(dict.fromkeys(parts))
    if MATCH_NOTHING in distinct:
        return MATCH_NOTHING
    return MatchAll(parts=tuple(distinct)) if len(distinct) > 1 else distinct[0] if distinct else None


def _any_of(parts: Iterable[Match]) -> Match:
    distinct = [part for part in dict.fromkeys(parts) if part != MATCH_NOTHING]
    return distinct[0] if len(distinct) == 1 else MatchAny(parts=tuple(distinct))


def searched_terms(parsed: ParsedQuery) -> list[Terms]:
    """Return the terms that a query searches in title and text, without excluded terms."""
    terms: list[Terms] = []
    pending = [parsed.node] if parsed.node is not None else []
    while pending:
        node = pending.pop(0)
        if isinstance(node, And | Or):
            pending[:0] = node.nodes
        elif isinstance(node, Terms) and node.field in ("", "title") and prepare(node.text):
            terms.append(node)
    return terms


def match_units(terms: Sequence[Terms]) -> list[Match]:
    """Return one match for each word or phrase of the terms, which includes all its spellings."""
    units: list[Match] = []
    for node in terms:
        match = _match_terms(node)
        units += match.parts if isinstance(match, MatchAll) else [match]
    return [unit for unit in dict.fromkeys(units) if unit != MATCH_NOTHING]
