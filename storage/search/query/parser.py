"""Parse a query text into a tree.

Syntax: words "a phrase" OR -excluded prefix* ( ) title: author: url: source: lang: topic: story: site: after: before:
date: since: is: words: sort: group: in:

`parse` accepts any text: it searches malformed parts as plain words and notes them. `parse_strictly`, for
configuration, raises QueryError.
"""

from __future__ import annotations

from functools import lru_cache

from storage.search.analyzer import split_words
from storage.search.query.filters import FIELDS, OPTION_FIELDS, TEXT_FIELDS, InvalidFilter, parse_filter
from storage.search.query.lexer import MAX_QUERY_LENGTH, QueryToken, TokenKind, tokenize
from storage.search.query.tree import And, Node, Not, Or, ParsedQuery, QueryError, Terms

MAX_LEAVES = 64
MAX_DEPTH = 20
_MAX_NOTES, _MAX_NOTE_LENGTH = 8, 200
_CACHE_SIZE = 256


def parse(text: str) -> ParsedQuery:
    """Return the tree of a query; never raise. Parts that are not understood are noted and searched as plain words.

    The latest trees are cached: search, count, facets, mute rules and topics of one request share them.
    """
    return _parse_cached(text[: MAX_QUERY_LENGTH + 1])  # one more character, so that a query that is too long is noted


@lru_cache(_CACHE_SIZE)
def _parse_cached(text: str) -> ParsedQuery:
    return _Parser(text).parse()


def _is_plain_word(text: str) -> bool:
    """Return True if a text is a single word without operators, filters, quotation marks and asterisks."""
    tokens, _ = tokenize(text)
    return len(tokens) == 1 and tokens[0].kind is TokenKind.WORD and not set("*:") & set(text)


def parse_strictly(text: str) -> ParsedQuery:
    """Return the tree of a query; raise QueryError at the first part that is not understood."""
    parser = _Parser(text)
    query = parser.parse()
    if parser.problems:
        position, message = min(parser.problems)
        raise QueryError(message, position)
    return query


