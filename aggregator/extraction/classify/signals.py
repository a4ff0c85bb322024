"""What speaks for a page's being a wall, an error or a shell: its titles, its marks, and how its text talks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.extraction.classify.page_features import PageFeatures
from aggregator.extraction.classify.patterns import WALL_PHRASES, WALL_TITLES, fold_phrase
from aggregator.extraction.html_metadata import HeadMetadata
from aggregator.extraction.jsonld import JsonLdArticle
from aggregator.extraction.metadata.titles import normalize_words
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


WALL_KINDS = (
    PageKind.CHALLENGE,
    PageKind.ERROR,
    PageKind.NOT_FOUND,
    PageKind.CONSENT,
    PageKind.LOGIN,
    PageKind.SHELL,
)
"""What may stand in an article's place, in the order in which it is believed."""

MIN_WALL_SHARE = 0.5
"""A text is a wall's where this part of it stands in sentences that talk as walls do."""

_SENTENCE_TITLED_KINDS = (PageKind.CHALLENGE, PageKind.NOT_FOUND)
"""Pages whose headings are sentences; a headline of the news is seldom taken for one."""

_MAX_WORDS_WITH_TITLE = {"challenge": 250, "error": 200, "not-found": 300, "consent": 600, "login": 200, "shell": 100}
"""A page that bears a wall's title may hold so many words besides and still be that wall."""

