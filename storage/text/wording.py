"""What in an article's text is its wording: what is left when two readings of it are compared; pure.

A text is paragraphs with an empty line between them. What a server renders anew at each request
(counters, "5 minutes ago", the day's date) is no wording, nor is a block that came or went on many
of a source's pages at once. White space, case, width and punctuation make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256

from storage.identity import fold_text

MAX_PARAGRAPHS = 2_000
"""Paragraphs of one text that are told apart; what follows counts as one."""
_MAX_VOLATILE_LENGTH = 80
_MAX_LEARNABLE_LENGTH = 1_200
_MIN_LEARNABLE_WORDS = 6
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

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
    """The paragraphs of a text, in order; none for none."""
    found = [line.strip() for line in text.split("\n") if line.strip()]
    if len(found) > MAX_PARAGRAPHS:
        found[MAX_PARAGRAPHS - 1 :] = [" ".join(found[MAX_PARAGRAPHS - 1 :])]
    return found


def block_digest(paragraph: str) -> int:
    """A paragraph's digest: the first 64 bits of the SHA-256 of its folded words, signed."""
    return int.from_bytes(
        sha256(fold_text(paragraph).encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True
    )


def short_block_digest(paragraph: str) -> int:
    """A paragraph's short digest, for telling those of one text apart: the last 32 bits of its block's."""
    return block_digest(paragraph) & 0xFFFF_FFFF


def blocks_by_digest(text: str) -> dict[int, str]:
    """The paragraphs that count, by digest."""
    return {block_digest(one): one for one in split_paragraphs(text) if not is_volatile(one)}


def is_learnable(paragraph: str) -> bool:
    """Whether a paragraph may be taken for boilerplate when it recurs: six words or more, so that no heading is."""
    plain = fold_text(paragraph)
    unspaced = len(_UNSPACED.findall(plain))
    return len(paragraph) <= _MAX_LEARNABLE_LENGTH and len(plain.split()) + unspaced // 2 >= _MIN_LEARNABLE_WORDS


def is_volatile(paragraph: str) -> bool:
    """Whether a paragraph is what a page shows of the moment it was rendered, and not of its article."""
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
    """A few short words, at least a day and a year among them, and nothing else: 24 November 2026, 11:05."""
    words = _DATE_WORD.findall(plain)
    names = [word for word in words if not word[0].isdigit()]
    return digits >= 5 and len(words) <= 8 and len(names) <= 3 and sum(map(len, names)) <= 20


def comparable_text(text: str, headlines: Collection[str] = (), held: Collection[int] = ()) -> str:
    """The text less what is rendered anew, its own headlines and the held-back blocks, a paragraph a line.

    A headline at the start of a text is taken off as it is read, but for one that differs from the title.
    """
    left_out = {*held, *map(block_digest, headlines)}
    kept = (one for one in split_paragraphs(text) if not is_volatile(one))
    return "\n".join(one for one in kept if not left_out or block_digest(one) not in left_out)


def comparable_text_digest(text: str, headlines: Collection[str] = (), held: Collection[int] = ()) -> str:
    """SHA-256 in hex of the wording: equal for two readings between which nothing in the text was edited."""
    return sha256(fold_text(comparable_text(text, headlines, held)).encode("utf-8", "surrogatepass")).hexdigest()


def held_blocks_tag(held: Iterable[int]) -> str:
    """A short name for a set of held-back blocks; empty for none."""
    ordered = sorted(held)
    if not ordered:
        return ""
    return sha256(",".join(map(str, ordered)).encode()).hexdigest()[:16]


def with_boilerplate(text: str, dropped: Sequence[tuple[int, str]]) -> str:
    """The whole text of a page again: `dropped` are the (place, paragraph)s that were left out of it, in order."""
    whole = text.split("\n\n") if text else []
    for place, paragraph in dropped:
        whole.insert(place, paragraph)
    return "\n\n".join(whole)


def with_page_data(text: str, variants: Sequence[tuple[int, str]]) -> str:
    """The text of a page with the paragraphs that its own data has in other words put in their places."""
    if not variants:
        return text
    whole = text.split("\n\n")
    for place, paragraph in variants:
        if place < len(whole):
            whole[place] = paragraph
    return "\n\n".join(whole)
