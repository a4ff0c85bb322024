"""Prepare a fetched article for comparison with stored ones: its addresses, its claims and the digests of its text."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from storage.identity import fold_text, is_root, key_digest, text_digest, url_key, variant_key
from storage.model.article import Article, TextDigests
from storage.model.page import Page
from storage.text.clean import clean
from storage.text.headlines import Headlines
from storage.text.wording import comparable_text_digest, short_block_digest, with_boilerplate, with_page_data


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedAddress:
    """Spelling of an address; `is_requested` if it comes from a lead or the crawl, not from a redirect."""

    url_digest: str
    url_key: str
    url: str
    is_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A fetched article in the form in which it is compared and stored.

    `addresses` holds the requested address first and the address that answered last. `canonical_digest` and
    `feed_id_digest` may be empty. The digests are those of `TextDigests` and cover the whole text with boilerplate, so
    boilerplate learned later never looks like an edit. `headlines` has the title first. `article_json` holds the
    article without title, text and html. `etag` and `last_modified` come from the final response.
    """

    article: Article
    addresses: tuple[FetchedAddress, ...]
    canonical_digest: str
    feed_id_digest: str
    text_digest: str
    digest: str
    variant_key: str
    article_json: str
    source: str
    fetched_at: datetime
    comparable_digest: str
    page_data_digest: str
    headlines: Headlines
    removed_boilerplate: str
    differs_in_page_data: str
    in_page_data: str
    headlines_json: str
    etag: str
    last_modified: str

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """Identities that the page claims besides its addresses: (digest, URL or empty)."""
        canonical = ((self.canonical_digest, self.article.canonical_url),) if self.canonical_digest else ()
        return canonical + (((self.feed_id_digest, ""),) if self.feed_id_digest else ())

    @property
    def proofs(self) -> dict[str, str]:
        """Digests that prove another page with an equal digest to be the same article, with the reason in words.

        A canonical URL alone proves nothing, because templates may declare one URL on every page. It counts if the page
        at that URL, or another that declares it, has the same title or the same text. So each address, canonical or
        fetched, yields one digest with the title and one with the text, and the order of arrival does not matter.
        """
        places = dict.fromkeys((self.canonical_digest, *(address.url_digest for address in self.addresses)))
        title = fold_text(clean(self.article.title))
        reasons = {}
        for place in filter(None, places):
            if title:
                reasons[_proof_digest("title", place, title)] = "one canonical address and the same title"
            reasons[_proof_digest("text", place, self.text_digest)] = "one canonical address and the same text"
        return reasons

    @property
    def rank(self) -> tuple[bool, datetime, str, str, str, str]:
        """Sort key of fetches of one text: the metadata and the spelling of the greatest are stored."""
        article = self.article
        return (
            article.published is not None,
            self.fetched_at,
            self.article_json,
            clean(article.title),
            clean(article.text),
            clean(article.html),
        )


def observe(article: Article, page: Page) -> Observation:
    """Return the observation of an article that was extracted from a page.

    A site's front page is ignored as a canonical URL and as the target of a redirect: templates declare it by mistake,
    and removed articles redirect there.
    """
    requested = page.lead.url if page.lead else page.requested_url
    requested_key = url_key(requested)
    spellings: dict[str, FetchedAddress] = {}
    for url, is_requested in ((requested, True), (page.url, False)):
        key = url_key(url)
        if key == requested_key or not is_root(key):
            spelling = FetchedAddress(url_digest=key_digest(key), url_key=key, url=url, is_requested=is_requested)
            spellings[key] = spellings.pop(key, spelling)
    canonical = url_key(article.canonical_url) if article.canonical_url else ""
    if canonical != requested_key and is_root(canonical):
        canonical = ""
    digests = article.text_digests or compute_text_digests(article)
    headlines = _clean_headlines(article)
    blocks, folded_title = digests.blocks, fold_text(headlines[0][1])
    return Observation(
        article=article,
        addresses=tuple(spellings.values()),
        canonical_digest=key_digest(canonical) if canonical else "",
        feed_id_digest=_feed_id_digest(page),
        text_digest=digests.text,
        digest=digests.reading,
        variant_key=variant_key(page.url),
        article_json=encode_article_json(article),
        source=page.source,
        fetched_at=page.fetched_at,
        comparable_digest=digests.comparable,
        page_data_digest=digests.comparable_page_data,
        headlines=headlines,
        removed_boilerplate=_to_json([(at, clean(block)) for at, block in article.removed_boilerplate]),
        differs_in_page_data=_to_json(
            [(at, clean(paragraph), blocks[at]) for at, paragraph in article.differs_in_page_data if at < len(blocks)]
        ),
        in_page_data=_to_json([blocks[at] for at in article.in_page_data if at < len(blocks)]),
        headlines_json=_to_json(
            {place: headline if fold_text(headline) != folded_title else "" for place, headline in headlines[1:]}
        ),
        etag=page.validator("etag"),
        last_modified=page.validator("last-modified"),
    )


