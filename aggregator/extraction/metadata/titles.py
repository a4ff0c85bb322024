"""Titles without the name of the site."""

from __future__ import annotations

import re
import unicodedata

from aggregator.extraction.html_metadata import Markup
from aggregator.extraction.jsonld import plain
from aggregator.extraction.metadata.field_sources import Trust
from storage.text.clean import clean_line
from storage.text.headlines import HEADING

_SEPARATOR = re.compile(r"\s+[|\u2013\u2014\u2022·»«›:_-]\s+|\s*[|_｜]\s*|\s*[-–—:]\s*(?=[^\s]*\.[a-z]{2,6}$)")
_WORD = re.compile(r"\w+")


def key(text: str) -> str:
    """What two spellings of one title share: letters and digits in one case."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def without_site(title: str, site: str, host: str) -> str:
    """The title with a leading or trailing site name taken off, where a separator sets it apart."""
    names = {key(site), key(host), *_labels(host)} - {""}
    for _ in range(3):
        shorter = _peeled(title, names)
        if shorter == title:
            break
        title = shorter
    return title


def _labels(host: str) -> set[str]:
    labels = [
        label
        for label in host.lower().split(".")
        if label not in ("www", "m", "amp", "news", "com", "co", "org", "net")
    ]
    return {key(label.replace("-", " ")) for label in labels if len(label) > 2} | {key(".".join(labels))}


def _peeled(title: str, names: set[str]) -> str:
    cuts = list(_SEPARATOR.finditer(title))
    for cut in reversed(cuts):
        head, tail = title[: cut.start()].strip(), title[cut.end() :].strip()
        if head and _is_site(tail, names):
            return head
    for cut in cuts:
        head, tail = title[: cut.start()].strip(), title[cut.end() :].strip()
        if tail and _is_site(head, names):
            return tail
    return title


def _is_site(part: str, names: set[str]) -> bool:
    plain = key(part)
    if not plain or len(plain) > 60:
        return False
    joined = plain.replace(" ", "")
    return any(plain == name or joined == name.replace(" ", "") for name in names)


_METAS = ("og:title", "twitter:title", "dc.title", "title")


def title_of(trust: Trust) -> str:
    """The headline that is believed; its origin is noted."""
    signs, declared = trust.head, _headline(trust)
    shared, tab = _bare(trust, signs.meta("og:title", "twitter:title", "dc.title")), _bare(trust, signs.title)
    heading = _bare(trust, _heading(signs, trust, [shared, declared, tab]))
    candidates = [pair for pair in (("html", heading), ("meta", shared), ("json-ld", declared)) if pair[1]]
    told = _bare(trust, trust.lead.title)
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


def headlines(trust: Trust) -> tuple[tuple[str, str], ...]:
    """What each place of the page declares as its headline, as (place, words), the plainest place first."""
    signs, said = trust.head, trust.said
    found = {name: _bare(trust, signs.meta(name)) for name in _METAS} | {"headline": _headline(trust)}
    if said.is_article:
        found |= {said_as: _bare(trust, name) for said_as, name in said.names}
    found["tab"] = _bare(trust, signs.title)
    heading = _bare(trust, _heading(signs, trust, list(found.values())))
    return tuple((place, clean_line(words)) for place, words in ((HEADING, heading), *found.items()) if words)


def _headline(trust: Trust) -> str:
    return _bare(trust, trust.said.headline) if trust.said.is_article else ""


def _bare(trust: Trust, value: str) -> str:
    site = trust.site if trust.origins.get("site_name") != "url" else ""
    return without_site(plain(value), site, trust.host)


def _heading(signs: Markup, trust: Trust, others: list[str]) -> str:
    """The h1 that names the article: one that another witness confirms, or the only one."""
    known = [key(value) for value in others if value]
    headings = [heading for heading in signs.headings if key(heading) != key(trust.site) and len(heading) > 3]
    for heading in headings:
        own = key(heading)
        if any(own == other or (min(len(own), len(other)) > 12 and (own in other or other in own)) for other in known):
            return heading
    return headings[0] if len(headings) == 1 else ""
