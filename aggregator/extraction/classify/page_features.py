"""What a page looks like before anything is taken off it: what it shows, how much of that links, its marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

from aggregator.extraction.classify.patterns import WALL_IDENTIFIERS, WIDGET_IDENTIFIERS, fold_phrase

SHORT_PAGE_CHARACTERS = 6_000
"""A page that shows no more characters than this is looked at closely; a longer one is furnished as sites are."""

MAX_WORDS_FOR_WIDGETS = 25
"""With fewer words of text than this, marks count that articles' pages may bear too."""

MAX_TEXT_CHARACTERS = 60_000
"""No more characters than this of what a page shows are kept of it."""

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
    """The page as a reader has it in front of them, and a little of what stands behind it.

    `shown` is the text outside scripts, a line for each piece of it where it is short, else empty; `whole`
    is all of it, run together. `length` counts its characters. `links` are the texts of its longer links.
    `unseen` is shown where scripts do not run. `marks` are folded ids, classes, addresses and the beginnings of
    scripts; on a page that shows much, those of the root elements only.
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
        """Whether the page shows little, and was looked at closely."""
        return self.text_length <= SHORT_PAGE_CHARACTERS

    def count_links_in(self, text: str) -> tuple[int, int]:
        """How many of the page's longer links stand in a text, and how many characters they are."""
        found = [link for link in self.link_texts if link in text]
        return len(found), sum(map(len, found))

    def find_identifier(self, kind: str, words: int) -> str:
        """The first mark of a kind of page that this one bears, with so many words of text; or an empty string."""
        telling = WALL_IDENTIFIERS.get(kind, ()) + (
            WIDGET_IDENTIFIERS.get(kind, ()) if words < MAX_WORDS_FOR_WIDGETS else ()
        )
        return next((mark for mark in telling if mark in self.identifiers), "")


def collect_page_features(
    tree: HtmlElement, hidden: Sequence[HtmlElement], *, is_article: bool = False
) -> PageFeatures:
    """The looks of a page whose scripts and the like (`hidden`) have been taken out of its tree.

    Links are not looked at where the page `is_article` by its own word.
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
    found = _IDENTIFIER_ATTRIBUTES(tree)
    if isinstance(found, list):
        yield from (str(value)[:300] for value in found[:2_000])
    yield from (element.tag for element in tree.iter("app-root"))
    for element in [e for e in hidden if e.tag in ("script", "noscript")][:_MAX_SCRIPTS]:
        yield f"{element.get('id') or ''} {element.get('src') or ''} {(element.text or '')[:_SCRIPT_CHARACTERS]}"
