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
    MIN_WALL_SHARE,
    WALL_KINDS,
    ExtractedPage,
    PageKind,
    find_identifier_evidence,
    find_title_evidence,
    measure_any_wall_share,
    measure_title_overlap,
    measure_wall_shares,
)
from storage.model.article import Refusal
from storage.model.page import Page

MIN_ARTICLE_WORDS = 25
"""A page with fewer words than this is an article only where it declares itself one."""

_DESCRIPTIONS = {
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
_BOT_PROTECTION_HEADERS = (
    ("x-datadome", ""),
    ("x-sucuri-block", ""),
    ("x-iinfo", ""),
    ("server", "akamaighost"),
    ("server", "ddos-guard"),
)
"""Headers of services that guard sites: with a 403 it is they who refuse."""

_MAX_WALL_WORDS = 1_500
_LONG_TEXT_WORDS = 300
"""A longer text can only be the talk of a consent wall, which its beginning tells."""

_OPENING_CHARACTERS = 2_500

_LINK_SCAN_CHARACTERS = 20_000
_MAX_MIXED_WALL_WORDS = 250
_MAX_UNEXPECTED_WORDS = 150
_MIN_TITLE_OVERLAP = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a page is, and why: `evidence` is one fact a string, in words."""

    kind: PageKind
    evidence: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The verdict with its evidence, as one line."""
        said = _DESCRIPTIONS.get(self.kind, str(self.kind))
        return f"{said}: {'; '.join(self.evidence)}" if self.evidence else said

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of a page that is no article; None for an article and for a paywall's stub."""
        if self.kind in (PageKind.ARTICLE, PageKind.STUB):
            return None
        return Refusal(code=self.kind.value, reason=self.reason)


def classify_page(extracted: ExtractedPage) -> Verdict:
    """What a page is; never raises for anything that stands on it."""
    found = (
        detect_challenge(extracted.page)
        or _detect_wall_text(extracted)
        or _detect_wall_markup(extracted)
        or _detect_error_status(extracted)
    )
    if found is not None:
        return found
    if not extracted.word_count:
        return Verdict(
            kind=PageKind.PAYWALL if extracted.jsonld.is_free is False else PageKind.EMPTY,
            evidence=(extracted.word_count_evidence,),
        )
    if extracted.word_count < MIN_ARTICLE_WORDS and not extracted.jsonld.is_article:
        return Verdict(kind=PageKind.THIN, evidence=(extracted.word_count_evidence,))
    return _detect_listing(extracted) or _detect_unexpected_page(extracted) or _accept_article(extracted)


def _accept_article(extracted: ExtractedPage) -> Verdict:
    if extracted.truncation_reason and (extracted.is_declared_article or extracted.has_expected_title):
        return Verdict(kind=PageKind.STUB, evidence=(extracted.truncation_reason,))
    return Verdict(kind=PageKind.ARTICLE)


def detect_challenge(page: Page) -> Verdict | None:
    """A challenge that its server calls one in the answer's headers, whatever the status; None where it does not."""
    for name, values in _CHALLENGE_HEADERS:
        if page.header(name).lower() in values:
            return Verdict(kind=PageKind.CHALLENGE, evidence=(f"header {name}: {page.header(name)[:40]}",))
    if page.status == 403:
        for name, value in _BOT_PROTECTION_HEADERS:
            if value in page.header(name).lower() and page.header(name):
                return Verdict(kind=PageKind.CHALLENGE, evidence=(f"HTTP 403 and header {name}",))
    return None


def _detect_error_status(extracted: ExtractedPage) -> Verdict | None:
    """What a status other than 200 says, where it came as far as this."""
    status = extracted.page.status
    if status < 400:
        return None
    kind = PageKind.NOT_FOUND if status in (404, 410) else PageKind.LOGIN if status == 401 else PageKind.ERROR
    return Verdict(kind=kind, evidence=(f"HTTP {status}",))


def _detect_wall_text(extracted: ExtractedPage) -> Verdict | None:
    """The wall whose way of talking fills at least half of the text, or of the little that the page shows."""
    if extracted.word_count > _MAX_WALL_WORDS:
        return None
    found = _find_dominant_wall(extracted, extracted.text, "its text")
    is_article = extracted.word_count >= MIN_ARTICLE_WORDS and (
        extracted.is_declared_article or extracted.has_expected_title
    )
    if found is not None or is_article or not extracted.features.is_short:
        return found
    return _find_dominant_wall(
        extracted, "\n".join((*extracted.titles[:1], extracted.features.visible_text)), "all that it shows"
    )


def _find_dominant_wall(extracted: ExtractedPage, text: str, where: str) -> Verdict | None:
    """The wall that talks for half of a text; for less of it, where all kinds of walls together talk for so much."""
    is_long = extracted.word_count > _LONG_TEXT_WORDS
    found = (
        measure_wall_shares(text[:_OPENING_CHARACTERS], (PageKind.CONSENT,)) if is_long else measure_wall_shares(text)
    )
    kind = max(found, key=lambda one: (found[one], -WALL_KINDS.index(one)))
    share = found[kind]
    if (
        share < MIN_WALL_SHARE
        and 0 < extracted.word_count <= _MAX_MIXED_WALL_WORDS
        and not (extracted.is_declared_article or extracted.has_expected_title)
    ):
        share = measure_any_wall_share(text)
    if share < MIN_WALL_SHARE:
        return None
    return Verdict(
        kind=kind, evidence=(f"{share:.0%} of {where} talks as such pages do", extracted.word_count_evidence)
    )


def _detect_wall_markup(extracted: ExtractedPage) -> Verdict | None:
    """The wall whose title or mark the page bears."""
    if extracted.has_expected_title:
        return None
    for kind in WALL_KINDS:
        by_name, by_mark = tuple(find_title_evidence(extracted, kind)), tuple(find_identifier_evidence(extracted, kind))
        if (by_name and by_mark) or ((by_name or by_mark) and not extracted.is_declared_article):
            return Verdict(kind=kind, evidence=(*by_name, *by_mark, extracted.word_count_evidence))
    return None


def _detect_listing(extracted: ExtractedPage) -> Verdict | None:
    """A list of other pages: what declares itself one, or whose text is in great part links."""
    if extracted.is_declared_article or extracted.has_expected_title:
        return None
    if extracted.jsonld.is_listing:
        return Verdict(kind=PageKind.LISTING, evidence=(f"its JSON-LD calls it {extracted.jsonld.page_kind}",))
    many, held = extracted.features.count_links_in(extracted.text[:_LINK_SCAN_CHARACTERS])
    inside = held / max(1, min(len(extracted.text), _LINK_SCAN_CHARACTERS))
    if extracted.link_share >= (
        0.38 if extracted.block_count >= 20 else 0.7 if extracted.block_count >= 5 else 2.0
    ) or (inside >= 0.5 and many >= 8):
        return Verdict(
            kind=PageKind.LISTING, evidence=(f"{max(extracted.link_share, inside):.0%} of its text are links",)
        )
    return None


def _detect_unexpected_page(extracted: ExtractedPage) -> Verdict | None:
    """A page with little text and nothing of the title that was promised: a wall of a kind not known here."""
    if extracted.word_count > _MAX_UNEXPECTED_WORDS or extracted.is_declared_article or extracted.has_expected_title:
        return None
    kin = measure_title_overlap(extracted.expected_title, extracted.titles, extracted.text)
    if kin >= _MIN_TITLE_OVERLAP:
        return None
    return Verdict(
        kind=PageKind.STRANGER,
        evidence=(
            f"{kin:.0%} of the words of “{extracted.expected_title[:80]}” are on it",
            "no article markup",
            extracted.word_count_evidence,
        ),
    )
