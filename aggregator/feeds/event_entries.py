"""What happens to articles as entries: an edit with its words marked, a story with who tells it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aggregator.feeds.channel import FeedEntry, encode_web_url
from aggregator.health.findings import HealthFinding, HealthState, load_findings
from storage.crawl.health import HealthEvent
from storage.model.article import Change, Revision, Story, StoryMember
from storage.text.clean import clean_line
from storage.text.diff import DiffPart, diff_words

_DIFF_TAGS = {"=": ("", ""), "-": ("<del>", "</del>"), "+": ("<ins>", "</ins>")}
_MAX_DIFF_LENGTH = 20_000
"""Characters of a diff; what is left unchanged far from an edit is not shown anyway."""
_CONTEXT_LENGTH = 200
"""Characters that stay around an edit."""


def change_entry(change: Change, revisions: Sequence[Revision]) -> FeedEntry:
    """An edit as an entry; `revisions` are all of its article."""
    by_number = {one.number: one for one in revisions}
    before, after = by_number.get(change.revision - 1), by_number.get(change.revision)
    return FeedEntry(
        id=f"urn:evnews:article:{change.article_id}:revision:{change.revision}",
        title=clean_line(f"{change.kind}: {change.title}") or f"Article {change.article_id}",
        url=encode_web_url(change.url),
        updated=change.at,
        published=change.at,
        publishers=_list_publishers(change.source),
        summary=f"{change.kind}: {change.added} characters came, {change.removed} went",
        html=render_diff(before, after) if before and after else "",
    )


def render_diff(before: Revision, after: Revision) -> str:
    """Title and text with what went struck out and what came marked, as HTML; long unchanged parts are left out."""
    parts = diff_words(*select_compared_texts(before, after))
    html = "".join(_render_part(part, number, len(parts)) for number, part in enumerate(parts))
    return "".join(f"<p>{line}</p>" for line in html[:_MAX_DIFF_LENGTH].split("\n") if line.strip())


def select_compared_texts(before: Revision, after: Revision) -> tuple[str, str]:
    """Title and text of both; where the pages show the same text, in the words of their own data."""
    one, two = before.text, after.text
    if one == two:
        one, two = before.text_in_page_data or one, after.text_in_page_data or two
    return f"{before.title}\n\n{one}", f"{after.title}\n\n{two}"


def _render_part(part: DiffPart, number: int, of: int) -> str:
    opening, closing = _DIFF_TAGS[part.op]
    text = part.text
    if part.op == "=" and len(text) > 2 * _CONTEXT_LENGTH:
        text = (text[:_CONTEXT_LENGTH] if number else "") + " … " + (text[-_CONTEXT_LENGTH:] if number + 1 < of else "")
    lines = [escape(line, quote=False) for line in text.split("\n")]
    # An element ends with its line: lines become paragraphs.
    return "\n".join(f"{opening}{line}{closing}" if line.strip() else line for line in lines)


def story_entry(story: Story) -> FeedEntry:
    """A story as an entry, which is updated as others join; its address is that of who had it first."""
    first = story.members[0] if story.members else None
    publishers = tuple(dict.fromkeys(name for one in story.members if (name := clean_line(one.source))))
    return FeedEntry(
        id=f"urn:evnews:story:{story.id}",
        title=clean_line(story.title) or f"Story {story.id}",
        url=encode_web_url(first.url) if first else "",
        updated=story.last_at,
        published=story.first_at,
        publishers=publishers,
        summary=f"told by {', '.join(publishers)}",
        html="<ol>" + "".join(map(_render_member, story.members)) + "</ol>",
    )


def _render_member(member: StoryMember) -> str:
    title, url = escape(clean_line(member.title) or member.url), encode_web_url(member.url)
    linked = f'<a href="{escape(url)}">{title}</a>' if url else title
    return f"<li>{linked} — {escape(clean_line(member.source))}, {member.at:%Y-%m-%d %H:%M}</li>"


def health_event_entry(event: HealthEvent) -> FeedEntry:
    """A source that is no longer well, or is again, as an entry: what was found, and what to do."""
    found = load_findings(event.findings)
    return FeedEntry(
        id=f"urn:evnews:turn:{event.id}",
        title=clean_line(f"{event.source} {describe_health(event.state)}"),
        url=encode_web_url(event.home_url),
        updated=event.at,
        published=event.at,
        publishers=_list_publishers(event.source),
        summary=clean_line("; ".join(one.evidence for one in found)) or "nothing is found any more",
        html="".join(map(_render_finding, found)),
    )


def describe_health(state: str) -> str:
    """How a source is, as the end of a sentence."""
    return "is well again" if state == HealthState.OK else f"is {state}"


def _render_finding(finding: HealthFinding) -> str:
    since = f"{finding.since:%Y-%m-%d %H:%M} UTC"
    return f"<p>{escape(clean_line(finding.evidence))} (since {since}); {escape(clean_line(finding.advice))}</p>"


def _list_publishers(source: str) -> tuple[str, ...]:
    name = clean_line(source)
    return (name,) if name else ()
