"""What happens to articles as entries: an edit with its words marked, a story with who tells it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aggregator.feeds.channel import Entry, web_url
from aggregator.health.findings import Finding, State, unpacked
from storage.crawl.health import Turn
from storage.model.article import Change, Revision, Story, Telling
from storage.text.clean import clean_line
from storage.text.diff import Part, word_diff

_TAGS = {"=": ("", ""), "-": ("<del>", "</del>"), "+": ("<ins>", "</ins>")}
_LONGEST = 20_000
"""Characters of a diff; what is left unchanged far from an edit is not shown anyway."""
_AROUND = 200
"""Characters that stay around an edit."""


def change_entry(change: Change, revisions: Sequence[Revision]) -> Entry:
    """An edit as an entry; `revisions` are all of its article."""
    by_number = {one.number: one for one in revisions}
    before, after = by_number.get(change.revision - 1), by_number.get(change.revision)
    return Entry(
        id=f"urn:evnews:article:{change.article_id}:revision:{change.revision}",
        title=clean_line(f"{change.kind}: {change.title}") or f"Article {change.article_id}",
        url=web_url(change.url),
        updated=change.at,
        published=change.at,
        publishers=_publisher(change.source),
        summary=f"{change.kind}: {change.added} characters came, {change.removed} went",
        html=diff_html(before, after) if before and after else "",
    )


def diff_html(before: Revision, after: Revision) -> str:
    """Title and text with what went struck out and what came marked, as HTML; long unchanged parts are left out."""
    parts = word_diff(*compared(before, after))
    html = "".join(_marked(part, number, len(parts)) for number, part in enumerate(parts))
    return "".join(f"<p>{line}</p>" for line in html[:_LONGEST].split("\n") if line.strip())


def compared(before: Revision, after: Revision) -> tuple[str, str]:
    """Title and text of both; where the pages show the same text, in the words of their own data."""
    one, two = before.text, after.text
    if one == two:
        one, two = before.stated or one, after.stated or two
    return f"{before.title}\n\n{one}", f"{after.title}\n\n{two}"


def _marked(part: Part, number: int, of: int) -> str:
    opening, closing = _TAGS[part.op]
    text = part.text
    if part.op == "=" and len(text) > 2 * _AROUND:
        text = (text[:_AROUND] if number else "") + " … " + (text[-_AROUND:] if number + 1 < of else "")
    lines = [escape(line, quote=False) for line in text.split("\n")]
    # An element ends with its line: lines become paragraphs.
    return "\n".join(f"{opening}{line}{closing}" if line.strip() else line for line in lines)


def story_entry(story: Story) -> Entry:
    """A story as an entry, which is updated as others join; its address is that of who had it first."""
    first = story.tellings[0] if story.tellings else None
    publishers = tuple(dict.fromkeys(name for one in story.tellings if (name := clean_line(one.source))))
    return Entry(
        id=f"urn:evnews:story:{story.id}",
        title=clean_line(story.title) or f"Story {story.id}",
        url=web_url(first.url) if first else "",
        updated=story.last_at,
        published=story.first_at,
        publishers=publishers,
        summary=f"told by {', '.join(publishers)}",
        html="<ol>" + "".join(map(_told, story.tellings)) + "</ol>",
    )


def _told(one: Telling) -> str:
    title, url = escape(clean_line(one.title) or one.url), web_url(one.url)
    linked = f'<a href="{escape(url)}">{title}</a>' if url else title
    return f"<li>{linked} — {escape(clean_line(one.source))}, {one.at:%Y-%m-%d %H:%M}</li>"


def turn_entry(turn: Turn) -> Entry:
    """A source that is no longer well, or is again, as an entry: what was found, and what to do."""
    found = unpacked(turn.findings)
    return Entry(
        id=f"urn:evnews:turn:{turn.id}",
        title=clean_line(f"{turn.source} {is_now(turn.state)}"),
        url=web_url(turn.home),
        updated=turn.at,
        published=turn.at,
        publishers=_publisher(turn.source),
        summary=clean_line("; ".join(one.words for one in found)) or "nothing is found any more",
        html="".join(map(_finding_html, found)),
    )


def is_now(state: str) -> str:
    """How a source is, as the end of a sentence."""
    return "is well again" if state == State.OK else f"is {state}"


def _finding_html(one: Finding) -> str:
    since = f"{one.since:%Y-%m-%d %H:%M} UTC"
    return f"<p>{escape(clean_line(one.words))} (since {since}); {escape(clean_line(one.advice))}</p>"


def _publisher(source: str) -> tuple[str, ...]:
    name = clean_line(source)
    return (name,) if name else ()
