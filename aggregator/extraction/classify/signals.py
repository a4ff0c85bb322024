"""Find evidence that a page is a wall, an error page or an empty shell: titles, identifiers and phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.extraction.classify.model import WALL_KINDS, ExtractedPage, PageKind
from aggregator.extraction.classify.patterns import WALL_PHRASES, WALL_TITLES, fold_phrase
from aggregator.extraction.metadata.titles import normalize_words
from storage.text.characters import EAST_ASIAN

MIN_WALL_SHARE = 0.5
"""A text is a wall's if this share of it is in sentences with the phrases of walls."""

_SENTENCE_TITLED_KINDS = (PageKind.CHALLENGE, PageKind.NOT_FOUND)
"""Kinds of pages with sentences as headings; news headlines rarely contain the same phrases."""

_MAX_WORDS_WITH_TITLE = {"challenge": 250, "error": 200, "not-found": 300, "consent": 600, "login": 200, "shell": 100}
"""Maximum number of words of text on a page with the title of a wall."""

_MAX_WORDS_WITH_IDENTIFIER = {"challenge": 80, "error": 60, "not-found": 300, "consent": 60, "login": 120, "shell": 25}
"""Maximum number of words of text on a page with an identifier of a wall."""

_SCANNED_CHARACTERS = 12_000
_EAST_ASIAN_RUN = re.compile(f"[{EAST_ASIAN}]+")
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


def measure_wall_shares(text: str, kinds: tuple[PageKind, ...] = WALL_KINDS) -> dict[PageKind, float]:
    """Return, by kind of wall, the share of a text that is in sentences with phrases of that kind."""
    plain = fold_phrase(text[:_SCANNED_CHARACTERS])
    return {kind: _measure_wall_share(plain, text, kind) for kind in kinds}


def measure_any_wall_share(text: str) -> float:
    """Return the share of a text that is in sentences with phrases of any wall, paywalls included."""
    plain = fold_phrase(text[:_SCANNED_CHARACTERS])
    phrases = [phrase for listed in WALL_PHRASES.values() for phrase in listed if phrase in plain]
    return _measure_phrase_share(phrases, text)


@lru_cache(maxsize=2)
def _split_sentences(text: str) -> tuple[str, ...]:
    return tuple(fold_phrase(sentence) for sentence in _SENTENCE_END.split(text[:_SCANNED_CHARACTERS]))


def _measure_wall_share(plain: str, text: str, kind: PageKind) -> float:
    """Return the share for one kind; a single phrase is evidence in a short text only."""
    phrases = [phrase for phrase in WALL_PHRASES[kind] if phrase in plain]
    return 0.0 if len(phrases) < 2 and len(plain) > 200 else _measure_phrase_share(phrases, text)


def _measure_phrase_share(phrases: list[str], text: str) -> float:
    if not phrases:
        return 0.0
    sentences = _split_sentences(text)
    matched = sum(len(sentence) for sentence in sentences if any(phrase in sentence for phrase in phrases))
    return matched / max(1, sum(map(len, sentences)))


def find_title_evidence(extracted: ExtractedPage, kind: PageKind) -> Iterator[str]:
    """Yield a title that only pages of a kind have, if there is little text below it."""
    if extracted.word_count > _MAX_WORDS_WITH_TITLE[kind]:
        return
    for title in extracted.titles[:4]:
        if _is_wall_title(title, kind):
            yield f"titled “{title[:80]}”"
            return


def _is_wall_title(title: str, kind: PageKind) -> bool:
    """Return True if a title, or a part of it next to a site's name, is one of a kind of page."""
    plain = fold_phrase(title[:200])
    if plain in WALL_TITLES[kind] or plain.strip(" .!…:") in WALL_TITLES[kind] or _kind_of_status_title(plain) == kind:
        return True
    if (
        kind in _SENTENCE_TITLED_KINDS
        and len(plain) <= 110
        and any(phrase in plain for phrase in WALL_PHRASES[kind] if _is_distinctive(phrase))
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
    """Return True if a phrase is long enough to be recognised in a headline: 18 bytes, or 6 Chinese characters."""
    return len(phrase.encode()) >= 18


def _kind_of_status_title(plain: str) -> PageKind | None:
    """Return the kind of page of a title that is an HTTP status (code, with or without reason phrase), or None."""
    match = _STATUS_TITLE.fullmatch(plain)
    if match is None or (match["rest"] and not _STATUS_WORDS.search(match["rest"])):
        return None
    code = match["code"]
    return PageKind.NOT_FOUND if code in ("404", "410") else PageKind.LOGIN if code == "401" else PageKind.ERROR


def find_identifier_evidence(extracted: ExtractedPage, kind: PageKind) -> Iterator[str]:
    """Yield evidence from identifiers, the URL or an empty root element, if there is almost no text."""
    if extracted.word_count > _MAX_WORDS_WITH_IDENTIFIER[kind]:
        return
    features = extracted.features
    identifier = features.find_identifier(kind, extracted.word_count)
    if identifier and (features.is_short or kind is PageKind.NOT_FOUND):
        yield f"contains {identifier}"
    elif kind is PageKind.LOGIN and _is_login_redirect(extracted):
        yield "redirected to a login URL"
    elif kind is PageKind.NOT_FOUND and _NOT_FOUND_PATH.search(urlsplit(extracted.page.url).path):
        yield "redirected to a not-found URL"
    elif kind is PageKind.SHELL and features.has_empty_root:
        yield "root element is empty without scripts"
    elif kind is PageKind.SHELL and measure_wall_shares(features.noscript_text, (kind,))[kind] >= MIN_WALL_SHARE:
        yield "noscript element asks for JavaScript"


def _is_login_redirect(extracted: ExtractedPage) -> bool:
    """Return True if the final URL is a login URL that was not requested, or has a password field."""
    url = extracted.page.url
    return bool(_LOGIN_PATH.search(urlsplit(url).path)) and (
        url != extracted.page.requested_url or extracted.features.password_fields > 0
    )


def measure_title_overlap(expected: str, titles: tuple[str, ...], text: str) -> float:
    """Return the share of an expected title's words that are on the page, 0 to 1.

    East Asian text is compared by pairs of characters.
    """
    wanted = _split_title_words(expected)
    if not wanted:
        return 1.0
    present = _split_title_words(" ".join(titles)[:2_000]) | _split_title_words(text[:1_500])
    return len(wanted & present) / len(wanted)


def _split_title_words(text: str) -> set[str]:
    runs = _EAST_ASIAN_RUN.findall(text)
    pairs = {run[at : at + 2] for run in runs for at in range(len(run) - 1)}
    return pairs | {
        word for word in normalize_words(_EAST_ASIAN_RUN.sub(" ", text)).split() if len(word) > 3 or word.isdigit()
    }
