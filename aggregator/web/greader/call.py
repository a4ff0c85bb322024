"""A request of an app that syncs: its fields, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from aggregator.alerts.saved_searches import SavedSearches
from aggregator.topics.matcher import TopicCatalogue
from aggregator.topics.resolve import UnknownTopic, with_topics
from aggregator.web.access import Knows, carried
from aggregator.web.responses import problem
from storage.db.database import Database
from storage.model.search import Query
from storage.readers.tokens import Token

_LARGEST_BODY = 256 * 1024
_MOST_FIELDS = 10_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What readers' apps are given. `searches` and `topics` are read when they are needed."""

    database: Database
    base: str
    knows: Knows
    searches: Callable[[], SavedSearches]
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    def words_of(self) -> dict[str, str]:
        """The words of each saved search, its topics by their names; one that cannot be used is left out."""
        found = {}
        for one in self.searches().searches:
            try:
                found[one.name] = with_topics(Query(words=one.query), self.topics).words
            except UnknownTopic:
                continue
        return found


class Refused(Exception):
    """A request that gets no answer but why."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.answer = problem(status, why)
        self.answer.headers.update(headers or {})


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its fields, those of its address and those of its body, and whose it is."""

    fields: tuple[tuple[str, str], ...]
    token: Token
    path: str
    is_bearer: bool

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next(iter(self.all(name)), "")

    def number(self, name: str, usual: int, most: int) -> int:
        """A field that is a number, no more than `most`."""
        value = self.one(name)
        return min(max(int(value), 1), most) if value.isdecimal() and len(value) < 10 else usual


async def fields_of(request: Request) -> tuple[tuple[str, str], ...]:
    """The fields of a request, of its address and of its body. Raises Refused for too many."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise Refused(413, f"A request has at most {_LARGEST_BODY} bytes.")
    try:
        told = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused(413, f"A request has at most {_MOST_FIELDS} fields.") from None
    return (*request.query_params.multi_items(), *told)


def call_of(sync: Sync, request: Request, fields: tuple[tuple[str, str], ...]) -> Call:
    """The request with whose it is. Raises Refused where no token is shown."""
    header = request.headers.get("authorization", "")
    secret = carried(header)
    token = sync.knows(secret) if secret else None
    if token is None:
        raise Refused(401, "Log in with a token's name and secret: `evnews token add NAME` makes one.")
    return Call(fields, token, request.path_params.get("stream", ""), header.lower().startswith("bearer"))
