"""Authors as people: names without "By", roles, addresses or the organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml.html import HtmlElement

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
    """The persons that author values name, each once, in order, at most 20; agencies where they name no person.

    A value in which the site itself appears beside places ("example.org, Berlin") is the
    site's imprint and names nobody.
    """
    found: dict[str, str] = {}
    agencies: dict[str, str] = {}
    ours = {normalize_words(site), *_list_host_names(host)} - {""}
    for value in values:
        parts = [
            _clean_name(part, site) for part in _split_authors(strip_site_name(clean_line(value, 600), site, host))
        ]
        if "," in value and any(normalize_words(part) in ours for part in parts):
            continue
        for name in parts:
            if normalize_words(name) in _AGENCIES or normalize_words(name) in ours:
                agencies.setdefault(normalize_words(name), name)
            elif _is_person(name, site, title):
                found.setdefault(normalize_words(name), name)
    if not found and any(name in _AGENCIES for name in agencies):
        found = agencies
    return tuple(list(found.values())[:20])


def is_byline_label(text: str) -> bool:
    """Whether a text is nothing but what stands before an author's name ("Written by")."""
    return bool(_BYLINE_LABEL.fullmatch(text.strip(" :")))


def is_login_name(names: tuple[str, ...]) -> bool:
    """Whether an author is named as a system knows them: one word without a capital."""
    return len(names) == 1 and names[0].isascii() and names[0].islower() and " " not in names[0]


def matches_login(login: str, name: str) -> bool:
    """Whether a full name may be the one behind a login: a word of it stands there."""
    return " " in name and any(len(word) > 3 and word in login for word in normalize_words(name).split())


def find_byline_names(texts: Iterable[str], *, take_all: bool = False, allow_single_word: bool = False) -> list[str]:
    """The parts of marked bylines that look like names: what follows "by", else parts of two to four capitalised words.

    `texts` have their elements' texts apart by " | ". The first that names anybody is enough,
    unless `every` is asked for, where each marked element holds one author. A single word
    counts where it stands `alone` in its element.
    """
    found: list[str] = []
    for text in texts:
        named = [name for part in _AFTER_BY.findall(text) or text.split("|") for name in _split_byline(part)]
        found += named or ([single] if allow_single_word and (single := _single_word_name(text)) else [])
        if len(found) >= 6 or (found and not take_all):
            break
    return found[:6]


def _single_word_name(text: str) -> str:
    """The one word of a text, where it may be what somebody calls themselves."""
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
    """Whether a text has the shape of a person's name."""
    if _HAN.search(name) or (not name.isascii() and not any(c.isupper() or c.islower() for c in name)):
        return 2 <= len(name) <= 12
    words = name.split()
    if not 2 <= len(words) <= 5 or len(name) > 50 or _NON_NAME.search(name):
        return False
    return all(word[:1].isupper() or word.lower() in _NAME_PARTICLES for word in words) and words[0][:1].isupper()


_HAN = re.compile(r"[\u4e00-\u9fff]")


def _list_host_names(host: str) -> set[str]:
    """How a site's host name may stand for an author."""
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


_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶"
    "黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳"
    "管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇呂盧鍾譚陸範賈韋鄒閻龍賀顧龔萬錢嚴湯龐顏倪莊聶魯歐關蘭寧紀淩畢單駱藍遊華滿費衛應"
)
_CHINESE_NAME = rf"[{_SURNAMES}][\u4e00-\u9fff·]{{1,2}}"
_CHINESE_NAMES = rf"({_CHINESE_NAME}(?:[\s、，,]{{1,3}}{_CHINESE_NAME}){{0,5}})"
_AFTER_CHINESE_NAMES = (
    r"(?=\s*(?:[^\u4e00-\u9fff\s]|$|\n|发自|報道|报道|摄|文|通讯员|综合|整理|编辑|/|[\u4e00-\u9fff]{2,6}报道))"
)
_CHINESE_BYLINES = (
    re.compile(rf"(?:记者|記者)(?:[ 　]|\s*[:：]\s*)?{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
    re.compile(rf"(?:作者|撰文|采写|文/|文／|撰稿)\s*[:：/／]?\s*{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
    re.compile(rf"[（(]\s*{_CHINESE_NAMES}(?:\s*[\u4e00-\u9fff]{{2,6}}报道)?\s*[)）]\s*(?:\n|$)"),
    re.compile(rf"(?:责任编辑|责编|編輯|编辑)\s*[:：]\s*{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]{8}")
_MAX_TEXT_LENGTH = 60_000


def find_chinese_byline(tree: HtmlElement) -> list[str]:
    """The names of the first byline: a reporter's, an author's, in brackets at a line's end, at last an editor's."""
    body = tree.find("body")
    if body is None:
        return []
    text = "\n".join(line for part in body.itertext() if (line := part.strip()))[:_MAX_TEXT_LENGTH]
    if not _HAN_RUN.search(text):
        return []
    for pattern in _CHINESE_BYLINES:
        found = pattern.search(text)
        if found:
            return re.split(r"[\s、，,]+", found[1])
    return []