_MAX_WORDS_WITH_IDENTIFIER = {"challenge": 80, "error": 60, "not-found": 300, "consent": 60, "login": 120, "shell": 25}
_SCANNED_CHARACTERS = 12_000
_UNSPACED_SCRIPT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_TITLE_SEPARATOR = re.compile(r"\s+[-|·•»«:>/\u2013\u2014]\s+|\s*[|_｜]\s*|:\s+")
_STATUS_TITLE = re.compile(
    r"(?:http |error |fehler |erreur |status )*(?P<code>[45]\d\d)(?: error| fehler)?[ !:.-]*(?P<rest>.*)"
)
_STATUS_WORDS = re.compile(
    r"not found|forbidden|unauthorized|gone|bad (?:gateway|request)|(?:internal )?server error|access denied"
    r"|service (?:temporarily )?unavailable|(?:gateway|request) time-?out|too many requests|method not allowed"
    r"|backend fetch failed"
)
_LOGIN_PATH = re.compile(r"/(?:log-?in|sign-?in|sso|auth|anmelden|connexion|account/login)(?:[/.]|$)", re.I)
_NOT_FOUND_PATH = re.compile(r"/(?:404|error-?404|not-?found|page-?not-?found)(?:[/.]|$)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedPage:
    """What was read of a page: its text, how many words that is, and which share of it is the text of links.

    `blocks` are the text's paragraphs and the like. `cut` says in words why a paywall is thought to
    have left only the beginning of an article; it is empty where none has.
    """

    page: Page
    head: HeadMetadata
    jsonld: JsonLdArticle
    features: PageFeatures
    text: str
    word_count: int
    link_share: float = 0.0
    block_count: int = 0
    truncation_reason: str = ""

    @property
    def is_declared_article(self) -> bool:
        """Whether the page's own markup calls it an article."""
        return (
            self.jsonld.is_article
            or self.head.meta("og:type").lower() in ("article", "newsarticle", "blog")
            or bool(self.head.meta("article:published_time"))
        )

    @property
    def expected_title(self) -> str:
        """The title that the page's index gave it, or an empty string."""
        return self.page.lead.title if self.page.lead else ""

    @property
    def titles(self) -> tuple[str, ...]:
        """What the page calls itself."""
        return tuple(filter(None, (self.head.title, self.head.meta("og:title"), *self.head.headings)))

    @property
    def has_expected_title(self) -> bool:
        """Whether the page itself bears the title that its index gave it."""
        told = normalize_words(self.expected_title)
        own = [normalize_words(title) for title in self.titles]
        return len(told) > 3 and any(told == title or (len(told) > 15 and told in title) for title in own)

    @property
    def word_count_evidence(self) -> str:
        """How much text there is, in words."""
        return f"{self.word_count} words of text"


def measure_wall_shares(text: str, kinds: tuple[PageKind, ...] = WALL_KINDS) -> dict[PageKind, float]:
    """For kinds of walls, which part of a text stands in sentences that talk as they do."""
    plain = fold_phrase(text[:_SCANNED_CHARACTERS])
    return {kind: _measure_wall_share(plain, text, kind) for kind in kinds}


def measure_any_wall_share(text: str) -> float:
    """Which part of a text stands in sentences that talk as any wall does, a paywall too."""
    plain = fold_phrase(text[:_SCANNED_CHARACTERS])
    turns = [turn for listed in WALL_PHRASES.values() for turn in listed if turn in plain]
    return _measure_phrase_share(turns, text)


@lru_cache(maxsize=2)
def _split_sentences(text: str) -> tuple[str, ...]:
    return tuple(fold_phrase(sentence) for sentence in _SENTENCE_END.split(text[:_SCANNED_CHARACTERS]))


def _measure_wall_share(plain: str, text: str, kind: PageKind) -> float:
    """One turn alone says something of a short text only."""
    turns = [turn for turn in WALL_PHRASES[kind] if turn in plain]
    return 0.0 if len(turns) < 2 and len(plain) > 200 else _measure_phrase_share(turns, text)


def _measure_phrase_share(phrases: list[str], text: str) -> float:
    if not phrases:
        return 0.0
    sentences = _split_sentences(text)
    talk = sum(len(sentence) for sentence in sentences if any(turn in sentence for turn in phrases))
    return talk / max(1, sum(map(len, sentences)))


def find_title_evidence(extracted: ExtractedPage, kind: PageKind) -> Iterator[str]:
    """A title that only such pages bear, where there is little text under it."""
    if extracted.word_count > _MAX_WORDS_WITH_TITLE[kind]:
        return
    for title in extracted.titles[:4]:
        if _is_wall_title(title, kind):
            yield f"titled “{title[:80]}”"
            return


def _is_wall_title(title: str, kind: PageKind) -> bool:
    """Whether a title is such a page's: the whole of it, or a part of it beside a site's name."""
    plain = fold_phrase(title[:200])
    if plain in WALL_TITLES[kind] or plain.strip(" .!…:") in WALL_TITLES[kind] or _kind_of_status_title(plain) == kind:
        return True
    if (
        kind in _SENTENCE_TITLED_KINDS
        and len(plain) <= 110
        and any(turn in plain for turn in WALL_PHRASES[kind] if _is_distinctive(turn))
    ):
        return True
    parts = [part.strip(" .!…:") for part in _TITLE_SEPARATOR.split(plain) if part]
    if not 2 <= len(parts) <= 4:
        return False
    at = next(
        (at for at, part in enumerate(parts) if part in WALL_TITLES[kind] or _kind_of_status_title(part) == kind), -1
    )
    return at >= 0 and all(
        len(normalize_words(part).split()) <= 5 and len(part) <= 40 for i, part in enumerate(parts) if i != at
    )


def _is_distinctive(phrase: str) -> bool:
    """Whether a turn says enough to be known in a headline: about twenty letters, or seven of Chinese."""
    return len(phrase.encode()) >= 18


def _kind_of_status_title(plain: str) -> PageKind | None:
    """What a title says that is an HTTP status: its number, alone or with its words."""
    found = _STATUS_TITLE.fullmatch(plain)
    if found is None or (found["rest"] and not _STATUS_WORDS.search(found["rest"])):
        return None
    code = found["code"]
    return PageKind.NOT_FOUND if code in ("404", "410") else PageKind.LOGIN if code == "401" else PageKind.ERROR


def find_identifier_evidence(extracted: ExtractedPage, kind: PageKind) -> Iterator[str]:
    """A mark that such pages bear, where there is next to no text."""
    if extracted.word_count > _MAX_WORDS_WITH_IDENTIFIER[kind]:
        return
    looks = extracted.features
    mark = looks.find_identifier(kind, extracted.word_count)
    if mark and (looks.is_short or kind is PageKind.NOT_FOUND):
        yield f"bears the mark {mark}"
    elif kind is PageKind.LOGIN and _is_login_redirect(extracted):
        yield "answered from an address for logging in"
    elif kind is PageKind.NOT_FOUND and _NOT_FOUND_PATH.search(urlsplit(extracted.page.url).path):
        yield "answered from an address for what is not found"
    elif kind is PageKind.SHELL and looks.has_empty_root:
        yield "its root element is empty until scripts fill it"
    elif kind is PageKind.SHELL and measure_wall_shares(looks.noscript_text, (kind,))[kind] >= MIN_WALL_SHARE:
        yield "its noscript asks for JavaScript"


def _is_login_redirect(extracted: ExtractedPage) -> bool:
    """Whether the address that answered is one for logging in, and not the one that was asked."""
    url = extracted.page.url
    return bool(_LOGIN_PATH.search(urlsplit(url).path)) and (
        url != extracted.page.requested_url or extracted.features.password_fields > 0
    )


def measure_title_overlap(expected: str, titles: tuple[str, ...], text: str) -> float:
    """Which part of an expected title's words (pairs of characters, where words are not set apart) is on the page."""
    wanted = _split_title_words(expected)
    if not wanted:
        return 1.0
    there = _split_title_words(" ".join(titles)[:2_000]) | _split_title_words(text[:1_500])
    return len(wanted & there) / len(wanted)


def _split_title_words(text: str) -> set[str]:
    dense = _UNSPACED_SCRIPT.findall(text)
    pairs = {run[at : at + 2] for run in dense for at in range(len(run) - 1)}
    return pairs | {
        word for word in normalize_words(_UNSPACED_SCRIPT.sub(" ", text)).split() if len(word) > 3 or word.isdigit()
    }
