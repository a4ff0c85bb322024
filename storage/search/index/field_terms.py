"""Labels: index tokens for the metadata of an article.

Source, language, topics, site, URL, authors and states are indexed like the words of the text, so that a search for a
common word with a rare label is as fast as a search for two words. A label begins with a character that prepared text
never contains.
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
"""Label of every article."""
PREFIX_LENGTH = 3
"""Length of the prefixes that have a label, so that all words with such a prefix are found at once."""
MAX_URL_TOKENS = 40
MAX_WORD_LENGTH = 40
"""Maximum length of a word in the vocabulary."""
STATE_LABELS = ("revised", "withdrawn", "truncated")
"""States with a label. Copies have none, because that state changes with other articles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFields:
    """Metadata from which the labels of an article are built."""

    source: str
    language: str
    url: str
    authors: Sequence[str]
    topics: Iterable[str]
    states: Iterable[str]


def build_labels(article: LabelFields) -> str:
    """Return the labels of an article, separated by spaces."""
    labels = [EVERY_ARTICLE, source_label(article.source)]
    if article.language:
        labels.append(language_label(article.language))
    labels += [topic_label(topic) for topic in sorted(article.topics)]
    labels += [state_label(state) for state in STATE_LABELS if state in article.states]
    labels += [site_label(host) for host in _host_suffixes(article.url)]
    for author in article.authors:
        labels += [f"{LABEL_SIGN}n", *author_labels(author)]
    return " ".join([*labels, f"{LABEL_SIGN}u", *url_labels(article.url)])


def source_label(name: str) -> str:
    return f"{LABEL_SIGN}s{_hash_name(name.casefold())}"


def language_label(code: str) -> str:
    """Return the label of a language, without its region."""
    return f"{LABEL_SIGN}l{_hash_name(code.lower().replace('_', '-').split('-')[0])}"


def topic_label(name: str) -> str:
    return f"{LABEL_SIGN}t{_hash_name(name.casefold())}"


def state_label(state: str) -> str:
    return f"{LABEL_SIGN}i{state}"


def site_label(host: str) -> str:
    """Return the label of a host and its subdomains."""
    return f"{LABEL_SIGN}h{_hash_name(host.lower().removeprefix('www.').rstrip('.'))}"


def author_labels(name: str) -> list[str]:
    """Return the labels of the words of an author's name, in order."""
    return [f"{LABEL_SIGN}n{token}" for token in prepare(name).split()]


def url_labels(url: str) -> list[str]:
    """Return the labels of the words of a URL or a part of it, in order."""
    bare = url.split("://", 1)[-1].removeprefix("www.")
    return [f"{LABEL_SIGN}u{token}" for token in prepare(bare).split()][:MAX_URL_TOKENS]


def prefix_label(word: str) -> str:
    """Return the label of the prefix of a word."""
    return f"{LABEL_SIGN}p{word[:PREFIX_LENGTH]}"


def character_label(character: str) -> str:
    """Return the label of a character of a script without spaces."""
    return f"{LABEL_SIGN}c{character}"


def index_text(text: str) -> str:
    """Return the prepared text, followed by the labels of its prefixes."""
    prepared = prepare(text)
    return f"{prepared} {build_prefix_labels(prepared)}".strip()


def prepare_article(title: str, text: str) -> PreparedText:
    """Return title and text in the form that the index stores."""
    return PreparedText(version=ANALYZER_VERSION, title=index_text(title), text=index_text(text))


def build_prefix_labels(prepared: str) -> str:
    """Return the labels of prefixes and single characters of a prepared text, separated by spaces."""
    labels: set[str] = set()
    for token in set(prepared.split()):
        if is_unspaced(token):
            labels.add(character_label(token[0]))
        elif len(token) >= PREFIX_LENGTH:
            labels.add(prefix_label(token))
    return " ".join(sorted(labels))


def is_unspaced(token: str) -> bool:
    """Return True if a token consists of characters of a script without spaces."""
    return not token.isascii() and UNSPACED_PATTERN.match(token) is not None


def is_vocabulary_word(token: str) -> bool:
    """Return True if a token belongs in the vocabulary: no label, single letter or text without spaces."""
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
