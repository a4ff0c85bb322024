"""When an article was published: who is believed, and what a second witness adds to the first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from urllib.parse import urlsplit

from htmldate import find_date

from aggregator.extraction import html_metadata
from aggregator.extraction.metadata import dates
from aggregator.extraction.metadata.dates import PageDate
from aggregator.extraction.metadata.field_sources import FieldSources
from spiders.parse.date_parts import EARLIEST_DATE

_PUBLISHED_METAS = (
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
_DATE_IN_PATH = re.compile(
    r"/((?:19|20)\d\d)([/-])(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\2(0?[1-9]|[12]\d|3[01])(?=[/_.-]|\D|$)"
    r"|/((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)",
    re.I,
)
_DAY = timedelta(hours=24)


def choose_publication_date(sources: FieldSources) -> PageDate | None:
    """When the article was published, by the most trusted witness, with what a second one adds."""
    told = _read_lead_date(sources)
    found = _parse_candidates(sources, _list_declared_dates(sources))
    if not found or (told is not None and found[0][1].day != told.day):
        found += _parse_candidates(sources, _list_shown_dates(sources))
    best = _choose_best(found, told) or _search_date(sources)
    if best is None:
        return None
    sources.origins["published"] = best[0]
    return _complete_date(
        best[1], [moment for _, moment in found], told, sources.parse_date(_find_date_in_path(sources.page.url))
    )


def _parse_candidates(sources: FieldSources, witnesses: Iterator[tuple[str, str]]) -> list[tuple[str, PageDate]]:
    read = ((origin, sources.parse_date(value)) for origin, value in witnesses if value)
    return list(islice(((origin, moment) for origin, moment in read if moment is not None), 8))


def _list_declared_dates(sources: FieldSources) -> Iterator[tuple[str, str]]:
    said = sources.jsonld
    if said.is_article:
        yield "json-ld", said.published
    for name in _PUBLISHED_METAS:
        yield "meta", sources.head.meta(name)
    if said.kind != "videoobject":
        yield "json-ld", said.published or said.created


def _list_shown_dates(sources: FieldSources) -> Iterator[tuple[str, str]]:
    yield from (("html", value) for rank, value in sources.body.times if rank < 2)
    yield "url", _find_date_in_path(sources.page.url)
    yield from (("html", value) for rank, value in sources.body.times if rank == 2)


def _find_date_in_path(url: str) -> str:
    """The date in an address, as text that can be read; empty without one."""
    found = _DATE_IN_PATH.search(urlsplit(url).path)
    if found is None:
        return ""
    year, month, day = (found[1], found[3], found[4]) if found[1] else (found[5], found[6], found[7])
    return f"{day} {month} {year}" if month.isalpha() else f"{year}-{month}-{day}"


def _read_lead_date(sources: FieldSources) -> PageDate | None:
    """What the feed said, as a Moment."""
    at = sources.lead.published
    if at is None or at < EARLIEST_DATE or at > sources.page.fetched_at + _DAY:
        return None
    timed = (at.hour, at.minute, at.second) != (0, 0, 0)
    raw = sources.lead.published_raw or at.isoformat()
    printed = dates.parse_date(raw)
    day = printed.day if printed is not None and abs(printed.at - at) < timedelta(hours=26) else at.date().isoformat()
    return PageDate(at=at, day=day, raw=raw, has_zone=sources.lead.zone_known, has_time=timed)


def _choose_best(candidates: list[tuple[str, PageDate]], lead_date: PageDate | None) -> tuple[str, PageDate] | None:
    """The most trusted date; the feed's above what the text shows, and above a declared one that the text belies."""
    if not candidates:
        return ("lead", lead_date) if lead_date else None
    origin, moment = candidates[0]
    if lead_date is None or moment.day == lead_date.day:
        return origin, moment
    if origin in ("html", "url"):
        return "lead", lead_date
    seen = [shown.day for where, shown in candidates if where == "html"]
    if seen and seen[0] == lead_date.day != moment.day:
        return next(pair for pair in candidates if pair[0] == "html" and pair[1].day == lead_date.day)
    return origin, moment


def _complete_date(
    moment: PageDate, others: list[PageDate], lead_date: PageDate | None, path_date: PageDate | None
) -> PageDate:
    """The moment with what a second witness adds: the zone, the time of day, or the day it was where it was printed."""
    if moment.has_zone:
        return _with_printed_day(moment, others, lead_date, path_date)
    for other in (*others, *((lead_date,) if lead_date else ())):
        apart = abs(other.at - moment.at)
        whole = apart.total_seconds() % 900 < 60 or not moment.has_time
        if other.has_zone and other.has_time and whole and apart <= timedelta(hours=14 if moment.has_time else 36):
            return replace(moment, at=other.at, has_zone=True, has_time=True)
    if not moment.has_time:
        return next((other for other in others if other.has_time and other.day == moment.day), moment)
    return moment


def _with_printed_day(
    moment: PageDate, others: list[PageDate], lead_date: PageDate | None, path_date: PageDate | None
) -> PageDate:
    """A moment given in UTC lies on the day that its own clock showed, where another witness tells which that was.

    The feed's day, the address's, or that of the same time of day without a zone: each only
    where some zone's clock showed that day.
    """
    if not moment.raw.endswith(("Z", "+00:00", "+0000")):
        return moment
    days = [lead_date] if lead_date is not None and not lead_date.has_time else []
    days += [path_date] if path_date is not None else []
    for witness in days:
        if timedelta(hours=-14) <= moment.at - witness.at <= timedelta(hours=36):
            return replace(moment, day=witness.day)
    clock = next((other for other in others if _is_same_clock(other, moment)), moment)
    return replace(moment, day=clock.day)


def _is_same_clock(local: PageDate, moment: PageDate) -> bool:
    """Whether a time without a zone is the moment on another zone's clock."""
    apart = abs((local.at - moment.at).total_seconds())
    midnight = (local.at.hour, local.at.minute, local.at.second) == (0, 0, 0)
    return local.has_time and not (local.has_zone or midnight) and apart <= 14 * 3600 and apart % 900 == 0


def _search_date(sources: FieldSources) -> tuple[str, PageDate] | None:
    """A date with its time in the page's text, then htmldate's cheap search, then a line that is little but a date.

    htmldate's extensive search is left out: it takes twenty times as long, and what it adds are
    mostly years, given as the first of January.
    """
    moment = dates.find_date_in_text(sources.tree, latest=sources.page.fetched_at, zone=sources.hints.timezone)
    if moment is not None:
        return "html", moment
    found = sources.parse_date(_search_with_htmldate(sources))
    if found is not None:
        return "htmldate", found
    line = next(filter(None, map(sources.parse_date, html_metadata.find_date_lines(sources.tree))), None)
    return ("html", line) if line is not None else None


def _search_with_htmldate(sources: FieldSources) -> str:
    """The day that htmldate finds by marks, or an empty string."""
    try:
        return (
            find_date(
                sources.tree,
                extensive_search=False,
                original_date=True,
                url=sources.page.url,
                min_date="1995-01-01",
                max_date=(sources.page.fetched_at + _DAY).strftime("%Y-%m-%d"),
                deferred_url_extractor=True,
            )
            or ""
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        return ""
