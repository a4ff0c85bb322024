"""Values of the crawl: leads, index endpoints, polls, robots.txt copies, captures, revisits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.page import Lead
from storage.model.publishing_profile import PublishingProfile

CLOCK_SLACK = timedelta(minutes=5)
"""A stored time further in the future than this was written before the clock was set back."""


SUCCESSFUL_OUTCOMES = ("ok", "unmodified")
"""Outcomes of a poll that read its index or found it unmodified."""
REDIRECTS_UNTIL_MOVED = 5
"""Permanent redirects in a row to one address after which the index is requested there."""


class ReasonCode(StrEnum):
    """Codes beside the reasons of polls and leads, which decisions compare; the reasons are for people only.

    A lead can also have the code of its article's decision (`DecisionKind`) or of the refusal of its page
    (`aggregator.extraction.classify.model.PageKind`, `repeated`). A successful poll has an empty code.
    """

    HTTP_NOT_FOUND = "http-not-found"
    HTTP_GONE = "http-gone"
    HTTP_TRY_LATER = "http-try-later"
    """Status 408, 425 or 429."""
    HTTP_SERVER_ERROR = "http-server-error"
    """Status 500 or above."""
    HTTP_STATUS = "http-status"
    """Any other status but 200."""
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    """The connection closed before the whole body arrived."""
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_RESET = "connection-reset"
    HOST_NOT_FOUND = "host-not-found"
    TLS = "tls"
    TOO_LARGE = "too-large"
    TOO_MANY_HEADERS = "too-many-headers"
    CONNECTION_ERROR = "connection-error"
    """Any other failure of a request."""
    REDIRECT_LOOP = "redirect-loop"
    REFUSED_REDIRECT = "refused-redirect"
    """A redirect to an address that must not be requested."""
    BLOCKED_ADDRESS = "blocked-address"
    INVALID_URL = "invalid-url"
    ROBOTS_DISALLOWED = "robots-disallowed"
    ROBOTS_UNREADABLE = "robots-unreadable"
    HOST_PARKED = "host-parked"
    STOPPED = "stopped"
    INTERNAL_ERROR = "internal-error"
    NOT_AN_INDEX = "not-an-index"
    UNREADABLE_INDEX = "unreadable-index"
    """Nothing, or not all, of an index could be parsed."""
    EMPTY_INDEX = "empty-index"
    """An index without entries that had some before."""
    REDIRECTED = "redirected"
    """An article's address redirects to the site's front page."""
    NOT_HTML = "not-html"
    LISTING = "listing"
    """The page is a list of other pages; also a refusal of the extraction (`PageKind.LISTING`)."""
    TOO_OLD = "too-old"
    """Older than the retention time of its source."""


def status_code(status: int) -> ReasonCode:
    """Return the code of an HTTP status other than 200."""
    if status == 404:
        return ReasonCode.HTTP_NOT_FOUND
    if status == 410:
        return ReasonCode.HTTP_GONE
    if status in (408, 425, 429):
        return ReasonCode.HTTP_TRY_LATER
    return ReasonCode.HTTP_SERVER_ERROR if status >= 500 else ReasonCode.HTTP_STATUS


def status_reason(status: int) -> str:
    """Return the reason of a failure that only the HTTP status explains."""
    return f"HTTP {status}"


class LeadState(StrEnum):
    """State of a lead; in the end it is kept, refused or due for a retry.

    An expired lead is older than the retention time of its article.
    """

    WAITING = "waiting"
    LEASED = "leased"
    KEPT = "kept"
    REFUSED = "refused"
    RETRY = "retry"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedLead:
    """A lead that one owner may fetch until its lease ends; `attempts` counts the failures so far."""

    id: int
    source: str
    lead: Lead
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEndpoint:
    """Stored state of one index address of a source.

    `etag` and `last_modified` belong to `validators_url`, the address of the final response. `digest` is the SHA-256 of
    the last body that was parsed without problems, `lead_count` the number of its leads. `unmodified_streak` counts the
    304 responses since the last full one, `failure_streak` the failed polls in a row. `child_urls` are further indexes
    that it names (children of a sitemap index), which are polled even if the index itself is unmodified. `moved_to` is
    the target of `move_streak` permanent redirects in a row, `gone_at` the time of a 410 response.
    """

    source: str
    url: str
    etag: str = ""
    last_modified: str = ""
    validators_url: str = ""
    digest: str = ""
    unmodified_streak: int = 0
    failure_streak: int = 0
    lead_count: int = 0
    child_urls: tuple[str, ...] = ()
    moved_to: str = ""
    gone_at: datetime | None = None
    polled_at: datetime | None = None
    move_streak: int = 0

    @property
    def has_moved(self) -> bool:
        """True if the index redirected to another address often enough to be requested there."""
        return self.move_streak >= REDIRECTS_UNTIL_MOVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Result of one poll of one endpoint; `code` and `reason` say why it failed, or are empty.

    `outcome` is one of ok, unmodified, failed, refused, parked, gone. `bytes` counts the index body as transferred,
    `leads` the leads in the index and `new` the unknown ones. `kept`, `repeats`, `refused` and `failed` count article
    pages and are set for the first endpoint of a poll only; so are `revisits`, the articles requested again, and
    `revisits_changed`, those found edited, withdrawn or restored.
    """

    source: str
    url: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    status: int = 0
    bytes: int = 0
    leads: int = 0
    new: int = 0
    truncated: int = 0
    kept: int = 0
    repeats: int = 0
    refused: int = 0
    failed: int = 0
    revisits: int = 0
    revisits_changed: int = 0
    code: str = ""
    reason: str = ""


