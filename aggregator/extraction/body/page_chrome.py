"""Remove page chrome (navigation, share buttons, comments, adverts) by tag, class and id before the body search."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml.html import HtmlElement

from aggregator.extraction.tree import drop_element

_NON_TEXT_TAGS = (
    "script",
    "style",
    "svg",
    "noscript",
    "iframe",
    "object",
    "embed",
    "canvas",
    "audio",
    "video",
    "select",
    "input",
    "textarea",
    "link",
    "map",
)
_SUSPECT_TAGS = ("nav", "dialog", "template", "button", "figcaption", "aside", "footer")
_CHROME_MARKUP = re.compile(
    r"(?<![a-z])(?:"
    r"newsletters?|signup|sign-up|mailing-?list|email-?(?:capture|form|signup)|subscribe(?:-?(?:box|form|widget|cta|banner))?"
    r"|(?:social-?)?shar(?:e|ing)(?:-?(?:bar|buttons?|links?|icons?|tools?|box|list|this|daddy))?|social(?:-?(?:bar|links?|icons?|media|buttons?|share|follow))?"
    r"|addthis|addtoany|sharedaddy|follow-?us"
    r"|related(?:-?(?:articles?|posts?|stor(?:y|ies)|content|links?|news|topics?|items?|reading))?|recommend(?:ed|ations?)?|recirc(?:ulation)?"
    r"|read-?(?:more|next|also)|also-?read|see-?also|more-?(?:from|stories|news|on|articles)|you-?may|outbrain|taboola|revcontent|trending|most-?(?:read|popular)"
    r"|author-?(?:box|bio|card|info|about|profile|block|details|description)|about-?(?:the-?)?author|post-?author|writer-?bio"
    r"|(?:reader-?|user-?|facebook-?|fb-?|post-?|article-?|forum-?)?comments?(?:-?(?:list|area|section|wrapper|container|thread|form|box|block|body|count|link))?"
    r"|disqus(?:-?thread)?|viafoura|coral-?talk|respond"
    r"|(?:[a-z]{1,20}-?)?caption(?:-?text)?|photo-?credit|image-?credit|img-?credit"
    r"|(?:ez-)?toc(?:-?(?:container|list|box|title))?|table-?of-?contents"
    r"|advert(?:isement|ising|s)?|ads?(?:-?(?:slot|unit|container|wrapper|label|banner|block|box))|adsbygoogle|sponsor(?:ed|s)?(?:-?(?:box|block|banner|slot|content|link|message))?|promo(?:-?(?:box|block|banner))?|dfp"
    r"|anzeigen?|werbung|annons[ei]?|reklam[ae]?|publicit[ey]|publicidade?|pubblicita|advertentie"
    r"|breadcrumbs?|tag-?list|tags-?links|post-?tags|entry-?tags|article-?tags|cookies?-?(?:bar|banner|notice|consent)|gdpr"
    r"|sr-only|screen-?reader(?:-text)?|visually-?hidden|print-?only|donat(?:e|ion)-?(?:box|banner|form)?|paging|pagination"
    r")(?![a-z])"
)
_LINK_BOX_MARKUP = re.compile(r"related|recommend|recirc|more|trend|popular|read|shar|social|also|promo|follow|most")
_STATE_CLASS_PREFIXES = ("tag-", "category-", "post-", "js-", "has-", "is-", "no-", "with-", "tag_", "category_")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CONTAINER_TAGS = frozenset({"html", "body", "main", "head", "form"})
_MAX_CHROME_SHARE = 0.3
"""Keep an element with a larger share of the page's paragraph text, whatever its class and id."""


def remove_page_chrome(tree: HtmlElement) -> None:
    """Remove elements that never hold article text, and those whose tag, class or id marks page chrome."""
    for element in list(tree.iter(*_NON_TEXT_TAGS)):
        drop_element(element)
    max_text = _MAX_CHROME_SHARE * len(tree.text_content())
    max_prose = _MAX_CHROME_SHARE * sum(len(paragraph.text_content()) for paragraph in tree.iter("p"))
    captions: list[HtmlElement] = []
    for element in [e for e in tree.iter() if _is_suspect(e)]:
        if element.tag in _CONTAINER_TAGS:
            continue
        text = len(element.text_content())
        prose = sum(len(p.text_content()) for p in element.iter("p")) if text > 200 else 0
        if prose > max_prose or (text > max_text and not _is_comments(element)):
            continue
        if element.tag == "figcaption" or "caption" in (element.get("class") or "").lower():
            captions.append(element)
        elif (
            text < 150
            or element.tag in _SUSPECT_TAGS
            or not _LINK_BOX_MARKUP.search(_read_id_and_class(element))
            or _linked_length(element) > 0.25 * text
        ):
            drop_element(element)
    if sum(len(element.text_content()) for element in captions) < max_text:
        for element in captions:
            drop_element(element)


def _linked_length(element: HtmlElement) -> int:
    return sum(len(link.text_content()) for link in element.iter("a"))


def _is_comments(element: HtmlElement) -> bool:
    """Return True for readers' comments, which may be longer than the article."""
    return "comment" in _read_id_and_class(element)


def _is_suspect(element: HtmlElement) -> bool:
    if element.tag in _SUSPECT_TAGS:
        return True
    name, kind = element.get("class"), element.get("id")
    return bool(name or kind) and _is_chrome(f"{kind or ''} {name or ''}"[:300])


def _read_id_and_class(element: HtmlElement) -> str:
    return f"{element.get('id', '')} {element.get('class', '')}".lower()


@lru_cache(maxsize=8192)
def _is_chrome(attributes: str) -> bool:
    tokens = [token for token in attributes.split() if not token.startswith(_STATE_CLASS_PREFIXES)]
    return bool(_CHROME_MARKUP.search(_CAMEL_CASE.sub("-", " ".join(tokens)).lower().replace("_", "-")))
