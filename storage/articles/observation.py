"""What one fetched article says of itself, as the archive compares it: its addresses, its claims, its text; pure."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from storage.identity import folded, is_root, key_digest, text_digest, twin, url_key
from storage.model.article import Article
from storage.model.page import Page
from storage.text.clean import clean
from storage.text.headlines import Headlines
from storage.text.wording import mark, with_dropped, with_variants, wording_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """An address as somebody spelled it; `asked` if a lead or the crawl did, not a server's redirect."""

    digest: str
    key: str
    url: str
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A fetched article, ready to be compared.

    `addresses` were fetched: the asked one first, the one that answered last. `canonical` and
    `feed_id` are digests, or empty. `text_digest` tells texts apart, `digest` texts with their
    titles; both are of the page's whole text, before boilerplate is dropped, so that what is learned
    later never looks like an edit. `wording`, `stated` and `headlines` (the title first) tell edits apart.
    `facts` is the Article less title, text and html, as JSON.
    `etag` and `last_modified` are what the page's own address gave with it.
    """

    article: Article
    addresses: tuple[Spelling, ...]
    canonical: str
    feed_id: str
    text_digest: str
    digest: str
    twin: str
    facts: str
    source: str
    fetched_at: datetime
    wording: str
    stated: str
    headlines: Headlines
    dropped: str
    variants: str
    echoed: str
    declared: str
    etag: str
    last_modified: str

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """What it says of itself beyond where it was fetched: (digest, address in words or empty)."""
        canonical = ((self.canonical, self.article.canonical_url),) if self.canonical else ()
        return canonical + (((self.feed_id, ""),) if self.feed_id else ())

    @property
    def proofs(self) -> dict[str, str]:
        """What a page shares with another that is the same one, each with its reason in words.

        An address declared as canonical proves nothing alone: templates name one address on every
        page. It counts where the page at that address, or another that declares it, has the same
        title or the same text. So every page brings a digest for each of its addresses, canonical
        or fetched, with its title, and one with its text; equal digests are proof, whoever comes first.
        """
        places = dict.fromkeys((self.canonical, *(address.digest for address in self.addresses)))
        title = folded(clean(self.article.title))
        found = {}
        for place in filter(None, places):
            if title:
                found[_proof("title", place, title)] = "one canonical address and the same title"
            found[_proof("text", place, self.text_digest)] = "one canonical address and the same text"
        return found

    @property
    def rank(self) -> tuple[bool, datetime, str, str, str, str]:
        """Of two fetches of one text, the greater is believed about its facts and its spelling."""
        made = self.article
        return (
            made.published is not None,
            self.fetched_at,
            self.facts,
            clean(made.title),
            clean(made.text),
            clean(made.html),
        )


def observe(article: Article, page: Page) -> Observation:
    """What `article`, made of `page`, says of itself.

    The front page of a site is nobody's canonical address, nor the address of what was asked
    elsewhere on it: templates name it by mistake, and removed articles redirect there.
    """
    asked = page.lead.url if page.lead else page.asked
    asked_key = url_key(asked)
    spellings: dict[str, Spelling] = {}
    for url, by_hand in ((asked, True), (page.url, False)):
        key = url_key(url)
        if key == asked_key or not is_root(key):
            spelling = Spelling(digest=key_digest(key), key=key, url=url, asked=by_hand)
            spellings[key] = spellings.pop(key, spelling)
    canonical = url_key(article.canonical_url) if article.canonical_url else ""
    if canonical != asked_key and is_root(canonical):
        canonical = ""
    whole = with_dropped(article.text, article.dropped)
    words = text_digest(whole)
    headlines = tuple((place, clean(words)) for place, words in (("", article.title), *article.headlines))
    titles = [words for _, words in headlines]
    marks = [mark(one) for one in clean(whole).split("\n\n")]
    return Observation(
        article=article,
        addresses=tuple(spellings.values()),
        canonical=key_digest(canonical) if canonical else "",
        feed_id=_feed_id(page),
        text_digest=words,
        digest=_digest(article, words),
        twin=twin(page.url),
        facts=facts_of(article),
        source=page.source,
        fetched_at=page.fetched_at,
        wording=(shown := wording_digest(clean(whole), titles)),
        stated=wording_digest(with_variants(clean(whole), article.variants), titles) if article.variants else shown,
        headlines=headlines,
        dropped=_json([(at, clean(one)) for at, one in article.dropped]),
        variants=_json([(at, clean(one), marks[at]) for at, one in article.variants if at < len(marks)]),
        echoed=_json([marks[at] for at in article.echoed if at < len(marks)]),
        declared=_json({place: words if folded(words) != folded(titles[0]) else "" for place, words in headlines[1:]}),
        etag=page.validator("etag"),
        last_modified=page.validator("last-modified"),
    )


def _digest(article: Article, words: str) -> str:
    """Tells readings apart: by text and title, and by what the page says otherwise of either."""
    stated = "".join(f" {place} {folded(clean(one))}" for place, one in article.variants)
    stated += "".join(f" {place} {folded(clean(one))}" for place, one in article.headlines)
    return sha256(f"{words} {folded(clean(article.title))}{stated}".encode()).hexdigest()


def _json(values: Collection[Any]) -> str:
    """Some values as JSON; empty for none."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else ""


def _proof(kind: str, place: str, value: str) -> str:
    return sha256(f"{kind}\0{place}\0{value}".encode()).hexdigest()


def _feed_id(page: Page) -> str:
    """An id means something within its source only: anybody can copy another's."""
    if page.lead is None or not page.lead.id:
        return ""
    return sha256(f"id\0{page.source}\0{page.lead.id}".encode("utf-8", "surrogatepass")).hexdigest()


def facts_of(article: Article) -> str:
    """An Article less title, text and html, as JSON with cleaned strings; `read_facts` undoes it."""
    return json.dumps(
        {name: _plain(getattr(article, name)) for name in _FACTS}, ensure_ascii=False, separators=(",", ":")
    )


def read_facts(facts: str) -> dict[str, Any]:
    """The columns of an articles row that `facts_of` wrote: times are times, the rest JSON's own types."""
    values: dict[str, Any] = _LATER | json.loads(facts)
    for name in ("published", "modified"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return values


def article_columns(facts: str, first_seen: datetime) -> dict[str, Any]:
    """The columns of an articles row that follow from what `facts_of` wrote and from when it was first seen."""
    values = read_facts(facts)
    values["updated"] = values.pop("modified")
    for name in ("authors", "tags", "origins"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    return values | {"dated": values["published"] or first_seen}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


# fmt: off
_ELSEWHERE = frozenset([
    "url", "title", "text", "html", "dropped", "hints_version", "headlines", "variants", "echoed", "signature", "terms",
    "prepared", "topics",
])
# fmt: on
_LATER: dict[str, Any] = {"original_url": "", "credit": "", "truncated": False}
"""Facts that older versions did not write."""
_FACTS = tuple(field.name for field in fields(Article) if field.name not in _ELSEWHERE)
