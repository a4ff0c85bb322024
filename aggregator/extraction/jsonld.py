"""Read the article that a page declares in JSON-LD; common JSON errors are repaired."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from lxml.html import HtmlElement

from storage.text.clean import clean, clean_line

MAX_SCRIPT_LENGTH = 2 * 2**20
MAX_NODES = 2_000
_ARTICLE_TYPE_RANKS = {
    "newsarticle": 5,
    "reportagenewsarticle": 5,
    "analysisnewsarticle": 5,
    "opinionnewsarticle": 5,
    "reviewnewsarticle": 5,
    "backgroundnewsarticle": 5,
    "askpublicnewsarticle": 5,
    "liveblogposting": 5,
    "advertisercontentarticle": 4,
    "article": 4,
    "blogposting": 4,
    "techarticle": 4,
    "scholarlyarticle": 4,
    "satiricalarticle": 4,
    "report": 4,
    "socialmediaposting": 3,
    "discussionforumposting": 3,
    "review": 2,
    "criticreview": 2,
    "recipe": 2,
    "videoobject": 1,
    "webpage": 1,
    "itempage": 1,
    "medicalwebpage": 1,
}
_LISTING_TYPES = ("collectionpage", "searchresultspage")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_SCRIPT_WRAPPER = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*<!\[CDATA\[\*/)|(?:-->|//\s*\]\]>|\]\]>|/\*\]\]>\*/)\s*;?\s*$"
)
_ORGANISATION_TYPES = {"organization", "newsmediaorganization", "corporation", "company", "brand", "website", "webpage"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLdArticle:
    """The article as JSON-LD declares it; missing values are empty strings and tuples.

    `other_names` are further titles as (property, title). `word_count` is the declared length. `is_free` says whether
    the article may be read without paying, None if it is not declared; `paywalled_css` selects the parts that are not
    free. `page_kind` is the type of a page that declares itself a listing.
    """

    kind: str = ""
    headline: str = ""
    other_names: tuple[tuple[str, str], ...] = ()
    person_authors: tuple[str, ...] = ()
    organisation_authors: tuple[str, ...] = ()
    published: str = ""
    created: str = ""
    modified: str = ""
    language: str = ""
    summary: str = ""
    body: str = ""
    image: str = ""
    site: str = ""
    section: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    word_count: int = 0
    is_free: bool | None = None
    paywalled_css: tuple[str, ...] = ()
    page_kind: str = ""

    @property
    def is_listing(self) -> bool:
        """True if the page declares a listing, and no article."""
        return self.page_kind in _LISTING_TYPES and not self.is_article

    @property
    def is_article(self) -> bool:
        """True if the page declares an article of any type."""
        return _ARTICLE_TYPE_RANKS.get(self.kind, 0) >= 3


def read_jsonld(tree: HtmlElement, url: str = "") -> JsonLdArticle:
    """Return the best article node of all JSON-LD scripts of a page; an empty value without one."""
    nodes: list[dict[str, Any]] = []
    for script in tree.iter("script"):
        if "ld+json" in (script.get("type") or "").lower() and script.text and len(script.text) <= MAX_SCRIPT_LENGTH:
            for value in _parse_script(script.text):
                nodes.extend(_walk_nodes(value))
        if len(nodes) > MAX_NODES:
            break
    articles = [node for node in nodes if _rank_node(node)]
    if not articles:
        return JsonLdArticle(site=_read_site_name(nodes), page_kind=_find_page_kind(nodes))
    best = max(
        articles,
        key=lambda node: (
            _rank_node(node),
            _is_about_page(node, url),
            bool(node.get("datePublished")),
            bool(node.get("author")),
        ),
    )
    return _read_node(best, nodes)


def _find_page_kind(nodes: list[dict[str, Any]]) -> str:
    return next((kind for node in nodes for kind in _list_types(node) if kind in _LISTING_TYPES), "")


def _parse_script(script: str) -> Iterator[Any]:
    """Yield the JSON values of one script; a broken script is repaired, or read as far as possible."""
    text = _SCRIPT_WRAPPER.sub("", script.strip())
    for candidate in (text, _repair_json(text), _repair_json(unescape(text))):
        try:
            yield json.loads(candidate, strict=False)
            return
        except (ValueError, RecursionError):
            continue
    yield from _parse_sequence(text)


def _repair_json(text: str) -> str:
    return _TRAILING_COMMA.sub(r"\1", text.rstrip().rstrip(";"))


def _parse_sequence(text: str) -> Iterator[Any]:
    """Yield values that follow each other without a list around them, up to the first error."""
    decoder, at = json.JSONDecoder(strict=False), 0
    for _ in range(20):
        start = text.find("{", at)
        if start < 0:
            return
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return
        yield value


def _walk_nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every node that may be an article: at the top level, in lists, in @graph and in mainEntity."""
    waiting, seen = [(value, 0)], 0
    while waiting and seen < MAX_NODES:
        item, depth = waiting.pop()
        seen += 1
        if isinstance(item, list):
            waiting.extend((child, depth + 1) for child in reversed(item[:200]) if depth < 8)
        elif isinstance(item, dict):
            yield item
            for key in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemReviewed", "liveBlogUpdate"):
                child = item.get(key)
                if (
                    isinstance(child, (dict, list))
                    and depth < 8
                    and key not in ("hasPart", "itemReviewed", "liveBlogUpdate")
                ):
                    waiting.append((child, depth + 1))


