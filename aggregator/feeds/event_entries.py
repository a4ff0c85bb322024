"""Entries for events: an edit with its changed words marked, a story with its articles, a change of health."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aggregator.feeds.channel import FeedEntry, encode_web_url
from aggregator.formatting import format_minute
from aggregator.health.findings import HealthFinding, HealthState, load_findings
from storage.crawl.health import HealthEvent
from storage.model.article import Change, Revision, Story, StoryMember
from storage.text.clean import clean_line
from storage.text.diff import DiffPart, diff_words

_DIFF_TAGS = {"=": ("", ""), "-": ("<del>", "</del>"), "+": ("<ins>", "</ins>")}
_MAX_DIFF_LENGTH = 20_000
"""Maximum characters of a diff; unchanged text far from an edit is omitted anyway."""
_CONTEXT_LENGTH = 200
"""Unchanged characters shown around an edit."""


def change_entry(change: Change, revisions: Sequence[Revision]) -> FeedEntry:
    """Return an edit as an entry; `revisions` are all revisions of its article, or empty to omit the diff."""
    by_number = {revision.number: revision for revision in revisions}
    before, after = by_number.get(change.revision - 1), by_number.get(change.revision)
    return FeedEntry(
        id=f"urn:evnews:article:{change.article_id}:revision:{change.revision}",
        title=clean_line(f"{change.kind}: {change.title}") or f"Article {change.article_id}",
        url=encode_web_url(change.url),
        updated=change.at,
        published=change.at,
        publishers=_list_publishers(change.source),
        summary=f"{change.kind}: {change.added} characters added, {change.removed} removed",
        html=render_diff(before, after) if before and after else "",
    )


def render_diff(before: Revision, after: Revision) -> str:
    """Return the diff of title and text as HTML with <del> and <ins>; long unchanged parts are omitted."""
    parts = diff_words(*select_compared_texts(before, after))
    html = "".join(_render_part(part, number, len(parts)) for number, part in enumerate(parts))
    return "".join(f"<p>{line}</p>" for line in html[:_MAX_DIFF_LENGTH].split("\n") if line.strip())


def select_compared_texts(before: Revision, after: Revision) -> tuple[str, str]:
    """Return title and text of both revisions; if the visible texts are equal, the texts of their page data."""
    old, new = before.text, after.text
    if old == new:
        old, new = before.text_in_page_data or old, after.text_in_page_data or new
    return f"{before.title}\n\n{old}", f"{after.title}\n\n{new}"


def _render_part(part: DiffPart, number: int, of: int) -> str:
    opening, closing = _DIFF_TAGS[part.op]
    text = part.text
    if part.op == "=" and len(text) > 2 * _CONTEXT_LENGTH:
        text = (text[:_CONTEXT_LENGTH] if number else "") + " … " + (text[-_CONTEXT_LENGTH:] if number + 1 < of else "")
    lines = [escape(line, quote=False) for line in text.split("\n")]
    # Lines become paragraphs, so an element must end with its line.
    return "\n".join(f"{opening}{line}{closing}" if line.strip() else line for line in lines)


def story_entry(story: Story) -> FeedEntry:
    """Return a story as an entry, updated when an article joins; its URL is that of the first article."""
    first = story.members[0] if story.members else None
    publishers = tuple(dict.fromkeys(name for member in story.members if (name := clean_line(member.source))))
    return FeedEntry(
        id=f"urn:evnews:story:{story.id}",
        title=clean_line(story.title) or f"Story {story.id}",
        url=encode_web_url(first.url) if first else "",
        updated=story.last_at,
        published=story.first_at,
        publishers=publishers,
        summary=f"covered by {', '.join(publishers)}",
        html="<ol>" + "".join(map(_render_member, story.members)) + "</ol>",
    )


def _render_member(member: StoryMember) -> str:
    title, url = escape(clean_line(member.title) or member.url), encode_web_url(member.url)
    linked = f'<a href="{escape(url)}">{title}</a>' if url else title
    return f"<li>{linked} — {escape(clean_line(member.source))}, {member.at:%Y-%m-%d %H:%M}</li>"


def health_event_entry(event: HealthEvent) -> FeedEntry:
    """Return a change of a source's health as an entry, with its findings and advice."""
    findings = load_findings(event.findings)
    return FeedEntry(
        id=f"urn:evnews:turn:{event.id}",
        title=clean_line(f"{event.source} {describe_health(event.state)}"),
        url=encode_web_url(event.home_url),
        updated=event.at,
        published=event.at,
        publishers=_list_publishers(event.source),
        summary=clean_line("; ".join(finding.evidence for finding in findings)) or "no findings",
        html="".join(map(_render_finding, findings)),
    )


def describe_health(state: str) -> str:
    """Return the health of a source as a predicate."""
    return "is healthy again" if state == HealthState.OK else f"is {state}"


def _render_finding(finding: HealthFinding) -> str:
    since = format_minute(finding.since)
    return f"<p>{escape(clean_line(finding.evidence))} (since {since}); {escape(clean_line(finding.advice))}</p>"


def _list_publishers(source: str) -> tuple[str, ...]:
    name = clean_line(source)
    return (name,) if name else ()
