"""Choose a page's title and collect its headlines, without the name of the site."""

from __future__ import annotations

import re
import unicodedata

from aggregator.extraction.html_metadata import HeadMetadata
from aggregator.extraction.jsonld import clean_markup_line
from aggregator.extraction.metadata.field_sources import FieldSources
from storage.text.clean import clean_line
from storage.text.headlines import HEADING_PLACE

_TITLE_SEPARATOR = re.compile(r"\s+[|\u2013\u2014\u2022·»«›:_-]\s+|\s*[|_｜]\s*|\s*[-–—:]\s*(?=[^\s]*\.[a-z]{2,6}$)")
_WORD = re.compile(r"\w+")


def normalize_words(text: str) -> str:
    """Return the words of a text in lower case, for comparing two spellings of a title or name."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def strip_site_name(title: str, site: str, host: str) -> str:
    """Return a title without a leading or trailing site name that a separator sets apart."""
    names = {normalize_words(site), normalize_words(host), *_list_host_labels(host)} - {""}
    for _ in range(3):
        shorter = _strip_site_part(title, names)
        if shorter == title:
            break
        title = shorter
    return title


def _list_host_labels(host: str) -> set[str]:
    labels = [
        label
        for label in host.lower().split(".")
        if label not in ("www", "m", "amp", "news", "com", "co", "org", "net")
    ]
    return {normalize_words(label.replace("-", " ")) for label in labels if len(label) > 2} | {
        normalize_words(".".join(labels))
    }


def _strip_site_part(title: str, names: set[str]) -> str:
    cuts = list(_TITLE_SEPARATOR.finditer(title))
    for cut in reversed(cuts):
        head, tail = title[: cut.start()].strip(), title[cut.end() :].strip()
        if head and _is_site_name(tail, names):
            return head
    for cut in cuts:
        head, tail = title[: cut.start()].strip(), title[cut.end() :].strip()
        if tail and _is_site_name(head, names):
            return tail
    return title


def _is_site_name(part: str, names: set[str]) -> bool:
    plain = normalize_words(part)
    if not plain or len(plain) > 60:
        return False
    joined = plain.replace(" ", "")
    return any(plain == name or joined == name.replace(" ", "") for name in names)


_TITLE_METAS = ("og:title", "twitter:title", "dc.title", "title")


def choose_title(sources: FieldSources) -> str:
    """Return the title, and record its origin.

    The headline that equals the title in the index wins, else the one that most places of the page declare.
    """
    head, declared = sources.head, _read_jsonld_headline(sources)
    shared, tab = (
        _clean_title(sources, head.meta("og:title", "twitter:title", "dc.title")),
        _clean_title(sources, head.title),
    )
    heading = _clean_title(sources, _choose_heading(head, sources, [shared, declared, tab]))
    candidates = [pair for pair in (("html", heading), ("meta", shared), ("json-ld", declared)) if pair[1]]
    lead_title = _clean_title(sources, sources.lead.title)
    for origin, value in (*candidates, ("html", tab)):
        if lead_title and normalize_words(value) == normalize_words(lead_title):
            sources.origins["title"] = origin
            return clean_line(value)
    if candidates:
        keys = [normalize_words(value) for _, value in candidates]
        origin, value = max(
            candidates, key=lambda pair: (keys.count(normalize_words(pair[1])), -keys.index(normalize_words(pair[1])))
        )
        sources.origins["title"] = origin
        return clean_line(value)
    return clean_line(
        sources.choose_first("title", ("lead", lead_title), ("html", tab), ("html", next(iter(head.headings), "")))
    )


def collect_headlines(sources: FieldSources) -> tuple[tuple[str, str], ...]:
    """Return the headline of each place of the page as (place, headline), the heading first."""
    head, jsonld = sources.head, sources.jsonld
    headlines = {name: _clean_title(sources, head.meta(name)) for name in _TITLE_METAS} | {
        "headline": _read_jsonld_headline(sources)
    }
    if jsonld.is_article:
        headlines |= {place: _clean_title(sources, name) for place, name in jsonld.other_names}
    headlines["tab"] = _clean_title(sources, head.title)
    heading = _clean_title(sources, _choose_heading(head, sources, list(headlines.values())))
    return tuple((place, clean_line(words)) for place, words in ((HEADING_PLACE, heading), *headlines.items()) if words)


def _read_jsonld_headline(sources: FieldSources) -> str:
    return _clean_title(sources, sources.jsonld.headline) if sources.jsonld.is_article else ""


def _clean_title(sources: FieldSources, value: str) -> str:
    site = sources.site_name if sources.origins.get("site_name") != "url" else ""
    return strip_site_name(clean_markup_line(value), site, sources.host)


def _choose_heading(head: HeadMetadata, sources: FieldSources, others: list[str]) -> str:
    """Return the h1 that another place of the page confirms, or the only h1; else an empty string."""
    confirming = [normalize_words(value) for value in others if value]
    headings = [
        heading
        for heading in head.headings
        if normalize_words(heading) != normalize_words(sources.site_name) and len(heading) > 3
    ]
    for heading in headings:
        plain = normalize_words(heading)
        if any(
            plain == title or (min(len(plain), len(title)) > 12 and (plain in title or title in plain))
            for title in confirming
        ):
            return heading
    return headings[0] if len(headings) == 1 else ""
