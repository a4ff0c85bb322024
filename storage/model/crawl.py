"""The nouns of what happened: endpoints, polls, leases, robots.txt copies, captures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.page import Lead
from storage.model.publishing_profile import PublishingProfile

CLOCK_SLACK = timedelta(minutes=5)
"""What was written further ahead of the present was written before the clock was set back."""


SUCCESSFUL_OUTCOMES = ("ok", "unmodified")
"""The outcomes of a poll that read its index, or found that it has not changed."""
REDIRECTS_UNTIL_MOVED = 5
"""So many times in a row a permanent redirect has to lead to one address before the index is asked for there."""


class LeadState(StrEnum):
    """Where a lead stands: every lead ends as kept or refused, or is due again.

    One that has expired was kept, or would have been, and is older than it is to be kept.
    """

    WAITING = "waiting"
    LEASED = "leased"
    KEPT = "kept"
    REFUSED = "refused"
    RETRY = "retry"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedLead:
    """A lead that one owner may fetch until its lease ends; `attempts` counts failures so far."""

    id: int
    source: str
    lead: Lead
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEndpoint:
    """What is remembered of one index address of a source.

    `etag` and `last_modified` belong to `validators_url`, the address that finally answered.
    `digest` is the SHA-256 of the last body that was read well. `unmodified` counts the 304s
    since the last full answer, `failures` the failed polls in a row, `leads` what the last
    good reading held. `more` are the further indexes that it named (a sitemap index's
    children): they are polled even when the index itself has not changed. `moved_to` is where
    permanent redirects led, `moves` times in a row; `gone_at` when the server said 410.
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
        """Whether it was found at another address often enough to be asked for there."""
        return self.move_streak >= REDIRECTS_UNTIL_MOVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll of one endpoint came to; `reason` says in words why it failed, or is empty.

    `outcome` is one of ok, unmodified, failed, refused, parked, gone. `bytes` counts the
    index body as transferred; `leads` what the index named, `new` those not seen before;
    `kept`, `repeats`, `refused` and `failed` count article pages and stand on the poll's
    first endpoint; so do `again`, the kept articles that were asked for again, and `changed`, those of
    them that were found edited, withdrawn or restored.
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
    """How far an index that fails has come: asked as usual, after days, or not at all."""

    ASKED = "asked"
    PARKED = "parked"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPoll:
    """When an index is read next, and why then; `rhythm` is what was learned of it.

    `strain` adds up its failures since it last answered, each as heavy as its kind; `failing_since` is the first.
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
        """Whether its time has come, or all but the given part of its wait is over, or the clock was set back."""
        is_time = self.next_at - (self.next_at - self.set_at) * early <= now or self.set_at > now + CLOCK_SLACK
        return is_time and self.state != IndexState.RETIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsCopy:
    """One origin's robots.txt as last seen: `body` is the last good copy, fetched at `good_at`.

    `status` and `reason` tell how the latest attempt at `checked_at` ended (`reason` is empty
    when it was good; an origin without a robots.txt is a good, empty body).
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
    """Where a page lies on the tape: file name, offset and length in bytes, payload digest.

    `digest` is `sha256:` and the hex digest of the compressed record as it lies in the file.
    """

    file: str
    offset: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What `stats` and the clock know of a source."""

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
    """A kept article that is to be asked for again at `url`, as it was last seen there.

    `lead` is what its index says of it now, with `url` as its address. `etag` and `last_modified` are empty where
    they may not be sent. `extractor` read the page that lies on the tape at `capture`, to the text with `digest`.
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
        """The address to ask for."""
        return self.lead.url


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What asking again for a kept article's address came to, where it gave no text.

    `outcome` is one of `unmodified`, `missing` (gone, or redirected to the front page), `outage` (missing as
    all of its host is) and `refused` (a page that is no article, as walls are); `sure` that a missing page
    needs no second look.
    """

    url: str
    checked_at: datetime
    status: int
    outcome: str
    reason: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederived:
    """An article that was judged anew: how many `edits` more it has now (or fewer, negative).

    `shows_anew` says that the title or the text that is shown of it is another.
    """

    article_id: int
    added_edits: int
    has_new_shown_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChangeResult:
    """How many blocks are held back at a source, and the articles that were judged anew for it."""

    held_count: int
    rederived: tuple[Rederived, ...] = ()
