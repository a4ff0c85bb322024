"""Authors as people: names without "By", roles, addresses or the organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.extraction.metadata.titles import key, without_site
from aggregator.extraction.phrases import AGENCIES, BY_PATTERNS, NO_NAME_PATTERNS, NOBODY, ROLE_PATTERNS, either, listed
from storage.text.clean import clean_line

MAX_NAME = 80
_PREFIX = re.compile("^" + either(BY_PATTERNS) + r"(?:\s*[:：/／|]\s*|\s+)", re.I)
_LABEL = re.compile(either(BY_PATTERNS), re.I)
_BARE_CJK = re.compile(
    r"^(?:本报|本報|新华社|本网|本刊)?(?:特约|见习|首席|实习|特派)?(?:记者|記者|作者|通讯员)\s*[:：]?\s*"
)
_SPLIT = re.compile(r"\s*(?:[;|•·]|\s/\s|\n|、|，|\s+(?:and|und|et|och|og|y|e|en|i|и|та|ja|ve|&)\s+|&)\s*", re.I)
_COMMA = re.compile(r"\s*,\s*")
_ROLE = re.compile(r"\b" + either(ROLE_PATTERNS) + r"\b", re.I)
_NOBODY = frozenset(listed(NOBODY))
_AGENCIES = frozenset(listed(AGENCIES))
_AGENCY = re.compile(
    r"(?<=\w)\s+(?:for |of )?(?:(?:the )?associated press|usa today|reuters|afp|bloomberg(?: news)?|staff writer|"
    r"staff reporter|staff|contributor|contributing writer|senior reporter|reporter|editor|correspondent)$",
    re.I,
)
_ADDRESS = re.compile(r"https?://|www\.|@\w+\.\w+|\.(?:com|org|net|html?|php)\b|/", re.I)
_TRAILING = re.compile(r"\s*(?:\(.{0,80}\)|\[.{0,80}\]|[|–—-]\s.{0,80})$")
_MAIL = re.compile(r"\s*[<(]?[\w.+-]+@[\w-]+\.[\w.]+[>)]?")


def people(values: Iterable[str], *, site: str = "", title: str = "", host: str = "") -> tuple[str, ...]:
    """The persons that author values name, each once, in order, at most 20; agencies where they name no person.

    A value in which the site itself appears beside places ("example.org, Berlin") is the
    site's imprint and names nobody.
    """
    found: dict[str, str] = {}
    agencies: dict[str, str] = {}
    ours = {key(site), *_hosts(host)} - {""}
    for value in values:
        parts = [_cleaned(part, site) for part in _parts(without_site(clean_line(value, 600), site, host))]
        if "," in value and any(key(part) in ours for part in parts):
            continue
        for name in parts:
            if key(name) in _AGENCIES or key(name) in ours:
                agencies.setdefault(key(name), name)
            elif _is_person(name, site, title):
                found.setdefault(key(name), name)
    if not found and any(name in _AGENCIES for name in agencies):
        found = agencies
    return tuple(list(found.values())[:20])


def is_label(text: str) -> bool:
    """Whether a text is nothing but what stands before an author's name ("Written by")."""
    return bool(_LABEL.fullmatch(text.strip(" :")))


def is_login(names: tuple[str, ...]) -> bool:
    """Whether an author is named as a system knows them: one word without a capital."""
    return len(names) == 1 and names[0].isascii() and names[0].islower() and " " not in names[0]


def spells(login: str, name: str) -> bool:
    """Whether a full name may be the one behind a login: a word of it stands there."""
    return " " in name and any(len(word) > 3 and word in login for word in key(name).split())


def bylines(texts: Iterable[str], *, every: bool = False, alone: bool = False) -> list[str]:
    """The parts of marked bylines that look like names: what follows "by", else parts of two to four capitalised words.

    `texts` have their elements' texts apart by " | ". The first that names anybody is enough,
    unless `every` is asked for, where each marked element holds one author. A single word
    counts where it stands `alone` in its element.
    """
    found: list[str] = []
    for text in texts:
        named = [name for part in _AFTER_BY.findall(text) or text.split("|") for name in _named(part)]
        found += named or ([single] if alone and (single := _single(text)) else [])
        if len(found) >= 6 or (found and not every):
            break
    return found[:6]


