"""Republish the article of one publisher at another. Pure functions.

method     what differs
exact      nothing; a page with a canonical URL names that of the original
framed     one paragraph before the text, and one after it that names the origin
headline   the title
cut        the text ends after two fifths, with a line that names the origin
dropped    one paragraph from the middle is missing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.newsroom.edits import apply_edits
from tests.newsroom.publisher_articles import PublisherArticle
from tests.newsroom.publishers import Publisher

_CUT = 0.4
_BEFORE = {
    "en": "From our partners: what follows was told by colleagues elsewhere, and seemed to us worth a second printing.",
    "de": "Von unseren Partnern: Was folgt, haben Kollegen anderswo berichtet, und uns schien es den Abdruck wert.",
    "no": "Fra våre partnere: Det som følger, er fortalt av kolleger et annet sted, og vi mente at det burde stå her.",
    "zh": "合作媒体稿件：以下内容由同行采写，本刊认为值得再次刊登，供读者参考。",
}
_AFTER = {
    "en": "This article was first published by {}.",
    "de": "Dieser Artikel ist zuerst bei {} erschienen.",
    "no": "Kilde: {}",
    "zh": "来源：{}",
}
LABELS = ("Kilde: ", "来源：")
"""The beginnings of a last line that names the origin and is no part of the text."""
_ONWARD = {
    "en": "Read the whole story at {}.",
    "de": "Den ganzen Artikel lesen Sie bei {}.",
    "no": "Les hele saken hos {}.",
    "zh": "全文请见{}。",
}


def republish(
    original: PublisherArticle, source: Publisher, by: Publisher, method: str, published: datetime
) -> PublisherArticle:
    """Return an article of `source` as `by` republishes it; raise KeyError for an unknown method."""
    copy = replace(
        original,
        publisher=by.name,
        slug=f"{source.name}-{original.slug}",
        published=published,
        language=source.language,
        edited=(),
        copy_of=f"{source.name}/{original.slug}",
        declares_original=method == "exact",
    )
    return _METHODS[method](copy, source)


def _exact(copy: PublisherArticle, source: Publisher) -> PublisherArticle:
    return copy


def _framed(copy: PublisherArticle, source: Publisher) -> PublisherArticle:
    after = _AFTER[source.language].format(source.title)
    return replace(copy, blocks=(_BEFORE[source.language], *copy.blocks, after))


def _headline(copy: PublisherArticle, source: Publisher) -> PublisherArticle:
    return apply_edits(copy, ["headline"], "")


def _cut(copy: PublisherArticle, source: Publisher) -> PublisherArticle:
    kept = copy.blocks[: _block_count(copy.blocks, _CUT)]
    return replace(copy, blocks=(*kept, _ONWARD[source.language].format(source.title)))


def _block_count(blocks: Sequence[str], share: float) -> int:
    """Return how many blocks from the first on make this share of the text."""
    lengths = [len(block) for block in blocks]
    return next(count for count in range(1, len(blocks) + 1) if sum(lengths[:count]) >= share * sum(lengths))


def _dropped(copy: PublisherArticle, source: Publisher) -> PublisherArticle:
    middle = len(copy.blocks) // 2
    return replace(copy, blocks=copy.blocks[:middle] + copy.blocks[middle + 1 :])


_METHODS: dict[str, Callable[[PublisherArticle, Publisher], PublisherArticle]] = {
    "exact": _exact,
    "framed": _framed,
    "headline": _headline,
    "cut": _cut,
    "dropped": _dropped,
}
METHODS = tuple(_METHODS)
"""The names of all methods."""
