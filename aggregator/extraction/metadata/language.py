"""The language of an article: what the page declares where the text agrees, else what the text looks like."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_LANGUAGE_CODE = re.compile(r"^\s*([A-Za-z]{2,3})(?:[-_]|\s*$)")
_LANGUAGE_NAMES = {
    "english": "en",
    "german": "de",
    "deutsch": "de",
    "french": "fr",
    "français": "fr",
    "spanish": "es",
    "español": "es",
    "chinese": "zh",
    "norwegian": "no",
    "norsk": "no",
    "swedish": "sv",
    "danish": "da",
    "dutch": "nl",
    "italian": "it",
    "portuguese": "pt",
    "japanese": "ja",
}
_ALIASES = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "in": "id",
    "cn": "zh",
    "jp": "ja",
    "gr": "el",
    "cz": "cs",
    "dk": "da",
    "ua": "uk",
    "eng": "en",
}
_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), ("ja",)),
    (re.compile(r"[\uac00-\ud7af]"), ("ko",)),
    (re.compile(r"[\u4e00-\u9fff]"), ("zh", "ja", "yue")),
    (re.compile(r"[\u0400-\u04ff]"), ("ru", "uk", "bg", "sr", "mk", "be", "kk", "mn", "ky", "tg", "bs")),
    (re.compile(r"[\u0600-\u06ff]"), ("ar", "fa", "ur", "ps", "ku", "ckb", "ug", "sd")),
    (re.compile(r"[\u0370-\u03ff]"), ("el",)),
    (re.compile(r"[\u0590-\u05ff]"), ("he", "yi")),
    (re.compile(r"[\u0e00-\u0e7f]"), ("th",)),
    (re.compile(r"[\u0900-\u097f]"), ("hi", "mr", "ne", "sa")),
)
_SAMPLE_LENGTH = 1500


def parse_language_code(value: str) -> str:
    """The two- or three-letter code of a language tag or name, in lower case; empty for nonsense."""
    value = value.strip()[:60]
    if value.lower() in _LANGUAGE_NAMES:
        return _LANGUAGE_NAMES[value.lower()]
    found = _LANGUAGE_CODE.match(value)
    short = found[1].lower() if found else ""
    return _ALIASES.get(short, short)


def detect_language(text: str, declared: str, hinted: str) -> tuple[str, str]:
    """The language of a text, and where it came from: `declared`, `hint`, `guessed`, or nothing.

    A declaration or hint stands unless the script of the text rules it out; between two that
    disagree, and without any, the text decides.
    """
    sample = text[:_SAMPLE_LENGTH]
    said = [
        (value, origin)
        for value, origin in ((parse_language_code(declared), "declared"), (parse_language_code(hinted), "hint"))
        if value
    ]
    said = [(value, origin) for value, origin in said if _is_possible(sample, value)]
    if said and len({value for value, _ in said}) == 1 and not _is_doubtful(said[0][0], sample):
        return said[0]
    guess, sure = _guess_language(sample)
    if guess and (not said or sure):
        return next(((value, origin) for value, origin in said if value == guess), (guess, "guessed"))
    return said[0] if said else (guess, "guessed" if guess else "")


def _is_possible(sample: str, value: str) -> bool:
    letters = sum(1 for c in sample if c.isalpha()) or 1
    for pattern, languages in _SCRIPTS:
        share = len(pattern.findall(sample)) / letters
        if share > 0.3 and value not in languages:
            return False
        if value in languages and len(languages) < 3 and letters > 100 and share < 0.02 and value not in ("ja",):
            return False
    return True


def _is_doubtful(value: str, sample: str) -> bool:
    """Whether a declaration deserves a second look: English is what themes declare by default."""
    return value == "en" and len(sample) > 200 and not _ENGLISH_WORDS.search(sample)


_ENGLISH_WORDS = re.compile(r"\b(?:the|and|of)\b.*\b(?:the|and|of|to|in)\b", re.S)


def _guess_language(sample: str) -> tuple[str, bool]:
    if len(sample.strip()) < 20:
        return "", False
    found, confidence = _load_identifier().classify(sample)
    return _ALIASES.get(found, found), confidence > 0.9


@lru_cache(maxsize=1)
def _load_identifier() -> LanguageIdentifier:
    """py3langid's model, loaded once a process (about 0.9 s)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
