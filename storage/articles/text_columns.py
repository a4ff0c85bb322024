"""Decode the columns of the table `texts`: whole text, wording in the page's data, headlines."""

from __future__ import annotations

import json

from sqlalchemy import Row

from storage.text.headlines import Headlines
from storage.text.wording import short_block_digest, with_boilerplate, with_page_data


def whole_text(row: Row[*tuple[object, ...]]) -> str:
    """Return the text of a row, with the boilerplate that was removed from it."""
    return with_boilerplate(row.text, json.loads(row.removed_boilerplate)) if row.removed_boilerplate else str(row.text)


def text_in_page_data(row: Row[*tuple[object, ...]]) -> str:
    """Return the whole text of a row, with each paragraph as the page's data words it."""
    variants = json.loads(row.differs_in_page_data) if row.differs_in_page_data else []
    return with_page_data(whole_text(row), [(place, words) for place, words, _ in variants])


def read_differs_in_page_data(row: Row[*tuple[object, ...]]) -> frozenset[tuple[int, int]]:
    """Return the digests (as shown, in the data) of each paragraph that the page's data words differently."""
    variants = json.loads(row.differs_in_page_data) if row.differs_in_page_data else []
    return frozenset((shown, short_block_digest(words)) for _, words, shown in variants)


def read_in_page_data(row: Row[*tuple[object, ...]]) -> frozenset[int]:
    """Return the digests of the paragraphs that the page's data has, in the same or another wording."""
    return frozenset(json.loads(row.in_page_data)) if row.in_page_data else frozenset()


def read_headlines(row: Row[*tuple[object, ...]]) -> Headlines:
    """Return the title of a row, then the headline in each place of its page."""
    declared = json.loads(row.headlines) if row.headlines else {}
    return (("", row.title), *((place, words or row.title) for place, words in declared.items()))
