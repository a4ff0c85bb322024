"""What it is among the others, in words: why its addresses are one article, and who else tells its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_share, format_time, format_times
from storage.articles.derive import Alias
from storage.duplicates.originals import COPY_WINDOW, MIN_SIMILARITY_ON_SITE
from storage.identity import fold_text, host_of, url_key
from storage.model.article import KeptArticle
from storage.provenance.model import Provenance, RelatedArticle, TextClaims


def explain_identity(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Its addresses, which one names it, and why the others are the same article; the articles that were joined."""
    for alias in sorted(account.aliases, key=lambda one: (one.id != account.shown_alias_id, one.id)):
        is_shown = alias.id == account.shown_alias_id
        words = (
            f"It is shown at this address, {_explain_shown_url(account, alias)}."
            if is_shown
            else _explain_alias(account, alias)
        )
        facts = (
            ("url", alias.url),
            ("shown", is_shown),
            ("named", alias.is_requested),
            ("fetched", _count_fetches(account, alias)),
        )
        yield Reason(text=words, facts=facts, details=(alias.url,))
    for number in account.merged_ids:
        words = f"Article {number} proved to be this one; its number leads here."
        yield Reason(text=words, facts=(("joined", number),))


def _count_fetches(account: Provenance, alias: Alias) -> int:
    return sum(
        alias.id in (fetch.snapshot.requested_alias_id, fetch.snapshot.final_alias_id)
        for fetch in account.fetches
        if fetch.snapshot
    )


def _explain_shown_url(account: Provenance, alias: Alias) -> str:
    if len(account.aliases) == 1:
        return "the only one at which it was fetched"
    if alias.url_digest in account.declared_digests:
        return "which its pages call their canonical one"
    return "the first in the alphabet of those that pages of it came from"


def _explain_alias(account: Provenance, alias: Alias) -> str:
    """Why what was fetched at another address is this article."""
    seen = [fetch.snapshot for fetch in account.fetches if fetch.snapshot]
    spelled = {one.id: one.url for one in account.aliases}
    if led := [one for one in seen if one.requested_alias_id == alias.id != one.final_alias_id]:
        where = "" if led[-1].final_alias_id == account.shown_alias_id else f", at {spelled[led[-1].final_alias_id]}"
        return f"This address led to it{where}, {format_times(len(led))} when it was asked for."
    return f"This address shows it too: {_describe_proof(account, alias)}."


def _describe_proof(account: Provenance, alias: Alias) -> str:
    """What its page has in common with another of the article: an address that is called canonical, an index's id."""
    mine, theirs = (
        _list_texts_at(account, {alias.id}),
        _list_texts_at(account, {one.id for one in account.aliases} - {alias.id}),
    )
    alike = _describe_match(mine, theirs)
    others = {one.url_digest: one.url for one in account.aliases if one.id != alias.id}
    called = {digest: url for one in mine for digest, url in one.canonical}
    calling = {digest: url for one in theirs for digest, url in one.canonical}
    if found := called.keys() & others.keys():
        return f"its page calls {others[min(found)]} its canonical address, and has {alike}"
    if alias.url_digest in calling:
        return f"another page of the article calls it its canonical address, and has {alike}"
    if found := called.keys() & calling.keys():
        address = called[min(found)]
        return f"its page and another of the article call {address} their canonical address, and have {alike}"
    if any(one.has_index_id for one in mine):
        return f"its index gave both the same id, and they have {alike}"
    return f"its page has {alike} as another of the article"


def _list_texts_at(account: Provenance, aliases: set[int]) -> list[TextClaims]:
    """The texts that pages at some addresses showed."""
    seen = (fetch.snapshot for fetch in account.fetches if fetch.snapshot)
    texts = {one.text_id for one in seen if one.final_alias_id in aliases}
    return [showing for showing in account.text_claims if showing.text_id in texts]


def _describe_match(texts: Iterable[TextClaims], other_texts: Iterable[TextClaims]) -> str:
    mine, theirs = list(texts), list(other_texts)
    has_text = {shown.text_digest for shown in mine} & {shown.text_digest for shown in theirs}
    has_title = {fold_text(shown.title) for shown in mine} & {fold_text(shown.title) for shown in theirs}
    if has_text and has_title:
        return "the same title and text"
    return "the same text" if has_text else "the same title"


def explain_copies(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Whose copy it is and why, which are its copies, and which texts are like it and yet are none."""
    article = account.article
    if article is None:
        return
    if article.credit:
        yield Reason(text=f"Its text names {article.credit} as its origin.", facts=(("credit", article.credit),))
    if article.original_url:
        words = "Its page calls an address of another site the canonical one:"
        facts = (("original_url", article.original_url),)
        yield Reason(text=words, facts=facts, details=(article.original_url,))
    for one in sorted(account.related_articles, key=lambda other: other.id != article.copy_of):
        yield Reason(
            text=f"{_describe_relation(account, article, one)}{_describe_similarity(one)}.",
            facts=(
                ("article", one.id), ("url", one.url), ("source", one.source), ("copy_of", one.copy_of),
                ("similarity", one.similarity), ("kind", one.kind or None), ("published", one.published),
            ),
            details=(one.url,),
        )  # fmt: skip
    if not account.related_articles:
        yield Reason(text="No other article that is kept tells its text.")


def _describe_relation(account: Provenance, article: KeptArticle, texts: RelatedArticle) -> str:
    if texts.id == article.copy_of:
        return f"It is a copy of article {texts.id} ({texts.source}): {article.reason}"
    name = (
        f"Article {texts.id} ({texts.source},"
        f" {f'published {format_time(texts.published)}' if texts.published else 'undated'})"
    )
    if texts.copy_of == article.id:
        return f"{name} is a copy of it: {texts.reason}"
    if article.copy_of is not None and texts.copy_of == article.copy_of:
        return f"{name} is a copy of the same original"
    return f"{name} is like it, and neither is the other's copy{_explain_missing_link(account, article, texts)}"


def _explain_missing_link(account: Provenance, article: KeptArticle, texts: RelatedArticle) -> str:
    """Why two texts that are alike are not linked."""
    if account.published_or_seen_at and abs(texts.published_or_seen_at - account.published_or_seen_at) > COPY_WINDOW:
        return f", since they were told more than {COPY_WINDOW.days} days apart"
    is_one_site = host_of(url_key(texts.url)) == host_of(url_key(article.url))
    if is_one_site and texts.similarity is not None and texts.similarity < MIN_SIMILARITY_ON_SITE:
        return f", since both are of one site, where {format_share(MIN_SIMILARITY_ON_SITE)} is asked for"
    if texts.copy_of is not None:
        return f", since it is a copy of article {texts.copy_of}"
    return ""


def _describe_similarity(texts: RelatedArticle) -> str:
    if texts.kind == "same":
        return "; measured: the words are the same"
    if texts.similarity is None:
        return ""
    return (
        f"; measured: {format_share(texts.similarity)} of the shorter text stands in the other"
        + _SIMILARITY_KINDS.get(texts.kind, "")
    )


_SIMILARITY_KINDS = {"near": ", and they are about as long", "part": ", which is much longer"}
