"""The one door of extraction: a Page and its source's Hints come in, an Article or a Refusal goes out."""

from __future__ import annotations

import re

from aggregator.intake import jsonld, language, metadata
from aggregator.intake.body import OPTIONS, TRAFILATURA, extracted
from aggregator.intake.decode import decode
from aggregator.intake.render import html_of, text_of
from aggregator.intake.sanitize import sanitized
from aggregator.intake.tree import Unreadable, parse
from aggregator.intake.trim import Known
from spiders.source import Hints
from storage.article import Article, Refusal
from storage.page import ContentError, Page

EXTRACTOR = f"evnews 1 / trafilatura {TRAFILATURA} / {OPTIONS}"
"""Name and version of what made an Article; changes whenever the same page may come out differently."""

MIN_WORDS = 25
_HTML_TYPES = ("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+(?:['’.,-][^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+)*")


def extract(page: Page, hints: Hints) -> Article | Refusal:
    """What a page is, or why it is no article; raises nothing but MemoryError.

    Codes of refusal: `content` (its coding cannot be undone), `not-html`, `empty`, `thin`
    (under 25 words and no article markup), `unreadable`.
    """
    try:
        return _article(page, hints)
    except ContentError as error:
        return Refusal(code="content", reason=str(error))
    except Unreadable as error:
        return Refusal(code="unreadable", reason=str(error))
    except RecursionError:
        return Refusal(code="unreadable", reason="nested too deeply")
    except MemoryError:
        raise
    except Exception as error:  # one page, one verdict: a fault in reading it must not cost the others
        return Refusal(code="unreadable", reason=f"{type(error).__name__}: {str(error)[:200]}")


def _article(page: Page, hints: Hints) -> Article | Refusal:
    if page.media_type not in _HTML_TYPES:
        return Refusal(code="not-html", reason=f"media type {page.media_type[:80]}")
    text = decode(page.content(), page.header("content-type"))
    if not text.strip():
        return Refusal(code="empty", reason="nothing on the page")
    if "<" not in text:
        return Refusal(code="not-html", reason="no markup on the page")
    tree, cut = parse(text)
    said = jsonld.declared(tree, page.url)
    known = metadata.facts(tree, said, page.lead, hints, page.url, page.fetched_at)
    body = extracted(tree, Known(title=known.title, authors=known.authors, site=known.site_name), said.body)
    plain = "" if body is None else text_of(body)
    count = words(plain)
    if not count:
        return Refusal(code="empty", reason="no text on the page")
    if count < MIN_WORDS and not said.is_article:
        return Refusal(code="thin", reason=f"{count} words and no article markup")
    spoken, spoken_origin = language.language(plain, known.language, hints.language)
    return Article(
        url=page.url, canonical_url=known.canonical_url, title=known.title, authors=known.authors, published=known.published,
        published_date=known.published_date, published_raw=known.published_raw, zone_known=known.zone_known, modified=known.modified,
        language=spoken, summary=known.summary, text=plain, html=sanitized(html_of(body, page.url)) if body is not None else "",
        image=known.image, site_name=known.site_name, tags=known.tags, words=count, extractor=EXTRACTOR,
        origins=(*known.origins, ("language", spoken_origin), ("text", "trafilatura")),
    )


def words(text: str) -> int:
    """How many words a text has; two characters count as one where words are not set apart."""
    characters = len(_CJK.findall(text))
    return len(_WORD.findall(text)) + (characters + 1) // 2
