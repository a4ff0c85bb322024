"""Trim a found body to the article: remove headline, labels, link rows, credits and appendices."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.etree import _Element

from aggregator.extraction.metadata.titles import normalize_words
from aggregator.extraction.phrases import (
    ADVERT_PATTERNS,
    APPENDIX_PATTERNS,
    INTERFACE_LABELS,
    INVITATION_PATTERNS,
    join_alternatives,
    split_alternatives,
)
from aggregator.extraction.tree import join_text
from storage.text.characters import EAST_ASIAN_PATTERN

_LABELS = frozenset(normalize_words(label) for label in split_alternatives(INTERFACE_LABELS))
_INVITATION = re.compile("^" + join_alternatives(INVITATION_PATTERNS), re.I)
_ADVERT = re.compile(
    r"^[\[(（【*]?" + join_alternatives(ADVERT_PATTERNS) + r"[\])）】*]?\s*(?:[:：|｜»›>]|[–—-]\s)\s*\S", re.I
)
_CREDIT_LINE = re.compile(
    r"^(?:images?|photos?|pictures?|fotos?|bilder|bild|photograph|crédit photo|crédito|video|quelle|source|fuente|"
    r"fonte|kilde|källa|bron|zdroj|"
    r"источник|фото|图源|图|图片来源|来源|摄影|"
    r"[（(【\[]?(?:责任编辑|责编|编辑|编辑制作|校对|审核)|credit|getty images?)"
    r"\s*(?:credit|by|source)?\s*[:：|©/]\s*.{0,100}$",
    re.I,
)
_MENU_LINE = re.compile(r"[^|｜]{1,16}(?:[|｜][^|｜]{1,16}){3,40}")
_APPENDIX_HEADING = re.compile("^" + join_alternatives(APPENDIX_PATTERNS) + r"\s*:?$", re.I)
_BLOCK_TAGS = frozenset({"p", "head", "list", "quote", "code", "table"})
_SENTENCE_ENDS = tuple(".!?。！？…”\"»“)'’:;")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMetadata:
    """Metadata that is known before the body, to recognise its repetition in the body."""

    title: str = ""
    authors: tuple[str, ...] = ()
    site: str = ""


def trim_body(body: _Element, known: KnownMetadata) -> tuple[str, ...]:
    """Remove in place what is not the article; return the removed credit lines of the start and the end."""
    total = len(join_text(body)) or 1
    _separate_blocks(body)
    credit_lines = _find_credit_lines(body)
    _drop_start(body, known)
    for block in list(body):
        if _is_noise(block, total):
            _remove_block(body, block)
    _drop_table_of_contents(body)
    _drop_appendix(body, total)
    _drop_end(body, known)
    return credit_lines


def _find_credit_lines(body: _Element) -> tuple[str, ...]:
    blocks = list(body)
    ends = [*blocks[:4], *blocks[4:][-3:]]
    return tuple(text for block in ends if block.tag in ("p", "hi") and _CREDIT_LINE.match(text := _block_text(block)))


def _block_text(block: _Element) -> str:
    return " ".join(join_text(block).split())[:4096]


def _remove_block(body: _Element, block: _Element) -> None:
    if block.tail and block.tail.strip():
        paragraph = body.makeelement("p")
        paragraph.text = block.tail
        body.insert(body.index(block), paragraph)
        block.tail = None
    body.remove(block)


def _separate_blocks(body: _Element) -> None:
    """Remove empty blocks, and turn loose text behind a block into a paragraph that is judged like others."""
    for block in list(body):
        behind = block.getnext()
        if block.tag in _BLOCK_TAGS and (block.tail or "").strip() and (behind is None or behind.tag in _BLOCK_TAGS):
            paragraph = body.makeelement("p")
            paragraph.text, block.tail = block.tail, None
            block.addnext(paragraph)
        if (
            block.tag != "graphic"
            and not _block_text(block)
            and not (block.tail or "").strip()
            and block.find(".//graphic") is None
        ):
            body.remove(block)


def _drop_start(body: _Element, known: KnownMetadata) -> None:
    """Remove headline, byline, date and section labels before the first real paragraph."""
    title, authors = normalize_words(known.title), {normalize_words(author) for author in known.authors}
    dropped = 0
    for block in list(body)[:12]:
        text = _block_text(block)
        plain = normalize_words(text)
        if _is_headline(plain, title):
            _remove_block(body, block)
        elif (_latin_length(text) > 70 and block.tag != "head") or dropped == 4:
            return
        elif block.tag in ("p", "hi", "ref") and _is_preamble(text, plain, authors):
            _remove_block(body, block)
            dropped += 1


def _latin_length(text: str) -> int:
    """Return the length of a text in Latin letters: an East Asian character counts as three."""
    return len(text) if text.isascii() else len(text) + 2 * len(EAST_ASIAN_PATTERN.findall(text))


def _is_headline(plain: str, title: str) -> bool:
    return bool(title) and (
        plain == title or (len(title) > 25 and len(plain) < 1.3 * len(title) and plain.startswith(title))
    )


def _is_preamble(text: str, plain: str, authors: set[str]) -> bool:
    if not plain:
        return True
    if any(author and author in plain and _latin_length(plain) - _latin_length(author) < 40 for author in authors):
        return True
    digits = sum(c.isdigit() for c in text)
    if digits >= 5 and len(text) < 60 and not text.endswith((".", "!", "?", "。")):
        return True
    return _latin_length(text) < 30 and len(plain.split()) <= 3 and not text.endswith(_SENTENCE_ENDS)


def _is_noise(block: _Element, total: int) -> bool:
    """Return True for labels, adverts, invitations, credits, and paragraphs that are a link to another page."""
    text = _block_text(block)
    if not text:
        return False
    if len(text) < 60 and normalize_words(text) in _LABELS:
        return True
    if block.tag not in ("head", "table", "code") and _is_advert(block, text):
        return True
    if (
        block.tag in ("p", "quote", "hi", "ref", "list", "head")
        and len(text) < 400
        and _INVITATION.match(text)
        and (len(text) < 160 or _measure_link_share(block) > 0.3)
    ):
        return True
    if block.tag in ("p", "hi") and (_CREDIT_LINE.match(text) or _MENU_LINE.fullmatch(text)):
        return True
    if block.tag in ("p", "ref", "hi", "list") and len(text) < min(240, 0.2 * total):
        share = _measure_link_share(block)
        return share > 0.9 if block.tag != "list" else share > 0.9 and len(block) > 1
    return False


def _is_advert(block: _Element, text: str) -> bool:
    """Return True if a block starts with the label of an advert, and is short or mostly a link."""
    return (
        len(text) < 600
        and bool(_ADVERT.match(text))
        and (_latin_length(text) < 200 or _measure_link_share(block) > 0.5)
    )


def _measure_link_share(block: _Element) -> float:
    """Return the share of a block's text that is inside links, 0 to 1; 1 for a link with a short label."""
    length = len(join_text(block).strip())
    refs = [block] if block.tag == "ref" else list(block.iter("ref"))
    linked = sum(len(join_text(ref).strip()) for ref in refs)
    text = _block_text(block)
    if linked >= 25 and length - linked <= 25 and ":" in text[:27]:
        return 1.0
    if text.startswith(("http://", "https://", "www.")):
        return 0.0
    return linked / length if length else 0.0


