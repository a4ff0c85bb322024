"""Extract the terms of an article: stems of the words in its title, lead and body, without stop words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from storage.search.analyzer import prepare
from storage.stories.packed_terms import pack_terms

_LEAD_WORDS = 60
_MAX_WORDS = 200
"""Maximum number of words counted in a body, without stop words; an article says early what happened."""
_MAX_CHARACTERS = 6_000
_TITLE_WEIGHT, _LEAD_WEIGHT, _BODY_WEIGHT = 3, 2, 1
_STEM_LENGTH = 6
"""Letters of a word that are compared; endings beyond make no difference."""
_KANA = re.compile("[\u3040-\u309f]+")

# Languages with a list of stop words, by the names of jusText's lists.
_STOPWORD_LISTS = {
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


def extract_terms(title: str, text: str, language: str = "") -> bytes:
    """Return the terms of an article, packed by `storage.stories.packed_terms.pack_terms`."""
    counts, titled = count_terms(title, text, language)
    return pack_terms({stem: count for stem, (count, _) in counts.items()}, titled)


def count_terms(title: str, text: str, language: str = "") -> tuple[dict[str, tuple[int, str]], set[str]]:
    """Return the weighted count and a word of each stem, and the stems of the title.

    A word in the title counts three times, a word in the lead twice.
    """
    common = load_stopwords(language)
    title_words = _content_words(title, common)
    body = _content_words(text[:_MAX_CHARACTERS], common)
    counts: Counter[str] = Counter()
    for words, weight in (
        (title_words, _TITLE_WEIGHT),
        (body[:_LEAD_WORDS], _LEAD_WEIGHT),
        (body[_LEAD_WORDS:_MAX_WORDS], _BODY_WEIGHT),
    ):
        for word in words:
            counts[stem(word)] += weight
    spelled = {stem(word): word for word in reversed(title_words + body[:_MAX_WORDS])}
    return {key: (count, spelled[key]) for key, count in counts.items()}, {stem(word) for word in title_words}


def stem(word: str) -> str:
    """Return the first letters of a word; a number stays whole."""
    return word if len(word) <= _STEM_LENGTH or word.isdigit() else word[:_STEM_LENGTH]


@cache
def load_stopwords(language: str) -> frozenset[str]:
    """Return the stop words of a language as jusText lists them; none if it has no list."""
    name = _STOPWORD_LISTS.get(language)
    if name is None:
        return frozenset()
    from justext import get_stoplist

    return frozenset(word for entry in get_stoplist(name) for word in prepare(entry).split())


def _content_words(text: str, common: frozenset[str]) -> list[str]:
    return [word for word in prepare(text).split() if _is_content_word(word) and word not in common]


def _is_content_word(word: str) -> bool:
    """Return whether a word has content: single letters and Japanese grammar (hiragana) have none."""
    return (len(word) > 1 or word.isdigit()) and not _KANA.fullmatch(word)
