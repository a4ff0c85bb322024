"""Where messages go: mail, chat, webhooks and a hundred more, each an address as apprise spells it."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise import NotifyBase
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.logs import safe_line
from storage.model.article import KeptArticle
from storage.text.clean import clean_line

SEND_TIMEOUT_SECONDS = 30
"""How long a channel may take."""


def hash_address(address: str) -> str:
    """What stands for an address where its passwords must not."""
    return sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def mask_address(address: str) -> str:
    """An address without its passwords; empty where it is none."""
    channel = _open_channel(address)
    return str(channel.url(privacy=True)).partition("?")[0] if channel is not None else ""  # type: ignore[no-untyped-call]


def send(address: str, message: Message) -> str:
    """Send a message; returns what went wrong, or nothing."""
    import apprise

    channel = _open_channel(address)
    if channel is None:
        return "this is no address that is known; see docs/searching.md"
    sender = apprise.Apprise()
    sender.add(channel)
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
        try:
            arrived = sender.notify(
                title=message.title,
                body=message.body,
                body_format=apprise.NotifyFormat.TEXT,
                timeout=SEND_TIMEOUT_SECONDS,
            )
        except Exception as error:  # a hundred services' code, none of it ours: one of them fails, not the others
            return f"{type(error).__name__}: {error}"
        if arrived:
            return ""
        return str(said.getvalue()).strip().replace("\n", " ") or "it was not accepted"


def _open_channel(address: str) -> NotifyBase | None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False  # it names addresses with their passwords
    try:
        found: NotifyBase | None = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    except Exception:
        return None
    return found


MAX_LISTED = 20
_MAX_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Plain text: a title and a body."""

    title: str
    body: str


def build_search_message(search: str, articles: Sequence[KeptArticle], total: int) -> Message:
    """The newest of `total` articles that a search found, each with its source, day and address."""
    newest = sorted(articles, key=lambda one: (one.published or one.first_seen, one.id), reverse=True)
    told = [_format_article(one) for one in newest[:MAX_LISTED]]
    if total > len(told):
        told.append(f"and {total - len(told)} more: evnews search --saved {search}")
    return Message(
        title=f"{search}: {total} new {'article' if total == 1 else 'articles'}",
        body="\n\n".join(told) or "they are not in the archive any more",
    )


def _format_article(article: KeptArticle) -> str:
    day = article.published_date or f"{article.published or article.first_seen:%Y-%m-%d}"
    title = clean_line(article.title, _MAX_TITLE) or article.url
    return "\n".join(safe_line(line) for line in (title, f"{article.source}, {day}", article.url))
