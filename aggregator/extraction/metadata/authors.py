"""Authors as people: names without "By", roles, addresses or the organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml.html import HtmlElement

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


_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶"
    "黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳"
    "管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇呂盧鍾譚陸範賈韋鄒閻龍賀顧龔萬錢嚴湯龐顏倪莊聶魯歐關蘭寧紀淩畢單駱藍遊華滿費衛應"
)
_NAME = rf"[{_SURNAMES}][\u4e00-\u9fff·]{{1,2}}"
_NAMES = rf"({_NAME}(?:[\s、，,]{{1,3}}{_NAME}){{0,5}})"
_STOP = r"(?=\s*(?:[^\u4e00-\u9fff\s]|$|\n|发自|報道|报道|摄|文|通讯员|综合|整理|编辑|/|[\u4e00-\u9fff]{2,6}报道))"
_PATTERNS = (
    re.compile(rf"(?:记者|記者)(?:[ 　]|\s*[:：]\s*)?{_NAMES}{_STOP}"),
    re.compile(rf"(?:作者|撰文|采写|文/|文／|撰稿)\s*[:：/／]?\s*{_NAMES}{_STOP}"),
    re.compile(rf"[（(]\s*{_NAMES}(?:\s*[\u4e00-\u9fff]{{2,6}}报道)?\s*[)）]\s*(?:\n|$)"),
    re.compile(rf"(?:责任编辑|责编|編輯|编辑)\s*[:：]\s*{_NAMES}{_STOP}"),
)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]{8}")
_LIMIT = 60_000


def bylined(tree: HtmlElement) -> list[str]:
    """The names of the first byline: a reporter's, an author's, in brackets at a line's end, at last an editor's."""
    body = tree.find("body")
    if body is None:
        return []
    text = "\n".join(line for part in body.itertext() if (line := part.strip()))[:_LIMIT]
    if not _HAN_RUN.search(text):
        return []
    for pattern in _PATTERNS:
        found = pattern.search(text)
        if found:
            return re.split(r"[\s、，,]+", found[1])
    return []