class _Parser:
    """Recursive-descent parser of one query text; `problems` are (position, message)."""

    def __init__(self, text: str) -> None:
        self.problems: list[tuple[int, str]] = []
        self._tokens, problems = tokenize(text)
        self.problems += problems
        self._at = 0
        self._leaves = 0
        self._noise: list[tuple[int, Terms]] = []
        self._options: dict[str, str] = {}
        self._field = ""

    def parse(self) -> ParsedQuery:
        parts: list[Node] = []
        while self._at < len(self._tokens):
            if (node := self._parse_or(0)) is not None:
                parts.append(node)
            if self._at < len(self._tokens):  # only a closing parenthesis ends `_parse_or` here
                self._add_problem(self._next(), "this closing parenthesis has no opening one and is ignored")
        node = _and(parts)
        if node is None and self._noise and not self._options:
            node = self._noise[0][1]
        elif self._noise:
            for position, terms in self._noise:
                self.problems.append((position, f"{_quote(terms.text)} has no letter or digit and is ignored"))
        return ParsedQuery(
            node=node,
            sort=self._options.get("sort", ""),
            group=self._options.get("group", ""),
            includes_history=self._options.get("in", "") == "history",
            notes=_format_notes(self.problems),
        )

    def _parse_or(self, depth: int) -> Node | None:
        parts = [self._parse_and(depth)]
        while (token := self._peek()) is not None and token.kind is TokenKind.OR:
            self._at += 1
            following = self._parse_and(depth)
            if parts[-1] is None or following is None:
                self._add_problem(token, "OR needs a term on both sides and is ignored")
            parts.append(following)
        return _or([part for part in parts if part is not None])

    def _parse_and(self, depth: int) -> Node | None:
        parts: list[Node] = []
        while (token := self._peek()) is not None and token.kind not in (TokenKind.OR, TokenKind.CLOSE):
            if token.kind is TokenKind.AND:
                self._at += 1
            elif (node := self._parse_term(depth)) is not None:
                parts.append(node)
        return _and(parts)

    def _parse_term(self, depth: int) -> Node | None:
        token = self._next()
        if token.kind is TokenKind.NOT:
            return self._parse_not(token, depth)
        if token.kind is TokenKind.OPEN:
            return self._parse_group(token, depth)
        if token.kind is TokenKind.FIELD:
            return self._parse_field(token, depth, is_negated=False)
        return self._accept_leaf(self._parse_words(token), token)

    def _parse_not(self, token: QueryToken, depth: int) -> Node | None:
        negated = True
        while (following := self._peek()) is not None and following.kind is TokenKind.NOT:
            negated, token = not negated, self._next()
        if following is None or following.kind not in (
            TokenKind.WORD,
            TokenKind.PHRASE,
            TokenKind.OPEN,
            TokenKind.FIELD,
        ):
            self._add_problem(token, "no term follows this negation; it is ignored")
            return None
        is_field = following.kind is TokenKind.FIELD
        node = self._parse_field(self._next(), depth, is_negated=negated) if is_field else self._parse_term(depth)
        return _negate(node) if negated and node is not None else node

    def _parse_group(self, opening: QueryToken, depth: int) -> Node | None:
        if depth >= MAX_DEPTH:
            self._add_problem(opening, f"parentheses nested deeper than {MAX_DEPTH} levels are ignored")
            return None
        node = self._parse_or(depth + 1)
        closing = self._peek()
        if closing is None:
            self._add_problem(opening, "this parenthesis is not closed")
        else:
            self._at += 1
        if node is None:
            self._add_problem(opening, "these parentheses contain no term and are ignored")
        return node

    def _parse_field(self, token: QueryToken, depth: int, *, is_negated: bool) -> Node | None:
        name, value = token.text, self._peek()
        if (
            value is None
            or value.start != token.end
            or value.kind not in (TokenKind.WORD, TokenKind.PHRASE, TokenKind.OPEN)
        ):
            self._add_problem(token, f"{name}: needs a value; searched as a word")
            return self._accept_leaf(Terms(text=name, field=self._field), token)
        if name in TEXT_FIELDS:
            return self._parse_text_field(name, depth)
        if value.kind is TokenKind.OPEN:
            self._add_problem(token, f"{name}: takes no parentheses; searched as a word")
            return self._accept_leaf(Terms(text=name, field=self._field), token)
        self._at += 1
        try:
            if name in OPTION_FIELDS:
                return self._parse_option(name, value, is_negated=is_negated)
            return self._accept_leaf(parse_filter(name, value.text, is_quoted=value.kind is TokenKind.PHRASE), token)
        except InvalidFilter as problem:
            self._add_problem(token, str(problem))
            words = (name, *value.text.split())
            terms = [Terms(text=word, field=self._field, is_phrase=not _is_plain_word(word)) for word in words]
            return _and([leaf for term in terms if (leaf := self._accept_leaf(term, token)) is not None])

    def _parse_text_field(self, name: str, depth: int) -> Node | None:
        """Parse the terms that are searched in a text field; parentheses apply the field to each term in them."""
        before, self._field = self._field, name
        try:
            return self._parse_term(depth)
        finally:
            self._field = before

    def _parse_option(self, name: str, value: QueryToken, *, is_negated: bool) -> Node | None:
        values = OPTION_FIELDS[name]
        option = value.text.lower()
        if is_negated:
            raise InvalidFilter(f"{name}: applies to the whole query and cannot be negated; searched as words")
        if option not in values:
            raise InvalidFilter(f"{name}: takes one of {', '.join(values)}; searched as words")
        self._options[name] = option
        return None

    def _parse_words(self, token: QueryToken) -> Terms:
        if token.kind is TokenKind.PHRASE:
            return Terms(text=token.text, field=self._field, is_phrase=True)
        text = token.text
        if text.lower().startswith(("http://", "https://")) and not self._field:
            return Terms(text=text, field="url")
        bare = text.rstrip("*")
        parts = list(split_words(bare))
        is_prefix = len(bare) < len(text) and len(parts) == 1 and self._field in ("", "title")
        if "*" in bare or (len(bare) < len(text) and not is_prefix and parts):
            self._add_problem(token, f"an asterisk works only at the end of a single word, not in {_quote(text)}")
        if "*" in bare:
            return Terms(text=bare.replace("*", " ").strip(), field=self._field, is_phrase=True)
        name, colon, _ = bare.partition(":")
        if colon and name.isalpha() and name.lower() not in FIELDS:
            self._add_problem(token, f"{_quote(name)} is not the name of a filter; searched as words")
        is_unspaced = bool(parts) and parts[0][1]
        return Terms(text=bare or text, field=self._field, is_prefix=is_prefix and not is_unspaced)

    def _accept_leaf(self, node: Node, token: QueryToken) -> Node | None:
        """Return a leaf, or None if it has no letter or digit or exceeds the limit of leaves."""
        if isinstance(node, Terms) and not any(True for _ in split_words(node.text)):
            self._noise.append((token.start, node))
            return None
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            self._add_problem(token, f"the query has more than {MAX_LEAVES} words and filters; the rest is ignored")
            return None
        return node

    def _peek(self) -> QueryToken | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> QueryToken:
        self._at += 1
        return self._tokens[self._at - 1]

    def _add_problem(self, token: QueryToken, message: str) -> None:
        self.problems.append((token.start, message))


def _and(nodes: list[Node]) -> Node | None:
    flat = [part for node in nodes for part in (node.nodes if isinstance(node, And) else (node,))]
    parts = tuple(dict.fromkeys(flat))
    return And(nodes=parts) if len(parts) > 1 else parts[0] if parts else None


def _or(nodes: list[Node]) -> Node | None:
    flat = [part for node in nodes for part in (node.nodes if isinstance(node, Or) else (node,))]
    parts = tuple(dict.fromkeys(flat))
    return Or(nodes=parts) if len(parts) > 1 else parts[0] if parts else None


def _negate(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node=node)


def _format_notes(problems: list[tuple[int, str]]) -> tuple[str, ...]:
    notes = dict.fromkeys(f"at character {at + 1}: {message}"[:_MAX_NOTE_LENGTH] for at, message in sorted(problems))
    return tuple(notes)[:_MAX_NOTES]


def _quote(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[:40])
    return f"“{printable}”"


__all__ = ["MAX_QUERY_LENGTH", "QueryError", "parse", "parse_strictly"]
