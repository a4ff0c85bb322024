"""Find articles with a similar text, store the similarities and link copies to their original."""

from __future__ import annotations

from collections.abc import Sequence
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
from storage.model.similarity import TextSimilarity

if TYPE_CHECKING:
    from storage.db.writer import Transaction

MAX_COMPARED = 30
"""Maximum number of texts that one article is compared with word by word."""


def link_duplicates(tx: Transaction, article: Article, decision: Decision) -> Decision:
    """Compare an article that was just recorded with similar ones, and link all copies to their originals.

    Texts are compared only if the shown text or the publication time is new. Return the decision after
    linking: a new article may be a copy.
    """
    signed = signatures.load_signed_article(tx, decision.article_id)
    if decision.has_new_shown_text or not signatures.is_signature_current(tx, decision.article_id, signed):
        _index_and_compare(tx, decision.article_id, signed, *_shown_text_and_bands(tx, article, decision))
    return links.link_recorded(tx, decision)


def relink_duplicates(tx: Transaction, article_id: int) -> None:
    """Compare and link an article whose shown text changed without a new page."""
    text = signatures.load_shown_texts(tx, [article_id]).get(article_id, "")
    signed = signatures.load_signed_article(tx, article_id)
    if _index_and_compare(tx, article_id, signed, text, signature_bands(compute_signature(text))):
        links.link_copies(tx, [signed.digest])


def index_article_signature(tx: Transaction, article: Article, article_id: int) -> None:
    """Index the signature of an article for later comparisons, without comparing it now."""
    signed = signatures.load_signed_article(tx, article_id)
    signatures.index_signature(tx, article_id, signature_bands(article.signature), signed)


def _index_and_compare(
    tx: Transaction, article_id: int, signed: signatures.SignedArticle, text: str, bands: tuple[int, ...]
) -> bool:
    """Index an article's signature and store its similarities; return whether any other text is similar."""
    candidates = signatures.find_candidates(tx, article_id, signed, bands)
    similarities = _find_similar(tx, text, bands, candidates)
    signatures.index_signature(tx, article_id, bands, signed)
    links.add_similarities(tx, signed.digest, similarities)
    return bool(similarities)


def _shown_text_and_bands(tx: Transaction, article: Article, decision: Decision) -> tuple[str, tuple[int, ...]]:
    """Return the shown text and the bands of its signature, which the worker computed if it is the article's text."""
    text = article.text
    if decision.kind not in (DecisionKind.NEW, DecisionKind.COPY):
        text = signatures.load_shown_texts(tx, [decision.article_id]).get(decision.article_id, "")
    signature = article.signature if text == article.text else b""
    return text, signature_bands(signature or compute_signature(text))


def _find_similar(
    tx: Transaction, text: str, bands: tuple[int, ...], candidates: Sequence[signatures.DuplicateCandidate]
) -> dict[str, TextSimilarity]:
    """Return the similarities of a text to the shown texts of candidates, by text digest."""
    promising = [candidate for candidate in candidates if is_promising(bands, candidate.bands)][:MAX_COMPARED]
    if not promising:
        return {}
    texts = signatures.load_shown_texts(tx, [candidate.article_id for candidate in promising])
    shingled = ShingledText(text)
    similarities = {}
    for candidate in promising:
        similarity = measure_similarity(shingled, ShingledText(texts.get(candidate.article_id, "")))
        if similarity is not None:
            similarities[candidate.digest] = similarity
    return similarities
