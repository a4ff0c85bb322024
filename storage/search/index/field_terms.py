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

from storage.model.article import PreparedText
from storage.search.analyzer import ANALYZER_VERSION, UNSPACED_PATTERN, prepare

LABEL_SIGN = "§"
EVERY_ARTICLE = f"{LABEL_SIGN}e"
"""The label that every article has."""
PREFIX_LENGTH = 3
"""Letters of a word whose beginning is a label, so that all words that begin so are found at once."""
MAX_URL_TOKENS = 40
MAX_WORD_LENGTH = 40
"""Characters of a word of the vocabulary."""
STATE_LABELS = ("revised", "withdrawn", "truncated")
"""The states that are labels; whether an article is a copy is not, since it changes with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFields:
    """What the labels of an article are made of."""

    source: str
    language: str
    url: str
    authors: Sequence[str]
    topics: Iterable[str]
    states: Iterable[str]


def build_labels(article: LabelFields) -> str:
    """The labels of an article with one space between them."""
    found = [EVERY_ARTICLE, source_label(article.source)]
    if article.language:
        found.append(language_label(article.language))
    found += [topic_label(topic) for topic in sorted(article.topics)]
    found += [state_label(state) for state in STATE_LABELS if state in article.states]
    found += [site_label(host) for host in _host_suffixes(article.url)]
    for author in article.authors:
        found += [f"{LABEL_SIGN}n", *author_labels(author)]
    return " ".join([*found, f"{LABEL_SIGN}u", *url_labels(article.url)])


def source_label(name: str) -> str:
    """The label of a source."""
    return f"{LABEL_SIGN}s{_hash_name(name.casefold())}"


def language_label(code: str) -> str:
    """The label of a language, whatever its region."""
    return f"{LABEL_SIGN}l{_hash_name(code.lower().replace('_', '-').split('-')[0])}"


def topic_label(name: str) -> str:
    """The label of a topic of the catalogue."""
    return f"{LABEL_SIGN}t{_hash_name(name.casefold())}"


def state_label(state: str) -> str:
    """The label of a state."""
    return f"{LABEL_SIGN}i{state}"


def site_label(host: str) -> str:
    """The label of a host and of all that end in it."""
    return f"{LABEL_SIGN}h{_hash_name(host.lower().removeprefix('www.').rstrip('.'))}"


def author_labels(name: str) -> list[str]:
    """The labels of an author's names, which stand side by side."""
    return [f"{LABEL_SIGN}n{token}" for token in prepare(name).split()]


def url_labels(url: str) -> list[str]:
    """The labels of an address or a part of it, which stand side by side."""
    bare = url.split("://", 1)[-1].removeprefix("www.")
    return [f"{LABEL_SIGN}u{token}" for token in prepare(bare).split()][:MAX_URL_TOKENS]


def prefix_label(word: str) -> str:
    """The label of all words that begin as this one does."""
    return f"{LABEL_SIGN}p{word[:PREFIX_LENGTH]}"


def character_label(character: str) -> str:
    """The label of a character of the scripts that are written without spaces."""
    return f"{LABEL_SIGN}c{character}"


def index_text(text: str) -> str:
    """A text as an index holds it that must be told of beginnings: prepared, with their labels after it."""
    prepared = prepare(text)
    return f"{prepared} {build_prefix_labels(prepared)}".strip()


def prepare_article(title: str, text: str) -> PreparedText:
    """A title and a text as an index holds them."""
    return PreparedText(version=ANALYZER_VERSION, title=index_text(title), text=index_text(text))


def build_prefix_labels(prepared: str) -> str:
    """The labels of beginnings and of single characters of a prepared text, with one space between them."""
    found: dict[str, None] = {}
    for token in set(prepared.split()):
        if is_unspaced(token):
            found[character_label(token[0])] = None
        elif len(token) >= PREFIX_LENGTH:
            found[prefix_label(token)] = None
    return " ".join(sorted(found))


def is_unspaced(token: str) -> bool:
    """Whether a token is made of characters that are searched by pairs."""
    return not token.isascii() and UNSPACED_PATTERN.match(token) is not None


def is_vocabulary_word(token: str) -> bool:
    """Whether a token is a word that the vocabulary holds, rather than a label, a run or a letter."""
    return 1 < len(token) <= MAX_WORD_LENGTH and token[0] != LABEL_SIGN and not is_unspaced(token)


def _host_suffixes(url: str) -> list[str]:
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return []
    parts = host.split(".")
    return [".".join(parts[i:]) for i in range(max(1, len(parts) - 1))] if host else []


def _hash_name(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
