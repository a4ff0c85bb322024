"""Explain why an article's URLs are one article, which articles are copies, and why similar ones are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_share, format_time, format_times
from storage.articles.derive import Alias
from storage.duplicates.originals import COPY_WINDOW, MIN_SIMILARITY_ON_SITE
from storage.identity import fold_text, host_of, url_key
from storage.model.article import KeptArticle
from storage.provenance.model import Provenance, RelatedArticle, TextClaims


def explain_identity(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain which URL is shown, why the other URLs are the same article, and which articles were merged into it."""
    for alias in sorted(provenance.aliases, key=lambda alias: (alias.id != provenance.shown_alias_id, alias.id)):
        is_shown = alias.id == provenance.shown_alias_id
        words = (
            f"Shown under this URL, {_explain_shown_url(provenance, alias)}."
            if is_shown
            else _explain_alias(provenance, alias)
        )
        facts = (
            ("url", alias.url),
            ("shown", is_shown),
            ("named", alias.is_requested),
            ("fetched", _count_fetches(provenance, alias)),
        )
        yield Reason(text=words, facts=facts, details=(alias.url,))
    for number in provenance.merged_ids:
        words = f"Article {number} was merged into this one; its number leads here."
        yield Reason(text=words, facts=(("joined", number),))


def _count_fetches(provenance: Provenance, alias: Alias) -> int:
    return sum(
        alias.id in (fetch.snapshot.requested_alias_id, fetch.snapshot.final_alias_id)
        for fetch in provenance.fetches
        if fetch.snapshot
    )


def _explain_shown_url(provenance: Provenance, alias: Alias) -> str:
    if len(provenance.aliases) == 1:
        return "the only one it was fetched from"
    if alias.url_digest in provenance.declared_digests:
        return "which its pages declare canonical"
    return "the first in alphabetical order of those it was fetched from"


def _explain_alias(provenance: Provenance, alias: Alias) -> str:
    """Explain why the page at another URL is this article."""
    snapshots = [fetch.snapshot for fetch in provenance.fetches if fetch.snapshot]
    urls = {alias.id: alias.url for alias in provenance.aliases}
    redirected = [
        snapshot for snapshot in snapshots if snapshot.requested_alias_id == alias.id != snapshot.final_alias_id
    ]
    if redirected:
        final = redirected[-1].final_alias_id
        where = "" if final == provenance.shown_alias_id else f", at {urls[final]}"
        return f"This URL redirected to the article{where}, {format_times(len(redirected))}."
    return f"This URL shows the article too: {_describe_proof(provenance, alias)}."


def _describe_proof(provenance: Provenance, alias: Alias) -> str:
    """Describe what ties the page at a URL to another page of the article: a canonical URL, an index's id, the text."""
    other_aliases = [other for other in provenance.aliases if other.id != alias.id]
    texts = _list_texts_at(provenance, {alias.id})
    other_texts = _list_texts_at(provenance, {other.id for other in other_aliases})
    match = _describe_match(texts, other_texts)
    other_urls = {other.url_digest: other.url for other in other_aliases}
    declared = {digest: url for claims in texts for digest, url in claims.canonical}
    declared_by_others = {digest: url for claims in other_texts for digest, url in claims.canonical}
    if shared := declared.keys() & other_urls.keys():
        return f"its page declares {other_urls[min(shared)]} canonical, and has {match}"
    if alias.url_digest in declared_by_others:
        return f"another page of the article declares it canonical, and has {match}"
    if shared := declared.keys() & declared_by_others.keys():
        return f"its page and another page of the article declare {declared[min(shared)]} canonical, and have {match}"
    if any(claims.has_index_id for claims in texts):
        return f"the index gave both the same id, and they have {match}"
    return f"its page has {match} as another page of the article"


def _list_texts_at(provenance: Provenance, aliases: set[int]) -> list[TextClaims]:
    """Return the texts of the pages at some of the article's URLs."""
    snapshots = (fetch.snapshot for fetch in provenance.fetches if fetch.snapshot)
    text_ids = {snapshot.text_id for snapshot in snapshots if snapshot.final_alias_id in aliases}
    return [claims for claims in provenance.text_claims if claims.text_id in text_ids]


def _describe_match(texts: Sequence[TextClaims], other_texts: Sequence[TextClaims]) -> str:
    has_text = {claims.text_digest for claims in texts} & {claims.text_digest for claims in other_texts}
    has_title = {fold_text(claims.title) for claims in texts} & {fold_text(claims.title) for claims in other_texts}
    if has_text and has_title:
        return "the same title and text"
    return "the same text" if has_text else "the same title"


def explain_copies(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain which article is the original, which are copies, and which similar articles are neither."""
    article = provenance.article
    if article is None:
        return
    if article.credit:
        yield Reason(text=f"The text credits {article.credit} as its origin.", facts=(("credit", article.credit),))
    if article.original_url:
        words = "The page declares a URL of another site canonical:"
        facts = (("original_url", article.original_url),)
        yield Reason(text=words, facts=facts, details=(article.original_url,))
    for related in sorted(provenance.related_articles, key=lambda related: related.id != article.copy_of):
        yield Reason(
            text=f"{_describe_relation(provenance, article, related)}{_describe_similarity(related)}.",
            facts=(
                ("article", related.id), ("url", related.url), ("source", related.source), ("copy_of", related.copy_of),
                ("similarity", related.similarity), ("kind", related.kind or None), ("published", related.published),
            ),
            details=(related.url,),
        )  # fmt: skip
    if not provenance.related_articles:
        yield Reason(text="No other stored article has a similar text.")


def _describe_relation(provenance: Provenance, article: KeptArticle, related: RelatedArticle) -> str:
    if related.id == article.copy_of:
        return f"Copy of article {related.id} ({related.source}): {article.reason}"
    name = (
        f"Article {related.id} ({related.source},"
        f" {f'published {format_time(related.published)}' if related.published else 'undated'})"
    )
    if related.copy_of == article.id:
        return f"{name} is a copy of this article: {related.reason}"
    if article.copy_of is not None and related.copy_of == article.copy_of:
        return f"{name} is a copy of the same original"
    return f"{name} is similar, but neither is a copy of the other{_explain_missing_link(provenance, article, related)}"


def _explain_missing_link(provenance: Provenance, article: KeptArticle, related: RelatedArticle) -> str:
    """Explain why two similar articles are not linked as original and copy."""
    if (
        provenance.published_or_seen_at
        and abs(related.published_or_seen_at - provenance.published_or_seen_at) > COPY_WINDOW
    ):
        return f": they were published more than {COPY_WINDOW.days} days apart"
    is_one_site = host_of(url_key(related.url)) == host_of(url_key(article.url))
    if is_one_site and related.similarity is not None and related.similarity < MIN_SIMILARITY_ON_SITE:
        return f": both are from one site, where a copy must share {format_share(MIN_SIMILARITY_ON_SITE)} of its text"
    if related.copy_of is not None:
        return f": it is a copy of article {related.copy_of}"
    return ""


def _describe_similarity(related: RelatedArticle) -> str:
    if related.kind == "same":
        return "; measured: the texts are the same"
    if related.similarity is None:
        return ""
    return (
        f"; measured: {format_share(related.similarity)} of the shorter text is in the other"
        + _SIMILARITY_KINDS.get(related.kind, "")
    )


_SIMILARITY_KINDS = {"near": ", and both have about the same length", "part": ", which is much longer"}
