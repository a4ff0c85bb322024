"""Make copies of real texts, and texts that only resemble copies, for the benchmark of near-duplicates."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

KINDS = ("exact", "framed", "reworded", "rearranged", "furnished", "cut", "cut_with_line")
READ_MORE = {
    "en": "Read the full story, with all pictures and the reactions of our readers, on our website.",
    "de": "Den ganzen Artikel mit allen Bildern und den Kommentaren unserer Leser finden Sie auf unserer Seite.",
    "es": "Lea la historia completa, con todas las fotos y los comentarios de los lectores, en nuestra web.",
    "fr": "Lisez la suite de cet article, avec toutes les photos et les réactions des lecteurs, sur notre site.",
    "ru": "Читайте полную версию статьи со всеми фотографиями и комментариями читателей на нашем сайте.",
    "tr": "Haberin tamamını, tüm fotoğrafları ve okuyucu yorumlarını internet sitemizde bulabilirsiniz.",
    "ar": "اقرأ القصة كاملة مع جميع الصور وتعليقات القراء على موقعنا الإلكتروني",
    "zh": "点击这里阅读全文，查看全部图片以及读者的评论和更多相关报道。",
}
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE = re.compile(r"(?<=[.!?。！？؟])\s*")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{1,2}|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_MAKERS = ("BYD", "Tesla", "Kia", "Hyundai", "Renault", "Volvo", "Nio", "Xpeng", "Skoda", "Ford", "Opel", "Fiat", "MG")


def is_cjk(text: str) -> bool:
    """Tell whether most of a text is Chinese or Japanese."""
    return 3 * len(_CJK.findall(text)) > len(text)


def length(text: str) -> int:
    """Count the words of a text; in Chinese and Japanese two characters count as a word."""
    return len(_WORD.findall(text))


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, or runs of three sentences if it has fewer than four paragraphs."""
    parts = [part for part in text.split("\n") if part.strip()]
    if len(parts) >= 4:
        return parts
    sentences = [part for line in parts for part in _SENTENCE.split(line) if part.strip()]
    step = 3 if len(sentences) >= 12 else 1
    glue = "" if is_cjk(text) else " "
    return [glue.join(sentences[at : at + step]) for at in range(0, len(sentences), step)]


class Planter:
    """Makes copies of texts; the added words come from other texts in the same language."""

    def __init__(self, pools: dict[str, list[str]], rng: random.Random) -> None:
        self._pools, self._rng = pools, rng
        self._sites = {language: self._boilerplate(pool) for language, pool in pools.items()}
        self._makers: dict[str, Callable[[str, str], str]] = {
            "exact": lambda text, _: text,
            "framed": self._framed,
            "reworded": self._reworded,
            "rearranged": self._rearranged,
            "furnished": self._furnished,
            "cut": self._cut,
            "cut_with_line": lambda text, language: f"{self._cut(text, language)}\n{_line(language)}",
        }

    def copy(self, kind: str, text: str, language: str) -> str:
        """Return a copy of this kind."""
        return self._makers[kind](text, language if language in self._pools else "en")

    def _boilerplate(self, pool: Sequence[str]) -> list[tuple[str, str]]:
        """Return the boilerplate of five sites: about thirty words before each article and fifty after it."""
        return [(self._passage(pool, 30), self._passage(pool, 50)) for _ in range(5)]

    def _passage(self, pool: Sequence[str], words: int) -> str:
        pool_words = list(_WORD.finditer(text := self._rng.choice(pool)))
        first = self._rng.randrange(max(1, len(pool_words) - words))
        return text[pool_words[first].start() : pool_words[min(first + words, len(pool_words)) - 1].end()]

    def _framed(self, text: str, language: str) -> str:
        pool = self._pools[language]
        return f"{self._passage(pool, 25)}.\n{text}\n{self._passage(pool, 25)}."

    def _furnished(self, text: str, language: str) -> str:
        before, after = self._rng.choice(self._sites[language])
        return f"{before}\n{text}\n{after}"

    def _reworded(self, text: str, language: str) -> str:
        """Replace every twentieth word."""
        words = list(_WORD.finditer(text))
        chosen = set(self._rng.sample(range(len(words)), max(1, len(words) // 20)))
        parts, last = [], 0
        for number, word in enumerate(words):
            if number in chosen:
                parts += [text[last : word.start()], self._passage(self._pools[language], 1)]
                last = word.end()
        return "".join(parts) + text[last:]

    def _rearranged(self, text: str, language: str) -> str:
        """Remove or exchange two paragraphs."""
        parts = paragraphs(text)
        if len(parts) < 3:
            return text
        first, second = self._rng.sample(range(len(parts)), 2)
        if self._rng.random() < 0.5 or len(parts) < 5:
            parts[first], parts[second] = parts[second], parts[first]
        else:
            parts = [part for at, part in enumerate(parts) if at not in (first, second)]
        return "\n".join(parts)

    def _cut(self, text: str, _language: str) -> str:
        words = list(_WORD.finditer(text))
        return text[: words[max(1, len(words) * 2 // 5) - 1].end()]


def _line(language: str) -> str:
    return READ_MORE.get(language, READ_MORE["en"])


def live_blog(pool: Sequence[str], rng: random.Random) -> tuple[str, str]:
    """Return two states of a live blog: the later one has twice as many entries, the new ones on top."""
    sentences = [part for text in rng.sample(list(pool), 4) for part in _SENTENCE.split(text) if length(part) > 6]
    entries, minute = [], 600
    for sentence in sentences[:24]:
        entries.append(f"{minute // 60:02}:{minute % 60:02} {sentence.strip()}")
        minute += rng.randrange(3, 20)
    head = "We follow the day's events here as they happen. The newest entry stands on top."
    half = len(entries) // 2
    return "\n".join([head, *reversed(entries[:half])]), "\n".join([head, *reversed(entries)])


def price_lists(rng: random.Random) -> tuple[str, str]:
    """Return two texts from one template: the same sentences and cars, other figures."""
    cars = rng.sample(_MAKERS, 8)
    series = [rng.randrange(1, 9) for _ in cars]
    row = rng.choice(_ROWS)
    return _price_list(cars, series, row, rng), _price_list(cars, series, row, rng)


_ROWS = (
    "The {car} EV{number} is offered from {price} euros at present, which is {change} euros {way} than dealers asked"
    " for it the week before.",
    "{car} EV{number}: whoever orders the small battery in the plain version without any extras gets the car from the"
    " cheapest of all dealers in our list for {price} euros, and with the discount that most of them give to those who"
    " ask for it for {way} than the maker's own shop on the net wants to have.",
    "The cheapest {car} EV{number} costs {price} euros with value added tax, delivery and registration included. Those"
    " who lease it without a down payment for three years and drive no more than the usual distance pay {change} euros"
    " a month for it; insurance, tyres and what the charging costs at home or on the road come on top of that.",
)


def _price_list(cars: Sequence[str], series: Sequence[int], row: str, rng: random.Random) -> str:
    rows = [
        row.format(
            car=car,
            number=number,
            price=f"{rng.randrange(18, 70)},{rng.randrange(100, 999)}",
            change=rng.randrange(100, 999),
            way=rng.choice(["less", "more"]),
        )
        for car, number in zip(cars, series, strict=True)
    ]
    return "\n".join(
        [
            "Every week we ask dealers all over the country for what electric cars really cost with all discounts.",
            *rows,
            f"On average a buyer pays {rng.randrange(20, 60)},{rng.randrange(100, 999)} euros and waits"
            f" {rng.randrange(3, 40)} weeks. Prices are without engagement and include value added tax and delivery.",
        ]
    )
