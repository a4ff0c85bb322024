"""What each dialect's search index must be able to do."""

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
    """What the index holds of an article: its title and text as they are shown, and its labels.

    `made` is what was prepared of title and text already, if it was.
    """

    title: str
    text: str
    labels: str
    prepared_before: PreparedText | None = field(default=None, compare=False)

    @property
    def prepared(self) -> PreparedText:
        """Title and text as the index takes them."""
        is_current = self.prepared_before is not None and self.prepared_before.version == ANALYZER_VERSION
        return (
            self.prepared_before
            if self.prepared_before is not None and is_current
            else prepare_article(self.title, self.text)
        )


class SearchIndex(Protocol):
    """The search index of one dialect; `row` is an article's place in it (`storage.search.index.row_ids`).

    Where it is not `is_ordered` it finds what is rare sooner without an order than with one.
    """

    is_ordered: bool

    def add(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Put an article into the index."""

    def remove(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Take it out of it: the entry must be the one that was put in."""

    def flush(self, tx: Connection) -> None:
        """Write what was put in and taken out, before the index is read or the transaction ends."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""

    def create_shadow(self, tx: Connection) -> None:
        """Make an empty index beside this one, in place of one that is there; nobody is asked of it."""

    def add_to_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Put an article into the index beside this one."""

    def remove_from_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Take it out of that one: the entry must be the one that was put in."""

    def activate_shadow(self, tx: Connection) -> None:
        """Let the index beside this one take its place."""

    def find_all(self, tx: Connection, places: Select[int]) -> list[int] | None:
        """All places of a statement, where they are few and that tells them in a moment."""

    def count_by_window(
        self, tx: Connection, places: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """How many places of a statement there are from each of some places, in order, to the next.

        None where the index does not count all at once, or not in so many seconds.
        """

    def row_id_column(self) -> ColumnElement[int]:
        """The index's column of places."""

    def index_table(self) -> FromClause:
        """The index."""

    def index_with_articles(self) -> FromClause:
        """The index joined to `articles`, from the index's side."""

    def match_condition(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """That an entry answers to a question."""

    def find_problems(self, tx: Connection) -> list[str]:
        """Where index and articles disagree, in words."""
