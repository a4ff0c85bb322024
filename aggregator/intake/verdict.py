"""What a page is: an article, or the wall, list or error that stood in its place; with the evidence in words.

The evidence is about what the page is, never that a word occurs on it: articles carry cookie
banners, login links and captcha scripts too. A page is a wall where its text talks as walls do
for at least half its length, or where its title or only heading is a wall's, or a wall's mark is
on it, and there is little text besides. A page that declares itself an article, or that bears the
title its index gave it, is one unless its very text is a wall's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from aggregator.intake.jsonld import Declared
from aggregator.intake.looks import Looks
from aggregator.intake.markup import Markup
from aggregator.intake.titles import key
from aggregator.intake.walls import NAMES, TALK, folded
from storage.article import Refusal
from storage.page import Lead, Page


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
    EMPTY = "empty"
    THIN = "thin"


WORDS_FOR = {
    PageKind.LISTING: "a list of other pages",
    PageKind.CONSENT: "a consent wall",
    PageKind.CHALLENGE: "a bot challenge",
    PageKind.LOGIN: "a login page",
    PageKind.PAYWALL: "behind a paywall, nothing of it free to read",
    PageKind.NOT_FOUND: "a page that says it was not found",
    PageKind.SHELL: "an empty shell that needs JavaScript",
    PageKind.ERROR: "an error page",
    PageKind.EMPTY: "no text on the page",
    PageKind.THIN: "too little text and no article markup",
}
MIN_WORDS = 25
"""A page with fewer words than this is an article only where it declares itself one."""

_WALLS = (
    PageKind.CHALLENGE,
    PageKind.ERROR,
    PageKind.NOT_FOUND,
    PageKind.CONSENT,
    PageKind.LOGIN,
    PageKind.SHELL,
)
_TELLING = (PageKind.CHALLENGE, PageKind.NOT_FOUND)
"""Pages whose headings are sentences; a headline of the news is seldom taken for one."""

_MOST_NAMED = {"challenge": 250, "error": 200, "not-found": 300, "consent": 600, "login": 200, "shell": 100}
"""A page that bears a wall's title may hold so many words besides and still be that wall."""

