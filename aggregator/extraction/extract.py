"""The one door of extraction: a Page and its source's Hints come in, an Article or a Refusal goes out."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from lxml.etree import _Element

from aggregator.extraction import jsonld
from aggregator.extraction.body.boilerplate import remove_boilerplate
from aggregator.extraction.body.find import TRAFILATURA_OPTIONS, TRAFILATURA_VERSION, find_body, measure_links
from aggregator.extraction.body.render import render_html, render_text
from aggregator.extraction.body.sanitize import sanitize_html
from aggregator.extraction.body.trim import KnownMetadata
from aggregator.extraction.classify.classify import classify_page
from aggregator.extraction.classify.model import ExtractedPage, PageKind
from aggregator.extraction.classify.page_features import collect_page_features
from aggregator.extraction.classify.paywall import explain_truncation, find_paywalled_text
from aggregator.extraction.decode import transcode_to_utf8
from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.extraction.embedded_text import compare_with_page_data, read_page_data
from aggregator.extraction.metadata import language
from aggregator.extraction.metadata.gather import PageMetadata, gather_metadata
from aggregator.extraction.tree import UnreadablePage, drop_element, parse_page
from spiders.source import Hints
from storage.model.article import Article, Refusal
from storage.model.page import ContentError, Page
from storage.text.characters import count_words

EXTRACTOR = f"evnews 5 / trafilatura {TRAFILATURA_VERSION} / {TRAFILATURA_OPTIONS}"
"""Name and version of what made an Article; changes whenever the same page may come out differently."""

_HTML_TYPES = ("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml")


def extract(page: Page, hints: Hints) -> Article | Refusal:
    """What a page is, or why it is no article; raises nothing but MemoryError.

    Codes of refusal: `content` (its coding cannot be undone), `not-html`, `unreadable`; and what the
    page is instead of an article (see `verdict`): `challenge` (a wall against bots), `consent`,
    `login`, `paywall` (nothing of it may be read), `not-found` (with a status that says otherwise),
    `error`, `shell` (empty without JavaScript), `listing`, `stranger` (has nothing of what its index
    promised, and little else), `empty`, `thin` (under 25 words and no
    article markup). What a paywall leaves of an article is an Article, `truncated`.
    """
    try:
        return _extract_article(page, hints)
    except ContentError as error:
        return Refusal(code="content", reason=str(error))
    except UnreadablePage as error:
        return Refusal(code="unreadable", reason=str(error))
    except RecursionError:
        return Refusal(code="unreadable", reason="nested too deeply")
    except MemoryError:
        raise
    except Exception as error:  # one page, one verdict: a fault in reading it must not cost the others
        return Refusal(code="unreadable", reason=f"{type(error).__name__}: {str(error)[:200]}")


def _extract_article(page: Page, hints: Hints) -> Article | Refusal:
    if page.media_type not in _HTML_TYPES:
        return Refusal(code="not-html", reason=f"media type {page.media_type[:80]}")
    data = transcode_to_utf8(page.decode_content(), page.header("content-type"))
    if not data.strip():
        return Refusal(code="empty", reason="nothing on the page")
    if b"<" not in data:
        return Refusal(code="not-html", reason="no markup on the page")
    tree, cut = parse_page(data)
    said = jsonld.read_jsonld(tree, page.url)
    beside = read_page_data(tree)
    hidden = list(tree.iter("script", "style", "svg", "noscript"))
    for element in hidden:
        drop_element(element)
    looks, held = collect_page_features(tree, hidden, is_article=said.is_article), find_paywalled_text(tree, said)
    facts = gather_metadata(tree, said, page, hints)
    known = KnownMetadata(title=facts.title, authors=facts.authors, site=facts.site_name)
    body, credit_lines = find_body(tree, known, said.body, hints)
    whole = "" if body is None else render_text(body)
    stated = compare_with_page_data(whole, beside, [words for _, words in facts.headlines])
    dropped = () if body is None else remove_boilerplate(body, whole, hints.boilerplate)
    plain = render_text(body) if body is not None and dropped else whole
    count = count_words(plain)
    told = max(count_words(facts.summary), count_words(page.lead.summary) if page.lead else 0)
    share, blocks = measure_links(body)
    read = ExtractedPage(
        page=page,
        head=facts.head,
        jsonld=said,
        features=looks,
        text=plain,
        word_count=count,
        link_share=share,
        block_count=blocks,
        truncation_reason=explain_truncation(said, plain, count, told, count_words(held), looks.full_text),
    )
    verdict = classify_page(read)
    if verdict.refusal is not None or body is None:
        return verdict.refusal or Refusal(code="empty", reason="no text on the page")
    origin = "trafilatura, page cut off" if cut else "trafilatura"
    made = _build_article(page, hints, facts, body, plain, count, origin)
    made = replace(
        made,
        differs_in_page_data=stated.differs_in_page_data,
        in_page_data=stated.in_page_data,
        removed_boilerplate=dropped,
        boilerplate_version=hints.boilerplate_version,
    )
    return with_derived_fields(replace(made, truncated=verdict.kind is PageKind.STUB), credit_lines)


def _build_article(
    page: Page, hints: Hints, metadata: PageMetadata, body: _Element, text: str, count: int, origin: str
) -> Article:
    spoken, said_by = language.detect_language(
        text, metadata.language, hints.language or (page.lead.language if page.lead else "")
    )
    when = metadata.published
    return Article(
        url=page.url,
        canonical_url=metadata.canonical_url,
        original_url=metadata.original_url,
        title=metadata.title or text.partition("\n")[0][:200],
        headlines=metadata.headlines,
        authors=metadata.authors,
        published=when.at if when else None,
        published_date=when.day if when else "",
        published_raw=when.raw if when else "",
        zone_known=when.has_zone if when else False,
        modified=metadata.modified,
        language=spoken,
        summary=metadata.summary,
        text=text,
        html=sanitize_html(render_html(body, page.url)),
        image=metadata.image,
        site_name=metadata.site_name,
        tags=metadata.tags,
        words=count,
        extractor=describe_extractor(hints),
        origins=(*metadata.origins, ("language", said_by), ("text", origin)),
    )


def describe_extractor(hints: Hints) -> str:
    """What a page is read by: the extractor, and what the catalogue tells it of the page's structure."""
    told = (hints.body_css, *hints.drop_css)
    return f"{EXTRACTOR} / css {sha256(repr(told).encode()).hexdigest()[:8]}" if any(told) else EXTRACTOR
