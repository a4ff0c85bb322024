"""Classify a page as an article, or as the wall, listing or error page in its place, with evidence in words.

A single word is no evidence: pages of articles have cookie banners, login links and captcha scripts too. A page is a
wall if at least half of its text is in sentences with the phrases of walls; or if it has the title or an identifier of
a wall, and little text; or if it has little text, and nothing of the title in its index. A page that declares an
article, or has the title in its index, is an article unless its text is a wall's.
"""

from __future__ import annotations

from aggregator.extraction.classify.model import WALL_KINDS, ExtractedPage, PageKind, Verdict
from aggregator.extraction.classify.signals import (
    MIN_WALL_SHARE,
    find_identifier_evidence,
    find_title_evidence,
    measure_any_wall_share,
    measure_title_overlap,
    measure_wall_shares,
)
from storage.model.page import Page

MIN_ARTICLE_WORDS = 25
"""A page with fewer words is an article only if its markup declares one."""

_CHALLENGE_HEADERS = (("cf-mitigated", ("challenge",)), ("x-amzn-waf-action", ("challenge", "captcha")))
_BOT_PROTECTION_HEADERS = (
    ("x-datadome", ""),
    ("x-sucuri-block", ""),
    ("x-iinfo", ""),
    ("server", "akamaighost"),
    ("server", "ddos-guard"),
)
"""Headers of bot protection services: a 403 with one of them comes from the service."""

_MAX_WALL_WORDS = 1_500
_LONG_TEXT_WORDS = 300
"""A longer text can only be a consent wall, which its beginning shows."""

_OPENING_CHARACTERS = 2_500

_LINK_SCAN_CHARACTERS = 20_000
_MAX_MIXED_WALL_WORDS = 250
_MAX_UNEXPECTED_WORDS = 150
_MIN_TITLE_OVERLAP = 0.3


def classify_page(extracted: ExtractedPage) -> Verdict:
    """Return the kind of a page with evidence; no content of a page raises an error."""
    wall = (
        detect_challenge(extracted.page)
        or _detect_wall_text(extracted)
        or _detect_wall_markup(extracted)
        or _detect_error_status(extracted)
    )
    if wall is not None:
        return wall
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
    """Return the verdict on a bot challenge that the response headers declare, whatever the status; else None."""
    for name, values in _CHALLENGE_HEADERS:
        if page.header(name).lower() in values:
            return Verdict(kind=PageKind.CHALLENGE, evidence=(f"header {name}: {page.header(name)[:40]}",))
    if page.status == 403:
        for name, value in _BOT_PROTECTION_HEADERS:
            if value in page.header(name).lower() and page.header(name):
                return Verdict(kind=PageKind.CHALLENGE, evidence=(f"HTTP 403 and header {name}",))
    return None


def _detect_error_status(extracted: ExtractedPage) -> Verdict | None:
    """Return the verdict on an HTTP status of 400 and above."""
    status = extracted.page.status
    if status < 400:
        return None
    kind = PageKind.NOT_FOUND if status in (404, 410) else PageKind.LOGIN if status == 401 else PageKind.ERROR
    return Verdict(kind=kind, evidence=(f"HTTP {status}",))


def _detect_wall_text(extracted: ExtractedPage) -> Verdict | None:
    """Return the wall whose phrases fill at least half of the text, or of the visible text of a short page."""
    if extracted.word_count > _MAX_WALL_WORDS:
        return None
    wall = _find_dominant_wall(extracted, extracted.text, "the text")
    is_article = extracted.word_count >= MIN_ARTICLE_WORDS and (
        extracted.is_declared_article or extracted.has_expected_title
    )
    if wall is not None or is_article or not extracted.features.is_short:
        return wall
    return _find_dominant_wall(
        extracted, "\n".join((*extracted.titles[:1], extracted.features.visible_text)), "the visible text"
    )


def _find_dominant_wall(extracted: ExtractedPage, text: str, where: str) -> Verdict | None:
    """Return the wall whose phrases fill half of a text; in a short text the phrases of all kinds count together."""
    is_long = extracted.word_count > _LONG_TEXT_WORDS
    shares = (
        measure_wall_shares(text[:_OPENING_CHARACTERS], (PageKind.CONSENT,)) if is_long else measure_wall_shares(text)
    )
    kind = max(shares, key=lambda kind: (shares[kind], -WALL_KINDS.index(kind)))
    share = shares[kind]
    if (
        share < MIN_WALL_SHARE
        and 0 < extracted.word_count <= _MAX_MIXED_WALL_WORDS
        and not (extracted.is_declared_article or extracted.has_expected_title)
    ):
        share = measure_any_wall_share(text)
    if share < MIN_WALL_SHARE:
        return None
    return Verdict(
        kind=kind, evidence=(f"{share:.0%} of {where} is typical of such pages", extracted.word_count_evidence)
    )


def _detect_wall_markup(extracted: ExtractedPage) -> Verdict | None:
    """Return the wall whose title or identifier the page has."""
    if extracted.has_expected_title:
        return None
    for kind in WALL_KINDS:
        titles = tuple(find_title_evidence(extracted, kind))
        identifiers = tuple(find_identifier_evidence(extracted, kind))
        if (titles and identifiers) or ((titles or identifiers) and not extracted.is_declared_article):
            return Verdict(kind=kind, evidence=(*titles, *identifiers, extracted.word_count_evidence))
    return None


def _detect_listing(extracted: ExtractedPage) -> Verdict | None:
    """Return the verdict on a list of other pages: one that declares itself, or whose text is mostly links."""
    if extracted.is_declared_article or extracted.has_expected_title:
        return None
    if extracted.jsonld.is_listing:
        return Verdict(kind=PageKind.LISTING, evidence=(f"JSON-LD type {extracted.jsonld.page_kind}",))
    link_count, link_length = extracted.features.count_links_in(extracted.text[:_LINK_SCAN_CHARACTERS])
    inside = link_length / max(1, min(len(extracted.text), _LINK_SCAN_CHARACTERS))
    if extracted.link_share >= (
        0.38 if extracted.block_count >= 20 else 0.7 if extracted.block_count >= 5 else 2.0
    ) or (inside >= 0.5 and link_count >= 8):
        return Verdict(
            kind=PageKind.LISTING, evidence=(f"{max(extracted.link_share, inside):.0%} of the text is links",)
        )
    return None


def _detect_unexpected_page(extracted: ExtractedPage) -> Verdict | None:
    """Return the verdict on a page with little text and nothing of the title in its index: an unknown kind of wall."""
    if extracted.word_count > _MAX_UNEXPECTED_WORDS or extracted.is_declared_article or extracted.has_expected_title:
        return None
    overlap = measure_title_overlap(extracted.expected_title, extracted.titles, extracted.text)
    if overlap >= _MIN_TITLE_OVERLAP:
        return None
    return Verdict(
        kind=PageKind.STRANGER,
        evidence=(
            f"{overlap:.0%} of the words of “{extracted.expected_title[:80]}” are on the page",
            "no article markup",
            extracted.word_count_evidence,
        ),
    )
