"""Extract an Article from a Page, or a Refusal that says why the page is no article."""

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
from aggregator.topics.matcher import TopicMatcher
from spiders.source import Hints
from storage.model.article import Article, Refusal
from storage.model.page import ContentError, Page
from storage.text.characters import count_words

EXTRACTOR = f"evnews 5 / trafilatura {TRAFILATURA_VERSION} / {TRAFILATURA_OPTIONS}"
"""Name and version of what made an Article; changes whenever the same page may come out differently."""

_HTML_TYPES = ("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml")


def extract(page: Page, hints: Hints, matcher: TopicMatcher) -> Article | Refusal:
    """Return the article of a page, or the refusal of the page. Raises only MemoryError.

    Codes of refusal: `content` (the content encoding is broken), `not-html`, `unreadable`, and the kinds of pages that
    `classify_page` recognises: `challenge` (a bot wall), `consent`, `login`, `paywall` (nothing is readable),
    `not-found` (with another status), `error`, `shell` (empty without JavaScript), `listing`, `stranger` (unrelated to
    the index entry, with little text), `empty`, `thin` (under 25 words, no article markup). The readable part of an
    article behind a paywall is an Article with `truncated`.
    """
    try:
        return _extract_article(page, hints, matcher)
    except ContentError as error:
        return Refusal(code="content", reason=str(error))
    except UnreadablePage as error:
        return Refusal(code="unreadable", reason=str(error))
    except RecursionError:
        return Refusal(code="unreadable", reason="nested too deeply")
    except MemoryError:
        raise
    except Exception as error:  # a fault in one page must not stop the others
        return Refusal(code="unreadable", reason=f"{type(error).__name__}: {str(error)[:200]}")


def _extract_article(page: Page, hints: Hints, matcher: TopicMatcher) -> Article | Refusal:
    if page.media_type not in _HTML_TYPES:
        return Refusal(code="not-html", reason=f"media type {page.media_type[:80]}")
    data = transcode_to_utf8(page.decode_content(), page.header("content-type"))
    if not data.strip():
        return Refusal(code="empty", reason="nothing on the page")
    if b"<" not in data:
        return Refusal(code="not-html", reason="no markup on the page")
    tree, cut = parse_page(data)
    page_jsonld = jsonld.read_jsonld(tree, page.url)
    page_data = read_page_data(tree)
    hidden = list(tree.iter("script", "style", "svg", "noscript"))
    for element in hidden:
        drop_element(element)
    features = collect_page_features(tree, hidden, is_article=page_jsonld.is_article)
    paywalled_text = find_paywalled_text(tree, page_jsonld)
    metadata = gather_metadata(tree, page_jsonld, page, hints)
    known = KnownMetadata(title=metadata.title, authors=metadata.authors, site=metadata.site_name)
    body, credit_lines = find_body(tree, known, page_jsonld.body, hints)
    page_text = "" if body is None else render_text(body)
    comparison = compare_with_page_data(page_text, page_data, [headline for _, headline in metadata.headlines])
    removed = () if body is None else remove_boilerplate(body, page_text, hints.boilerplate)
    text = render_text(body) if body is not None and removed else page_text
    count = count_words(text)
    summary_count = max(count_words(metadata.summary), count_words(page.lead.summary) if page.lead else 0)
    link_share, block_count = measure_links(body)
    extracted = ExtractedPage(
        page=page,
        head=metadata.head,
        jsonld=page_jsonld,
        features=features,
        text=text,
        word_count=count,
        link_share=link_share,
        block_count=block_count,
        truncation_reason=explain_truncation(
            page_jsonld, text, count, summary_count, count_words(paywalled_text), features.full_text
        ),
    )
    verdict = classify_page(extracted)
    if verdict.refusal is not None or body is None:
        return verdict.refusal or Refusal(code="empty", reason="no text on the page")
    origin = "trafilatura, page cut off" if cut else "trafilatura"
    article = replace(
        _build_article(page, hints, metadata, body, text, count, origin),
        truncated=verdict.kind is PageKind.STUB,
        differs_in_page_data=comparison.differs_in_page_data,
        in_page_data=comparison.in_page_data,
        removed_boilerplate=removed,
        boilerplate_version=hints.boilerplate_version,
    )
    return with_derived_fields(article, matcher, credit_lines)


def _build_article(
    page: Page, hints: Hints, metadata: PageMetadata, body: _Element, text: str, count: int, origin: str
) -> Article:
    language_code, language_origin = language.detect_language(
        text, metadata.language, hints.language or (page.lead.language if page.lead else "")
    )
    published = metadata.published
    return Article(
        url=page.url,
        canonical_url=metadata.canonical_url,
        original_url=metadata.original_url,
        title=metadata.title or text.partition("\n")[0][:200],
        headlines=metadata.headlines,
        authors=metadata.authors,
        published=published.at if published else None,
        published_date=published.day if published else "",
        published_raw=published.raw if published else "",
        zone_known=published.has_zone if published else False,
        modified=metadata.modified,
        language=language_code,
        summary=metadata.summary,
        text=text,
        html=sanitize_html(render_html(body, page.url)),
        image=metadata.image,
        site_name=metadata.site_name,
        tags=metadata.tags,
        words=count,
        extractor=describe_extractor(hints),
        origins=(*metadata.origins, ("language", language_origin), ("text", origin)),
    )


def describe_extractor(hints: Hints) -> str:
    """Return the name and version of the extractor, with a digest of the source's CSS selectors."""
    selectors = (hints.body_css, *hints.drop_css)
    return f"{EXTRACTOR} / css {sha256(repr(selectors).encode()).hexdigest()[:8]}" if any(selectors) else EXTRACTOR
