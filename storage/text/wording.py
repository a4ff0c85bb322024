"""Reduce an article's text to its comparable text, and compute digests of paragraphs and texts.

A text is paragraphs with an empty line between them. Volatile paragraphs, which a server renders anew at each
request (counters, "5 minutes ago", the date of the day), are not compared, nor are blocks that appeared or disappeared
on many pages of a source at once. White space, case, width and punctuation make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256

from storage.identity import fold_text
from storage.text.characters import count_words

MAX_PARAGRAPHS = 2_000
"""Maximum number of paragraphs of one text; the rest is one more paragraph."""
_MAX_VOLATILE_LENGTH = 80
_MAX_LEARNABLE_LENGTH = 1_200
_MIN_LEARNABLE_WORDS = 6

_UNITS = (
    r"(?:sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|weeks?|months?|h|d"
    r"|sekunden?|minuten?|stunden?|tag(?:en?)?|wochen?|minutes|heures?|jours?|semaines?|mois"
    r"|minutos?|horas?|d[ií]as?|semanas?|minuti|minuto|or[ae]|giorn[oi]|minutter|minutt|timer?|dager?|dage|timmar|dagar"
    r"|uur|dagen|dag|godzin\w*|minut\w*|dni|минут\w*|час\w*|дн\w*)"
)
_RELATIVE_TIME = re.compile(
    rf"\b(?:\d+|an?|one|eine[rmn]?|une?) {_UNITS} (?:ago|siden|sedan|geleden|temu|fa|назад)\b"
    rf"|\b(?:vor|il y a|hace|há|för|for) (?:\d+|eine[rmn]?|une?|ett?|en) {_UNITS}\b"
    r"|\d+ ?(?:秒|分钟|分鐘|分|小时|小時|時間|天|日)前|\d+ ?(?:분|시간|일) 전"
)
_COUNTED = (
    r"(?:comments?|views?|shares?|likes?|reactions?|replies|readers?|votes?|kommentare?|aufrufe|leser"
    r"|commentaires?|vues|partages|comentarios?|visitas|comentários?|comment[io]|visualizzazioni"
    r"|kommentarer|visninger|reacties|komentarz\w*|комментари\w*|просмотр\w*|评论|評論|阅读|閱讀|浏览|瀏覽|点赞|コメント)"
)
_COUNTER = re.compile(rf"\d[\d ]*(?:k|m|万|萬)? ?{_COUNTED}|{_COUNTED} ?\d[\d ]*(?:k|m|万|萬)?")
_READING_TIME = re.compile(r"\d+ min(?:ute)?s? (?:read|lesezeit|de lecture|de lectura|di lettura)|lesezeit \d+ min\w*")
_UPDATE_STAMP = re.compile(
    r"(?:last )?(?:updated|modified|published|posted)\b|(?:zuletzt )?aktualisiert|stand\b|veröffentlicht"
    r"|mis à jour|publié|actualizado|publicado|aggiornato|pubblicato|oppdatert|publisert|uppdaterad|bijgewerkt"
    r"|opdateret|zaktualizowano|обновлено|опубликовано|更新|发布|發佈|發布|编辑于"
)
_DATE_WORD = re.compile(r"\d+|[^\W\d]{2,12}")


def split_paragraphs(text: str) -> list[str]:
    """Return the non-empty paragraphs of a text, in order."""
    paragraphs = [line.strip() for line in text.split("\n") if line.strip()]
    if len(paragraphs) > MAX_PARAGRAPHS:
        paragraphs[MAX_PARAGRAPHS - 1 :] = [" ".join(paragraphs[MAX_PARAGRAPHS - 1 :])]
    return paragraphs


def block_digest(paragraph: str) -> int:
    """Return a paragraph's digest: the first 64 bits of the SHA-256 of its folded words, as a signed integer."""
    return int.from_bytes(
        sha256(fold_text(paragraph).encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True
    )


def short_block_digest(paragraph: str) -> int:
    """Return the last 32 bits of a paragraph's digest, enough to distinguish the paragraphs of one text."""
    return block_digest(paragraph) & 0xFFFF_FFFF


def blocks_by_digest(text: str) -> dict[int, str]:
    """Return the paragraphs that are not volatile, by digest."""
    return {block_digest(paragraph): paragraph for paragraph in split_paragraphs(text) if not is_volatile(paragraph)}


def is_learnable(paragraph: str) -> bool:
    """Return True if a recurring paragraph may be boilerplate: six words or more, which leaves headings out."""
    return len(paragraph) <= _MAX_LEARNABLE_LENGTH and count_words(fold_text(paragraph)) >= _MIN_LEARNABLE_WORDS


def is_volatile(paragraph: str) -> bool:
    """Return True for a paragraph that depends on the moment of rendering: a counter, an age, a date."""
    if len(paragraph) > _MAX_VOLATILE_LENGTH:
        return False
    plain = fold_text(paragraph)
    if not any(letter.isalpha() for letter in plain):
        return True
    if _RELATIVE_TIME.search(plain) or _COUNTER.fullmatch(plain) or _READING_TIME.fullmatch(plain):
        return True
    digits = sum(letter.isdigit() for letter in plain)
    return digits >= 2 and (_UPDATE_STAMP.match(plain) is not None or _is_date(plain, digits)) and len(plain) < 60


def _is_date(plain: str, digits: int) -> bool:
    """Return True for a date alone, such as "24 November 2026, 11:05"; `digits` is the number of its digits."""
    words = _DATE_WORD.findall(plain)
    names = [word for word in words if not word[0].isdigit()]
    return digits >= 5 and len(words) <= 8 and len(names) <= 3 and sum(map(len, names)) <= 20


def comparable_text(text: str, headlines: Collection[str] = (), held: Collection[int] = ()) -> str:
    """Return the text without volatile paragraphs, headlines and held-back blocks (digests), one paragraph per line.

    Extraction already removes the title at the start of a text, but not headlines that differ from it.
    """
    left_out = {*held, *map(block_digest, headlines)}
    kept = (paragraph for paragraph in split_paragraphs(text) if not is_volatile(paragraph))
    return "\n".join(paragraph for paragraph in kept if not left_out or block_digest(paragraph) not in left_out)


def comparable_text_digest(text: str, headlines: Collection[str] = (), held: Collection[int] = ()) -> str:
    """Return the SHA-256 of the comparable text in hex: equal for two snapshots without an edit between them."""
    return sha256(fold_text(comparable_text(text, headlines, held)).encode("utf-8", "surrogatepass")).hexdigest()


def held_blocks_tag(held: Iterable[int]) -> str:
    """Return a short name of a set of held-back blocks; an empty string for an empty set."""
    ordered = sorted(held)
    if not ordered:
        return ""
    return sha256(",".join(map(str, ordered)).encode()).hexdigest()[:16]


def with_boilerplate(text: str, dropped: Sequence[tuple[int, str]]) -> str:
    """Restore the full text of a page; `dropped` are the removed (place, paragraph) pairs, in order."""
    paragraphs = text.split("\n\n") if text else []
    for place, paragraph in dropped:
        paragraphs.insert(place, paragraph)
    return "\n\n".join(paragraphs)


def with_page_data(text: str, variants: Sequence[tuple[int, str]]) -> str:
    """Return the text with the paragraphs replaced that the page's embedded data has in other words."""
    if not variants:
        return text
    paragraphs = text.split("\n\n")
    for place, paragraph in variants:
        if place < len(paragraphs):
            paragraphs[place] = paragraph
    return "\n\n".join(paragraphs)
