"""What it is among the others, in words: why its addresses are one article, and who else tells its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import moment, share, times
from storage.articles.derive import Alias
from storage.duplicates.originals import ON_ONE_SITE, WINDOW
from storage.identity import folded, host_of, url_key
from storage.model.article import KeptArticle
from storage.provenance.model import Account, Relative, Showing


def identity(account: Account, now: datetime) -> Iterator[Reason]:
    """Its addresses, which one names it, and why the others are the same article; the articles that were joined."""
    for alias in sorted(account.aliases, key=lambda one: (one.id != account.shown_alias, one.id)):
        is_shown = alias.id == account.shown_alias
        words = f"It is shown at this address, {_chosen(account, alias)}." if is_shown else _also(account, alias)
        facts = (("url", alias.url), ("shown", is_shown), ("named", alias.asked), ("fetched", _fetched(account, alias)))
        yield Reason(words=words, facts=facts, beneath=(alias.url,))
    for number in account.joined:
        words = f"Article {number} proved to be this one; its number leads here."
        yield Reason(words=words, facts=(("joined", number),))


def _fetched(account: Account, alias: Alias) -> int:
    return sum(alias.id in (fetch.sighting.asked, fetch.sighting.final) for fetch in account.fetches if fetch.sighting)


def _chosen(account: Account, alias: Alias) -> str:
    if len(account.aliases) == 1:
        return "the only one at which it was fetched"
    if alias.digest in account.declared:
        return "which its pages call their canonical one"
    return "the first in the alphabet of those that pages of it came from"


def _also(account: Account, alias: Alias) -> str:
    """Why what was fetched at another address is this article."""
    seen = [fetch.sighting for fetch in account.fetches if fetch.sighting]
    spelled = {one.id: one.url for one in account.aliases}
    if led := [one for one in seen if one.asked == alias.id != one.final]:
        where = "" if led[-1].final == account.shown_alias else f", at {spelled[led[-1].final]}"
        return f"This address led to it{where}, {times(len(led))} when it was asked for."
    return f"This address shows it too: {_proof(account, alias)}."


def _proof(account: Account, alias: Alias) -> str:
    """What its page has in common with another of the article: an address that is called canonical, an index's id."""
    mine, theirs = _shown_at(account, {alias.id}), _shown_at(account, {one.id for one in account.aliases} - {alias.id})
    alike = _alike(mine, theirs)
    others = {one.digest: one.url for one in account.aliases if one.id != alias.id}
    called = {digest: url for one in mine for digest, url in one.canonical}
    calling = {digest: url for one in theirs for digest, url in one.canonical}
    if found := called.keys() & others.keys():
        return f"its page calls {others[min(found)]} its canonical address, and has {alike}"
    if alias.digest in calling:
        return f"another page of the article calls it its canonical address, and has {alike}"
    if found := called.keys() & calling.keys():
        address = called[min(found)]
        return f"its page and another of the article call {address} their canonical address, and have {alike}"
    if any(one.has_index_id for one in mine):
        return f"its index gave both the same id, and they have {alike}"
    return f"its page has {alike} as another of the article"


def _shown_at(account: Account, aliases: set[int]) -> list[Showing]:
    """The texts that pages at some addresses showed."""
    seen = (fetch.sighting for fetch in account.fetches if fetch.sighting)
    texts = {one.text_id for one in seen if one.final in aliases}
    return [showing for showing in account.showings if showing.text_id in texts]


def _alike(one: Iterable[Showing], other: Iterable[Showing]) -> str:
    mine, theirs = list(one), list(other)
    has_text = {shown.text_digest for shown in mine} & {shown.text_digest for shown in theirs}
    has_title = {folded(shown.title) for shown in mine} & {folded(shown.title) for shown in theirs}
    if has_text and has_title:
        return "the same title and text"
    return "the same text" if has_text else "the same title"


def copies(account: Account, now: datetime) -> Iterator[Reason]:
    """Whose copy it is and why, which are its copies, and which texts are like it and yet are none."""
    article = account.article
    if article is None:
        return
    if article.credit:
        yield Reason(words=f"Its text names {article.credit} as its origin.", facts=(("credit", article.credit),))
    if article.original_url:
        words = "Its page calls an address of another site the canonical one:"
        facts = (("original_url", article.original_url),)
        yield Reason(words=words, facts=facts, beneath=(article.original_url,))
    for one in sorted(account.relatives, key=lambda other: other.id != article.copy_of):
        yield Reason(
            words=f"{_kin(account, article, one)}{_measure(one)}.",
            facts=(
                ("article", one.id), ("url", one.url), ("source", one.source), ("copy_of", one.copy_of),
                ("similarity", one.similarity), ("kind", one.kind or None), ("published", one.published),
            ),
            beneath=(one.url,),
        )  # fmt: skip
    if not account.relatives:
        yield Reason(words="No other article that is kept tells its text.")


def _kin(account: Account, article: KeptArticle, one: Relative) -> str:
    if one.id == article.copy_of:
        return f"It is a copy of article {one.id} ({one.source}): {article.reason}"
    name = f"Article {one.id} ({one.source}, {f'published {moment(one.published)}' if one.published else 'undated'})"
    if one.copy_of == article.id:
        return f"{name} is a copy of it: {one.reason}"
    if article.copy_of is not None and one.copy_of == article.copy_of:
        return f"{name} is a copy of the same original"
    return f"{name} is like it, and neither is the other's copy{_apart(account, article, one)}"


def _apart(account: Account, article: KeptArticle, one: Relative) -> str:
    """Why two texts that are alike are not linked."""
    if account.told_at and abs(one.told_at - account.told_at) > WINDOW:
        return f", since they were told more than {WINDOW.days} days apart"
    is_one_site = host_of(url_key(one.url)) == host_of(url_key(article.url))
    if is_one_site and one.similarity is not None and one.similarity < ON_ONE_SITE:
        return f", since both are of one site, where {share(ON_ONE_SITE)} is asked for"
    if one.copy_of is not None:
        return f", since it is a copy of article {one.copy_of}"
    return ""


def _measure(one: Relative) -> str:
    if one.kind == "same":
        return "; measured: the words are the same"
    if one.similarity is None:
        return ""
    return f"; measured: {share(one.similarity)} of the shorter text stands in the other" + _KINDS.get(one.kind, "")


_KINDS = {"near": ", and they are about as long", "part": ", which is much longer"}
