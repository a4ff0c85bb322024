"""What a page is: every field from the most trusted witness that knows it, with that witness's name kept.

The order of trust, in one place. Title: the heading, OpenGraph and JSON-LD vote, and a feed's
title settles which of them is meant; then <title>, then the feed alone. Authors: JSON-LD, meta,
the page's byline, the feed, a byline in the text, at last the publisher itself. Published: JSON-LD, meta,
marked times, the feed, times in the text, the address, htmldate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from htmldate import find_date
from lxml.html import HtmlElement

from aggregator.intake import dates, markup
from aggregator.intake.addresses import is_home, joined, registrable, same_site
from aggregator.intake.chinese import bylined
from aggregator.intake.dates import Moment
from aggregator.intake.jsonld import Declared, plain
from aggregator.intake.markup import Markup, Signs
from aggregator.intake.people import bylines, people
from aggregator.intake.titles import key, without_site
from spiders.source import Hints
from storage.page import Lead, Page
from storage.text import clean_line

_PUBLISHED = (
    "article:published_time", "article:published:time", "og:published_time", "og:article:published_time", "datepublished", "publishdate", "publish_date",
    "publication_date", "article.published", "pubdate", "publishtime", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date.created",
    "sailthru.date", "parsely-pub-date", "cxenseparse:recs:publishtime", "published_at", "article_date_original", "originalpublicationdate",
    "article-publication-date", "publishedtime", "published-date", "w-published-date", "created", "date", "dc.date", "weibo: article:create_at", "apub:time", "firstpublishedtime",
)  # fmt: skip
_MODIFIED = ("article:modified_time", "article:modified:time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified", "article:updated_time")
_AUTHORS = ("author", "article:author_name", "sailthru.author", "parsely-author", "byl", "dc.creator", "dcterms.creator", "article:author", "cxenseparse:author", "dc.creator.name", "creator")
_IN_PATH = re.compile(r"/((?:19|20)\d\d)[/-]?(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[/-]?(0?[1-9]|[12]\d|3[01])(?=[/_.-]|\D|$)", re.I)
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything about an article but its body."""

    canonical_url: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published: Moment | None = None
    modified: datetime | None = None
    language: str = ""
    summary: str = ""
    image: str = ""
    site_name: str = ""
    tags: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


class _Trust:
    """The witnesses of one page, and the notes of who was believed."""

    def __init__(self, tree: HtmlElement, said: Declared, page: Page, hints: Hints) -> None:
        self.tree, self.said, self.page, self.hints = tree, said, page, hints
        self.head = markup.read(tree)
        self.lead = page.lead or Lead(url="")
        self.host = urlsplit(page.url).hostname or ""
        self.origins: dict[str, str] = {}
        self.site = ""

    @cached_property
    def signs(self) -> Signs:
        """Bylines and times in the page's body; looked for only when asked, which most pages never do."""
        return markup.signs(self.tree)

    def first(self, field: str, *witnesses: tuple[str, str]) -> str:
        """The first value that is not empty; its origin is noted."""
        for origin, value in witnesses:
            if value:
                self.origins[field] = origin
                return value
        return ""


def gather(tree: HtmlElement, said: Declared, page: Page, hints: Hints) -> Facts:
    """The facts of a page, from its JSON-LD, its markup, its lead and, where these are silent, its text."""
    trust = _Trust(tree, said, page, hints)
    signs = trust.head
    trust.site = trust.first(
        "site_name", ("meta", signs.meta("og:site_name", "application-name")[:200]), ("json-ld", said.site), ("hint", hints.site_name),
        ("url", registrable(trust.host)),
    )
    title = _title(trust)
    modified = next(filter(None, (_moment(trust, value) for value in (said.modified, signs.meta(*_MODIFIED)))), None)
    return Facts(
        canonical_url=_canonical(trust),
        title=title,
        authors=_authors(trust, title),
        published=_published(trust),
        modified=modified.at if modified else trust.lead.updated,
        language=signs.language or said.language or signs.meta("og:locale", "content-language", "language"),
        summary=_summary(trust),
        image=_image(trust),
        site_name=trust.site,
        tags=_tags(trust),
        origins=tuple(trust.origins.items()),
    )


