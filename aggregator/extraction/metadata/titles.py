"""Titles without the name of the site."""

from __future__ import annotations

import re
import unicodedata

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