def _drop_table_of_contents(body: _Element) -> None:
    """Remove lists whose items are the article's own headings."""
    heads = {normalize_words(_block_text(head)) for head in body.iter("head")}
    for block in list(body):
        if block.tag == "list" and len(block) >= 2:
            items = [normalize_words(_block_text(item)) for item in block.iter("item")]
            if sum(item in heads for item in items) >= max(2, 0.6 * len(items)):
                _remove_block(body, block)


def _drop_appendix(body: _Element, total: int) -> None:
    """Remove everything after a heading that announces other articles or comments, if little prose follows it."""
    passed = 0
    for block in list(body):
        text = _block_text(block)
        if block.tag in ("head", "p", "hi") and len(text) < 60 and _APPENDIX_HEADING.match(text):
            rest = list(body)[body.index(block) :]
            if passed > 0.5 * total and (
                _COMMENTS_HEADING.search(text) or sum(map(_measure_prose, rest)) < 0.15 * total
            ):
                for element in rest:
                    body.remove(element)
                return
            _remove_block(body, block)
        passed += len(text)


_COMMENTS_HEADING = re.compile(r"comment|kommentar|comentario|评论|forum", re.I)


def _measure_prose(block: _Element) -> int:
    text = _block_text(block)
    return len(text) if len(text) > 100 and _measure_link_share(block) < 0.4 else 0


_AUTHOR_BIO = re.compile(
    r"\b(?:is an? |writes? |covers |has (?:been|written|worked)|schreibt|ist |est |es |er |är |jest )", re.I
)


def _drop_end(body: _Element, known: KnownMetadata) -> None:
    """Remove headings without text below, labels, and the note about the author at the end."""
    for block in reversed(list(body)[-8:]):
        text = _block_text(block)
        if (
            block.tag == "head"
            or normalize_words(text) in _LABELS
            or (text and any(text == author for author in known.authors))
        ) or (
            len(text) < 500
            and any(
                text.startswith(author) and _AUTHOR_BIO.match(text[len(author) :].lstrip(" ,")[:20])
                for author in known.authors
            )
        ):
            body.remove(block)
        else:
            return
