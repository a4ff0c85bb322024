"""Import the articles of an export, checking each line as untrusted input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

from storage.articles import importing, snapshots
from storage.articles.importing import ImportedArticle
from storage.db.statements import batched
from storage.identity import host_of
from storage.model.article import Article, RevisionSummary, Topic
from storage.model.search import MAX_ID
from storage.stories import membership
from storage.text.clean import clean
from storage.text.diff import EditKind
from storage.timestamps import parse_iso

if TYPE_CHECKING:
    from aggregator.topics.matcher import TopicMatcher
    from storage.db.writer import Transaction

MAX_LINE_BYTES = 64 * 2**20
_MAX_HTML_DEPTH = 100
_MAX_LIST_LENGTH = 10_000
_STORY_BATCH = 500
_TAGS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>")
_VOID = frozenset(["br", "hr", "img", "wbr", "source", "col"])
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EDIT_KINDS = ("", *EditKind)


class ExportError(ValueError):
    """A line of an export is invalid; the message says which line and why."""


@dataclass(slots=True)
class ImportProgress:
    """State of an import: links of copies as (id, original id), ids of stories, and numbers of articles."""

    copies: list[tuple[int, int]] = field(default_factory=list)
    stories: set[int] = field(default_factory=set)
    imported: int = 0
    already_stored: int = 0
    last_second: datetime | None = None
    index_in_second: int = 0

    def assign_first_seen(self, second: datetime) -> datetime:
        """Return a time within a second, so that articles first seen in it keep their order in the file."""
        self.index_in_second = self.index_in_second + 1 if second == self.last_second else 0
        self.last_second = second
        return second + timedelta(microseconds=min(self.index_in_second, 999_999))


def import_lines(
    tx: Transaction, lines: Iterable[tuple[int, bytes]], progress: ImportProgress, matcher: TopicMatcher
) -> None:
    """Import the articles of numbered lines; articles that are already stored stay unchanged. Raise ExportError."""
    for number, line in lines:
        try:
            _import_article(tx, parse_exported(line, matcher, progress.assign_first_seen), progress)
        except ValueError as error:
            raise ExportError(f"line {number}: {error}") from error


def _import_article(tx: Transaction, imported: ImportedArticle, progress: ImportProgress) -> None:
    if imported.copy_of is not None:
        progress.copies.append((imported.id, imported.copy_of))
    elif imported.story_id is not None:
        progress.stories.add(imported.story_id)
    if snapshots.is_stored(tx, imported.id):
        progress.already_stored += 1
        return
    from aggregator.duplicates.link import index_article_signature

    importing.import_article(tx, imported)
    index_article_signature(tx, imported.article, imported.id)
    if imported.story_id is not None and imported.copy_of is None:
        from aggregator.stories.assign import add_to_story

        add_to_story(tx, imported.id, imported.story_id, imported.article.terms)
    else:
        membership.queue_recompute(tx, [imported.id])
    progress.imported += 1


def complete_import(tx: Transaction, progress: ImportProgress) -> int:
    """Link the copies and count the stories; return the number of copies whose original is not in the export."""
    for story_ids in batched(sorted(progress.stories), _STORY_BATCH):
        membership.update_story_counts(tx, story_ids)
    return importing.finish_import(tx, progress.copies)


def read_numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, without empty lines; raise ExportError if a line is too long."""
    for number in count(1):
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line:
            return
        if len(line) > MAX_LINE_BYTES:
            raise ExportError(f"line {number}: longer than {MAX_LINE_BYTES} bytes")
        if line.strip():
            yield number, line


def parse_exported(
    line: bytes, matcher: TopicMatcher, assign_first_seen: Callable[[datetime], datetime]
) -> ImportedArticle:
    """Return the article in a line of `evnews export jsonl`; raise ExportError if the line is invalid."""
    from aggregator.extraction.derived_fields import with_derived_fields

    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ExportError("no JSON object")
    record = _ExportRecord(fields)
    article = with_derived_fields(_article(record), matcher)
    topics, catalogue_digest = _topics(article, record.texts("topics"), matcher.digest)
    revisions = _revisions(record)
    shown_number = record.number("revision")
    if not revisions or not 0 < shown_number <= len(revisions):
        raise ExportError("its revision is none of its revisions")
    past_texts = {past.text("digest"): past.text("text") for past in record.records("past_texts")}
    first_seen = record.time("first_seen")
    if first_seen is None:
        raise ExportError("first_seen is missing")
    return ImportedArticle(
        id=record.number("id"),
        article=article,
        source=record.text("source"),
        first_seen=assign_first_seen(first_seen),
        shown_number=shown_number,
        copy_of=record.number_or_none("copy_of"),
        withdrawn_at=record.time("withdrawn"),
        story_id=record.number_or_none("story"),
        topics=topics,
        catalogue_digest=catalogue_digest,
        revisions=revisions,
        past_texts=past_texts,
    )


