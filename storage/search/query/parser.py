"""The grammar of searches: what was typed is read into a tree, and a tree is spelled.

words "a phrase" OR -not beginning* ( ) title: author: url: source: lang: topic: story: site: after: before: date:
since: is: words: sort: group: in:

Typed by a person it is read forgivingly: what is malformed is searched as plain words, and noted. Configuration is
read strictly.
"""

from __future__ import annotations

from storage.search.analyzer import pieces
from storage.search.query.filters import FIELDS, OPTIONS, TEXTS, Malformed, filtered
from storage.search.query.lexer import LONGEST, Kind, Token, lex
from storage.search.query.tree import All, Any, Asked, Node, Not, QueryError, Words

MOST_LEAVES = 64
DEEPEST = 20
_MOST_NOTES, _LONGEST_NOTE = 8, 200


def read(text: str) -> Asked:
    """What was typed, as a tree; never raises. What is not understood is noted and searched as plain words."""
    return _Reader(text).asked()


def read_strictly(text: str) -> Asked:
    """The same for what must be right; raises QueryError for the first thing that is not understood."""
    reader = _Reader(text)
    asked = reader.asked()
    if reader.problems:
        position, message = min(reader.problems)
        raise QueryError(message, position)
    return asked


class _Reader:
    """One reading of one text: tokens in, a tree out, problems beside it."""

    def __init__(self, text: str) -> None:
        self.problems: list[tuple[int, str]] = []
        self._tokens, unread = lex(text)
        self.problems += unread
        self._at = 0
        self._leaves = 0
        self._noise: list[tuple[int, Words]] = []
        self._options: dict[str, str] = {}
        self._field = ""

    def asked(self) -> Asked:
        """The whole tree."""
        parts: list[Node] = []
        while self._at < len(self._tokens):
            if (node := self._either(0)) is not None:
                parts.append(node)
            if self._at < len(self._tokens):  # what is left begins with a parenthesis that closes nothing
                self._note(self._next(), "this parenthesis closes nothing and is left out")
        node = _all(parts)
        if node is None and self._noise and not self._options:
            node = self._noise[0][1]
        elif self._noise:
            for position, words in self._noise:
                self.problems.append((position, f"{_shown(words.text)} holds no letter or digit and is left out"))
        return Asked(
            node=node,
            sort=self._options.get("sort", ""),
            group=self._options.get("group", ""),
            history=self._options.get("in", "") == "history",
            notes=_bounded(self.problems),
        )

    def _either(self, depth: int) -> Node | None:
        """What is bound by OR."""
        parts = [self._every(depth)]
        while (token := self._peek()) is not None and token.kind is Kind.OR:
            self._at += 1
            following = self._every(depth)
            if parts[-1] is None or following is None:
                self._note(token, "OR has nothing on one side and is left out")
            parts.append(following)
        return _any([part for part in parts if part is not None])

    def _every(self, depth: int) -> Node | None:
        """What must all be found."""
        parts: list[Node] = []
        while (token := self._peek()) is not None and token.kind not in (Kind.OR, Kind.CLOSE):
            if token.kind is Kind.AND:
                self._at += 1
            elif (node := self._one(depth)) is not None:
                parts.append(node)
        return _all(parts)

    def _one(self, depth: int) -> Node | None:
        token = self._next()
        if token.kind is Kind.NOT:
            return self._not(token, depth)
        if token.kind is Kind.OPEN:
            return self._group(token, depth)
        if token.kind is Kind.FIELD:
            return self._fielded(token, depth, negated=False)
        return self._leaf(self._words(token), token)

    def _not(self, token: Token, depth: int) -> Node | None:
        negated = True
        while (following := self._peek()) is not None and following.kind is Kind.NOT:
            negated, token = not negated, self._next()
        if following is None or following.kind not in (Kind.WORD, Kind.PHRASE, Kind.OPEN, Kind.FIELD):
            self._note(token, "there is nothing after this minus; it is left out")
            return None
        is_field = following.kind is Kind.FIELD
        node = self._fielded(self._next(), depth, negated=negated) if is_field else self._one(depth)
        return _not(node) if negated and node is not None else node

    def _group(self, opening: Token, depth: int) -> Node | None:
        if depth >= DEEPEST:
            self._note(opening, f"parentheses deeper than {DEEPEST} are left out")
            return None
        node = self._either(depth + 1)
        closing = self._peek()
        if closing is None:
            self._note(opening, "this parenthesis is not closed")
        else:
            self._at += 1
        if node is None:
            self._note(opening, "there is nothing in these parentheses")
        return node

    def _fielded(self, token: Token, depth: int, *, negated: bool) -> Node | None:
        """A field and its value."""
        name, value = token.text, self._peek()
        if value is None or value.start != token.end or value.kind not in (Kind.WORD, Kind.PHRASE, Kind.OPEN):
            self._note(token, f"{name}: has no value; searched as a word")
            return self._leaf(Words(text=name, field=self._field), token)
        if name in TEXTS:
            return self._texts(name, depth)
        if value.kind is Kind.OPEN:
            self._note(token, f"{name}: takes no parentheses; it is searched as a word")
            return self._leaf(Words(text=name, field=self._field), token)
        self._at += 1
        try:
            if name in OPTIONS:
                return self._option(name, value, negated=negated)
            return self._leaf(filtered(name, value.text, is_quoted=value.kind is Kind.PHRASE), token)
        except Malformed as problem:
            self._note(token, str(problem))
            parts: list[Node] = [Words(text=part, field=self._field) for part in (name, *value.text.split())]
            found = [one for part in parts if (one := self._leaf(part, token)) is not None]
            return _all(found)

    def _texts(self, name: str, depth: int) -> Node | None:
        """A field that words are looked for in; in parentheses it is that of each word."""
        before, self._field = self._field, name
        try:
            return self._one(depth)
        finally:
            self._field = before

    def _option(self, name: str, value: Token, *, negated: bool) -> Node | None:
        known = OPTIONS[name]
        chosen = value.text.lower()
        if negated:
            raise Malformed(f"{name}: is about the whole answer and cannot be negated; searched as words")
        if chosen not in known:
            raise Malformed(f"{name}: is one of {', '.join(known)}; searched as words")
        self._options[name] = chosen
        return None

    def _words(self, token: Token) -> Words:
        if token.kind is Kind.PHRASE:
            return Words(text=token.text, field=self._field, phrase=True)
        text = token.text
        if text.lower().startswith(("http://", "https://")) and not self._field:
            return Words(text=text, field="url")
        bare = text.rstrip("*")
        parts = list(pieces(bare))
        begins = len(bare) < len(text) and len(parts) == 1 and self._field in ("", "title")
        if "*" in bare or (len(bare) < len(text) and not begins and parts):
            self._note(token, f"a star is understood at the end of a single word only, not in {_shown(text)}")
        if "*" in bare:
            return Words(text=bare.replace("*", " ").strip(), field=self._field, phrase=True)
        name, colon, _ = bare.partition(":")
        if colon and name.isalpha() and name.lower() not in FIELDS:
            self._note(token, f"{_shown(name)}: is no field; searched as words")
        is_run = bool(parts) and parts[0][1]
        return Words(text=bare or text, field=self._field, prefix=begins and not is_run)

    def _leaf(self, node: Node, token: Token) -> Node | None:
        """A word or a filter, if there is room for it and it can be found at all."""
        if isinstance(node, Words) and not any(True for _ in pieces(node.text)):
            self._noise.append((token.start, node))
            return None
        self._leaves += 1
        if self._leaves > MOST_LEAVES:
            self._note(token, f"more than {MOST_LEAVES} words and filters; the rest is left out")
            return None
        return node

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _note(self, token: Token, message: str) -> None:
        self.problems.append((token.start, message))


def _all(nodes: list[Node]) -> Node | None:
    flat = [one for node in nodes for one in (node.nodes if isinstance(node, All) else (node,))]
    known = tuple(dict.fromkeys(flat))
    return All(nodes=known) if len(known) > 1 else known[0] if known else None


def _any(nodes: list[Node]) -> Node | None:
    flat = [one for node in nodes for one in (node.nodes if isinstance(node, Any) else (node,))]
    known = tuple(dict.fromkeys(flat))
    return Any(nodes=known) if len(known) > 1 else known[0] if known else None


def _not(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node=node)


def _bounded(problems: list[tuple[int, str]]) -> tuple[str, ...]:
    told = dict.fromkeys(f"at character {at + 1}: {message}"[:_LONGEST_NOTE] for at, message in sorted(problems))
    return tuple(told)[:_MOST_NOTES]


def _shown(text: str) -> str:
    cut = "".join(letter if letter.isprintable() else "?" for letter in text[:40])
    return f"“{cut}”"


__all__ = ["LONGEST", "QueryError", "read", "read_strictly"]
