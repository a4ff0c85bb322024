"""How one publisher's article reads when another publishes it again; pure.

how        what differs
exact      nothing; where the page declares a canonical address, it is the original's
framed     a paragraph before it, and one after it that says where it first appeared
headline   the title
cut        the text ends after two fifths, with a line that sends the reader on
dropped    one paragraph from the middle is not there
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.newsroom.edits import revised
from tests.newsroom.manuscripts import Manuscript
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
"""How a last line begins that names the origin and is no part of the text."""
_ONWARD = {
    "en": "Read the whole story at {}.",
    "de": "Den ganzen Artikel lesen Sie bei {}.",
    "no": "Les hele saken hos {}.",
    "zh": "全文请见{}。",
}


def reprinted(original: Manuscript, source: Publisher, by: Publisher, how: str, published: datetime) -> Manuscript:
    """An article of `source` as `by` publishes it again; raises KeyError for an unknown way."""
    copy = replace(
        original,
        publisher=by.name,
        slug=f"{source.name}-{original.slug}",
        published=published,
        language=source.language,
        edited=(),
        copy_of=f"{source.name}/{original.slug}",
        points_home=how == "exact",
    )
    return _WAYS[how](copy, source)


def _exact(copy: Manuscript, source: Publisher) -> Manuscript:
    return copy


def _framed(copy: Manuscript, source: Publisher) -> Manuscript:
    after = _AFTER[source.language].format(source.title)
    return replace(copy, blocks=(_BEFORE[source.language], *copy.blocks, after))


def _headline(copy: Manuscript, source: Publisher) -> Manuscript:
    return revised(copy, ["headline"], "")


def _cut(copy: Manuscript, source: Publisher) -> Manuscript:
    kept = copy.blocks[: _reaching(copy.blocks, _CUT)]
    return replace(copy, blocks=(*kept, _ONWARD[source.language].format(source.title)))


def _reaching(blocks: Sequence[str], share: float) -> int:
    """How many blocks from the first make that share of the text."""
    lengths = [len(block) for block in blocks]
    return next(many for many in range(1, len(blocks) + 1) if sum(lengths[:many]) >= share * sum(lengths))


def _dropped(copy: Manuscript, source: Publisher) -> Manuscript:
    middle = len(copy.blocks) // 2
    return replace(copy, blocks=copy.blocks[:middle] + copy.blocks[middle + 1 :])


_WAYS: dict[str, Callable[[Manuscript, Publisher], Manuscript]] = {
    "exact": _exact,
    "framed": _framed,
    "headline": _headline,
    "cut": _cut,
    "dropped": _dropped,
}
HOWS = tuple(_WAYS)
"""Every way by name."""
