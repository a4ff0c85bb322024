"""Generate articles in three languages with words drawn by Zipf's law, the same for the same seed; see `search.py`.

Words consist of syllables, the most frequent ones are real; Chinese consists of Han characters without spaces. Some
words are planted: one in every second article, rare ones in about twenty, phrases in about a hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = 300
HALF = "voltera"
"""A word in every second article."""
RARE, PHRASES = 50, 40
_VOCABULARY = {"en": 150_000, "de": 150_000, "zh": 60_000}
_WORDS = 400
_SHARES = (("en", 0.6), ("de", 0.25), ("zh", 0.15))
_SYLLABLES = re.findall(
    r"\w+",
    "ba be bi bo da de di do fa fe fi ga ge go ha he hi ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe pi po"
    " ra re ri ro sa se si so ta te ti to va ve vi vo stra tion ment ung lich eit tric ener char ger bat ter",
)
_HEADS = {
    "en": "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they"
    " which one you were all her she there would their we him been has when who will no more if out so said what",
    "de": "der die und in den von zu das mit sich des auf ist im dem nicht ein eine als auch es an werden aus er hat"
    " dass sie nach wird bei einer um am sind noch wie einem so zum war haben nur oder aber vor zur bis mehr durch",
}
_TOPICS = ("tesla", "byd", "xiaomi", "volkswagen", "lfp", "charging-network", "solid-state", "nio", "hyundai", "kia")


@dataclass(frozen=True, slots=True)
class Made:
    """A synthetic article."""

    number: int
    title: str
    text: str
    language: str
    source: str
    published: datetime
    topics: tuple[str, ...]

    @property
    def url(self) -> str:
        """Return the URL."""
        return f"https://www.{self.source}.example/{self.published:%Y/%m}/{self.number}-{self.source}-story"


class Press:
    """Generates `count` articles by number, a chunk at a time."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self._seed = seed
        lot = np.random.default_rng(seed)
        self.words = {language: _vocabulary(language, size, lot) for language, size in _VOCABULARY.items()}
        self._cumulated = {language: _zipf(len(words)) for language, words in self.words.items()}
        self.rare = [f"{word}qx" for word in self.words["en"][50_000 : 50_000 + RARE].tolist()]
        uncommon = self.words["en"][3_000 : 3_000 + 2 * PHRASES].tolist()
        self.phrases = list(zip(uncommon[::2], uncommon[1::2], strict=True))
        self._seconds = _times(count, lot)

    def articles(self, numbers: range) -> list[Made]:
        """Return the articles of a range of numbers."""
        lot = np.random.default_rng((self._seed, numbers.start))
        languages = lot.choice([name for name, _ in _SHARES], len(numbers), p=[share for _, share in _SHARES])
        return [self._made(number, str(language), lot) for number, language in zip(numbers, languages, strict=True)]

    def _made(self, number: int, language: str, lot: np.random.Generator) -> Made:
        cumulated = self._cumulated[language]
        drawn = np.searchsorted(cumulated, lot.random(_WORDS + 12)).clip(max=len(cumulated) - 1)
        words = self.words[language][drawn].tolist()
        title, body = words[: 6 + number % 6], words[12:]
        self._plant(number, title, body, lot)
        gap = "" if language == "zh" else " "
        topics = tuple(sorted({_TOPICS[i] for i in lot.integers(0, len(_TOPICS) * 3, 3) if i < len(_TOPICS)}))
        published = FIRST + timedelta(seconds=int(self._seconds[min(number, self.count - 1)]))
        paragraphs = [gap.join(body[at : at + 80]) for at in range(0, len(body), 80)]
        source = f"source{int(lot.integers(0, SOURCES)):03}"
        return Made(number, gap.join(title), "\n".join(paragraphs), language, source, published, topics)

    def _plant(self, number: int, title: list[str], body: list[str], lot: np.random.Generator) -> None:
        if number % 2 == 0:
            for at in lot.integers(0, len(body), 1 + number % 3):
                body[at] = f" {HALF} "
            if number % 20 == 0:
                title[0] = f"{HALF} "
        every = max(self.count // 20, RARE)
        if number % every < RARE:
            body[5] = f" {self.rare[number % every]} "
        often = max(self.count // 100, PHRASES)
        if number % often < PHRASES:
            body[9] = " " + " ".join(self.phrases[number % often]) + " "


def _vocabulary(language: str, size: int, lot: np.random.Generator) -> np.ndarray:
    words: dict[str, None] = dict.fromkeys(_HEADS.get(language, "").split())
    while len(words) < size:
        if language == "zh":
            letters = lot.integers(0, 2_500, (size, 3)) ** 2 // 2_500
            lengths = lot.choice([1, 2, 3], size, p=[0.15, 0.65, 0.2])
            made = [
                "".join(chr(0x4E00 + letter) for letter in row[:n]) for row, n in zip(letters, lengths, strict=True)
            ]
        else:
            drawn = lot.integers(0, len(_SYLLABLES), (size, 5))
            lengths = lot.integers(2, 6 if language == "de" else 5, size)
            made = ["".join(_SYLLABLES[i] for i in row[:n]) for row, n in zip(drawn, lengths, strict=True)]
        words.update(dict.fromkeys(made))
    return np.array(list(words)[:size], dtype=object)


def _zipf(size: int) -> np.ndarray:
    weights = 1 / np.arange(2.7, size + 2.7)
    return np.cumsum(weights / weights.sum())


def _times(count: int, lot: np.random.Generator) -> np.ndarray:
    """Return sorted seconds after the first day: more on working days and by day, and more every year."""
    days = (LAST - FIRST).days
    weekdays = np.array([1.0 if (FIRST + timedelta(days=day)).weekday() < 5 else 0.4 for day in range(days)])
    rates = weekdays * np.linspace(0.5, 1.5, days)
    drawn = lot.choice(days, count, p=rates / rates.sum()) * 86_400.0
    drawn += np.clip(lot.normal(13 * 3600, 4 * 3600, count), 0, 86_399)
    return np.sort(drawn)
