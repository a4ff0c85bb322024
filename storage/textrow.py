"""What a row of the table `texts` says, put together of its columns."""

from __future__ import annotations

import json

from sqlalchemy import Row

from storage.wording import block, with_dropped, with_variants


def whole_text(row: Row[*tuple[object, ...]]) -> str:
    """The text of a row of `texts`, with what was dropped from it."""
    return with_dropped(row.text, json.loads(row.dropped)) if row.dropped else str(row.text)


def stated_text(row: Row[*tuple[object, ...]]) -> str:
    """The whole text of a row of `texts`, in the words of its page's own data where these are others."""
    whole = whole_text(row)
    return with_variants(whole, json.loads(row.variants)) if row.variants else whole


def variants_of(row: Row[*tuple[object, ...]]) -> frozenset[int]:
    """Digests of the paragraphs that a row of `texts` has in other words in its page's own data."""
    return frozenset(block(one) for _, one in json.loads(row.variants)) if row.variants else frozenset()


def headlines_of(row: Row[*tuple[object, ...]]) -> tuple[str, ...]:
    """The title of a row of `texts`, then the other headlines that its page declares."""
    return (row.title, *(json.loads(row.headlines) if row.headlines else ()))