def _list_types(node: dict[str, Any]) -> list[str]:
    kinds = node.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return [kind.rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower() for kind in listed[:10] if isinstance(kind, str)]


def _rank_node(node: dict[str, Any]) -> int:
    return max((_ARTICLE_TYPE_RANKS.get(kind, 0) for kind in _list_types(node)), default=0)


def _is_about_page(node: dict[str, Any], url: str) -> bool:
    """Return True if the node names the page's own URL."""
    if not url:
        return False
    about = node.get("mainEntityOfPage")
    names = [node.get("url"), node.get("@id"), about.get("@id") if isinstance(about, dict) else about]
    path = url.split("://", 1)[-1].split("?")[0].split("#")[0].rstrip("/")
    return any(
        isinstance(name, str) and name.split("://", 1)[-1].split("?")[0].split("#")[0].rstrip("/") == path
        for name in names
    )


def _read_node(node: dict[str, Any], nodes: list[dict[str, Any]]) -> JsonLdArticle:
    ids = {item["@id"]: item for item in nodes if isinstance(item.get("@id"), str) and len(item) > 1}
    people, organisations = _read_authors(node, ids)
    return JsonLdArticle(
        kind=max(_list_types(node), key=lambda kind: _ARTICLE_TYPE_RANKS.get(kind, 0)),
        headline=_read_line(node.get("headline")) or _read_line(node.get("name")),
        other_names=tuple(
            (key, name) for key in ("alternativeHeadline", "name") if (name := _read_line(node.get(key)))
        ),
        person_authors=people,
        organisation_authors=organisations,
        published=_read_line(node.get("datePublished")) or _read_line(node.get("uploadDate")),
        created=_read_line(node.get("dateCreated")),
        modified=_read_line(node.get("dateModified")),
        language=_read_language(node.get("inLanguage")),
        summary=_read_line(node.get("description"), 4096),
        body=_read_text(node.get("articleBody")) or _read_text(node.get("reviewBody")),
        image=_read_url(node.get("image")) or _read_url(node.get("thumbnailUrl")),
        site=_read_name(node.get("publisher"), ids) or _read_site_name(nodes),
        section=_read_line(_take_first(node.get("articleSection"))),
        url=_read_url(node.get("url")),
        tags=_read_tags(node.get("keywords")),
        word_count=_parse_count(node.get("wordCount")),
        is_free=_is_free(node),
        paywalled_css=tuple(_list_paywalled_selectors(node))[:10],
        page_kind=_find_page_kind(nodes),
    )


def _is_free(node: dict[str, Any]) -> bool | None:
    """Return whether the article is free to read, None if unknown; its parts decide if it declares nothing itself."""
    own = _parse_boolean(node.get("isAccessibleForFree"))
    if own is not None:
        return own
    return (
        False if any(_parse_boolean(part.get("isAccessibleForFree")) is False for part in _list_parts(node)) else None
    )


