"""Expand an English word to its inflected forms: a search for `battery` finds `batteries` too.

The index stores words as written, so that phrases and prefixes match exactly. The forms are computed for each query:
candidates are built with the English endings and kept if Snowball's stemmer gives them the same stem.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import snowballstemmer

_WORD = re.compile(r"[a-z]{2,24}")
_VOWEL = re.compile("[aeiouy]")
_SIBILANT_ENDINGS = ("s", "x", "z", "ch", "sh")


@lru_cache(maxsize=4096)
def word_forms(word: str) -> tuple[str, ...]:
    """Return a folded word followed by its other forms; only words of the letters a to z have other forms."""
    if not _WORD.fullmatch(word):
        return (word,)
    stem = _get_stemmer().stemWord(word)
    candidates = dict.fromkeys(form for base in _bases(word) for form in _endings(base))
    forms = (form for form in candidates if form != word and _WORD.fullmatch(form))
    return (word, *(form for form in forms if _get_stemmer().stemWord(form) == stem))


@cache
def _get_stemmer() -> snowballstemmer.basestemmer.BaseStemmer:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _bases(word: str) -> list[str]:
    """Return the word followed by the base forms that it may be derived from."""
    bases = [word]
    if word.endswith("ies"):
        bases.append(word[:-3] + "y")
    elif word.endswith("es"):
        bases += [word[:-2], word[:-1]]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        bases.append(word[:-1])
    for ending in ("ied", "ed", "ing"):
        cut = word.removesuffix(ending)
        if cut == word or not _VOWEL.search(cut):
            continue
        bases += [cut + "y"] if ending == "ied" else [cut, cut + "e"]
        if ending != "ied" and len(cut) > 2 and cut[-1] == cut[-2]:
            bases.append(cut[:-1])
        break
    return bases


def _endings(base: str) -> list[str]:
    """Return a base form with the endings of nouns and verbs."""
    forms = [base, base + ("es" if base.endswith(_SIBILANT_ENDINGS) else "s")]
    if base.endswith("y"):
        forms += [base[:-1] + "ies", base[:-1] + "ied"]
    if base.endswith("e"):
        forms += [base + "d", base[:-1] + "ing"]
    else:
        forms += [base + "ed", base + "ing"]
        if base[-1] not in "aeiouwxy":
            forms += [base + base[-1] + "ed", base + base[-1] + "ing"]
    return forms
