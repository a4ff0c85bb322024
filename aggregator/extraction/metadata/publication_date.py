"""When an article was published: who is believed, and what a second witness adds to the first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from urllib.parse import urlsplit

from htmldate import find_date

from aggregator.extraction import html_metadata as markup
from aggregator.extraction.metadata import dates
from aggregator.extraction.metadata.dates import Moment
from aggregator.extraction.metadata.field_sources import Trust
from spiders.parse.date_parts import EARLIEST

_PUBLISHED = (
    "article:published_time",
    "article:published:time",
    "og:published_time",
    "og:article:published_time",
    "datepublished",
    "publishdate",
    "publish_date",
    "publication_date",
    "article.published",
    "pubdate",
    "publishtime",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "sailthru.date",
    "parsely-pub-date",
    "cxenseparse:recs:publishtime",
    "published_at",
    "article_date_original",
    "originalpublicationdate",
    "article-publication-date",
    "publishedtime",
    "published-date",
    "w-published-date",
    "created",
    "date",
    "dc.date",
    "weibo: article:create_at",
    "apub:time",
    "firstpublishedtime",
)
_IN_PATH = re.compile(
    r"/((?:19|20)\d\d)([/-])(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\2(0?[1-9]|[12]\d|3[01])(?=[/_.-]|\D|$)"
    r"|/((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)",
    re.I,
)
_DAY = timedelta(hours=24)


def published(trust: Trust) -> Moment | None:
    """When the article was published, by the most trusted witness, with what a second one adds."""
    told = _told(trust)
    found = _moments(trust, _declared_dates(trust))
    if not found or (told is not None and found[0][1].day != told.day):
        found += _moments(trust, _shown_dates(trust))
    best = _best(found, told) or _searched(trust)
    if best is None:
        return None
    trust.origins["published"] = best[0]
    return _settled(best[1], [moment for _, moment in found], told, trust.moment(_in_path(trust.page.url)))


def _moments(trust: Trust, witnesses: Iterator[tuple[str, str]]) -> list[tuple[str, Moment]]:
    read = ((origin, trust.moment(value)) for origin, value in witnesses if value)
    return list(islice(((origin, moment) for origin, moment in read if moment is not None), 8))


def _declared_dates(trust: Trust) -> Iterator[tuple[str, str]]:
    said = trust.said
    if said.is_article:
        yield "json-ld", said.published
    for name in _PUBLISHED:
        yield "meta", trust.head.meta(name)
    if said.kind != "videoobject":
        yield "json-ld", said.published or said.created


def _shown_dates(trust: Trust) -> Iterator[tuple[str, str]]:
    yield from (("html", value) for rank, value in trust.signs.times if rank < 2)
    yield "url", _in_path(trust.page.url)
    yield from (("html", value) for rank, value in trust.signs.times if rank == 2)


def _in_path(url: str) -> str:
    """The date in an address, as text that can be read; empty without one."""
    found = _IN_PATH.search(urlsplit(url).path)
    if found is None:
        return ""
    year, month, day = (found[1], found[3], found[4]) if found[1] else (found[5], found[6], found[7])
    return f"{day} {month} {year}" if month.isalpha() else f"{year}-{month}-{day}"


def _told(trust: Trust) -> Moment | None:
    """What the feed said, as a Moment."""
    at = trust.lead.published
    if at is None or at < EARLIEST or at > trust.page.fetched_at + _DAY:
        return None
    timed = (at.hour, at.minute, at.second) != (0, 0, 0)
    raw = trust.lead.published_raw or at.isoformat()
    printed = dates.read(raw)
    day = printed.day if printed is not None and abs(printed.at - at) < timedelta(hours=26) else at.date().isoformat()
    return Moment(at=at, day=day, raw=raw, zone_known=trust.lead.zone_known, timed=timed)


def _best(found: list[tuple[str, Moment]], told: Moment | None) -> tuple[str, Moment] | None:
    """The most trusted date; the feed's above what the text shows, and above a declared one that the text belies."""
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


def _settled(moment: Moment, others: list[Moment], told: Moment | None, filed: Moment | None) -> Moment:
    """The moment with what a second witness adds: the zone, the time of day, or the day it was where it was printed."""
    if moment.zone_known:
        return _printed_day(moment, others, told, filed)
    for other in (*others, *((told,) if told else ())):
        apart = abs(other.at - moment.at)
        whole = apart.total_seconds() % 900 < 60 or not moment.timed
        if other.zone_known and other.timed and whole and apart <= timedelta(hours=14 if moment.timed else 36):
            return replace(moment, at=other.at, zone_known=True, timed=True)
    if not moment.timed:
        return next((other for other in others if other.timed and other.day == moment.day), moment)
    return moment


def _printed_day(moment: Moment, others: list[Moment], told: Moment | None, filed: Moment | None) -> Moment:
    """A moment given in UTC lies on the day that its own clock showed, where another witness tells which that was.

    The feed's day, the address's, or that of the same time of day without a zone: each only
    where some zone's clock showed that day.
    """
    if not moment.raw.endswith(("Z", "+00:00", "+0000")):
        return moment
    days = [told] if told is not None and not told.timed else []
    days += [filed] if filed is not None else []
    for witness in days:
        if timedelta(hours=-14) <= moment.at - witness.at <= timedelta(hours=36):
            return replace(moment, day=witness.day)
    clock = next((other for other in others if _is_same_clock(other, moment)), moment)
    return replace(moment, day=clock.day)


def _is_same_clock(local: Moment, moment: Moment) -> bool:
    """Whether a time without a zone is the moment on another zone's clock."""
    apart = abs((local.at - moment.at).total_seconds())
    midnight = (local.at.hour, local.at.minute, local.at.second) == (0, 0, 0)
    return local.timed and not (local.zone_known or midnight) and apart <= 14 * 3600 and apart % 900 == 0


def _searched(trust: Trust) -> tuple[str, Moment] | None:
    """A date with its time in the page's text, then htmldate's cheap search, then a line that is little but a date.

    htmldate's extensive search is left out: it takes twenty times as long, and what it adds are
    mostly years, given as the first of January.
    """
    moment = dates.in_text(trust.tree, latest=trust.page.fetched_at, zone=trust.hints.timezone)
    if moment is not None:
        return "html", moment
    found = trust.moment(_hinted_at(trust))
    if found is not None:
        return "htmldate", found
    line = next(filter(None, map(trust.moment, markup.date_lines(trust.tree))), None)
    return ("html", line) if line is not None else None


def _hinted_at(trust: Trust) -> str:
    """The day that htmldate finds by marks, or an empty string."""
    try:
        return (
            find_date(
                trust.tree,
                extensive_search=False,
                original_date=True,
                url=trust.page.url,
                min_date="1995-01-01",
                max_date=(trust.page.fetched_at + _DAY).strftime("%Y-%m-%d"),
                deferred_url_extractor=True,
            )
            or ""
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        return ""
