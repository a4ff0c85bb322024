"""A found body, trimmed to the article: headline, labels, link rows, credits and appendices taken off."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.etree import _Element

from aggregator.extraction.metadata.titles import key
from aggregator.extraction.phrases import (
    ADVERT_PATTERNS,
    APPENDIX_PATTERNS,
    INVITATION_PATTERNS,
    LABELS,
    either,
    listed,
)
from aggregator.extraction.tree import text_in

_LABELS = frozenset(key(label) for label in listed(LABELS))
_INVITATION = re.compile("^" + either(INVITATION_PATTERNS), re.I)
_ADVERT = re.compile(r"^[\[(（【*]?" + either(ADVERT_PATTERNS) + r"[\])）】*]?\s*(?:[:：|｜»›>]|[–—-]\s)\s*\S", re.I)
_CREDIT = re.compile(
    r"^(?:images?|photos?|pictures?|fotos?|bilder|bild|photograph|crédit photo|crédito|video|quelle|source|fuente|"
    r"fonte|kilde|källa|bron|zdroj|"
    r"источник|фото|图源|图|图片来源|来源|摄影|"
    r"[（(【\[]?(?:责任编辑|责编|编辑|编辑制作|校对|审核)|credit|getty images?)"
    r"\s*(?:credit|by|source)?\s*[:：|©/]\s*.{0,100}$",
    re.I,
)
_MENU = re.compile(r"[^|｜]{1,16}(?:[|｜][^|｜]{1,16}){3,40}")
_APPENDIX = re.compile("^" + either(APPENDIX_PATTERNS) + r"\s*:?$", re.I)
_BLOCKS = frozenset({"p", "head", "list", "quote", "code", "table"})
_ENDS = tuple(".!?。！？…”\"»“)'’:;")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the article before its body: used to tell body from repetition."""

    title: str = ""
    authors: tuple[str, ...] = ()
    site: str = ""


def trim(body: _Element, known: Known) -> tuple[str, ...]:
    """Take off, in place, what is not the article; returns the credit lines among it that stood at its two ends."""
    total = len(text_in(body)) or 1
    _unpack(body)
    credit_lines = _credit_lines_at_ends(body)
    _drop_start(body, known)
    for block in list(body):
        if _is_noise(block, total):
            _remove(body, block)
    _drop_contents(body)
    _drop_appendix(body, total)
    _drop_end(body, known)
    return credit_lines


def _credit_lines_at_ends(body: _Element) -> tuple[str, ...]:
    blocks = list(body)
    ends = [*blocks[:4], *blocks[4:][-3:]]
    return tuple(text for block in ends if block.tag in ("p", "hi") and _CREDIT.match(text := _text(block)))


def _text(block: _Element) -> str:
    return " ".join(text_in(block).split())[:4096]


def _remove(body: _Element, block: _Element) -> None:
    if block.tail and block.tail.strip():
        paragraph = body.makeelement("p")
        paragraph.text = block.tail
        body.insert(body.index(block), paragraph)
        block.tail = None
    body.remove(block)


def _unpack(body: _Element) -> None:
    """Empty blocks go, and loose text behind a block becomes a paragraph, to be judged like others."""
    for block in list(body):
        behind = block.getnext()
        if block.tag in _BLOCKS and (block.tail or "").strip() and (behind is None or behind.tag in _BLOCKS):
            paragraph = body.makeelement("p")
            paragraph.text, block.tail = block.tail, None
            block.addnext(paragraph)
        if (
            block.tag != "graphic"
            and not _text(block)
            and not (block.tail or "").strip()
            and block.find(".//graphic") is None
        ):
            body.remove(block)


def _drop_start(body: _Element, known: Known) -> None:
    """Headline, byline, date and section labels in front of the first real paragraph."""
    title, authors = key(known.title), {key(author) for author in known.authors}
    dropped = 0
    for block in list(body)[:12]:
        text = _text(block)
        plain = key(text)
        if _same_headline(plain, title):
            _remove(body, block)
        elif (_weight(text) > 70 and block.tag != "head") or dropped == 4:
            return
        elif block.tag in ("p", "hi", "ref") and _is_preamble(text, plain, authors):
            _remove(body, block)
            dropped += 1


def _weight(text: str) -> int:
    """A text's length as Latin letters would have it: a Chinese or Japanese character says as much as three."""
    return len(text) + 2 * sum("\u3040" <= c <= "\u9fff" for c in text) if not text.isascii() else len(text)


