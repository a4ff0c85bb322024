"""Tokenise text for the index and for queries.

Prepared text consists of tokens separated by single spaces. A token holds only letters, digits and combining marks,
so both databases split prepared text in the same way. Case, width and diacritics are folded. Scripts written without
spaces become overlapping pairs: 小米汽车 becomes `小米 米汽 汽车 车`. Every position has a token that begins with its
character, so a query of one or more characters matches anywhere in a run. A plus or sharp sign after a word becomes a
word: `C++` becomes `c plus plus`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from operator import add

ANALYZER_VERSION = 2
"""Increase this number whenever `prepare` returns other tokens for the same text. The index is then rebuilt."""
ANALYZER_VERSION_KEY = "analyzer_version"
MAX_TOKEN_LENGTH = 64
MAX_TEXT_LENGTH = 500_000
"""Number of characters of a text that are indexed."""

UNSPACED_CHARACTERS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ede\u1000-\u1049\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff"  # kana, bopomofo
    "\u1100-\u11ff\uac00-\ud7a3"  # Hangul
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""Characters of scripts that are searched by pairs, as a regular expression class without its brackets."""
_COMBINING_MARKS = (
    "\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0980-\u0983\u09bc-\u09cd\u0a00-\u0dff"
)
WORD_PATTERN = re.compile(rf"[\w{_COMBINING_MARKS}{UNSPACED_CHARACTERS}]+")
"""Letters, digits and the combining marks inside words. The pattern also matches `_`: replace it beforehand."""

UNSPACED_RUNS_PATTERN = re.compile(f"[{UNSPACED_CHARACTERS}]+|[^{UNSPACED_CHARACTERS}]+")
"""Splits a word into runs of unspaced characters and the parts between them."""
UNSPACED_PATTERN = re.compile(f"[{UNSPACED_CHARACTERS}]")
_ATTACHED_SIGNS = re.compile(r"(?<=\w)(?:\+{1,2}|#)(?!\w)")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_DIACRITICS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u064b-\u065f\u0670]+")
_LETTER_REPLACEMENTS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n"}
)


def prepare(text: str) -> str:
    """Return the tokens of a text, separated by single spaces. Never raises."""
    text = spell_out_signs(text[:MAX_TEXT_LENGTH])
    if text.isascii():
        return " ".join([token[:MAX_TOKEN_LENGTH] for token in _ASCII_WORD.findall(text.lower())])
    tokens: list[str] = []
    for piece, is_run in split_words(text):
        if is_run:
            tokens += split_pairs(piece)
            tokens.append(piece[-1])
        else:
            tokens.append(piece)
    return " ".join(tokens)


def split_words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the folded words and unspaced runs of a text in order, each with a flag that is true for a run."""
    text = spell_out_signs(text)
    for word in WORD_PATTERN.findall(
        unicodedata.normalize("NFKC", text).casefold().replace("_", " ").replace("\u200d", "")
    ):
        if word.isascii():
            yield word[:MAX_TOKEN_LENGTH], False
        elif not UNSPACED_PATTERN.search(word):
            yield from _fold_word(word)
        else:
            for part in UNSPACED_RUNS_PATTERN.findall(word):
                if UNSPACED_PATTERN.match(part):
                    yield part, True
                else:
                    yield from _fold_word(part)


def spell_out_signs(text: str) -> str:
    """Replace `+` and `#` after a word by the words `plus` and `sharp`."""
    if "+" not in text and "#" not in text:
        return text
    return _ATTACHED_SIGNS.sub(lambda sign: " sharp " if sign[0] == "#" else " plus " * len(sign[0]), text)


def fold(word: str) -> str:
    """Return the folded form of a single word or run."""
    return word.lower() if word.isascii() else "".join(piece for piece, _ in split_words(word))


def split_pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run: an empty list for a single character."""
    return list(map(add, run, run[1:]))


def _fold_word(word: str) -> Iterator[tuple[str, bool]]:
    if len(word) > MAX_TOKEN_LENGTH:
        word = word[:MAX_TOKEN_LENGTH]
    if token := _remove_diacritics(word):
        yield token, False


@lru_cache(maxsize=20_000)
def _remove_diacritics(word: str) -> str:
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFD", word.translate(_LETTER_REPLACEMENTS)))
    return unicodedata.normalize("NFKC", plain)[:MAX_TOKEN_LENGTH]
