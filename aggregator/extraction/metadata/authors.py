"""Parse author values and bylines into names of persons, without prefixes, roles, addresses and the site's name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.extraction.metadata.titles import normalize_words, strip_site_name
from aggregator.extraction.phrases import (
    AGENCIES,
    BYLINE_PREFIX_PATTERNS,
    NON_NAME_PATTERNS,
    NON_PERSON_NAMES,
    ROLE_PATTERNS,
    join_alternatives,
    split_alternatives,
)
from storage.text.clean import clean_line

MAX_NAME_LENGTH = 80
_BYLINE_PREFIX = re.compile("^" + join_alternatives(BYLINE_PREFIX_PATTERNS) + r"(?:\s*[:：/／|]\s*|\s+)", re.I)
_BYLINE_LABEL = re.compile(join_alternatives(BYLINE_PREFIX_PATTERNS), re.I)
_CJK_PREFIX = re.compile(
    r"^(?:本报|本報|新华社|本网|本刊)?(?:特约|见习|首席|实习|特派)?(?:记者|記者|作者|通讯员)\s*[:：]?\s*"
)
_NAME_SEPARATOR = re.compile(
    r"\s*(?:[;|•·]|\s/\s|\n|、|，|\s+(?:and|und|et|och|og|y|e|en|i|и|та|ja|ve|&)\s+|&)\s*", re.I
)
_COMMA = re.compile(r"\s*,\s*")
_ROLE = re.compile(r"\b" + join_alternatives(ROLE_PATTERNS) + r"\b", re.I)
_NON_PERSONS = frozenset(split_alternatives(NON_PERSON_NAMES))
_AGENCIES = frozenset(split_alternatives(AGENCIES))
_TRAILING_AGENCY_OR_ROLE = re.compile(
    r"(?<=\w)\s+(?:for |of )?(?:(?:the )?associated press|usa today|reuters|afp|bloomberg(?: news)?|staff writer|"
    r"staff reporter|staff|contributor|contributing writer|senior reporter|reporter|editor|correspondent)$",
    re.I,
)
_URL_OR_PATH = re.compile(r"https?://|www\.|@\w+\.\w+|\.(?:com|org|net|html?|php)\b|/", re.I)
_TRAILING_REMARK = re.compile(r"\s*(?:\(.{0,80}\)|\[.{0,80}\]|[|–—-]\s.{0,80})$")
_MAIL_ADDRESS = re.compile(r"\s*[<(]?[\w.+-]+@[\w-]+\.[\w.]+[>)]?")


def parse_authors(values: Iterable[str], *, site: str = "", title: str = "", host: str = "") -> tuple[str, ...]:
    """Return the persons named by author values: without duplicates, in order, at most 20.

    Agencies are returned if no person is named. A value with commas in which the site appears
    ("example.org, Berlin") is the site's imprint, and is ignored.
    """
    persons: dict[str, str] = {}
    agencies: dict[str, str] = {}
    site_names = {normalize_words(site), *_list_host_names(host)} - {""}
    for value in values:
        parts = [
            _clean_name(part, site) for part in _split_authors(strip_site_name(clean_line(value, 600), site, host))
        ]
        if "," in value and any(normalize_words(part) in site_names for part in parts):
            continue
        for name in parts:
            if normalize_words(name) in _AGENCIES or normalize_words(name) in site_names:
                agencies.setdefault(normalize_words(name), name)
            elif _is_person(name, site, title):
                persons.setdefault(normalize_words(name), name)
    if not persons and any(name in _AGENCIES for name in agencies):
        persons = agencies
    return tuple(list(persons.values())[:20])


def is_byline_label(text: str) -> bool:
    """Return True for a text that only introduces an author's name ("Written by")."""
    return bool(_BYLINE_LABEL.fullmatch(text.strip(" :")))


def is_login_name(names: tuple[str, ...]) -> bool:
    """Return True if the only author looks like a user name: one word in lower case."""
    return len(names) == 1 and names[0].isascii() and names[0].islower() and " " not in names[0]


def matches_login(login: str, name: str) -> bool:
    """Return True if a login contains a word of a full name."""
    return " " in name and any(len(word) > 3 and word in login for word in normalize_words(name).split())


def find_byline_names(texts: Iterable[str], *, take_all: bool = False, allow_single_word: bool = False) -> list[str]:
    """Return the parts of bylines that look like names, at most 6: those behind "by", else capitalised words.

    The text nodes of an element are joined by " | " in `texts`. The first byline with a name is used, or all of them
    with `take_all`, for markup with one author per element. `allow_single_word` accepts a single word as a name if it
    is alone in its element.
    """
    names: list[str] = []
    for text in texts:
        in_text = [name for part in _AFTER_BY.findall(text) or text.split("|") for name in _split_byline(part)]
        names += in_text or ([single] if allow_single_word and (single := _single_word_name(text)) else [])
        if len(names) >= 6 or (names and not take_all):
            break
    return names[:6]


