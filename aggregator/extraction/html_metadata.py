"""Read metadata from a page's markup outside JSON-LD: meta elements, headings, links, and bylines and times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lxml.html import HtmlElement

from aggregator.extraction.tree import read_line
from storage.text.clean import clean_line

_BYLINE_MARKUP = re.compile(
    r"(?<![a-z])(?:author(?!s?-?(?:box|bio|image|img|avatar|photo|desc|title|role|social|twitter|card-desc|url-?list|page|follow))|by-?line|writer|"
    r"zuozhe|reporter|journalist|autor(?![a-z])|auteur|skribent|byline)",
)
_AUTHOR_NAME_MARKUP = re.compile(r"author-?s?-?name|byline-?-?name|author-?-?link|name-?-?author|fn(?![a-z])|vcard")
_DATE_MARKUP = re.compile(
    r"(?<![a-z])(?:pub(?:lish(?:ed)?|-?date|-?time|date|time)?|post(?:ed)?-?(?:on|date|time)|date(?:line)?|time(?:stamp)?|entry-?date|datum|fecha|meta-?date|info|source|ly|from|shijian)(?![a-z])"
)
_UNRELATED_MARKUP = re.compile(
    r"comment|related|sidebar|recommend|recirc|trending|popular|most-?read|(?<!post-)(?<!entry-)(?<!article-)footer|carousel|teaser|promo|newsletter|more-|(?<![a-z])card(?![a-z])|widget|also|listing|caption|image-?credit|latest|masthead|edition|logo|branding|top-?bar"
)
_ARTICLE_FOOTER = re.compile(r"(?:post|entry|article)-?footer", re.I)
_PUBLICATION_WORD = re.compile(
    r"(?:publi|poste?d|veröffentlicht|erschienen|udgivet|publisert|опубл|发布|發布|발행)", re.I
)
_MAX_PUBLICATION_TIMES = 6
"""If more times are marked as publication, they belong to a list of articles, and the mark is ignored."""

_MAX_DATE_LENGTH = 80
"""A longer text that is marked as a date has more than a date: a teaser, a paragraph, a header."""

_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BYLINE_TAGS = (
    "a",
    "span",
    "div",
    "p",
    "address",
    "time",
    "strong",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "td",
    "em",
    "b",
    "i",
    "author",
    "abbr",
    "small",
    "section",
)


@dataclass(frozen=True, slots=True)
class HeadMetadata:
    """Metadata of a page's head, and its headings."""

    metas: dict[str, tuple[str, ...]] = field(default_factory=dict)
    title: str = ""
    headings: tuple[str, ...] = ()
    canonical: str = ""
    image: str = ""
    language: str = ""

    def meta(self, *names: str) -> str:
        """Return the first value of the first named meta element that exists, or an empty string."""
        return next((self.metas[name][0] for name in names if name in self.metas), "")


@dataclass(frozen=True, slots=True)
class BodyMetadata:
    """Bylines and times in the body as (rank, text), rank 0 the most certain; " | " joins the parts of a byline."""

    bylines: tuple[tuple[int, str], ...] = ()
    times: tuple[tuple[int, str], ...] = ()


def read_head_metadata(tree: HtmlElement) -> HeadMetadata:
    """Read the head and headings of a page."""
    metas: dict[str, list[str]] = {}
    headings: list[str] = []
    title = canonical = image = ""
    for element in tree.iter("meta", "title", "link", "h1"):
        if element.tag == "meta":
            _collect_meta(element, metas)
        elif element.tag == "title":
            title = title or read_line(element)
        elif element.tag == "h1" and len(headings) < 8:
            headings.append(read_line(element))
        elif element.tag == "link":
            rel = (element.get("rel") or "").lower()
            canonical = canonical or (element.get("href", "") if rel == "canonical" else "")
            image = image or (element.get("href", "") if rel == "image_src" else "")
    return HeadMetadata(
        metas={name: tuple(values) for name, values in metas.items()},
        title=title,
        headings=tuple(heading for heading in headings if heading),
        canonical=canonical,
        image=image,
        language=tree.get("lang")
        or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
        or tree.get("xml:lang")
        or "",
    )


def _collect_meta(element: HtmlElement, metas: dict[str, list[str]]) -> None:
    content = element.get("content")
    if not content or len(metas) > 300:
        return
    for attribute in ("name", "property", "itemprop", "http-equiv"):
        name = element.get(attribute)
        if name and len(name) < 80:
            values = metas.setdefault(name.strip().lower(), [])
            if len(values) < 20:
                values.append(clean_line(content, 4096))


def read_body_metadata(tree: HtmlElement) -> BodyMetadata:
    """Read bylines and times that elements mark as such; those outside the article come last or are left out.

    Scripts must be removed from the tree. The scan is slow, and meant for pages whose head lacks these data.
    """
    bylines: list[tuple[int, str]] = []
    times: list[tuple[int, str]] = []
    for element in tree.iter(*_BYLINE_TAGS):
        if element.tag == "time" or element.get("datetime"):
            _collect_time(element, times)
            continue
        rank = _rank_byline(element)
        if rank >= 0 and len(bylines) < 40 and not _is_outside_article(element):
            text = clean_line(" | ".join(element.itertext()), 301)
            if 1 < len(text) <= 300:
                bylines.append((rank, text))
        elif element.get("itemprop") == "datePublished" or _has_date_markup(element):
            _collect_time(element, times)
    if sum(rank == 0 for rank, _ in times) > _MAX_PUBLICATION_TIMES:
        times = [(max(rank, 1), text) for rank, text in times]
    return BodyMetadata(tuple(bylines), tuple(sorted(times, key=lambda pair: pair[0])))


