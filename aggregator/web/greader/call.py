"""A request of a Google Reader API client: its fields and its token."""

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
    """Everything the handlers need. `searches` and `topics` are called for each request, as their files may change."""

    database: Database
    base_url: str
    find_token: TokenLookup
    searches: Callable[[], SavedSearches]
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    def resolve_searches(self) -> dict[str, str]:
        """Return the query of each saved search by name, with resolved topics; unusable searches are omitted."""
        queries = {}
        for search in self.searches().searches:
            try:
                queries[search.name] = resolve_topics(Query(words=search.query), self.topics).words
            except UnknownTopic:
                continue
        return queries


class GReaderError(Exception):
    """Raised to reject a request; `response` says why."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.response = problem_response(status, detail)
        self.response.headers.update(headers or {})


@dataclass(frozen=True, slots=True)
class GReaderCall:
    """A request with the fields of its URL and body, and the token of its client."""

    fields: tuple[tuple[str, str], ...]
    token: AccessToken
    stream_path: str
    is_bearer: bool

    def get_all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self.fields if key == name]

    def get(self, name: str) -> str:
        """Return the first value of a field, or an empty string."""
        return next(iter(self.get_all(name)), "")

    def get_number(self, name: str, default: int, most: int) -> int:
        """Return a number from 1 to `most`, or the default."""
        value = self.get(name)
        return min(max(int(value), 1), most) if value.isdecimal() and len(value) < 10 else default


async def read_fields(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the fields of a request's URL and body. Raises GReaderError if the body is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise GReaderError(413, f"A request can have at most {_MAX_BODY_BYTES} bytes.")
    try:
        body_fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise GReaderError(413, f"A request can have at most {_MAX_FIELDS} fields.") from None
    return (*request.query_params.multi_items(), *body_fields)


def authenticate(api: GReaderApi, request: Request, fields: tuple[tuple[str, str], ...]) -> GReaderCall:
    """Return the request with its token. Raises GReaderError without a valid token."""
    header = request.headers.get("authorization", "")
    secret = extract_secret(header)
    token = api.find_token(secret) if secret else None
    if token is None:
        raise GReaderError(401, "Log in with the name and secret of a token; `evnews token add NAME` creates one.")
    return GReaderCall(fields, token, request.path_params.get("stream", ""), header.lower().startswith("bearer"))