_MOST_MARKED = {"challenge": 80, "error": 60, "not-found": 300, "consent": 60, "login": 120, "shell": 25}
_MOST_TALK = 1_500
_MOST_TALKED = 500
_ALL_TALK = 0.5
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
_ASKS_LOGIN = re.compile(
    r"/(?:log-?in|sign-?in|sso|auth|anmelden|connexion|connect/authorize|account/login)(?:[/.?]|$)", re.I
)
_NO_SUCH = re.compile(r"/(?:404|error-?404|not-?found|page-?not-?found)(?:[/.]|$)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a page is, and why: `evidence` is one fact a string, in words."""

    kind: PageKind
    evidence: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The verdict with its evidence, as one line."""
        said = WORDS_FOR.get(self.kind, str(self.kind))
        return f"{said}: {'; '.join(self.evidence)}" if self.evidence else said

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of a page that is no article; None for an article and for a paywall's stub."""
        return None if self.kind in (PageKind.ARTICLE, PageKind.STUB) else Refusal(code=self.kind, reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read of a page: its text, how many words that is, and which share of it is the text of links."""

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
        head = self.head
        return (
            self.said.is_article
            or head.meta("og:type").lower() in ("article", "newsarticle", "blog")
            or bool(head.meta("article:published_time"))
        )

    @property
    def is_expected(self) -> bool:
        """Whether the page itself bears the title that its index gave it."""
        lead = key(_lead(self.page).title)
        own = [key(value) for value in (self.head.title, self.head.meta("og:title"), *self.head.headings)]
        return len(lead) > 3 and any(lead == title or (len(lead) > 15 and lead in title) for title in own)


def judged(read: Read) -> Verdict:
    """What a page is; never raises for anything that stands on it."""
    found = _by_header(read) or _wall(read)
    if found is not None:
        return found
    if not read.words:
        return Verdict(kind=PageKind.EMPTY, evidence=_amount(read))
    if read.words < MIN_WORDS and not read.said.is_article:
        return Verdict(kind=PageKind.THIN, evidence=_amount(read))
    return _listing(read) or _article(read)


def _article(read: Read) -> Verdict:
    if read.cut:
        return Verdict(kind=PageKind.STUB, evidence=(read.cut,))
    return Verdict(kind=PageKind.ARTICLE)


def _by_header(read: Read) -> Verdict | None:
    """Challenges that are told apart by what their server says of the answer."""
    page = read.page
    if page.header("cf-mitigated").lower() == "challenge":
        return Verdict(kind=PageKind.CHALLENGE, evidence=("header cf-mitigated: challenge",))
    action = page.header("x-amzn-waf-action").lower()
    if action in ("challenge", "captcha"):
        return Verdict(kind=PageKind.CHALLENGE, evidence=(f"header x-amzn-waf-action: {action}",))
    return None


def _wall(read: Read) -> Verdict | None:
    """The wall that stands in the article's place, if one does."""
    if read.words <= _MOST_TALK:
        talk = _talking(read)
        if talk is not None:
            return talk
    if read.is_expected:
        return None
    for kind in _WALLS:
        named, marked = tuple(_named(read, kind)), tuple(_marked(read, kind))
        if (named and marked) or ((named or marked) and not read.is_declared):
            return Verdict(kind=kind, evidence=(*named, *marked, *_amount(read)))
    return None


def _talking(read: Read) -> Verdict | None:
    """The wall whose way of talking fills at least half of the text, or of all that the page shows."""
    shares = {kind: _share(read.text, kind) for kind in _WALLS} if read.words <= _MOST_TALKED else {}
    if not shares:
        shares = {PageKind.CONSENT: _share(read.text, PageKind.CONSENT)}
    said_in = "its text"
    if max(shares.values()) < _ALL_TALK and read.looks.shown and not (read.is_declared and read.words >= MIN_WORDS):
        said_in, shown = "all that it shows", f"{read.head.title}\n{read.looks.shown}"
        shares = {kind: _share(shown, kind) for kind in _WALLS}
    kind = max(shares, key=lambda one: (shares[one], -_WALLS.index(one)))
    if shares[kind] < _ALL_TALK or (read.is_expected and read.words >= MIN_WORDS and said_in != "its text"):
        return None
    return Verdict(kind=kind, evidence=(f"{shares[kind]:.0%} of {said_in} talks as such pages do", *_amount(read)))


def _share(text: str, kind: PageKind) -> float:
    """Which part of a text stands in sentences with a turn of such a page; 0 with fewer than two different turns."""
    plain = folded(text[:12_000])
    turns = [turn for turn in TALK[kind] if turn in plain]
    if not turns or (len(turns) < 2 and len(plain) > 200):
        return 0.0
    sentences = [folded(sentence) for sentence in _SENTENCE.split(text[:12_000])]
    talk = sum(len(sentence) for sentence in sentences if any(turn in sentence for turn in turns))
    return talk / max(1, sum(map(len, sentences)))


def _named(read: Read, kind: PageKind) -> Iterator[str]:
    """Titles that only such pages bear, where there is little text under them."""
    if read.words > _MOST_NAMED[kind]:
        return
    own = ((title, "titled") for title in (read.head.title, read.head.meta("og:title")))
    headings = ((heading, "headed") for heading in read.head.headings[:2])
    for line, how in (*own, *headings):
        if line and _is_name(line, kind):
            yield f"{how} “{line[:80]}”"
            return


def _is_name(line: str, kind: PageKind) -> bool:
    """Whether a title is such a page's: the whole of it, or a part of it beside a site's name."""
    plain = folded(line[:200])
    stripped = plain.rstrip(" .!…:")
    if plain in NAMES[kind] or stripped in NAMES[kind] or _code_kind(plain) == kind:
        return True
    if kind in _TELLING and len(plain) <= 110 and any(turn in plain for turn in TALK[kind] if _is_long(turn)):
        return True
    parts = [part.strip(" .!…:") for part in _PARTS.split(plain) if part]
    if not 2 <= len(parts) <= 4:
        return False
    at = next((at for at, part in enumerate(parts) if part in NAMES[kind] or _code_kind(part) == kind), -1)
    return at >= 0 and all(len(key(part).split()) <= 5 and len(part) <= 40 for i, part in enumerate(parts) if i != at)


def _is_long(turn: str) -> bool:
    """Whether a turn says enough to be known in a headline: about twenty letters, or seven of Chinese."""
    return len(turn.encode()) >= 20


def _code_kind(plain: str) -> PageKind | None:
    """What a title says that is an HTTP status: its number, alone or with its words."""
    found = _CODE.fullmatch(plain)
    if found is None or (found["rest"] and not _STATUS_WORDS.search(found["rest"])):
        return None
    code = found["code"]
    return PageKind.NOT_FOUND if code in ("404", "410") else PageKind.LOGIN if code == "401" else PageKind.ERROR


def _marked(read: Read, kind: PageKind) -> Iterator[str]:
    """Marks that such pages bear, where there is next to no text."""
    if read.words > _MOST_MARKED.get(kind, 0):
        return
    mark = read.looks.bears(kind)
    if mark and (read.looks.shown or read.looks.length == 0 or kind is PageKind.NOT_FOUND):
        yield f"bears the mark {mark}"
    elif kind is PageKind.LOGIN and _asks_login(read):
        yield "answered from an address for logging in"
    elif kind is PageKind.SHELL and read.looks.is_bare:
        yield "its root element is empty until scripts fill it"
    elif kind is PageKind.SHELL and _share(read.looks.unseen, kind) >= _ALL_TALK:
        yield "its noscript asks for JavaScript"
    elif kind is PageKind.NOT_FOUND and _NO_SUCH.search(urlsplit(read.page.url).path):
        yield "answered from an address for what is not found"


def _asks_login(read: Read) -> bool:
    """Whether the address that answered is one for logging in, and not the one that was asked."""
    url = read.page.url
    return bool(_ASKS_LOGIN.search(urlsplit(url).path)) and (url != read.page.asked or read.looks.passwords > 0)


def _listing(read: Read) -> Verdict | None:
    """A list of other pages: what declares itself one, or whose text is in great part links."""
    if read.is_declared or read.is_expected:
        return None
    if read.said.is_listing:
        return Verdict(kind=PageKind.LISTING, evidence=(f"its JSON-LD calls it {read.said.page_kind}",))
    enough = 0.38 if read.blocks >= 20 else 0.7 if read.blocks >= 5 else 2.0
    if read.linked >= enough:
        return Verdict(kind=PageKind.LISTING, evidence=(f"{read.linked:.0%} of its text are links",))
    return None


def _amount(read: Read) -> tuple[str, ...]:
    return (f"{read.words} words of text",)


def _lead(page: Page) -> Lead:
    return page.lead or Lead(url="")
