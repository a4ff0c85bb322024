"""Render HTML: article pages and their AMP versions, home pages and listing pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from tests.newsroom.publisher_articles import as_html
from tests.newsroom.publishers import Publisher
from tests.newsroom.truth import Truth

_FOLDER = Path(__file__).parent / "templates"
_AND = {"en": "and", "de": "und", "no": "og", "zh": "、"}
_CREDIT = (
    '<p class="syndication-credit">This story first appeared at <a href="{url}">{title}</a> '
    "and is republished with permission.</p>"
)


def article_page(
    at: Publisher,
    base: str,
    truth: Truth,
    blocks: Sequence[str],
    *,
    related: Sequence[tuple[str, str]] = (),
    original: tuple[str, str] | None = None,
    box: str = "",
    amp: bool = False,
    redesigned: bool = False,
) -> str:
    """Render an article page, or its AMP version. `related` and `original` are (URL, title) pairs.

    `box` is a paragraph that is inserted after the first one.
    """
    design = ".amp" if amp else ".redesign" if redesigned else ""
    words = _words(at, base, truth)
    words["canonical"] = original[0] if original and truth.declares_original else words["url"]
    boxed = (*blocks[:1], box, *blocks[1:]) if box else blocks
    words["body"] = _body(at, boxed, with_interlude=not (amp or truth.thin))
    words["related"] = "".join(f'<li><a href="{url}">{escape(title)}</a></li>' for url, title in related)
    words["credit"] = _CREDIT.format(url=original[0], title=escape(original[1])) if original else ""
    words["json_ld"] = _json_ld(at, base, truth)
    return _template("thin" if truth.thin else at.name + design).substitute(words)


def has_redesign(at: Publisher) -> bool:
    """Tell whether a publisher has a second template."""
    return (_FOLDER / f"{at.name}.redesign.html").exists()


def front_page(
    at: Publisher, teasers: Sequence[tuple[str, str, str]], *, alternate: str = "", next_page: str = ""
) -> str:
    """Render a home page or listing. `teasers` are (path, title, displayed time); `next_page` is a path."""
    items = "\n".join(
        f'<div class="teaser"><h2><a class="teaser-link" href="{path}">{escape(title)}</a></h2>'
        f"<span>{shown}</span></div>"
        for path, title, shown in teasers
    )
    return _template("front").substitute(
        lang=at.lang,
        encoding=at.encoding,
        site=escape(at.title),
        teasers=items,
        alternate=alternate,
        next_link=f'<link rel="next" href="{next_page}">' if next_page else "",
        next_anchor=f'<a rel="next" class="next" href="{next_page}">»</a>' if next_page else "",
    )


def _words(at: Publisher, base: str, truth: Truth) -> dict[str, str]:
    path = at_path(truth)
    return {
        "lang": at.lang if truth.language == at.language else truth.language,
        "site": escape(at.title),
        "base": base,
        "url": base + path,
        "image": f"{base}/media/{truth.slug}.png",
        "title": escape(truth.title),
        "summary": escape(truth.summary),
        "published": at.iso(truth.published),
        "modified": at.iso(truth.modified or truth.published),
        "shown": at.shown(at.local(truth.published)),
        "authors_and": _listed(truth.authors, _AND[at.language]),
        "authors_comma": escape(", ".join(truth.authors)),
        "tags_comma": escape(",".join(truth.tags)),
        "tag_links": " ".join(f'<a rel="tag" href="/tag/{n}">{escape(tag)}</a>' for n, tag in enumerate(truth.tags)),
        "tag_items": "".join(f'<li><a href="/tag/{n}">{escape(tag)}</a></li>' for n, tag in enumerate(truth.tags)),
        "tag_metas": "\n".join(f'<meta property="article:tag" content="{escape(tag)}">' for tag in truth.tags),
        "amp_link": f'<link rel="amphtml" href="{base}/amp{path}">' if at.amp else "",
    }


def at_path(truth: Truth) -> str:
    """Return the path of an article page."""
    return "/" + truth.proxy_url.split("/", 3)[3]


def _listed(names: Sequence[str], word: str) -> str:
    if word == "、" or len(names) < 2:
        return escape("、".join(names))
    return escape(f"{', '.join(names[:-1])} {word} {names[-1]}")


def _body(at: Publisher, blocks: Sequence[str], *, with_interlude: bool) -> str:
    parts = [as_html(block) for block in blocks]
    if with_interlude and at.interlude and len(parts) > 3:
        parts.insert(2, at.interlude)
    if at.index == "atom":
        parts[0] = parts[0].replace("<p>", '<p class="vorspann">', 1)
    return "\n".join(parts)


def _json_ld(at: Publisher, base: str, truth: Truth) -> str:
    if not at.json_ld:
        return ""
    article = _news_article(at, base, truth)
    if at.json_ld == "graph":
        whole: object = {"@context": "https://schema.org", "@graph": _graph(at, base, truth)}
    elif at.json_ld == "list":
        whole = [{"@context": "https://schema.org", "@type": "WebSite", "name": at.title, "url": base}, article]
    else:
        whole = article
    return json.dumps(whole, ensure_ascii=False).replace("</", "<\\/")


def _news_article(at: Publisher, base: str, truth: Truth) -> dict[str, object]:
    url = base + at_path(truth)
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": f"{url}#article",
        "headline": truth.title,
        "description": truth.summary,
        "datePublished": at.iso(truth.published),
        "dateModified": at.iso(truth.modified or truth.published),
        "author": [{"@type": "Person", "name": name} for name in truth.authors],
        "image": [f"{base}/media/{truth.slug}.png"],
        "inLanguage": at.lang if truth.language == at.language else truth.language,
        "keywords": list(truth.tags),
        "mainEntityOfPage": {"@type": "WebPage", "@id": url},
        "publisher": {"@type": "NewsMediaOrganization", "name": at.title, "url": base},
    }


def _graph(at: Publisher, base: str, truth: Truth) -> list[dict[str, object]]:
    """Return the same data with the people as separate nodes, referred to by @id."""
    ids = [f"{base}/#person-{number}" for number, _ in enumerate(truth.authors)]
    people: list[dict[str, object]] = [
        {"@type": "Person", "@id": person, "name": name} for person, name in zip(ids, truth.authors, strict=True)
    ]
    article = _news_article(at, base, truth) | {"author": [{"@id": person} for person in ids]}
    return [{"@type": "WebSite", "@id": f"{base}/#website", "name": at.title, "url": base}, article, *people]


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / f"{name}.html").read_text(encoding="utf-8"))
