"""Determine an article's language: the declared one if the text agrees, else a guess from the text."""

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
    """Return the two- or three-letter code of a language tag or name in lower case; empty if there is none."""
    value = value.strip()[:60]
    if value.lower() in _LANGUAGE_NAMES:
        return _LANGUAGE_NAMES[value.lower()]
    match = _LANGUAGE_CODE.match(value)
    code = match[1].lower() if match else ""
    return _ALIASES.get(code, code)


def detect_language(text: str, declared: str, hinted: str) -> tuple[str, str]:
    """Return the language code of a text and its origin: `declared`, `hint`, `guessed`, or empty strings.

    A declaration or hint is used unless the script of the text excludes it. If the two disagree, or both are missing,
    the text decides.
    """
    sample = text[:_SAMPLE_LENGTH]
    candidates = [
        (value, origin)
        for value, origin in ((parse_language_code(declared), "declared"), (parse_language_code(hinted), "hint"))
        if value
    ]
    candidates = [(value, origin) for value, origin in candidates if _is_possible(sample, value)]
    if candidates and len({value for value, _ in candidates}) == 1 and not _is_doubtful(candidates[0][0], sample):
        return candidates[0]
    guess, is_sure = _guess_language(sample)
    if guess and (not candidates or is_sure):
        return next(((value, origin) for value, origin in candidates if value == guess), (guess, "guessed"))
    return candidates[0] if candidates else (guess, "guessed" if guess else "")


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
    """Return True for English declared on a text without English words: themes declare English by default."""
    return value == "en" and len(sample) > 200 and not _ENGLISH_WORDS.search(sample)


_ENGLISH_WORDS = re.compile(r"\b(?:the|and|of)\b.*\b(?:the|and|of|to|in)\b", re.S)


def _guess_language(sample: str) -> tuple[str, bool]:
    if len(sample.strip()) < 20:
        return "", False
    code, confidence = _load_identifier().classify(sample)
    return _ALIASES.get(code, code), confidence > 0.9


@lru_cache(maxsize=1)
def _load_identifier() -> LanguageIdentifier:
    """Load py3langid's model once per process (about 0.9 s)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
