"""Protocol of the search index of a database dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, FromClause, Select

from storage.model.article import PreparedText
from storage.search.analyzer import ANALYZER_VERSION
from storage.search.index.field_terms import prepare_article
from storage.search.index.match import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedArticle:
    """Content of an article in the index: title and text as displayed, and labels.

    `prepared_before` is the prepared title and text, if a worker has prepared them.
    """

    title: str
    text: str
    labels: str
    prepared_before: PreparedText | None = field(default=None, compare=False)

    @property
    def prepared(self) -> PreparedText:
        """Return title and text in the form that the index stores."""
        is_current = self.prepared_before is not None and self.prepared_before.version == ANALYZER_VERSION
        return (
            self.prepared_before
            if self.prepared_before is not None and is_current
            else prepare_article(self.title, self.text)
        )


class SearchIndex(Protocol):
    """Search index of one dialect; `row` is the row id of an article (`storage.search.index.row_ids`).

    If `is_ordered` is False, rare matches are found faster without an order.
    """

    is_ordered: bool

    def add(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Add an article to the index."""

    def remove(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Remove an article from the index; `entry` must equal the one that was added."""

    def flush(self, tx: Connection) -> None:
        """Write pending changes; call it before the index is read and before the transaction ends."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""

    def create_shadow(self, tx: Connection) -> None:
        """Create an empty shadow index, in place of an existing one; searches do not use it."""

    def add_to_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Add an article to the shadow index."""

    def remove_from_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Remove an article from the shadow index; `entry` must equal the one that was added."""

    def activate_shadow(self, tx: Connection) -> None:
        """Replace the index by the shadow index."""

    def find_all(self, tx: Connection, row_ids: Select[int]) -> list[int] | None:
        """Return all row ids of a statement if they are few and quickly found, else None."""

    def count_by_window(
        self, tx: Connection, row_ids: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """Return the number of row ids in each window, by the first row id of the window.

        `lows` are the first row ids of the windows in ascending order. Return None if the index does not count all
        windows at once, or not within `seconds`.
        """

    def row_id_column(self) -> ColumnElement[int]:
        """Return the column of row ids."""

    def index_table(self) -> FromClause:
        """Return the table of the index."""

    def index_with_articles(self) -> FromClause:
        """Return the index joined to `articles`; the index is the left side."""

    def match_condition(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Return the condition that an entry satisfies a match."""

    def find_problems(self, tx: Connection) -> list[str]:
        """Return a message for each difference between index and articles."""