def _article(record: _ExportRecord) -> Article:
    url = record.text("url")
    if not url.startswith(("http://", "https://")) or not host_of(url):
        raise ExportError("url is no http or https address")
    return Article(
        url=url,
        canonical_url=record.text("canonical_url"),
        title=record.text("title"),
        authors=record.texts("authors"),
        published=record.time("published"),
        published_date=record.text("published_date"),
        published_raw=record.text("published_raw"),
        zone_known=record.boolean("published_zone_known"),
        modified=record.time("updated"),
        language=record.text("language"),
        summary=record.text("summary"),
        text=record.text("text"),
        html=_checked_html(record.text("html")),
        image=record.text("image"),
        tags=record.texts("tags"),
        words=record.number("words", minimum=0),
        truncated=record.boolean("truncated"),
        extractor="export",
    )


def _checked_html(html: str) -> str:
    """Return the sanitised body; raise ExportError if it is nested too deeply."""
    depth = 0
    for closing, name, empty in _TAGS.findall(html):
        if closing:
            depth -= 1
        elif not empty and name.lower() not in _VOID:
            depth += 1
        if depth > _MAX_HTML_DEPTH:
            raise ExportError("html is nested too deeply")
    from aggregator.extraction.body.sanitize import sanitize_html

    return sanitize_html(html)


def _revisions(record: _ExportRecord) -> tuple[RevisionSummary, ...]:
    revisions: list[RevisionSummary] = []
    for number, revision in enumerate(record.records("revisions"), 1):
        at, kind, digest = revision.time("at"), revision.text("kind"), revision.text("digest")
        is_valid = at is not None and kind in _EDIT_KINDS and _DIGEST.fullmatch(digest)
        if at is None or not is_valid or revision.number("revision") != number:
            raise ExportError(f"its revision {number} is invalid")
        if kind == EditKind.WITHDRAWN and not revisions:
            raise ExportError("its first revision is a withdrawal")
        revisions.append(
            RevisionSummary(
                number=number,
                fetched_at=at,
                title=revision.text("title"),
                digest=digest,
                kind=kind,
                added=revision.number("added", minimum=0),
                removed=revision.number("removed", minimum=0),
            )
        )
    return tuple(revisions)


def _topics(article: Article, names: tuple[str, ...], catalogue_digest: str) -> tuple[tuple[Topic, ...], str]:
    """Return the topics with these names, and the digest of the catalogue that found them.

    If the present catalogue finds the same topics, its counts are used. Otherwise the counts follow the order of the
    names and the digest is empty, so that `evnews topics --refresh` finds the topics again.
    """
    topics = sorted(article.topics, key=lambda topic: (-topic.title_count, -topic.body_count, topic.name))
    if tuple(topic.name for topic in topics) == names:
        return tuple(topics), catalogue_digest
    unique = tuple(dict.fromkeys(names))
    return tuple(Topic(name=name, body_count=len(unique) - place) for place, name in enumerate(unique)), ""


class _ExportRecord:
    """A JSON object with typed access to its fields, which raises ExportError for a value of another type."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise ExportError(f"{name} is no text")
        return clean(value or "")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_ExportRecord({name: value}).text(name) for value in self._list(name))

    def records(self, name: str) -> list[_ExportRecord]:
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            raise ExportError(f"{name} is no list of objects")
        return [_ExportRecord(value) for value in values]

    def number(self, name: str, minimum: int = 1) -> int:
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= MAX_ID:
            raise ExportError(f"{name} is no number from {minimum} on")
        return value

    def number_or_none(self, name: str) -> int | None:
        return None if self._fields.get(name) is None else self.number(name)

    def boolean(self, name: str) -> bool:
        return self._fields.get(name) is True

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return parse_iso(text)
        except ValueError:
            raise ExportError(f"{name} is no time") from None

    def _list(self, name: str) -> list[Any]:
        value = self._fields.get(name) or []
        if not isinstance(value, list) or len(value) > _MAX_LIST_LENGTH:
            raise ExportError(f"{name} is no list, or one of more than {_MAX_LIST_LENGTH}")
        return value
