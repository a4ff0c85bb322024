"""Measure how well edits are detected: real pages are edited in their bytes, extracted twice and stored.

    python benchmarks/revisions.py CORPUS [--sets fundus_tests,naeb] [--each 40] [--misses]

CORPUS is a folder of extraction sets (see docs/benchmarks.md). Each page gets one edit: words added to the body, the
ending of a word changed, the headline changed, an advert at the end, a banner at the start, or none. An edit is made
where the page's bytes contain a run of the gold text exactly once. A source of 60 synthetic articles changes its
template: a box is added to every article, another is removed. The baseline compares the extraction of both pages by
plain trafilatura, character by character. The last line is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import trafilatura

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import shipped_matcher
from spiders.source import Hints
from storage.archive import open_database
from storage.articles import store, template_changes
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article, DecisionKind
from storage.model.crawl import CheckResult
from storage.model.page import Lead, Page
from storage.text.diff import EditKind

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ADDED = "Regulators have since confirmed that 4,217 vehicles are concerned."
EDITS = {"body": EditKind.BODY, "typo": EditKind.TYPO, "title": EditKind.HEADLINE}
NOISE = ("ad", "banner", "none")
BARS = {"found": 0.97, "kind": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A page of the corpus with its gold title and text."""

    id: str
    url: str
    title: str
    text: str
    body: bytes


