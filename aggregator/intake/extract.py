"""The one door of extraction: a Page and its source's Hints come in, an Article or a Refusal goes out."""

from __future__ import annotations

import re

from lxml.etree import _Element

from aggregator.intake import jsonld, language, metadata
from aggregator.intake.body import OPTIONS, TRAFILATURA, extracted
from aggregator.intake.decode import readable
from aggregator.intake.marks import marked
from aggregator.intake.metadata import Facts
from aggregator.intake.render import html_of, text_of
from aggregator.intake.sanitize import sanitized
from aggregator.intake.tree import Unreadable, drop, parse
from aggregator.intake.trim import Known
from spiders.source import Hints
from storage.article import Article, Refusal
from storage.page import ContentError, Page

EXTRACTOR = f"evnews 2 / trafilatura {TRAFILATURA} / {OPTIONS}"
"""Name and version of what made an Article; changes whenever the same page may come out differently."""

MIN_WORDS = 25
_HTML_TYPES = ("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
_WORD = re.compile(
    r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+(?:['’.,-][^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+)*"
)


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
    data = readable(page.content(), page.header("content-type"))
    if not data.strip():
        return Refusal(code="empty", reason="nothing on the page")
    if b"<" not in data:
        return Refusal(code="not-html", reason="no markup on the page")
    tree, cut = parse(data)
    said = jsonld.declared(tree, page.url)
    for element in list(tree.iter("script", "style", "svg", "noscript")):
        drop(element)
    facts = metadata.gather(tree, said, page, hints)
    known = Known(title=facts.title, authors=facts.authors, site=facts.site_name)
    body = extracted(tree, known, said.body, hints)
    plain = "" if body is None else text_of(body)
    count = words(plain)
    if body is None or not count:
        return Refusal(code="empty", reason="no text on the page")
    if count < MIN_WORDS and not said.is_article:
        return Refusal(code="thin", reason=f"{count} words and no article markup")
    origin = "trafilatura, page cut off" if cut else "trafilatura"
    return marked(_assembled(page, hints, facts, body, plain, count, origin))


def _assembled(page: Page, hints: Hints, facts: Facts, body: _Element, text: str, count: int, origin: str) -> Article:
    spoken, said_by = language.language(
        text, facts.language, hints.language or (page.lead.language if page.lead else "")
    )
    when = facts.published
    return Article(
        url=page.url,
        canonical_url=facts.canonical_url,
        original_url=facts.original_url,
        title=facts.title or text.partition("\n")[0][:200],
        authors=facts.authors,
        published=when.at if when else None,
        published_date=when.day if when else "",
        published_raw=when.raw if when else "",
        zone_known=when.zone_known if when else False,
        modified=facts.modified,
        language=spoken,
        summary=facts.summary,
        text=text,
        html=sanitized(html_of(body, page.url)),
        image=facts.image,
        site_name=facts.site_name,
        tags=facts.tags,
        words=count,
        extractor=EXTRACTOR,
        origins=(*facts.origins, ("language", said_by), ("text", origin)),
    )


def words(text: str) -> int:
    """How many words a text has; two characters count as one where words are not set apart."""
    characters = len(_CJK.findall(text))
    return len(_WORD.findall(text)) + (characters + 1) // 2
