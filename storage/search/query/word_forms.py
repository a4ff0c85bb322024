"""The forms of an English word: `battery` is looked for as `batteries` too.

The index holds words as they were written, so that a phrase and a beginning find what they say. Which forms a
word has is asked when it is looked for: those made of it by the rules of English endings that Snowball's stemmer
gives the same stem.
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
    """A folded word and its other forms, itself first; a word that is none of plain letters has no others."""
    if not _WORD.fullmatch(word):
        return (word,)
    stem = _get_stemmer().stemWord(word)
    made = dict.fromkeys(form for base in _bases(word) for form in _endings(base))
    others = (one for one in made if one != word and _WORD.fullmatch(one) and _get_stemmer().stemWord(one) == stem)
    return (word, *others)


@cache
def _get_stemmer() -> snowballstemmer.basestemmer.BaseStemmer:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _bases(word: str) -> list[str]:
    """What a word may be a form of, itself first."""
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
    """A word with the endings of nouns and verbs."""
    made = [base, base + ("es" if base.endswith(_SIBILANT_ENDINGS) else "s")]
    if base.endswith("y"):
        made += [base[:-1] + "ies", base[:-1] + "ied"]
    if base.endswith("e"):
        made += [base + "d", base[:-1] + "ing"]
    else:
        made += [base + "ed", base + "ing"]
        if base[-1] not in "aeiouwxy":
            made += [base + base[-1] + "ed", base + base[-1] + "ing"]
    return made