def _single_word_name(text: str) -> str:
    """Return the only word of a text, or the only word behind a label, if it may be a name; else an empty string."""
    words = [part.strip() for part in text.split("|") if part.strip()]
    name = (
        _strip_prefix(words[-1]) if words and len(words) <= 2 and (len(words) == 1 or is_byline_label(words[0])) else ""
    )
    fits = 3 <= len(name) <= 25 and name.replace("-", "").replace("_", "").isalpha() and not _NON_NAME.search(name)
    return name if fits else ""


def _split_byline(part: str) -> list[str]:
    pieces = (
        piece.strip()
        for name in _COMMA.split(_cut_after_name(part))
        for piece in _NAME_SEPARATOR.split(_strip_prefix(name.strip()))
    )
    return [piece for piece in pieces if _is_name_like(piece) and not is_byline_label(piece)]


_AFTER_BY = re.compile(
    r"(?:^|\|\s*)(?:written by|words by|story by|by|von|par|por|di|av|af|door|от|автор|作者|记者|記者)"
    r"\s*:?\s*(?:\|\s*)*([^|]{2,80})",
    re.I,
)
_NAME_END = re.compile(r"\s(?:\d|[•·–—]|on (?=\d|[A-Z])|published|updated|posted|for (?=the )|is an? )", re.I)
_NAME_PARTICLES = {
    "de",
    "van",
    "von",
    "der",
    "den",
    "la",
    "le",
    "da",
    "do",
    "dos",
    "di",
    "del",
    "della",
    "bin",
    "al",
    "el",
    "ten",
    "ter",
    "zu",
    "y",
    "e",
    "af",
    "av",
}
_NON_NAME = re.compile(r"\b" + join_alternatives(NON_NAME_PATTERNS) + r"\b", re.I)


def _cut_after_name(part: str) -> str:
    return _NAME_END.split(part.strip(), maxsplit=1)[0]


def _is_name_like(name: str) -> bool:
    """Return True if a text has the form of a person's name."""
    if _HAN.search(name) or (not name.isascii() and not any(c.isupper() or c.islower() for c in name)):
        return 2 <= len(name) <= 12
    words = name.split()
    if not 2 <= len(words) <= 5 or len(name) > 50 or _NON_NAME.search(name):
        return False
    return all(word[:1].isupper() or word.lower() in _NAME_PARTICLES for word in words) and words[0][:1].isupper()


_HAN = re.compile(r"[\u4e00-\u9fff]")


def _list_host_names(host: str) -> set[str]:
    """Return the forms in which a site's host name may be given as an author."""
    labels = [label for label in host.lower().split(".") if label not in ("www", "m")]
    return {
        normalize_words(" ".join(labels)),
        normalize_words(labels[0]) if labels else "",
        normalize_words("www " + " ".join(labels)),
    }


def _split_authors(value: str) -> list[str]:
    value = _MAIL_ADDRESS.sub("", value)
    parts: list[str] = []
    for piece in _NAME_SEPARATOR.split(_strip_prefix(value)):
        commas = _COMMA.split(piece)
        if (
            len(commas) == 2
            and not commas[1].count(" ")
            and not commas[0].count(" ")
            and commas[0].isalpha()
            and commas[1].isalpha()
        ):
            parts.append(f"{commas[1]} {commas[0]}")  # "Surname, Name"
            continue
        parts.extend(commas)
    return parts


def _strip_prefix(value: str) -> str:
    for _ in range(3):
        shorter = _CJK_PREFIX.sub("", _BYLINE_PREFIX.sub("", value, count=1), count=1).strip(" :：")
        if shorter == value:
            break
        value = shorter
    return value


def _clean_name(part: str, site: str) -> str:
    name = _TRAILING_REMARK.sub("", _strip_prefix(part.strip())).strip(" \t.,:;|/*-–—\"'“”")
    bare = _TRAILING_AGENCY_OR_ROLE.sub("", name)
    name = bare if " " in bare else name
    if site and name.lower().endswith(" " + site.lower()):
        name = name[: -len(site)].rstrip(" ,-|")
    if name.isupper() and len(name) > 4 and " " in name:
        name = name.title()
    return name


def _is_person(name: str, site: str, title: str) -> bool:
    plain = normalize_words(name)
    if (
        not plain
        or len(name) > MAX_NAME_LENGTH
        or plain in _NON_PERSONS
        or not any(c.isalpha() for c in name)
        or len(plain) < 2
    ):
        return False
    if _URL_OR_PATH.search(name) or any(c.isdigit() for c in name) or len(plain.split()) > 6:
        return False
    if _ROLE.fullmatch(name) or all(_ROLE.fullmatch(word) for word in name.split()):
        return False
    return plain not in (normalize_words(site), normalize_words(title))
