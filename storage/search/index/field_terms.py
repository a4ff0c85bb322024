"""The labels of an article in the search index: what it is rather than what it says.

Source, language, topics, site, address, authors and states are tokens like the words of its text, so that the
database finds what has a rare label and a common word as fast as it finds two words. A label begins with a
character that no prepared text holds: no word is ever taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import urlsplit

from storage.model.article import Prepared
from storage.search.analyzer import RUN_BEGINS, VERSION, prepare

SIGN = "§"
EVERY = f"{SIGN}e"
"""The label that every article has."""
BEGINNING = 3
"""Letters of a word whose beginning is a label, so that all words that begin so are found at once."""
MOST_URL_TOKENS = 40
LONGEST_WORD = 40
"""Characters of a word of the vocabulary."""
STATES = ("revised", "withdrawn", "truncated")
"""The states that are labels; whether an article is a copy is not, since it changes with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What the labels of an article are made of."""

    source: str
    language: str
    url: str
    authors: Sequence[str]
    topics: Iterable[str]
    states: Iterable[str]


def labels(article: Labelled) -> str:
    """The labels of an article with one space between them."""
    found = [EVERY, source_label(article.source)]
    if article.language:
        found.append(language_label(article.language))
    found += [topic_label(topic) for topic in sorted(article.topics)]
    found += [state_label(state) for state in STATES if state in article.states]
    found += [site_label(host) for host in _hosts(article.url)]
    for author in article.authors:
        found += [f"{SIGN}n", *author_labels(author)]
    return " ".join([*found, f"{SIGN}u", *url_labels(article.url)])


def source_label(name: str) -> str:
    """The label of a source."""
    return f"{SIGN}s{_hashed(name.casefold())}"


def language_label(code: str) -> str:
    """The label of a language, whatever its region."""
    return f"{SIGN}l{_hashed(code.lower().replace('_', '-').split('-')[0])}"


def topic_label(name: str) -> str:
    """The label of a topic of the catalogue."""
    return f"{SIGN}t{_hashed(name.casefold())}"


def state_label(state: str) -> str:
    """The label of a state."""
    return f"{SIGN}i{state}"


def site_label(host: str) -> str:
    """The label of a host and of all that end in it."""
    return f"{SIGN}h{_hashed(host.lower().removeprefix('www.').rstrip('.'))}"


def author_labels(name: str) -> list[str]:
    """The labels of an author's names, which stand side by side."""
    return [f"{SIGN}n{token}" for token in prepare(name).split()]


def url_labels(url: str) -> list[str]:
    """The labels of an address or a part of it, which stand side by side."""
    bare = url.split("://", 1)[-1].removeprefix("www.")
    return [f"{SIGN}u{token}" for token in prepare(bare).split()][:MOST_URL_TOKENS]


def beginning_label(word: str) -> str:
    """The label of all words that begin as this one does."""
    return f"{SIGN}p{word[:BEGINNING]}"


def character_label(character: str) -> str:
    """The label of a character of the scripts that are written without spaces."""
    return f"{SIGN}c{character}"


def indexed(text: str) -> str:
    """A text as an index holds it that must be told of beginnings: prepared, with their labels after it."""
    prepared = prepare(text)
    return f"{prepared} {beginnings(prepared)}".strip()


def prepared(title: str, text: str) -> Prepared:
    """A title and a text as an index holds them."""
    return Prepared(version=VERSION, title=indexed(title), text=indexed(text))


def beginnings(prepared: str) -> str:
    """The labels of beginnings and of single characters of a prepared text, with one space between them."""
    found: dict[str, None] = {}
    for token in set(prepared.split()):
        if is_run(token):
            found[character_label(token[0])] = None
        elif len(token) >= BEGINNING:
            found[beginning_label(token)] = None
    return " ".join(sorted(found))


def is_run(token: str) -> bool:
    """Whether a token is made of characters that are searched by pairs."""
    return not token.isascii() and RUN_BEGINS.match(token) is not None


def is_word(token: str) -> bool:
    """Whether a token is a word that the vocabulary holds, rather than a label, a run or a letter."""
    return 1 < len(token) <= LONGEST_WORD and token[0] != SIGN and not is_run(token)


def _hosts(url: str) -> list[str]:
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return []
    parts = host.split(".")
    return [".".join(parts[i:]) for i in range(max(1, len(parts) - 1))] if host else []


def _hashed(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
