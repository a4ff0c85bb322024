"""What stays, with its pages, however old it is: nobody else may have it any more, or somebody wants to keep it."""

from __future__ import annotations

from sqlalchemy import exists

from storage.db.tables import articles, entry_states
from storage.readers.read_state import EntryState

PROTECTED = {
    "starred": exists().where(entry_states.c.article_id == articles.c.id, entry_states.c.state == EntryState.STARRED),
    "withdrawn": articles.c.withdrawn.is_not(None),
}
"""By kind, which articles those are: conditions on a row of `articles`."""
