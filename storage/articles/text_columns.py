"""What a row of the table `texts` says, put together of its columns."""

from __future__ import annotations

import json

from sqlalchemy import Row

from storage.text.headlines import Headlines
from storage.text.wording import short_block_digest, with_boilerplate, with_page_data


def whole_text(row: Row[*tuple[object, ...]]) -> str:
    """The text of a row of `texts`, with what was dropped from it."""
    return with_boilerplate(row.text, json.loads(row.removed_boilerplate)) if row.removed_boilerplate else str(row.text)


def text_in_page_data(row: Row[*tuple[object, ...]]) -> str:
    """The whole text of a row of `texts`, in the words of its page's own data where these are others."""
    variants = json.loads(row.differs_in_page_data) if row.differs_in_page_data else []
    return with_page_data(whole_text(row), [(place, words) for place, words, _ in variants])


def read_differs_in_page_data(row: Row[*tuple[object, ...]]) -> frozenset[tuple[int, int]]:
    """Marks of the paragraphs that a row of `texts` has in other words in its page's data: as shown, as said there."""
    variants = json.loads(row.differs_in_page_data) if row.differs_in_page_data else []
    return frozenset((shown, short_block_digest(words)) for _, words, shown in variants)


def read_in_page_data(row: Row[*tuple[object, ...]]) -> frozenset[int]:
    """Marks of the paragraphs of a row of `texts` that its page's data has, in these or in other words."""
    return frozenset(json.loads(row.in_page_data)) if row.in_page_data else frozenset()


def read_headlines(row: Row[*tuple[object, ...]]) -> Headlines:
    """The title of a row of `texts`, then what each place of its page declares as its headline."""
    declared = json.loads(row.headlines) if row.headlines else {}
    return (("", row.title), *((place, words or row.title) for place, words in declared.items()))
