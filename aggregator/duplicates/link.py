"""A kept article is put in its place among those that tell the same text: found, compared, linked to its original."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aggregator.duplicates.compare import (
    ShingledText,
    compute_signature,
    is_promising,
    measure_similarity,
    signature_bands,
)
from storage.duplicates import links, signatures
from storage.model.article import Article, Decision, DecisionKind

if TYPE_CHECKING:
    from storage.db.writer import Transaction

MAX_COMPARED = 30
"""Texts that one article is compared with, word by word, at most."""


def link_duplicates(tx: Transaction, article: Article, decision: Decision) -> Decision:
    """Find whose text an article tells, and bring the links between copies and originals in line.

    Does nothing where neither what is shown of it nor the time it was told is new. Returns the
    decision as it is now: a new article may have become a copy.
    """
    told = signatures.load_signed_article(tx, decision.article_id)
    if not decision.has_new_shown_text and signatures.is_signature_current(tx, decision.article_id, told):
        return decision
    is_linked = _index_and_link(tx, decision.article_id, told, *_shown_text_and_bands(tx, article, decision))
    return _decision_after_linking(tx, decision) if is_linked else decision


def relink_duplicates(tx: Transaction, article_id: int) -> None:
    """The same for an article of which another text is shown than before, without a page coming in."""
    text = signatures.load_shown_texts(tx, [article_id]).get(article_id, "")
    _index_and_link(
        tx, article_id, signatures.load_signed_article(tx, article_id), text, signature_bands(compute_signature(text))
    )


def index_article_signature(tx: Transaction, article: Article, article_id: int) -> None:
    """Let an article be found by what comes later and has its text; it is linked to none by that."""
    signatures.index_signature(
        tx, article_id, signature_bands(article.signature), signatures.load_signed_article(tx, article_id)
    )


def _index_and_link(
    tx: Transaction, article_id: int, told: signatures.SignedArticle, text: str, marks: tuple[int, ...]
) -> bool:
    """Let an article be found by its text, and link it; whether any other text is like it."""
    alike = list(_find_similar(tx, text, marks, signatures.find_candidates(tx, article_id, told, marks)))
    signatures.index_signature(tx, article_id, marks, told)
    if alike:
        links.add_similarity(tx, told.digest, alike)
        links.link_copies(tx, [told.digest])
    return bool(alike)


def _shown_text_and_bands(tx: Transaction, article: Article, decision: Decision) -> tuple[str, tuple[int, ...]]:
    """The text that is shown and its prints: the worker made them where it is the text that came in."""
    if decision.kind in (DecisionKind.NEW, DecisionKind.COPY):
        return article.text, signature_bands(article.signature or compute_signature(article.text))
    text = signatures.load_shown_texts(tx, [decision.article_id]).get(decision.article_id, "")
    return text, signature_bands(
        article.signature if text == article.text and article.signature else compute_signature(text)
    )


def _find_similar(
    tx: Transaction, text: str, marks: tuple[int, ...], found: list[signatures.DuplicateCandidate]
) -> list[tuple[str, float, str]]:
    promising = [one for one in found if is_promising(marks, one.bands)][:MAX_COMPARED]
    if not promising:
        return []
    texts = signatures.load_shown_texts(tx, [one.article_id for one in promising])
    mine = ShingledText(text)
    pairs = ((one.digest, measure_similarity(mine, ShingledText(texts.get(one.article_id, "")))) for one in promising)
    return [(digest, made.similarity, made.kind) for digest, made in pairs if made]


def _decision_after_linking(tx: Transaction, decision: Decision) -> Decision:
    if decision.kind not in (DecisionKind.NEW, DecisionKind.COPY):
        return decision
    original, reason, many = links.copy_status(tx, decision.article_id)
    if original is not None:
        return replace(decision, kind=DecisionKind.COPY, reason=reason)
    if many:
        reason = f"new address; the original of {many} kept before with the same text"
    return replace(decision, kind=DecisionKind.NEW, reason=reason)