def _rank_byline(element: HtmlElement) -> int:
    rel, prop = element.get("rel"), element.get("itemprop")
    if rel and "author" in rel.lower().split():
        return 0
    if (prop and "author" in prop.lower().split()) or element.tag == "author":
        return 1
    name, kind, test = element.get("class"), element.get("id"), element.get("data-testid")
    if not (name or kind or test):
        return -1
    return _rank_byline_markup(f"{name or ''} {kind or ''} {test or ''}"[:200])


@lru_cache(maxsize=8192)
def _rank_byline_markup(attributes: str) -> int:
    attributes = _CAMEL_CASE.sub("-", attributes).lower().replace("_", "-")
    if not _BYLINE_MARKUP.search(attributes):
        return -1
    return 2 if _AUTHOR_NAME_MARKUP.search(attributes) else 3


@lru_cache(maxsize=8192)
def _is_unrelated_markup(attributes: str) -> bool:
    return bool(_UNRELATED_MARKUP.search(_CAMEL_CASE.sub("-", attributes).lower()))


def _is_outside_article(element: HtmlElement) -> bool:
    """Return True if an element or a near ancestor is not part of the article."""
    for depth, holder in enumerate((element, *element.iterancestors())):
        if holder.tag in ("aside", "nav", "figure", "blockquote"):
            return True
        if holder.tag == "footer" and not _ARTICLE_FOOTER.search(holder.get("class") or ""):
            return True
        if (
            depth < 7
            and holder.tag not in ("body", "html", "main", "article")
            and _is_unrelated_markup(f"{holder.get('class', '')} {holder.get('id', '')}"[:200])
        ):
            return True
    return False


@lru_cache(maxsize=8192)
def _is_date_markup(attributes: str) -> bool:
    return bool(_DATE_MARKUP.search(_CAMEL_CASE.sub("-", attributes).lower().replace("_", "-")))


def _has_date_markup(element: HtmlElement) -> bool:
    name, kind = element.get("class"), element.get("id")
    return bool(name or kind) and len(element) < 12 and _is_date_markup(f"{name or ''} {kind or ''}"[:200])


def _collect_time(element: HtmlElement, times: list[tuple[int, str]]) -> None:
    """Add a time with its rank.

    Rank 0 is marked as publication, 1 a time element, 2 text marked as a date; 3 is added outside the article.
    """
    value = element.get("datetime") or element.get("content") or ""
    text = clean_line(" ".join(element.itertext()), 2 * _MAX_DATE_LENGTH)
    if element.tag != "time" and len(text) > _MAX_DATE_LENGTH:
        text = ""
    prop = (element.get("itemprop") or "").lower()
    markup = f"{prop} {element.get('class', '')}".lower()
    if "modif" in markup or "updat" in markup:
        rank = 2
    elif "datepublished" in prop or element.get("pubdate") is not None or "publish" in markup or "entry-date" in markup:
        rank = 0
    else:
        rank = 1 if element.tag == "time" else 2
    if len(times) >= 40 or not any(c.isdigit() for c in value + text):
        return
    if _is_outside_article(element):
        rank += 3
    # A visible publication date wins over the attribute, which may be the time of the last edit.
    for candidate in (text, value) if _PUBLICATION_WORD.match(text) else (value, text):
        if any(c.isdigit() for c in candidate):
            times.append((rank, candidate))


_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d\.\s?\d\d?\.\s?\d\d(?!\d)")
_OPENING_DATE = re.compile(r"\d{1,2}[./]\s?\d{1,2}[./]\s?(?:19|20)\d\d\s")
_COPYRIGHT = re.compile(r"©|\(c\)|copyright", re.I)


def find_date_lines(tree: HtmlElement) -> list[str]:
    """Return short texts with a year, and the starts of paragraphs that begin with a date; at most 12.

    Texts behind the heading come first; navigation and similar elements are left out.
    """
    before: list[str] = []
    behind: list[str] = []
    lines = before
    for element in tree.iter():
        if element.tag == "h1":
            lines = behind
        for text in (element.text, element.tail):
            if text and len(behind) < 8 and _is_date_line(text.strip()):
                holder = element if text is element.text else element.getparent()
                if holder is not None and not _is_outside_article(holder):
                    lines.append(text.strip()[:_MAX_DATE_LENGTH])
    return behind[:8] + before[:4]


def _is_date_line(text: str) -> bool:
    """Return True for a short text with a year, and for a paragraph that begins with a date."""
    if len(text) > 60:
        return bool(_OPENING_DATE.match(text))
    return bool(_YEAR.search(text)) and not _COPYRIGHT.search(text)
