"""Collect the visible text, link texts and identifiers of a page before extraction removes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

from aggregator.extraction.classify.patterns import WALL_IDENTIFIERS, WIDGET_IDENTIFIERS, fold_phrase

SHORT_PAGE_CHARACTERS = 6_000
"""A page with at most this much visible text is examined in detail; a wall has no more."""

MAX_WORDS_FOR_WIDGETS = 25
"""With fewer words of text than this, identifiers count that pages of articles may have too."""

MAX_TEXT_CHARACTERS = 60_000
"""Maximum number of characters of visible text that are kept."""

_MIN_LINK_LENGTH, _MAX_LINK_LENGTH = 12, 400
_MAX_LINKS = 600
_SCRIPT_CHARACTERS = 3_000
_MAX_SCRIPTS = 40
_EMPTY_ROOT = etree.XPath(
    "boolean(//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='___gatsby' or @id='react-root'"
    " or @id='main-app' or @id='application' or name()='app-root'][string-length(normalize-space()) < 40])"
)
_PASSWORD_FIELDS = etree.XPath("count(//input[@type='password'])")
_IDENTIFIER_ATTRIBUTES = etree.XPath("//*/@id | //*/@class | //iframe/@src | //form/@action | //img/@src")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeatures:
    """Text and identifiers of a page.

    `full_text` is all text outside scripts; `visible_text` is the same, one line per text node, and empty unless the
    page is short. `text_length` counts characters. `link_texts` are the texts of the longer links. `noscript_text` is
    shown without JavaScript. `identifiers` are folded ids, classes, URLs and the beginnings of scripts; on a long page
    only those of the root elements.
    """

    full_text: str
    visible_text: str
    text_length: int
    link_texts: tuple[str, ...]
    noscript_text: str
    identifiers: str
    password_fields: int
    has_empty_root: bool

    @property
    def is_short(self) -> bool:
        """True if the page has little visible text, and was examined in detail."""
        return self.text_length <= SHORT_PAGE_CHARACTERS

    def count_links_in(self, text: str) -> tuple[int, int]:
        """Return how many of the page's longer link texts a text contains, and their number of characters."""
        contained = [link for link in self.link_texts if link in text]
        return len(contained), sum(map(len, contained))

    def find_identifier(self, kind: str, words: int) -> str:
        """Return the first identifier of a kind of page on a page with `words` words of text, or an empty string."""
        candidates = WALL_IDENTIFIERS.get(kind, ()) + (
            WIDGET_IDENTIFIERS.get(kind, ()) if words < MAX_WORDS_FOR_WIDGETS else ()
        )
        return next((identifier for identifier in candidates if identifier in self.identifiers), "")


def collect_page_features(
    tree: HtmlElement, hidden: Sequence[HtmlElement], *, is_article: bool = False
) -> PageFeatures:
    """Collect the features of a page; `hidden` are the scripts and similar elements removed from its tree.

    Links are skipped if the page declares that it `is_article`.
    """
    text = str(tree.text_content())
    length = len(text) if len(text) > 4 * SHORT_PAGE_CHARACTERS else len(" ".join(text.split()))
    if length > SHORT_PAGE_CHARACTERS:
        return PageFeatures(
            full_text=text[:MAX_TEXT_CHARACTERS],
            visible_text="",
            text_length=length,
            link_texts=() if is_article else _collect_link_texts(tree),
            noscript_text="",
            identifiers=fold_phrase(" ".join(_list_root_identifiers(tree))),
            password_fields=0,
            has_empty_root=False,
        )
    lines = (_SPACES.sub(" ", str(part)).strip() for part in tree.itertext())
    return PageFeatures(
        full_text=text[:MAX_TEXT_CHARACTERS],
        visible_text="\n".join(line for line in lines if line)[: 2 * SHORT_PAGE_CHARACTERS],
        text_length=length,
        link_texts=() if is_article else _collect_link_texts(tree),
        noscript_text=" ".join(e.text_content() for e in hidden if e.tag == "noscript")[:SHORT_PAGE_CHARACTERS],
        identifiers=fold_phrase(" ".join(_list_identifiers(tree, hidden)))[: 40 * SHORT_PAGE_CHARACTERS],
        password_fields=int(float(str(_PASSWORD_FIELDS(tree)))),
        has_empty_root=bool(_EMPTY_ROOT(tree)) and any(e.tag == "script" for e in hidden),
    )


def _collect_link_texts(tree: HtmlElement) -> tuple[str, ...]:
    texts = (" ".join(str(link.text_content()).split()) for link in tree.iter("a"))
    return tuple(dict.fromkeys(text for text in texts if _MIN_LINK_LENGTH <= len(text) <= _MAX_LINK_LENGTH))[
        :_MAX_LINKS
    ]


def _list_root_identifiers(tree: HtmlElement) -> Iterator[str]:
    for element in (tree, *tree.iter("body")):
        yield f"{element.get('id') or ''} {element.get('class') or ''}"[:1000]


def _list_identifiers(tree: HtmlElement, hidden: Sequence[HtmlElement]) -> Iterator[str]:
    values = _IDENTIFIER_ATTRIBUTES(tree)
    if isinstance(values, list):
        yield from (str(value)[:300] for value in values[:2_000])
    yield from (element.tag for element in tree.iter("app-root"))
    for element in [e for e in hidden if e.tag in ("script", "noscript")][:_MAX_SCRIPTS]:
        yield f"{element.get('id') or ''} {element.get('src') or ''} {(element.text or '')[:_SCRIPT_CHARACTERS]}"
