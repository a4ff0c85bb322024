"""The words that tell which event an article is about: those of its title, its lead and its body, less what all say."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from storage.search.analyzer import prepare
from storage.stories.packed_terms import packed

_LEAD = 60
_BODY = 200
"""Words of an article that are counted, the commonest left out; after that it has said what happened."""
_CHARACTERS = 6_000
_IN_TITLE, _IN_LEAD, _IN_BODY = 3, 2, 1
_STEM = 6
"""Letters of a word that are compared: enough to tell words apart, and to let their endings go."""
_KANA = re.compile("[\u3040-\u309f]+")

# Which languages' commonest words are known, by their names in jusText's lists.
_LISTS = {
    "af": "Afrikaans", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "ga": "Irish", "gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian",
    "ka": "Georgian", "kk": "Kazakh", "kn": "Kannada", "ko": "Korean", "lb": "Luxembourgish", "lt": "Lithuanian",
    "lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam", "mr": "Marathi", "ms": "Malay", "mt": "Maltese",
    "ne": "Nepali", "nl": "Dutch", "no": "Norwegian_Bokmal", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese",
}  # fmt: skip


def terms(title: str, text: str, language: str = "") -> bytes:
    """The terms of an article as they are kept (`storage.stories.packed_terms`): counted, the title's marked."""
    counts, titled = counted(title, text, language)
    return packed({stem: count for stem, (count, _) in counts.items()}, titled)


def counted(title: str, text: str, language: str = "") -> tuple[dict[str, tuple[int, str]], set[str]]:
    """For each stem how much it counts and a word that has it; and the stems of the title.

    A word of the title counts three times, one of the lead twice.
    """
    common = commonest(language)
    first = _told(title, common)
    body = _told(text[:_CHARACTERS], common)
    counts: Counter[str] = Counter()
    for words, weight in ((first, _IN_TITLE), (body[:_LEAD], _IN_LEAD), (body[_LEAD:_BODY], _IN_BODY)):
        for word in words:
            counts[stem(word)] += weight
    spelled = {stem(word): word for word in reversed(first + body[:_BODY])}
    return {one: (count, spelled[one]) for one, count in counts.items()}, {stem(word) for word in first}


def stem(word: str) -> str:
    """The beginning of a word; a number stays whole."""
    return word if len(word) <= _STEM or word.isdigit() else word[:_STEM]


@cache
def commonest(language: str) -> frozenset[str]:
    """The commonest words of a language (of its Wikipedia, as jusText lists them); none where it has no list."""
    name = _LISTS.get(language)
    if name is None:
        return frozenset()
    from justext import get_stoplist

    return frozenset(word for entry in get_stoplist(name) for word in prepare(entry).split())


def _told(text: str, common: frozenset[str]) -> list[str]:
    return [word for word in prepare(text).split() if _tells(word) and word not in common]


def _tells(word: str) -> bool:
    """Whether a word may tell anything: a lone letter does not, nor does Japanese grammar."""
    return (len(word) > 1 or word.isdigit()) and not _KANA.fullmatch(word)
