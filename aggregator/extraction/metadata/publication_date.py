"""Choose an article's publication date among the page's dates, and complete it from the others."""

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
    """Return the publication date of the most trusted source, completed by the others, and record its origin."""
    lead_date = _read_lead_date(sources)
    candidates = _parse_candidates(sources, _list_declared_dates(sources))
    if not candidates or (lead_date is not None and candidates[0][1].day != lead_date.day):
        candidates += _parse_candidates(sources, _list_shown_dates(sources))
    best = _choose_best(candidates, lead_date) or _search_date(sources)
    if best is None:
        return None
    sources.origins["published"] = best[0]
    return _complete_date(
        best[1],
        [date for _, date in candidates],
        lead_date,
        sources.parse_date(_find_date_in_path(sources.page.url)),
    )


def _parse_candidates(sources: FieldSources, values: Iterator[tuple[str, str]]) -> list[tuple[str, PageDate]]:
    parsed = ((origin, sources.parse_date(value)) for origin, value in values if value)
    return list(islice(((origin, date) for origin, date in parsed if date is not None), 8))


def _list_declared_dates(sources: FieldSources) -> Iterator[tuple[str, str]]:
    jsonld = sources.jsonld
    if jsonld.is_article:
        yield "json-ld", jsonld.published
    for name in _PUBLISHED_METAS:
        yield "meta", sources.head.meta(name)
    if jsonld.kind != "videoobject":
        yield "json-ld", jsonld.published or jsonld.created


def _list_shown_dates(sources: FieldSources) -> Iterator[tuple[str, str]]:
    yield from (("html", value) for rank, value in sources.body.times if rank < 2)
    yield "url", _find_date_in_path(sources.page.url)
    yield from (("html", value) for rank, value in sources.body.times if rank == 2)


def _find_date_in_path(url: str) -> str:
    """Return the date in a URL's path as text that can be parsed; empty without one."""
    match = _DATE_IN_PATH.search(urlsplit(url).path)
    if match is None:
        return ""
    year, month, day = (match[1], match[3], match[4]) if match[1] else (match[5], match[6], match[7])
    return f"{day} {month} {year}" if month.isalpha() else f"{year}-{month}-{day}"


def _read_lead_date(sources: FieldSources) -> PageDate | None:
    """Return the date of the lead; None for a date before 1990 or in the future."""
    at = sources.lead.published
    if at is None or at < EARLIEST_DATE or at > sources.page.fetched_at + _DAY:
        return None
    has_time = (at.hour, at.minute, at.second) != (0, 0, 0)
    raw = sources.lead.published_raw or at.isoformat()
    printed = dates.parse_date(raw)
    day = printed.day if printed is not None and abs(printed.at - at) < timedelta(hours=26) else at.date().isoformat()
    return PageDate(at=at, day=day, raw=raw, has_zone=sources.lead.zone_known, has_time=has_time)


def _choose_best(candidates: list[tuple[str, PageDate]], lead_date: PageDate | None) -> tuple[str, PageDate] | None:
    """Return the most trusted date with its origin.

    The lead's date wins over dates shown in the text or the URL, and over a declared date that the text contradicts.
    """
    if not candidates:
        return ("lead", lead_date) if lead_date else None
    origin, date = candidates[0]
    if lead_date is None or date.day == lead_date.day:
        return origin, date
    if origin in ("html", "url"):
        return "lead", lead_date
    shown = [date.day for where, date in candidates if where == "html"]
    if shown and shown[0] == lead_date.day != date.day:
        return next(pair for pair in candidates if pair[0] == "html" and pair[1].day == lead_date.day)
    return origin, date


def _complete_date(
    date: PageDate, others: list[PageDate], lead_date: PageDate | None, path_date: PageDate | None
) -> PageDate:
    """Return a date completed from other sources: time zone, time of day, or the local calendar day."""
    if date.has_zone:
        return _with_printed_day(date, others, lead_date, path_date)
    for zoned in (*others, *((lead_date,) if lead_date else ())):
        offset = abs(zoned.at - date.at)
        is_zone_offset = offset.total_seconds() % 900 < 60 or not date.has_time
        max_offset = timedelta(hours=14 if date.has_time else 36)
        if zoned.has_zone and zoned.has_time and is_zone_offset and offset <= max_offset:
            return replace(date, at=zoned.at, has_zone=True, has_time=True)
    if not date.has_time:
        return next((timed for timed in others if timed.has_time and timed.day == date.day), date)
    return date


def _with_printed_day(
    date: PageDate, others: list[PageDate], lead_date: PageDate | None, path_date: PageDate | None
) -> PageDate:
    """Return a date given in UTC with the local calendar day, if another source has it.

    The day comes from the lead, the URL, or the same time on another zone's clock; it must be possible in some time
    zone.
    """
    if not date.raw.endswith(("Z", "+00:00", "+0000")):
        return date
    days = [lead_date] if lead_date is not None and not lead_date.has_time else []
    days += [path_date] if path_date is not None else []
    for local in days:
        if timedelta(hours=-14) <= date.at - local.at <= timedelta(hours=36):
            return replace(date, day=local.day)
    local = next((local for local in others if _is_same_time(local, date)), date)
    return replace(date, day=local.day)


def _is_same_time(local: PageDate, date: PageDate) -> bool:
    """Return True if a time without a zone may be the same point in time on another zone's clock."""
    offset = abs((local.at - date.at).total_seconds())
    is_midnight = (local.at.hour, local.at.minute, local.at.second) == (0, 0, 0)
    return local.has_time and not (local.has_zone or is_midnight) and offset <= 14 * 3600 and offset % 900 == 0


def _search_date(sources: FieldSources) -> tuple[str, PageDate] | None:
    """Search the text for a date with a time, then by htmldate's fast search, then for a line with little but a date.

    htmldate's extensive search is not used: it takes twenty times as long, and mostly adds years, given as 1 January.
    """
    in_text = dates.find_date_in_text(sources.tree, latest=sources.page.fetched_at, zone=sources.hints.timezone)
    if in_text is not None:
        return "html", in_text
    marked = sources.parse_date(_search_with_htmldate(sources))
    if marked is not None:
        return "htmldate", marked
    line = next(filter(None, map(sources.parse_date, html_metadata.find_date_lines(sources.tree))), None)
    return ("html", line) if line is not None else None


def _search_with_htmldate(sources: FieldSources) -> str:
    """Return the day that htmldate finds by markup, or an empty string."""
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
