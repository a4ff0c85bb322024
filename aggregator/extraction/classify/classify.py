"""What a page is: an article, or the wall, list or error that stood in its place; with the evidence in words.

The evidence is about what the page is, never that a word occurs on it: articles carry cookie
banners, login links and captcha scripts too. A page is a wall where its text talks as walls do
for at least half its length, or where its title is a wall's, or a wall's mark is on it, and there
is little text besides; or where its little text has nothing of the title that its index gave it.
A page that declares itself an article, or bears that title, is one unless its very text is a wall's.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.extraction.classify.signals import (
    ALL_TALK,
    WALLS,
    PageKind,
    Read,
    kinship,
    marked,
    named,
    share_of_any,
    shares,
)
from storage.model.article import Refusal
from storage.model.page import Page

MIN_WORDS = 25
"""A page with fewer words than this is an article only where it declares itself one."""

_WORDS_FOR = {
    PageKind.LISTING: "a list of other pages",
    PageKind.CONSENT: "a consent wall",
    PageKind.CHALLENGE: "a bot challenge",
    PageKind.LOGIN: "a login page",
    PageKind.PAYWALL: "behind a paywall, and nothing of it is free to read",
    PageKind.NOT_FOUND: "a page that says that nothing was found",
    PageKind.SHELL: "an empty shell that needs JavaScript",
    PageKind.ERROR: "an error page",
    PageKind.STRANGER: "not the page that its index named",
    PageKind.EMPTY: "no text on the page",
    PageKind.THIN: "too little text and no article markup",
}
_CHALLENGE_HEADERS = (("cf-mitigated", ("challenge",)), ("x-amzn-waf-action", ("challenge", "captcha")))
_GUARDS = (
    ("x-datadome", ""),
    ("x-sucuri-block", ""),
    ("x-iinfo", ""),
    ("server", "akamaighost"),
    ("server", "ddos-guard"),
)
"""Headers of services that guard sites: with a 403 it is they who refuse."""

_MOST_TALK = 1_500
_MOST_TALKED = 300
"""A longer text can only be the talk of a consent wall, which its beginning tells."""

_BEGINNING = 2_500

_MOST_LISTED = 20_000
_MOST_MIXED = 250
_MOST_STRANGE = 150
_LEAST_KIN = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a page is, and why: `evidence` is one fact a string, in words."""

    kind: PageKind
    evidence: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The verdict with its evidence, as one line."""
        said = _WORDS_FOR.get(self.kind, str(self.kind))
        return f"{said}: {'; '.join(self.evidence)}" if self.evidence else said

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of a page that is no article; None for an article and for a paywall's stub."""
        if self.kind in (PageKind.ARTICLE, PageKind.STUB):
            return None
        return Refusal(code=self.kind.value, reason=self.reason)


def judged(read: Read) -> Verdict:
    """What a page is; never raises for anything that stands on it."""
    found = challenged(read.page) or _talk(read) or _wall(read) or _status(read)
    if found is not None:
        return found
    if not read.words:
        return Verdict(kind=PageKind.PAYWALL if read.said.is_free is False else PageKind.EMPTY, evidence=(read.amount,))
    if read.words < MIN_WORDS and not read.said.is_article:
        return Verdict(kind=PageKind.THIN, evidence=(read.amount,))
    return _listing(read) or _stranger(read) or _article(read)


def _article(read: Read) -> Verdict:
    if read.cut and (read.is_declared or read.is_expected):
        return Verdict(kind=PageKind.STUB, evidence=(read.cut,))
    return Verdict(kind=PageKind.ARTICLE)


def challenged(page: Page) -> Verdict | None:
    """A challenge that its server calls one in the answer's headers, whatever the status; None where it does not."""
    for name, values in _CHALLENGE_HEADERS:
        if page.header(name).lower() in values:
            return Verdict(kind=PageKind.CHALLENGE, evidence=(f"header {name}: {page.header(name)[:40]}",))
    if page.status == 403:
        for name, value in _GUARDS:
            if value in page.header(name).lower() and page.header(name):
                return Verdict(kind=PageKind.CHALLENGE, evidence=(f"HTTP 403 and header {name}",))
    return None


def _status(read: Read) -> Verdict | None:
    """What a status other than 200 says, where it came as far as this."""
    status = read.page.status
    if status < 400:
        return None
    kind = PageKind.NOT_FOUND if status in (404, 410) else PageKind.LOGIN if status == 401 else PageKind.ERROR
    return Verdict(kind=kind, evidence=(f"HTTP {status}",))


def _talk(read: Read) -> Verdict | None:
    """The wall whose way of talking fills at least half of the text, or of the little that the page shows."""
    if read.words > _MOST_TALK:
        return None
    found = _loudest(read, read.text, "its text")
    is_article = read.words >= MIN_WORDS and (read.is_declared or read.is_expected)
    if found is not None or is_article or not read.looks.is_short:
        return found
    return _loudest(read, "\n".join((*read.titles[:1], read.looks.shown)), "all that it shows")


def _loudest(read: Read, text: str, where: str) -> Verdict | None:
    """The wall that talks for half of a text; for less of it, where all kinds of walls together talk for so much."""
    is_long = read.words > _MOST_TALKED
    found = shares(text[:_BEGINNING], (PageKind.CONSENT,)) if is_long else shares(text)
    kind = max(found, key=lambda one: (found[one], -WALLS.index(one)))
    share = found[kind]
    if share < ALL_TALK and 0 < read.words <= _MOST_MIXED and not (read.is_declared or read.is_expected):
        share = share_of_any(text)
    if share < ALL_TALK:
        return None
    return Verdict(kind=kind, evidence=(f"{share:.0%} of {where} talks as such pages do", read.amount))


def _wall(read: Read) -> Verdict | None:
    """The wall whose title or mark the page bears."""
    if read.is_expected:
        return None
    for kind in WALLS:
        by_name, by_mark = tuple(named(read, kind)), tuple(marked(read, kind))
        if (by_name and by_mark) or ((by_name or by_mark) and not read.is_declared):
            return Verdict(kind=kind, evidence=(*by_name, *by_mark, read.amount))
    return None


def _listing(read: Read) -> Verdict | None:
    """A list of other pages: what declares itself one, or whose text is in great part links."""
    if read.is_declared or read.is_expected:
        return None
    if read.said.is_listing:
        return Verdict(kind=PageKind.LISTING, evidence=(f"its JSON-LD calls it {read.said.page_kind}",))
    many, held = read.looks.links_in(read.text[:_MOST_LISTED])
    inside = held / max(1, min(len(read.text), _MOST_LISTED))
    if read.linked >= (0.38 if read.blocks >= 20 else 0.7 if read.blocks >= 5 else 2.0) or (
        inside >= 0.5 and many >= 8
    ):
        return Verdict(kind=PageKind.LISTING, evidence=(f"{max(read.linked, inside):.0%} of its text are links",))
    return None


def _stranger(read: Read) -> Verdict | None:
    """A page with little text and nothing of the title that was promised: a wall of a kind not known here."""
    if read.words > _MOST_STRANGE or read.is_declared or read.is_expected:
        return None
    kin = kinship(read.expected, read.titles, read.text)
    if kin >= _LEAST_KIN:
        return None
    return Verdict(
        kind=PageKind.STRANGER,
        evidence=(f"{kin:.0%} of the words of “{read.expected[:80]}” are on it", "no article markup", read.amount),
    )
