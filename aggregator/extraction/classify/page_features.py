"""What a page looks like before anything is taken off it: what it shows, how much of that links, its marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

from aggregator.extraction.classify.patterns import MARKS, WIDGETS, folded

FEW = 6_000
"""A page that shows no more characters than this is looked at closely; a longer one is furnished as sites are."""

NEXT_TO_NONE = 25
"""With fewer words of text than this, marks count that articles' pages may bear too."""

MOST = 60_000
"""No more characters than this of what a page shows are kept of it."""

_SHORTEST_LINK, _LONGEST_LINK = 12, 400
_MOST_LINKS = 600
_SCRIPT = 3_000
_SCRIPTS = 40
_EMPTY_ROOT = etree.XPath(
    "boolean(//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='___gatsby' or @id='react-root'"
    " or @id='main-app' or @id='application' or name()='app-root'][string-length(normalize-space()) < 40])"
)
_PASSWORDS = etree.XPath("count(//input[@type='password'])")
_GATES = etree.XPath("//*/@id | //*/@class | //iframe/@src | //form/@action | //img/@src")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The page as a reader has it in front of them, and a little of what stands behind it.

    `shown` is the text outside scripts, a line for each piece of it where it is short, else empty; `whole`
    is all of it, run together. `length` counts its characters. `links` are the texts of its longer links.
    `unseen` is shown where scripts do not run. `marks` are folded ids, classes, addresses and the beginnings of
    scripts; on a page that shows much, those of the root elements only.
    """

    whole: str
    shown: str
    length: int
    links: tuple[str, ...]
    unseen: str
    marks: str
    passwords: int
    is_bare: bool

    @property
    def is_short(self) -> bool:
        """Whether the page shows little, and was looked at closely."""
        return self.length <= FEW

    def links_in(self, text: str) -> tuple[int, int]:
        """How many of the page's longer links stand in a text, and how many characters they are."""
        found = [link for link in self.links if link in text]
        return len(found), sum(map(len, found))

    def bears(self, kind: str, words: int) -> str:
        """The first mark of a kind of page that this one bears, with so many words of text; or an empty string."""
        telling = MARKS.get(kind, ()) + (WIDGETS.get(kind, ()) if words < NEXT_TO_NONE else ())
        return next((mark for mark in telling if mark in self.marks), "")


def looked_at(tree: HtmlElement, hidden: Sequence[HtmlElement], *, is_article: bool = False) -> Looks:
    """The looks of a page whose scripts and the like (`hidden`) have been taken out of its tree.

    Links are not looked at where the page `is_article` by its own word.
    """
    text = str(tree.text_content())
    length = len(text) if len(text) > 4 * FEW else len(" ".join(text.split()))
    if length > FEW:
        return Looks(
            whole=text[:MOST],
            shown="",
            length=length,
            links=() if is_article else _link_texts(tree),
            unseen="",
            marks=folded(" ".join(_root_marks(tree))),
            passwords=0,
            is_bare=False,
        )
    lines = (_SPACES.sub(" ", str(part)).strip() for part in tree.itertext())
    return Looks(
        whole=text[:MOST],
        shown="\n".join(line for line in lines if line)[: 2 * FEW],
        length=length,
        links=() if is_article else _link_texts(tree),
        unseen=" ".join(e.text_content() for e in hidden if e.tag == "noscript")[:FEW],
        marks=folded(" ".join(_all_marks(tree, hidden)))[: 40 * FEW],
        passwords=int(float(str(_PASSWORDS(tree)))),
        is_bare=bool(_EMPTY_ROOT(tree)) and any(e.tag == "script" for e in hidden),
    )


def _link_texts(tree: HtmlElement) -> tuple[str, ...]:
    texts = (" ".join(str(link.text_content()).split()) for link in tree.iter("a"))
    return tuple(dict.fromkeys(text for text in texts if _SHORTEST_LINK <= len(text) <= _LONGEST_LINK))[:_MOST_LINKS]


def _root_marks(tree: HtmlElement) -> Iterator[str]:
    for element in (tree, *tree.iter("body")):
        yield f"{element.get('id') or ''} {element.get('class') or ''}"[:1000]


def _all_marks(tree: HtmlElement, hidden: Sequence[HtmlElement]) -> Iterator[str]:
    found = _GATES(tree)
    if isinstance(found, list):
        yield from (str(value)[:300] for value in found[:2_000])
    yield from (element.tag for element in tree.iter("app-root"))
    for element in [e for e in hidden if e.tag in ("script", "noscript")][:_SCRIPTS]:
        yield f"{element.get('id') or ''} {element.get('src') or ''} {(element.text or '')[:_SCRIPT]}"
