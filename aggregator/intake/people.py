"""Authors as people: names without "By", roles, addresses or the organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml.html import HtmlElement

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
    """The persons that author values name, each once, in order; at most 20."""
    found: dict[str, str] = {}
    for value in values:
        for part in _parts(clean_line(value, 600)):
            name = _cleaned(part, site)
            if _is_person(name, site, title) and key(name) not in _hosts(host):
                found.setdefault(key(name), name)
    return tuple(list(found.values())[:20])


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
    name = _AGENCY.sub("", name)
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


_CJK_NAME = r"[\u4e00-\u9fff·]{2,4}"
_CJK_BYLINE = re.compile(
    rf"(?:^|[\s（(【\[/|·。，])(?:本报|本報|本网|新华社|[\u4e00-\u9fff]{{2,6}}(?:网|社|报|日报|新闻)?)?(?:特约|见习|首席|实习)?"
    rf"(?:记者|記者|作者|撰文|责编|责任编辑|采写|通讯员)\s*[:：/]?\s*({_CJK_NAME}(?:[\s、，,/]{{1,2}}{_CJK_NAME}){{0,3}})(?=[\s（）()】\]/|。，,:：;；]|$)"
)
_TEXT_HEAD = 12_000


def in_text(tree: HtmlElement) -> list[str]:
    """Names that a byline in the running text of a Chinese page gives: 记者 and its like before a short name."""
    body = tree.find("body")
    text = "" if body is None else "\n".join(part.strip() for part in body.itertext() if part.strip())
    if not _HAN.search(text[:4000]):
        return []
    found = _CJK_BYLINE.search(text[:_TEXT_HEAD]) or _CJK_BYLINE.search(text[-_TEXT_HEAD:])
    return [re.sub(r"[\s、，,/]+", "、", found[1])] if found else []


_HAN = re.compile(r"[\u4e00-\u9fff]{8}")