def _same_headline(plain: str, title: str) -> bool:
    return bool(title) and (
        plain == title or (len(title) > 25 and len(plain) < 1.3 * len(title) and plain.startswith(title))
    )


def _is_preamble(text: str, plain: str, authors: set[str]) -> bool:
    if not plain:
        return True
    if any(author and author in plain and _weight(plain) - _weight(author) < 40 for author in authors):
        return True
    digits = sum(c.isdigit() for c in text)
    if digits >= 5 and len(text) < 60 and not text.endswith((".", "!", "?", "。")):
        return True
    return _weight(text) < 30 and len(plain.split()) <= 3 and not text.endswith(_ENDS)


def _is_noise(block: _Element, total: int) -> bool:
    """Labels, adverts, invitations, credits, and paragraphs that are one link to something else."""
    text = _text(block)
    if not text:
        return False
    if len(text) < 60 and key(text) in _LABELS:
        return True
    if block.tag not in ("head", "table", "code") and _is_advert(block, text):
        return True
    if (
        block.tag in ("p", "quote", "hi", "ref", "list", "head")
        and len(text) < 400
        and _INVITATION.match(text)
        and (len(text) < 160 or _linked(block) > 0.3)
    ):
        return True
    if block.tag in ("p", "hi") and (_CREDIT.match(text) or _MENU.fullmatch(text)):
        return True
    if block.tag in ("p", "ref", "hi", "list") and len(text) < min(240, 0.2 * total):
        share = _linked(block)
        return share > 0.9 if block.tag != "list" else share > 0.9 and len(block) > 1
    return False


def _is_advert(block: _Element, text: str) -> bool:
    """Whether a block opens with an advert's label and is as short as adverts are, or mostly a link."""
    return len(text) < 600 and bool(_ADVERT.match(text)) and (_weight(text) < 200 or _linked(block) > 0.5)


def _linked(block: _Element) -> float:
    """How much of a block's text is the text of links."""
    length = len(text_in(block).strip())
    refs = [block] if block.tag == "ref" else list(block.iter("ref"))
    linked = sum(len(text_in(ref).strip()) for ref in refs)
    text = _text(block)
    if linked >= 25 and length - linked <= 25 and ":" in text[:27]:
        return 1.0
    if text.startswith(("http://", "https://", "www.")):
        return 0.0
    return linked / length if length else 0.0


def _drop_contents(body: _Element) -> None:
    """A list whose items are the headings of the article itself is its table of contents."""
    heads = {key(_text(head)) for head in body.iter("head")}
    for block in list(body):
        if block.tag == "list" and len(block) >= 2:
            items = [key(_text(item)) for item in block.iter("item")]
            if sum(item in heads for item in items) >= max(2, 0.6 * len(items)):
                _remove(body, block)


def _drop_appendix(body: _Element, total: int) -> None:
    """Everything after a heading that announces other articles or comments, where little prose follows it."""
    passed = 0
    for block in list(body):
        text = _text(block)
        if block.tag in ("head", "p", "hi") and len(text) < 60 and _APPENDIX.match(text):
            rest = list(body)[body.index(block) :]
            if passed > 0.5 * total and (_TALK.search(text) or sum(map(_prose, rest)) < 0.15 * total):
                for element in rest:
                    body.remove(element)
                return
            _remove(body, block)
        passed += len(text)


_TALK = re.compile(r"comment|kommentar|comentario|评论|forum", re.I)


def _prose(block: _Element) -> int:
    text = _text(block)
    return len(text) if len(text) > 100 and _linked(block) < 0.4 else 0


_BIO = re.compile(
    r"\b(?:is an? |writes? |covers |has (?:been|written|worked)|schreibt|ist |est |es |er |är |jest )", re.I
)


def _drop_end(body: _Element, known: Known) -> None:
    """Headings with nothing under them, labels, and the note about the author at the end."""
    for block in reversed(list(body)[-8:]):
        text = _text(block)
        if (
            block.tag == "head" or key(text) in _LABELS or (text and any(text == author for author in known.authors))
        ) or (
            len(text) < 500
            and any(
                text.startswith(author) and _BIO.match(text[len(author) :].lstrip(" ,")[:20])
                for author in known.authors
            )
        ):
            body.remove(block)
        else:
            return