def samples(corpus: Path, sets: list[str]) -> Iterator[Sample]:
    """Yield the pages of the sets that have a gold text."""
    for name in sets:
        with gzip.open(corpus / name / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                gold = json.loads(line)
                text = gold.get("text") or "\n".join(gold.get("paragraphs") or [])
                if text and gold.get("url"):
                    data = gzip.decompress((corpus / name / gold["file"]).read_bytes())
                    yield Sample(
                        id=f"{name}/{gold['id']}", url=gold["url"], title=gold.get("title") or "", text=text, body=data
                    )


def edited(sample: Sample, how: str) -> tuple[bytes, str] | None:
    """Return the page's bytes after an edit and the edited words, or None if there is nothing to edit."""
    if how == "title":
        return _retitled(sample)
    if how in ("body", "typo"):
        return _reworded(sample, how)
    if how == "ad":
        advert = b'<div class="ad"><a href="/promo">Limited offer 31415</a></div></body>'
        return re.sub(rb"</body>", advert, sample.body, count=1, flags=re.I), ""
    if how == "banner":
        banner = rb'\1<div class="banner-2"><a href="/offer">Redesigned site, new offers</a></div>'
        return re.sub(rb"(<body[^>]*>)", banner, sample.body, count=1, flags=re.I), ""
    return sample.body, ""


def _retitled(sample: Sample) -> tuple[bytes, str] | None:
    if not sample.title:
        return None
    new = f"UPDATED: {sample.title}"
    body = sample.body.replace(sample.title.encode(), new.encode())
    body = body.replace(escape(sample.title, quote=False).encode(), escape(new, quote=False).encode())
    return (body, sample.title) if body != sample.body else None


def _reworded(sample: Sample, how: str) -> tuple[bytes, str] | None:
    for paragraph in sorted(sample.text.split("\n"), key=len, reverse=True):
        words = paragraph.split()
        for start in range(0, max(0, len(words) - 8), 4):
            run = words[start : start + 8]
            old = " ".join(run)
            if sample.body.count(old.encode()) == 1:
                new = f"{old} {ADDED}" if how == "body" else f"{old}s"
                return sample.body.replace(old.encode(), new.encode()), old
    return None


def keep(database: Database, page: Page) -> tuple[Article | None, DecisionKind | None]:
    """Extract a page and store the article."""
    made = extract(page, Hints(source=page.source), shipped_matcher())
    if not isinstance(made, Article):
        return None, None
    with database.write() as tx:
        return made, link_recorded(tx, store.record_article(tx, made, page, None, T0)).kind


def page_of(sample: Sample, body: bytes, hours: int, title: str) -> Page:
    """Return a sample as fetched at an hour, with the lead of a feed."""
    lead = Lead(url=sample.url, title=title)
    return Page(
        url=sample.url,
        status=200,
        headers=(("content-type", "text/html"),),
        body=body,
        fetched_at=T0 + timedelta(hours=hours),
        source="corpus",
        lead=lead,
    )


def run_edits(database: Database, corpus: Path, options: argparse.Namespace) -> dict[str, object]:
    """Edit every page once and count the detected edits."""
    chosen = list(samples(corpus, options.sets.split(",")))
    random.Random(options.seed).shuffle(chosen)
    counts: Counter[tuple[str, str]] = Counter()
    bare: Counter[str] = Counter()
    ways = [*EDITS, *NOISE]
    for number, sample in enumerate(chosen):
        done = None
        for how in ways[number % len(ways) :] + ways[: number % len(ways)]:
            if counts[how, "made"] < options.each and (done := edited(sample, how)):
                break
        if not done:
            continue
        print(f"\r{number + 1}/{len(chosen)} pages", end="", file=sys.stderr, flush=True)
        first, _ = keep(database, page_of(sample, sample.body, 0, sample.title))
        if first is None:
            continue
        title = f"UPDATED: {sample.title}" if how == "title" else sample.title
        _, kind = keep(database, page_of(sample, done[0], 2, title))
        counts[how, "made"] += 1
        bare[how] += _plain(sample.body) != _plain(done[0])
        _judge(database, sample, how, done[1], first, kind, counts, misses=options.misses)
    print(file=sys.stderr)
    return _figures(counts, bare)


def _plain(body: bytes) -> str:
    return trafilatura.extract(body) or ""


def _judge(
    database: Database,
    sample: Sample,
    how: str,
    old: str,
    first: Article,
    kind: DecisionKind | None,
    counts: Counter[tuple[str, str]],
    *,
    misses: bool,
) -> None:
    article = Library(database).article_at(sample.url)
    last = Library(database).revisions(article.id)[-1] if article else None
    is_found = kind is DecisionKind.REVISED
    words = " ".join((first.title if how == "title" else first.text).split())
    is_held = " ".join(old.split()) in words
    counts[how, "found"] += is_found
    counts[how, "in text"] += is_held
    counts[how, "found in text"] += is_held and is_found
    counts[how, "kind"] += bool(is_found and last and how in EDITS and last.kind == EDITS[how])
    if misses and (is_found != (how in EDITS) or (is_found and last and last.kind != EDITS[how])):
        print(
            f"\n{how} {last.kind if last and is_found else 'missed'} held={is_held} {sample.id} {old}", file=sys.stderr
        )


def _figures(counts: Counter[tuple[str, str]], bare: Counter[str]) -> dict[str, object]:
    made = sum(counts[how, "made"] for how in EDITS)
    detected = sum(counts[how, "found"] for how in EDITS)
    in_text = sum(counts[how, "in text"] for how in EDITS)
    noise = sum(counts[how, "made"] for how in NOISE)
    return {
        "edits": made,
        "found": round(detected / max(made, 1), 3),
        "found_of_those_in_text": round(sum(counts[how, "found in text"] for how in EDITS) / max(in_text, 1), 3),
        "kind_right": round(sum(counts[how, "kind"] for how in EDITS) / max(detected, 1), 3),
        "by_kind": {how: f"{counts[how, 'found']}/{counts[how, 'made']}" for how in EDITS},
        "noise": noise,
        "false": sum(counts[how, "found"] for how in NOISE),
        "bare_found": round(sum(bare[how] for how in EDITS) / max(made, 1), 3),
        "bare_false": sum(bare[how] for how in NOISE),
    }


def run_template(database: Database) -> int:
    """Change the template of a source with 60 articles; return the number of revisions (0 is correct)."""
    rng = random.Random(7)
    vocabulary = "battery charger range motor price factory model launch supplier tariff cell recall".split()  # noqa: SIM905
    old_box = "Our newsroom may earn a commission when you buy through the links that we place in our articles."
    new_box = "Readers who support us with a membership keep this site free of paywalls for all other readers."
    for hours, box in ((0, old_box), (5, new_box)):
        rng.seed(7)
        for number in range(60):
            paragraphs = [" ".join(rng.choices(vocabulary, k=40)) + f" {number}." for _ in range(5)]
            paragraphs.insert(2, box)
            body = "".join(f"<p>{paragraph.capitalize()}</p>" for paragraph in paragraphs)
            html = f"<html><head><title>Report {number}</title></head><body><article><h1>Report {number}</h1>{body}"
            page = Page(
                url=f"https://template.example/{number}",
                status=200,
                headers=(("content-type", "text/html; charset=utf-8"),),
                body=f"{html}</article></body></html>".encode(),
                fetched_at=T0 + timedelta(hours=hours, seconds=number),
                source="template",
            )
            keep(database, page)
    with database.write() as tx:
        template_changes.apply_template_changes(tx, "template", T0)
    return sum(1 for _ in Library(database).changes(sources=("template",)))


def run_withdrawals(database: Database, count: int = 20) -> tuple[int, int]:
    """Return how many articles whose pages respond with 410 are withdrawn, and how many still show their text."""
    library = Library(database)
    marked = shown = 0
    for number in range(count):
        url = f"https://template.example/{number}"
        article = library.article_at(url)
        assert article is not None
        looked = CheckResult(
            url=url,
            checked_at=T0 + timedelta(days=1),
            status=410,
            outcome="missing",
            reason="HTTP 410",
            is_certain=True,
        )
        with database.write() as tx:
            store.record_check(tx, article.id, looked, None)
        after = library.article(article.id)
        marked += bool(after and after.withdrawn)
        shown += bool(after and after.text == article.text)
    return marked, shown


def main() -> int:
    """Run all parts and print the figures; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--sets", default="fundus_tests,naeb")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="print the missed edits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/archive.db")
        figures = run_edits(database, options.corpus, options)
        template = run_template(database)
        marked, shown = run_withdrawals(database)
        database.close()
    figures |= {"template_revisions": template, "withdrawn_marked": marked, "withdrawn_texts_shown": shown}
    print(json.dumps(figures))
    good = float(str(figures["found"])) >= BARS["found"] and float(str(figures["kind_right"])) >= BARS["kind"]
    return 0 if good and not figures["false"] and not template and marked == shown == 20 else 1


if __name__ == "__main__":
    sys.exit(main())
