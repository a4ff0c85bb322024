"""Authors as people: names without "By", roles, addresses or the organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.intake.titles import key
from storage.text import clean_line

MAX_NAME = 80
_PREFIX = re.compile(
    r"^(?:(?:written|posted|published|reported|words|story|text|article|edited|reviewed|medically reviewed)\s+by|by|von|par|por|di|da|av|af|door|"
    r"texto de|text|przez|autor(?:in|a|e|es)?|author|auteur|autore|schrijver|redaktion|reporter|byline|kirjoittaja|yazan|от|автор|текст|"
    r"作者|记者|記者|撰文|文|本报记者|本報記者|采写|来源|編輯|编辑|责任编辑|責任編輯|글|기자|執筆)(?:\s*[:：/／|]\s*|\s+)",
    re.I,
)
_BARE_CJK = re.compile(r"^(?:本报|本報|新华社|本网|本刊)?(?:特约|见习|首席|实习|特派)?(?:记者|記者|作者|通讯员)\s*[:：]?\s*")
_SPLIT = re.compile(r"\s*(?:[;|•·]|\s/\s|\n|、|，|\s+(?:and|und|et|och|og|y|e|en|i|и|та|ja|ve|&)\s+|&)\s*", re.I)
_COMMA = re.compile(r"\s*,\s*")
_ROLE = re.compile(
    r"\b(?:staff|writer|editor|editors|reporter|correspondent|contributor|columnist|journalist|redakteur(?:in)?|redactie|"
    r"redaktor|chief|senior|associate|deputy|managing|freelance|special|bureau|editorial|director|manager|analyst|fellow|professor|ceo|founder|"
    r"md|phd|ph\.d|mph|rd|rn|esq|jr\.?)\b",
    re.I,
)
_NOBODY = {
    "admin", "administrator", "editor", "editors", "staff", "staff writer", "staff reporter", "staff writers", "newsroom", "news desk", "newsdesk",
    "web desk", "desk", "redaktion", "redakcja", "redaction", "rédaction", "la rédaction", "redacción", "redaccion", "redazione", "redactie",
    "de redactie", "toimitus", "redaktionen", "redaksjonen", "online redaktion", "editorial team", "editorial staff", "guest", "guest author",
    "contributor", "guest contributor", "contributors", "author", "authors", "anonymous", "unknown", "user", "webmaster", "root", "none", "null",
    "undefined", "n a", "na", "by", "autor", "auteur", "super user", "superuser", "default", "test", "posts", "press release", "video", "more",
    "editorial", "the editors", "report", "reporter", "news", "team", "web editor", "site admin", "wp admin", "copyright", "all", "share", "follow",
    "编辑", "小编", "佚名", "匿名", "记者", "作者", "网络", "管理员", "本站", "责任编辑",
}  # fmt: skip
_AGENCY = re.compile(r"(?<=\w)\s+(?:for |of )?(?:the associated press|associated press|usa today|reuters|afp|bloomberg(?: news)?|staff writer|staff reporter|staff|contributor|contributing writer|senior reporter|reporter|editor|correspondent)$", re.I)
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
        parts = [_cleaned(part, site) for part in _parts(clean_line(value, 600))]
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


def bylines(texts: Iterable[str]) -> list[str]:
    """The parts of marked bylines that look like names: what follows "by", else parts of two to four capitalised words.

    `texts` have their elements' texts apart by " | ".
    """
    found: list[str] = []
    for text in texts:
        told = _AFTER_BY.findall(text)
        for part in told or text.split("|"):
            for name in _COMMA.split(_cut_short(part)):
                found.extend(piece for piece in _SPLIT.split(_unprefixed(name.strip())) if _looks_named(piece.strip()))
            if found and told:
                break
        if found:
            return found[:6]
    return found


_AFTER_BY = re.compile(r"(?:^|\|\s*)(?:written by|words by|story by|by|von|par|por|di|av|af|door|от|автор|作者|记者|記者)\s*:?\s*(?:\|\s*)*([^|]{2,80})", re.I)
_CUT = re.compile(r"\s(?:\d|[•·–—]|on (?=\d|[A-Z])|published|updated|posted|for (?=the )|is an? )", re.I)
_PARTICLES = {"de", "van", "von", "der", "den", "la", "le", "da", "do", "dos", "di", "del", "della", "bin", "al", "el", "ten", "ter", "zu", "y", "e", "af", "av"}
_UNLIKELY = re.compile(
    r"\b(?:about|account|also|article|articles|bearbeiten|click|comments?|contact|cookie|editor|edited|est|follow|folgen|full|here|home|just|last|learn|link|menu|min|minutes?|"
    r"more|news|newsletter|next|now|ago|online|page|photo|posts?|privacy|profile|published|read|reading|reviewed|save|search|share|size|staff|stories|story|subscribe|team|text|the|themen|"
    r"time|top|twitter|updated|verified|video|view|website|written|your)\b",
    re.I,
)


def _cut_short(part: str) -> str:
    return _CUT.split(part.strip(), maxsplit=1)[0]


def _looks_named(name: str) -> bool:
    """Whether a text has the shape of a person's name."""
    if _HAN.search(name) or not name.isascii() and not any(c.isupper() or c.islower() for c in name):
        return 2 <= len(name) <= 12
    words = name.split()
    if not 2 <= len(words) <= 5 or len(name) > 50 or _UNLIKELY.search(name):
        return False
    return all(word[:1].isupper() or word.lower() in _PARTICLES for word in words) and words[0][:1].isupper()


_HAN = re.compile(r"[\u4e00-\u9fff]")
_AGENCIES = {
    "afp", "ap", "reuters", "dpa", "apa", "ntb", "tt", "ritzau", "ansa", "efe", "lusa", "pap", "čtk", "ctk", "sid", "associated press", "the associated press",
    "bloomberg", "ians", "pti", "ani", "xinhua", "tass", "interfax", "belga", "anp", "keystone sda", "sda", "europa press", "the canadian press", "canadian press",
    "新华社", "中新社", "cnn", "press association", "pa media", "tnn", "agenturen", "dpa afx",
}  # fmt: skip


def _hosts(host: str) -> set[str]:
    """How a site's host name may stand for an author."""
    labels = [label for label in host.lower().split(".") if label not in ("www", "m")]
    return {key(" ".join(labels)), key(labels[0]) if labels else "", key("www " + " ".join(labels))}


def _parts(value: str) -> list[str]:
    value = _MAIL.sub("", value)
    parts: list[str] = []
    for piece in _SPLIT.split(_unprefixed(value)):
        commas = _COMMA.split(piece)
        if len(commas) == 2 and not commas[1].count(" ") and not commas[0].count(" ") and commas[0].isalpha() and commas[1].isalpha():
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
