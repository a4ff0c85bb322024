"""The one door of extraction: a Page and its source's Hints come in, an Article or a Refusal goes out."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from lxml.etree import _Element

from aggregator.extraction import jsonld
from aggregator.extraction.body.boilerplate import take_out
from aggregator.extraction.body.find import OPTIONS, TRAFILATURA, extracted, linked
from aggregator.extraction.body.render import html_of, text_of
from aggregator.extraction.body.sanitize import sanitized
from aggregator.extraction.body.trim import Known
from aggregator.extraction.classify.classify import judged
from aggregator.extraction.classify.page_features import looked_at
from aggregator.extraction.classify.paywall import cut_short, held_text
from aggregator.extraction.classify.signals import PageKind, Read
from aggregator.extraction.decode import readable
from aggregator.extraction.derived_fields import marked
from aggregator.extraction.embedded_text import data_of, echoes
from aggregator.extraction.metadata import gather as metadata
from aggregator.extraction.metadata import language
from aggregator.extraction.metadata.gather import Facts
from aggregator.extraction.tree import Unreadable, drop, parse
from spiders.source import Hints
from storage.model.article import Article, Refusal
from storage.model.page import ContentError, Page
from storage.text.characters import words

EXTRACTOR = f"evnews 4 / trafilatura {TRAFILATURA} / {OPTIONS}"
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
    beside = data_of(tree)
    hidden = list(tree.iter("script", "style", "svg", "noscript"))
    for element in hidden:
        drop(element)
    looks, held = looked_at(tree, hidden, is_article=said.is_article), held_text(tree, said)
    facts = metadata.gather(tree, said, page, hints)
    known = Known(title=facts.title, authors=facts.authors, site=facts.site_name)
    body, credit_lines = extracted(tree, known, said.body, hints)
    whole = "" if body is None else text_of(body)
    stated = echoes(whole, beside, [words for _, words in facts.headlines])
    dropped = () if body is None else take_out(body, whole, hints.boilerplate)
    plain = text_of(body) if body is not None and dropped else whole
    count = words(plain)
    told = max(words(facts.summary), words(page.lead.summary) if page.lead else 0)
    share, blocks = linked(body)
    read = Read(
        page=page,
        head=facts.head,
        said=said,
        looks=looks,
        text=plain,
        words=count,
        linked=share,
        blocks=blocks,
        cut=cut_short(said, plain, count, told, words(held), looks.whole),
    )
    verdict = judged(read)
    if verdict.refusal is not None or body is None:
        return verdict.refusal or Refusal(code="empty", reason="no text on the page")
    origin = "trafilatura, page cut off" if cut else "trafilatura"
    made = _assembled(page, hints, facts, body, plain, count, origin)
    made = replace(
        made, variants=stated.variants, echoed=stated.echoed, dropped=dropped, hints_version=hints.boilerplate_version
    )
    return marked(replace(made, truncated=verdict.kind is PageKind.STUB), credit_lines)


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
        headlines=facts.headlines,
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
        extractor=read_by(hints),
        origins=(*facts.origins, ("language", said_by), ("text", origin)),
    )


def read_by(hints: Hints) -> str:
    """What a page is read by: the extractor, and what the catalogue tells it of the page's structure."""
    told = (hints.body_css, *hints.drop_css)
    return f"{EXTRACTOR} / css {sha256(repr(told).encode()).hexdigest()[:8]}" if any(told) else EXTRACTOR