def _single(text: str) -> str:
    """The one word of a text, where it may be what somebody calls themselves."""
    words = [part.strip() for part in text.split("|") if part.strip()]
    name = _unprefixed(words[-1]) if words and len(words) <= 2 and (len(words) == 1 or is_label(words[0])) else ""
    fits = 3 <= len(name) <= 25 and name.replace("-", "").replace("_", "").isalpha() and not _UNLIKELY.search(name)
    return name if fits else ""


def _named(part: str) -> list[str]:
    pieces = (
        piece.strip() for name in _COMMA.split(_cut_short(part)) for piece in _SPLIT.split(_unprefixed(name.strip()))
    )
    return [piece for piece in pieces if _looks_named(piece) and not is_label(piece)]


_AFTER_BY = re.compile(
    r"(?:^|\|\s*)(?:written by|words by|story by|by|von|par|por|di|av|af|door|от|автор|作者|记者|記者)"
    r"\s*:?\s*(?:\|\s*)*([^|]{2,80})",
    re.I,
)
_CUT = re.compile(r"\s(?:\d|[•·–—]|on (?=\d|[A-Z])|published|updated|posted|for (?=the )|is an? )", re.I)
_PARTICLES = {
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
_UNLIKELY = re.compile(r"\b" + either(NO_NAME_PATTERNS) + r"\b", re.I)


def _cut_short(part: str) -> str:
    return _CUT.split(part.strip(), maxsplit=1)[0]


def _looks_named(name: str) -> bool:
    """Whether a text has the shape of a person's name."""
    if _HAN.search(name) or (not name.isascii() and not any(c.isupper() or c.islower() for c in name)):
        return 2 <= len(name) <= 12
    words = name.split()
    if not 2 <= len(words) <= 5 or len(name) > 50 or _UNLIKELY.search(name):
        return False
    return all(word[:1].isupper() or word.lower() in _PARTICLES for word in words) and words[0][:1].isupper()


_HAN = re.compile(r"[\u4e00-\u9fff]")


def _hosts(host: str) -> set[str]:
    """How a site's host name may stand for an author."""
    labels = [label for label in host.lower().split(".") if label not in ("www", "m")]
    return {key(" ".join(labels)), key(labels[0]) if labels else "", key("www " + " ".join(labels))}


def _parts(value: str) -> list[str]:
    value = _MAIL.sub("", value)
    parts: list[str] = []
    for piece in _SPLIT.split(_unprefixed(value)):
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


def _unprefixed(value: str) -> str:
    for _ in range(3):
        shorter = _BARE_CJK.sub("", _PREFIX.sub("", value, count=1), count=1).strip(" :：")
        if shorter == value:
            break
        value = shorter
    return value


def _cleaned(part: str, site: str) -> str:
    name = _TRAILING.sub("", _unprefixed(part.strip())).strip(" \t.,:;|/*-–—\"'“”")
    bare = _AGENCY.sub("", name)
    name = bare if " " in bare else name
    if site and name.lower().endswith(" " + site.lower()):
        name = name[: -len(site)].rstrip(" ,-|")
    if name.isupper() and len(name) > 4 and " " in name:
        name = name.title()
    return name


def _is_person(name: str, site: str, title: str) -> bool:
    plain = key(name)
    if not plain or len(name) > MAX_NAME or plain in _NOBODY or not any(c.isalpha() for c in name) or len(plain) < 2:
        return False
    if _ADDRESS.search(name) or any(c.isdigit() for c in name) or len(plain.split()) > 6:
        return False
    if _ROLE.fullmatch(name) or all(_ROLE.fullmatch(word) for word in name.split()):
        return False
    return plain not in (key(site), key(title))
