"""What speaks for a page's being a wall, an error or a shell: its titles, its marks, and how its text talks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.extraction.classify.page_features import Looks
from aggregator.extraction.classify.patterns import NAMES, TALK, folded
from aggregator.extraction.html_metadata import Markup
from aggregator.extraction.jsonld import Declared
from aggregator.extraction.metadata.titles import key
from storage.model.page import Page


class PageKind(StrEnum):
    """What a page can be."""

    ARTICLE = "article"
    STUB = "stub"
    LISTING = "listing"
    CONSENT = "consent"
    CHALLENGE = "challenge"
    LOGIN = "login"
    PAYWALL = "paywall"
    NOT_FOUND = "not-found"
    SHELL = "shell"
    ERROR = "error"
    STRANGER = "stranger"
    EMPTY = "empty"
    THIN = "thin"


WALLS = (
    PageKind.CHALLENGE,
    PageKind.ERROR,
    PageKind.NOT_FOUND,
    PageKind.CONSENT,
    PageKind.LOGIN,
    PageKind.SHELL,
)
"""What may stand in an article's place, in the order in which it is believed."""

ALL_TALK = 0.5
"""A text is a wall's where this part of it stands in sentences that talk as walls do."""

_TELLING = (PageKind.CHALLENGE, PageKind.NOT_FOUND)
"""Pages whose headings are sentences; a headline of the news is seldom taken for one."""

_MOST_NAMED = {"challenge": 250, "error": 200, "not-found": 300, "consent": 600, "login": 200, "shell": 100}
"""A page that bears a wall's title may hold so many words besides and still be that wall."""