def _title(trust: _Trust) -> str:
    signs = trust.head
    site = trust.site if trust.origins.get("site_name") != "url" else ""

    def bare(value: str) -> str:
        return without_site(plain(value), site, trust.host)

    declared = bare(trust.said.headline) if trust.said.is_article else ""
    shared, tab = bare(signs.meta("og:title", "twitter:title", "dc.title")), bare(signs.title)
    heading = bare(_heading(signs, trust, [shared, declared, tab]))
    candidates = [pair for pair in (("html", heading), ("meta", shared), ("json-ld", declared)) if pair[1]]
    told = bare(trust.lead.title)
    for origin, value in (*candidates, ("html", tab)):
        if told and key(value) == key(told):
            trust.origins["title"] = origin
            return clean_line(value)
    if candidates:
        keys = [key(value) for _, value in candidates]
        origin, value = max(candidates, key=lambda pair: (keys.count(key(pair[1])), -keys.index(key(pair[1]))))
        trust.origins["title"] = origin
        return clean_line(value)
    return clean_line(trust.first("title", ("lead", told), ("html", tab), ("html", next(iter(signs.headings), ""))))


def _heading(signs: Markup, trust: _Trust, others: list[str]) -> str:
    """The h1 that names the article: one that another witness confirms, or the only one."""
    known = [key(value) for value in others if value]
    headings = [heading for heading in signs.headings if key(heading) != key(trust.site) and len(heading) > 3]
    for heading in headings:
        own = key(heading)
        if any(own == other or (min(len(own), len(other)) > 12 and (own in other or other in own)) for other in known):
            return heading
    return headings[0] if len(headings) == 1 else ""


def _authors(trust: _Trust, title: str) -> tuple[str, ...]:
    said, signs = trust.said, trust.head
    for origin, values in _author_witnesses(trust):
        found = people(values, site=trust.site, title=title, host=trust.host)
        if found:
            trust.origins["authors"] = origin
            return found
    found = people(bylined(trust.tree), site=trust.site, title=title, host=trust.host)
    if found:
        trust.origins["authors"] = "html"
        return found
    publishers = [*said.organisations, *said.people, *(value for value in signs.metas.get("author", ()) if key(value) == key(trust.site))]
    named = tuple(dict.fromkeys(clean_line(name, 80) for name in publishers if len(key(name)) > 2 and "://" not in name and "@" not in name))[:3]
    if named:
        trust.origins["authors"] = "publisher"
    return named


def _author_witnesses(trust: _Trust) -> Iterator[tuple[str, list[str]]]:
    yield "json-ld", list(trust.said.people)
    for name in _AUTHORS:
        yield "meta", [value for value in trust.head.metas.get(name, ()) if "://" not in value and not value.startswith("@")]
    for rank in range(4):
        yield "html", bylines(text for at, text in trust.signs.bylines if at == rank)
    yield "lead", list(trust.lead.authors)


def _moment(trust: _Trust, value: str) -> Moment | None:
    return dates.read(value, zone=trust.hints.timezone, latest=trust.page.fetched_at, day_first=_day_first(trust)) if value else None


def _day_first(trust: _Trust) -> bool:
    language = (trust.head.language or trust.hints.language).lower()
    return not (language.startswith("en-us") or (language in ("en", "") and not trust.host.endswith((".uk", ".au", ".nz", ".ie", ".in", ".za"))))


def _published(trust: _Trust) -> Moment | None:
    told = _told(trust)
    found = _moments(trust, _declared_dates(trust))
    if not found or (told is not None and found[0][1].day != told.day):
        found += _moments(trust, _shown_dates(trust))
    best = _best(found, told) or _searched(trust)
    if best is None:
        return None
    trust.origins["published"] = best[0]
    return _settled(best[1], [moment for _, moment in found], told)


def _moments(trust: _Trust, witnesses: Iterator[tuple[str, str]]) -> list[tuple[str, Moment]]:
    read = ((origin, _moment(trust, value)) for origin, value in witnesses if value)
    return list(islice(((origin, moment) for origin, moment in read if moment is not None), 8))


def _declared_dates(trust: _Trust) -> Iterator[tuple[str, str]]:
    said = trust.said
    if said.is_article:
        yield "json-ld", said.published
    for name in _PUBLISHED:
        yield "meta", trust.head.meta(name)
    if said.kind != "videoobject":
        yield "json-ld", said.published or said.created


def _shown_dates(trust: _Trust) -> Iterator[tuple[str, str]]:
    yield from (("html", value) for rank, value in trust.signs.times if rank < 2)
    path = _IN_PATH.search(urlsplit(trust.page.url).path)
    if path:
        yield "url", f"{path[3]} {path[2]} {path[1]}" if path[2].isalpha() else "-".join(path.groups())
    yield from (("html", value) for rank, value in trust.signs.times if rank == 2)