def _list_paywalled_selectors(node: dict[str, Any]) -> Iterator[str]:
    for part in _list_parts(node):
        if _parse_boolean(part.get("isAccessibleForFree")) is False:
            yield from (css[:200] for css in _flatten(part.get("cssSelector")) if isinstance(css, str) and css.strip())


def _list_parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in _flatten(node.get("hasPart")) if isinstance(part, dict)]


def _parse_boolean(value: Any) -> bool | None:
    """Parse a schema.org boolean: a JSON boolean, a word or a URL; None for anything else."""
    word = str(_take_first(value)).rsplit("/", 1)[-1].strip().lower()
    return {"true": True, "1": True, "false": False, "0": False}.get(word)


def _parse_count(value: Any) -> int:
    digits = str(_take_first(value)).strip()[:9]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _take_first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _read_line(value: Any, limit: int = 1024) -> str:
    """Return a string value as one clean line, without markup, and with references resolved."""
    value = _take_first(value)
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return clean_markup_line(value, limit) if isinstance(value, str) else ""


_HTML_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")


def clean_markup_line(value: str, limit: int = 1024) -> str:
    """Return a value as one clean line, without markup, and with references resolved."""
    value = value[: 4 * limit]
    if "&" in value:
        value = unescape(unescape(value))
    return clean_line(_HTML_TAG.sub(" ", value) if "<" in value else value, limit)


def _read_text(value: Any) -> str:
    if isinstance(value, list):
        value = "\n\n".join(item for item in value[:500] if isinstance(item, str))
    return clean(value, MAX_SCRIPT_LENGTH) if isinstance(value, str) else ""


def _read_url(value: Any) -> str:
    value = _take_first(value)
    if isinstance(value, dict):
        value = _take_first(value.get("url") or value.get("contentUrl") or value.get("@id"))
    return clean_line(value, 4096) if isinstance(value, str) else ""


def _read_language(value: Any) -> str:
    value = _take_first(value)
    if isinstance(value, dict):
        value = value.get("alternateName") or value.get("name")
    return clean_line(value, 40) if isinstance(value, str) else ""


def _read_tags(value: Any) -> tuple[str, ...]:
    listed = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    lines = (_read_line(item, 100) for item in listed[:60] if isinstance(item, (str, dict)))
    return tuple(dict.fromkeys(line for line in lines if line and ":" not in line[:20]))[:40]


def _read_name(value: Any, ids: dict[str, dict[str, Any]]) -> str:
    value = _take_first(value)
    if isinstance(value, dict):
        node = (
            ids.get(value.get("@id", ""), value) if isinstance(value.get("@id"), str) and "name" not in value else value
        )
        return _read_line(node.get("name"), 200)
    return _read_line(value, 200)


def _read_site_name(nodes: list[dict[str, Any]]) -> str:
    return next(
        (name for node in nodes if "website" in _list_types(node) and (name := _read_line(node.get("name"), 200))), ""
    )


def _read_authors(node: dict[str, Any], ids: dict[str, dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the authors: persons (and those without a type), and organisations."""
    people: list[str] = []
    organisations: list[str] = []
    for value in _flatten(node.get("author")) or _flatten(node.get("creator")):
        if isinstance(value, dict):
            known = (
                ids.get(value.get("@id", "")) if isinstance(value.get("@id"), str) and not value.get("name") else None
            )
            entry = known or value
            names = [_read_line(name, 300) for name in _flatten(entry.get("name"))] or [
                " ".join(
                    filter(None, (_read_line(entry.get("givenName"), 100), _read_line(entry.get("familyName"), 100)))
                )
            ]
            (organisations if set(_list_types(entry)) & _ORGANISATION_TYPES else people).extend(filter(None, names))
        elif isinstance(value, str):
            people.append(_read_line(ids[value].get("name"), 300) if value in ids else clean_markup_line(value, 300))
    return tuple(dict.fromkeys(people))[:30], tuple(dict.fromkeys(organisations))[:10]


def _flatten(value: Any) -> list[Any]:
    listed = value if isinstance(value, list) else [value]
    return [item for entry in listed[:60] for item in (entry[:60] if isinstance(entry, list) else [entry]) if item]