def compute_text_digests(article: Article) -> TextDigests:
    """Compute the digests of an article's whole text, which worker processes do ahead of the writer."""
    page_text = with_boilerplate(article.text, article.removed_boilerplate)
    cleaned = clean(page_text)
    titles = [title for _, title in _clean_headlines(article)]
    digest = text_digest(page_text)
    comparable = comparable_text_digest(cleaned, titles)
    return TextDigests(
        text=digest,
        reading=_reading_digest(article, digest),
        comparable=comparable,
        comparable_page_data=comparable_text_digest(with_page_data(cleaned, article.differs_in_page_data), titles)
        if article.differs_in_page_data
        else comparable,
        blocks=tuple(short_block_digest(block) for block in cleaned.split("\n\n")),
    )


def _clean_headlines(article: Article) -> tuple[tuple[str, str], ...]:
    """Return the title and the other headlines as (place, cleaned text); the title's place is empty."""
    return tuple((place, clean(text)) for place, text in (("", article.title), *article.headlines))


def _reading_digest(article: Article, digest: str) -> str:
    """Return a digest of text, title, and everything that the page's data or headlines say differently."""
    variants = (*article.differs_in_page_data, *article.headlines)
    variant_text = "".join(f" {place} {fold_text(clean(text))}" for place, text in variants)
    return sha256(f"{digest} {fold_text(clean(article.title))}{variant_text}".encode()).hexdigest()


def _to_json(values: Collection[Any]) -> str:
    """Return values as JSON, or an empty string if there are none."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else ""


def _proof_digest(kind: str, place: str, value: str) -> str:
    return sha256(f"{kind}\0{place}\0{value}".encode()).hexdigest()


def _feed_id_digest(page: Page) -> str:
    """Return the digest of the lead's id together with the source, since other sources may copy the id."""
    if page.lead is None or not page.lead.id:
        return ""
    return sha256(f"id\0{page.source}\0{page.lead.id}".encode("utf-8", "surrogatepass")).hexdigest()


def encode_article_json(article: Article) -> str:
    """Return an article without title, text and html as JSON with cleaned strings, for `decode_article_json`."""
    return json.dumps(
        {name: _json_value(getattr(article, name)) for name in _JSON_FIELDS}, ensure_ascii=False, separators=(",", ":")
    )


def decode_article_json(article_json: str) -> dict[str, Any]:
    """Decode what `encode_article_json` wrote; times become datetimes, other values keep the types of JSON."""
    values: dict[str, Any] = _JSON_DEFAULTS | json.loads(article_json)
    for name in ("published", "modified"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return values


def article_columns(article_json: str, first_seen: datetime) -> dict[str, Any]:
    """Return the columns of an article's row that follow from its JSON and the time when it was first seen."""
    values = decode_article_json(article_json)
    values["updated"] = values.pop("modified")
    for name in ("authors", "tags", "origins"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    return values | {"sort_time": values["published"] or first_seen}


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value)
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


# fmt: off
_FIELDS_NOT_IN_JSON = frozenset([
    "url", "title", "text", "html", "removed_boilerplate", "boilerplate_version", "headlines", "differs_in_page_data",
    "in_page_data", "signature", "terms", "prepared_text", "text_digests", "topics",
])
# fmt: on
_JSON_DEFAULTS: dict[str, Any] = {"original_url": "", "credit": "", "truncated": False}
"""Values of fields that older versions did not write."""
_JSON_FIELDS = tuple(field.name for field in fields(Article) if field.name not in _FIELDS_NOT_IN_JSON)