def _told(trust: _Trust) -> Moment | None:
    """What the feed said, as a Moment."""
    at = trust.lead.published
    if at is None or at < dates.EARLIEST or at > trust.page.fetched_at + _DAY:
        return None
    timed = (at.hour, at.minute, at.second) != (0, 0, 0)
    raw = trust.lead.published_raw or at.isoformat()
    printed = dates.read(raw)
    day = printed.day if printed is not None and abs(printed.at - at) < timedelta(hours=26) else at.date().isoformat()
    return Moment(at=at, day=day, raw=raw, zone_known=trust.lead.zone_known, timed=timed)


def _best(found: list[tuple[str, Moment]], told: Moment | None) -> tuple[str, Moment] | None:
    """The most trusted date; the feed's above what stands in the text, and above a declared one that the page's own face belies."""
    if not found:
        return ("lead", told) if told else None
    origin, moment = found[0]
    if told is None or moment.day == told.day:
        return origin, moment
    if origin in ("html", "url"):
        return "lead", told
    seen = [shown.day for where, shown in found if where == "html"]
    if seen and seen[0] == told.day != moment.day:
        return next(pair for pair in found if pair[0] == "html" and pair[1].day == told.day)
    return origin, moment


def _settled(moment: Moment, others: list[Moment], told: Moment | None) -> Moment:
    """The moment with what a second witness adds: the zone, the time of day, or the day it was where it was printed."""
    if not moment.zone_known:
        for other in (*others, *((told,) if told else ())):
            apart = abs(other.at - moment.at)
            whole = apart.total_seconds() % 900 < 60 or not moment.timed
            if other.zone_known and other.timed and apart <= timedelta(hours=14 if moment.timed else 36) and whole:
                return Moment(at=other.at, day=moment.day, raw=moment.raw, zone_known=True, timed=True)
    elif moment.raw.endswith(("Z", "+00:00", "+0000")) and told is not None and not told.timed and told.day != moment.day:
        midnight = told.at
        if timedelta(hours=-14) <= midnight - moment.at <= timedelta(hours=14) or abs(moment.at - midnight - _DAY) <= timedelta(hours=12):
            return Moment(at=moment.at, day=told.day, raw=moment.raw, zone_known=True, timed=True)
    return moment


def _searched(trust: _Trust) -> tuple[str, Moment] | None:
    """A date in the head of the article's text, then htmldate's cheap search."""
    moment = dates.in_text(trust.tree, latest=trust.page.fetched_at, zone=trust.hints.timezone)
    if moment is not None:
        return "html", moment
    try:
        day = find_date(trust.tree, extensive_search=False, original_date=True, url=trust.page.url, min_date="1995-01-01", max_date=(trust.page.fetched_at + _DAY).strftime("%Y-%m-%d"), deferred_url_extractor=True)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
    found = _moment(trust, day or "")
    return ("htmldate", found) if found else None


def _canonical(trust: _Trust) -> str:
    url = trust.page.url
    for origin, link in (("html", trust.head.canonical), ("meta", trust.head.meta("og:url")), ("json-ld", trust.said.url)):
        address = joined(url, link)
        if address and same_site(address, url) and (not is_home(address) or is_home(url)):
            trust.origins["canonical_url"] = origin
            return address
    return ""


def _summary(trust: _Trust) -> str:
    said, signs = trust.said, trust.head
    value = trust.first(
        "summary", ("meta", signs.meta("og:description")), ("meta", signs.meta("description", "twitter:description")), ("json-ld", said.summary),
        ("lead", trust.lead.summary),
    )
    return plain(value, 2000)


def _image(trust: _Trust) -> str:
    said, signs, url = trust.said, trust.head, trust.page.url
    return trust.first(
        "image", ("meta", joined(url, signs.meta("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"))),
        ("json-ld", joined(url, said.image)), ("html", joined(url, signs.image)), ("lead", joined(url, trust.lead.image)),
    )


def _tags(trust: _Trust) -> tuple[str, ...]:
    listed = trust.head.metas.get("article:tag", ())
    spoken = tuple(part.strip() for value in trust.head.metas.get("news_keywords", trust.head.metas.get("keywords", ()))[:1] for part in value.split(","))
    for origin, tags in (("json-ld", trust.said.tags), ("meta", listed), ("meta", spoken), ("lead", trust.lead.tags)):
        kept = tuple(dict.fromkeys(clean_line(tag, 80) for tag in tags if tag.strip()))[:30]
        if kept:
            trust.origins["tags"] = origin
            return kept
    return ()
