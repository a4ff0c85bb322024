"""A request of an app that syncs: its fields, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from aggregator.alerts.saved_searches import SavedSearches
from aggregator.topics.matcher import TopicCatalogue
from aggregator.topics.resolve import UnknownTopic, resolve_topics
from aggregator.web.access import TokenLookup, extract_secret
from aggregator.web.responses import problem_response
from storage.db.database import Database
from storage.model.search import Query
from storage.readers.tokens import AccessToken

_MAX_BODY_BYTES = 256 * 1024
_MAX_FIELDS = 10_500


@dataclass(frozen=True, slots=True, kw_only=True)
class GReaderApi:
    """What readers' apps are given. `searches` and `topics` are read when they are needed."""

    database: Database
    base_url: str
    find_token: TokenLookup
    searches: Callable[[], SavedSearches]
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    def resolve_searches(self) -> dict[str, str]:
        """The words of each saved search, its topics by their names; one that cannot be used is left out."""
        found = {}
        for one in self.searches().searches:
            try:
                found[one.name] = resolve_topics(Query(words=one.query), self.topics).words
            except UnknownTopic:
                continue
        return found


class GReaderError(Exception):
    """A request that gets no answer but why."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.response = problem_response(status, detail)
        self.response.headers.update(headers or {})


@dataclass(frozen=True, slots=True)
class GReaderCall:
    """A request with its fields, those of its address and those of its body, and whose it is."""

    fields: tuple[tuple[str, str], ...]
    token: AccessToken
    stream_path: str
    is_bearer: bool

    def get_all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def get(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next(iter(self.get_all(name)), "")

    def get_number(self, name: str, default: int, most: int) -> int:
        """A field that is a number, no more than `most`."""
        value = self.get(name)
        return min(max(int(value), 1), most) if value.isdecimal() and len(value) < 10 else default


async def read_fields(request: Request) -> tuple[tuple[str, str], ...]:
    """The fields of a request, of its address and of its body. Raises Refused for too many."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise GReaderError(413, f"A request has at most {_MAX_BODY_BYTES} bytes.")
    try:
        told = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise GReaderError(413, f"A request has at most {_MAX_FIELDS} fields.") from None
    return (*request.query_params.multi_items(), *told)


def authenticate(api: GReaderApi, request: Request, fields: tuple[tuple[str, str], ...]) -> GReaderCall:
    """The request with whose it is. Raises Refused where no token is shown."""
    header = request.headers.get("authorization", "")
    secret = extract_secret(header)
    token = api.find_token(secret) if secret else None
    if token is None:
        raise GReaderError(401, "Log in with a token's name and secret: `evnews token add NAME` makes one.")
    return GReaderCall(fields, token, request.path_params.get("stream", ""), header.lower().startswith("bearer"))
