"""A kept article is put in its place among those that tell the same text: found, compared, linked to its original."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aggregator.duplicates.compare import Telling, is_promising, likeness, prints, signature
from storage.duplicates import links
from storage.duplicates import signatures as copies
from storage.model.article import Article, Decision, Kind

if TYPE_CHECKING:
    from storage.db.writer import Transaction

COMPARED = 30
"""Texts that one article is compared with, word by word, at most."""


def place_among_copies(tx: Transaction, article: Article, decision: Decision) -> Decision:
    """Find whose text an article tells, and bring the links between copies and originals in line.

    Does nothing where neither what is shown of it nor the time it was told is new. Returns the
    decision as it is now: a new article may have become a copy.
    """
    told = copies.told(tx, decision.article_id)
    if not decision.shows_anew and copies.is_signed(tx, decision.article_id, told):
        return decision
    is_linked = _place(tx, decision.article_id, told, *_shown(tx, article, decision))
    return _as_placed(tx, decision) if is_linked else decision


def place_again_among_copies(tx: Transaction, article_id: int) -> None:
    """The same for an article of which another text is shown than before, without a page coming in."""
    text = copies.shown_texts(tx, [article_id]).get(article_id, "")
    _place(tx, article_id, copies.told(tx, article_id), text, prints(signature(text)))


def let_be_found(tx: Transaction, article: Article, article_id: int) -> None:
    """Let an article be found by what comes later and has its text; it is linked to none by that."""
    copies.sign(tx, article_id, prints(article.signature), copies.told(tx, article_id))


def _place(tx: Transaction, article_id: int, told: copies.Told, text: str, marks: tuple[int, ...]) -> bool:
    """Let an article be found by its text, and link it; whether any other text is like it."""
    alike = list(_alike(tx, text, marks, copies.candidates(tx, article_id, told, marks)))
    copies.sign(tx, article_id, marks, told)
    if alike:
        links.liken(tx, told.digest, alike)
        links.conclude(tx, [told.digest])
    return bool(alike)


def _shown(tx: Transaction, article: Article, decision: Decision) -> tuple[str, tuple[int, ...]]:
    """The text that is shown and its prints: the worker made them where it is the text that came in."""
    if decision.kind in (Kind.NEW, Kind.COPY):
        return article.text, prints(article.signature or signature(article.text))
    text = copies.shown_texts(tx, [decision.article_id]).get(decision.article_id, "")
    return text, prints(article.signature if text == article.text and article.signature else signature(text))


def _alike(
    tx: Transaction, text: str, marks: tuple[int, ...], found: list[copies.Candidate]
) -> list[tuple[str, float, str]]:
    promising = [one for one in found if is_promising(marks, one.prints)][:COMPARED]
    if not promising:
        return []
    texts = copies.shown_texts(tx, [one.article_id for one in promising])
    mine = Telling(text)
    pairs = ((one.digest, likeness(mine, Telling(texts.get(one.article_id, "")))) for one in promising)
    return [(digest, made.similarity, made.kind) for digest, made in pairs if made]


def _as_placed(tx: Transaction, decision: Decision) -> Decision:
    if decision.kind not in (Kind.NEW, Kind.COPY):
        return decision
    original, reason, many = links.standing(tx, decision.article_id)
    if original is not None:
        return replace(decision, kind=Kind.COPY, reason=reason)
    if many:
        reason = f"new address; the original of {many} kept before with the same text"
    return replace(decision, kind=Kind.NEW, reason=reason)