_MOST_MARKED = {"challenge": 80, "error": 60, "not-found": 300, "consent": 60, "login": 120, "shell": 25}
_MOST_READ = 12_000
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_PARTS = re.compile(r"\s+[-|·•»«:>/\u2013\u2014]\s+|\s*[|_｜]\s*|:\s+")
_CODE = re.compile(
    r"(?:http |error |fehler |erreur |status )*(?P<code>[45]\d\d)(?: error| fehler)?[ !:.-]*(?P<rest>.*)"
)
_STATUS_WORDS = re.compile(
    r"not found|forbidden|unauthorized|gone|bad (?:gateway|request)|(?:internal )?server error|access denied"
    r"|service (?:temporarily )?unavailable|(?:gateway|request) time-?out|too many requests|method not allowed"
    r"|backend fetch failed"
)
_ASKS_LOGIN = re.compile(r"/(?:log-?in|sign-?in|sso|auth|anmelden|connexion|account/login)(?:[/.]|$)", re.I)
_NO_SUCH = re.compile(r"/(?:404|error-?404|not-?found|page-?not-?found)(?:[/.]|$)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read of a page: its text, how many words that is, and which share of it is the text of links.

    `blocks` are the text's paragraphs and the like. `cut` says in words why a paywall is thought to
    have left only the beginning of an article; it is empty where none has.
    """

    page: Page
    head: Markup
    said: Declared
    looks: Looks
    text: str
    words: int
    linked: float = 0.0
    blocks: int = 0
    cut: str = ""

    @property
    def is_declared(self) -> bool:
        """Whether the page's own markup calls it an article."""
        return (
            self.said.is_article
            or self.head.meta("og:type").lower() in ("article", "newsarticle", "blog")
            or bool(self.head.meta("article:published_time"))
        )

    @property
    def expected(self) -> str:
        """The title that the page's index gave it, or an empty string."""
        return self.page.lead.title if self.page.lead else ""

    @property
    def titles(self) -> tuple[str, ...]:
        """What the page calls itself."""
        return tuple(filter(None, (self.head.title, self.head.meta("og:title"), *self.head.headings)))

    @property
    def is_expected(self) -> bool:
        """Whether the page itself bears the title that its index gave it."""
        told = key(self.expected)
        own = [key(title) for title in self.titles]
        return len(told) > 3 and any(told == title or (len(told) > 15 and told in title) for title in own)

    @property
    def amount(self) -> str:
        """How much text there is, in words."""
        return f"{self.words} words of text"


def shares(text: str, kinds: tuple[PageKind, ...] = WALLS) -> dict[PageKind, float]:
    """For kinds of walls, which part of a text stands in sentences that talk as they do."""
    plain = folded(text[:_MOST_READ])
    return {kind: _share(plain, text, kind) for kind in kinds}


def share_of_any(text: str) -> float:
    """Which part of a text stands in sentences that talk as any wall does, a paywall too."""
    plain = folded(text[:_MOST_READ])
    turns = [turn for listed in TALK.values() for turn in listed if turn in plain]
    return _held(turns, text)


@lru_cache(maxsize=2)
def _sentences(text: str) -> tuple[str, ...]:
    return tuple(folded(sentence) for sentence in _SENTENCE.split(text[:_MOST_READ]))


def _share(plain: str, text: str, kind: PageKind) -> float:
    """One turn alone says something of a short text only."""
    turns = [turn for turn in TALK[kind] if turn in plain]
    return 0.0 if len(turns) < 2 and len(plain) > 200 else _held(turns, text)


def _held(turns: list[str], text: str) -> float:
    if not turns:
        return 0.0
    sentences = _sentences(text)
    talk = sum(len(sentence) for sentence in sentences if any(turn in sentence for turn in turns))
    return talk / max(1, sum(map(len, sentences)))


def named(read: Read, kind: PageKind) -> Iterator[str]:
    """A title that only such pages bear, where there is little text under it."""
    if read.words > _MOST_NAMED[kind]:
        return
    for title in read.titles[:4]:
        if _is_name(title, kind):
            yield f"titled “{title[:80]}”"
            return


def _is_name(title: str, kind: PageKind) -> bool:
    """Whether a title is such a page's: the whole of it, or a part of it beside a site's name."""
    plain = folded(title[:200])
    if plain in NAMES[kind] or plain.strip(" .!…:") in NAMES[kind] or _of_code(plain) == kind:
        return True
    if kind in _TELLING and len(plain) <= 110 and any(turn in plain for turn in TALK[kind] if _is_long(turn)):
        return True
    parts = [part.strip(" .!…:") for part in _PARTS.split(plain) if part]
    if not 2 <= len(parts) <= 4:
        return False
    at = next((at for at, part in enumerate(parts) if part in NAMES[kind] or _of_code(part) == kind), -1)
    return at >= 0 and all(len(key(part).split()) <= 5 and len(part) <= 40 for i, part in enumerate(parts) if i != at)


def _is_long(turn: str) -> bool:
    """Whether a turn says enough to be known in a headline: about twenty letters, or seven of Chinese."""
    return len(turn.encode()) >= 18


def _of_code(plain: str) -> PageKind | None:
    """What a title says that is an HTTP status: its number, alone or with its words."""
    found = _CODE.fullmatch(plain)
    if found is None or (found["rest"] and not _STATUS_WORDS.search(found["rest"])):
        return None
    code = found["code"]
    return PageKind.NOT_FOUND if code in ("404", "410") else PageKind.LOGIN if code == "401" else PageKind.ERROR


def marked(read: Read, kind: PageKind) -> Iterator[str]:
    """A mark that such pages bear, where there is next to no text."""
    if read.words > _MOST_MARKED[kind]:
        return
    looks = read.looks
    mark = looks.bears(kind, read.words)
    if mark and (looks.is_short or kind is PageKind.NOT_FOUND):
        yield f"bears the mark {mark}"
    elif kind is PageKind.LOGIN and _asks_login(read):
        yield "answered from an address for logging in"
    elif kind is PageKind.NOT_FOUND and _NO_SUCH.search(urlsplit(read.page.url).path):
        yield "answered from an address for what is not found"
    elif kind is PageKind.SHELL and looks.is_bare:
        yield "its root element is empty until scripts fill it"
    elif kind is PageKind.SHELL and shares(looks.unseen, (kind,))[kind] >= ALL_TALK:
        yield "its noscript asks for JavaScript"


def _asks_login(read: Read) -> bool:
    """Whether the address that answered is one for logging in, and not the one that was asked."""
    url = read.page.url
    return bool(_ASKS_LOGIN.search(urlsplit(url).path)) and (url != read.page.asked or read.looks.passwords > 0)


def kinship(expected: str, titles: tuple[str, ...], text: str) -> float:
    """Which part of an expected title's words (pairs of characters, where words are not set apart) is on the page."""
    wanted = _words(expected)
    if not wanted:
        return 1.0
    there = _words(" ".join(titles)[:2_000]) | _words(text[:1_500])
    return len(wanted & there) / len(wanted)


def _words(text: str) -> set[str]:
    dense = _DENSE.findall(text)
    pairs = {run[at : at + 2] for run in dense for at in range(len(run) - 1)}
    return pairs | {word for word in key(_DENSE.sub(" ", text)).split() if len(word) > 3 or word.isdigit()}
