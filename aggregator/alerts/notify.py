"""Build notification messages and send them through apprise (mail, chat, webhooks and others)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from aggregator.logs import safe_line
from storage.model.article import KeptArticle
from storage.text.clean import clean_line

if TYPE_CHECKING:
    from apprise import NotifyBase

SEND_TIMEOUT_SECONDS = 30
"""Maximum seconds to send a message through one channel."""
MAX_LISTED = 20
"""Maximum number of articles that a message lists."""
_MAX_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notification in plain text."""

    title: str
    body: str


def hash_address(address: str) -> str:
    """Return a digest that identifies an address without its passwords, 16 hex digits."""
    return sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def mask_address(address: str) -> str:
    """Return an address with its passwords hidden, or "" if apprise does not know the address."""
    channel = _open_channel(address)
    return str(channel.url(privacy=True)).partition("?")[0] if channel is not None else ""  # type: ignore[no-untyped-call]


def send(address: str, message: Message) -> str:
    """Send a message; return the error, or "" if the message was accepted."""
    import apprise

    channel = _open_channel(address)
    if channel is None:
        return "apprise does not know this address; see docs/searching.md"
    sender = apprise.Apprise()
    sender.add(channel)
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:  # type: ignore[no-untyped-call]
        try:
            is_accepted = sender.notify(
                title=message.title,
                body=message.body,
                body_format=apprise.NotifyFormat.TEXT,
                timeout=SEND_TIMEOUT_SECONDS,
            )
        except Exception as error:  # third-party code of a hundred services: a failure must not stop other messages
            return f"{type(error).__name__}: {error}"
        if is_accepted:
            return ""
        return str(captured.getvalue()).strip().replace("\n", " ") or "the service did not accept the message"


def _open_channel(address: str) -> NotifyBase | None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False  # apprise logs addresses with their passwords
    try:
        channel: NotifyBase | None = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    except Exception:
        return None
    return channel


def build_search_message(search: str, articles: Sequence[KeptArticle], total: int) -> Message:
    """Return a message about the newest of `total` new articles, each with its title, source, day and URL."""
    newest = sorted(articles, key=lambda article: (article.published or article.first_seen, article.id), reverse=True)
    paragraphs = [_format_article(article) for article in newest[:MAX_LISTED]]
    if total > len(paragraphs):
        paragraphs.append(f"and {total - len(paragraphs)} more: evnews search --saved {search}")
    return Message(
        title=f"{search}: {total} new {'article' if total == 1 else 'articles'}",
        body="\n\n".join(paragraphs) or "these articles are no longer in the archive",
    )


def _format_article(article: KeptArticle) -> str:
    day = article.published_date or f"{article.published or article.first_seen:%Y-%m-%d}"
    title = clean_line(article.title, _MAX_TITLE) or article.url
    return "\n".join(safe_line(line) for line in (title, f"{article.source}, {day}", article.url))