class IndexState(StrEnum):
    """State of an index: polled as usual, polled after days because it fails, or not polled at all."""

    ASKED = "asked"
    PARKED = "parked"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPoll:
    """Time of the next poll of an index, with the reason.

    `failure_weight` is the sum of its failures since the last success, weighted by kind; `failing_since` is the time
    of the first.
    """

    source: str
    url: str
    next_at: datetime
    reason: str = ""
    publishing_profile: PublishingProfile | None = None
    failure_weight: float = 0.0
    failing_since: datetime | None = None
    state: str = IndexState.ASKED
    set_at: datetime

    def is_due(self, now: datetime, early: float = 0.1) -> bool:
        """Return whether at most the share `early` of the wait remains, or the clock was set back."""
        is_time = self.next_at - (self.next_at - self.set_at) * early <= now or self.set_at > now + CLOCK_SLACK
        return is_time and self.state != IndexState.RETIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsCopy:
    """Stored robots.txt of an origin: `body` is the last valid copy, fetched at `good_at`.

    `status` and `reason` are the result of the latest request, at `checked_at`. `reason` is empty after a success; an
    origin without robots.txt has an empty body.
    """

    origin: str
    body: bytes = b""
    good_at: datetime | None = None
    etag: str = ""
    last_modified: str = ""
    checked_at: datetime | None = None
    status: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Place of a page's WARC record: file name, offset and length in bytes.

    `digest` is `sha256:` and the hex digest of the compressed record in the file.
    """

    file: str
    offset: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """State of a source for `stats` and the schedule."""

    name: str
    next_poll_at: datetime | None = None
    next_reason: str = ""
    last_poll_at: datetime | None = None
    last_outcome: str = ""
    last_reason: str = ""
    articles: int = 0
    leads_waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedBoilerplate:
    """Digests of the paragraphs that are left out of a source's articles as boilerplate."""

    version: int = 0
    paragraphs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisit:
    """A stored article that will be requested again, with its latest snapshot.

    `lead` holds what the index says about the article now, with the URL to request. `etag` and `last_modified` are
    empty if they must not be sent. `extractor` extracted the text with `reading_digest` from the page in `capture`.
    """

    article_id: int
    lead: Lead
    etag: str = ""
    last_modified: str = ""
    snapshot_id: int
    extractor: str
    reading_digest: str
    capture: Capture | None = None

    @property
    def url(self) -> str:
        """URL to request."""
        return self.lead.url


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Result of a request for a stored article's address that returned no text.

    `outcome` is one of `unmodified`, `missing` (gone, or redirected to the front page), `outage` (missing like the rest
    of its host) and `refused` (a page that is no article, such as a bot wall). `is_certain` says that a missing page
    needs no second request.
    """

    url: str
    checked_at: datetime
    status: int
    outcome: str
    reason: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederived:
    """An article whose state was derived again.

    `added_edits` is the change in its number of revisions, negative if there are fewer. `has_new_shown_text` says that
    its shown title or text changed.
    """

    article_id: int
    added_edits: int
    has_new_shown_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChangeResult:
    """Number of blocks ignored as template changes of a source, and the articles derived again because of them."""

    held_count: int
    rederived: tuple[Rederived, ...] = ()
