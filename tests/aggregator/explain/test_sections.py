"""The explanation of an article or URL, on both databases: every decision with its figures and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from aggregator.explain.sections import SECTIONS, build_sections, explain_summary, format_heading
from storage.archive import open_database
from storage.articles.topics import record_topics
from storage.crawl.polls import park_host
from storage.db.database import Database
from storage.db.tables import captures, snapshots
from storage.model.article import Topic
from storage.model.page import Lead
from tests.aggregator.duplicates.test_compare import prose
from tests.aggregator.explain.article_history import FEED, SITE, T0, ArchiveHistory

URL = SITE + "/a"
FERRY = (
    "Fjordbris strikes pier of Ravnsund",
    "The ferry Fjordbris struck the pier of Ravnsund in thick fog on Monday; the coast guard closed the harbour.",
)


@pytest.fixture
def history(database: Database, tmp_path: Path) -> ArchiveHistory:
    return ArchiveHistory(database, tmp_path / "warc")


def test_urls_that_were_never_found_or_fetched_are_unknown(history: ArchiveHistory) -> None:
    history.poll(Lead(url=URL))
    for subject in (7, SITE + "/b", "ev.example", "https://other.example/a"):
        assert not history.provenance(subject).is_known
    assert history.provenance("http://www.ev.example/a/?utm_source=x").is_known


def test_stored_article_is_explained_in_every_section(history: ArchiveHistory) -> None:
    lead = Lead(url=URL + "?utm_source=feed", title="A car, they say", published=T0 - timedelta(hours=2), id="n-1")
    history.poll(lead)
    history.later(minutes=1)
    kept = history.store(
        lead.url, "The car drives.", published=T0, zone_known=True, published_raw="1 Jan", published_date="2026-01-01",
        origins=(("title", "html"), ("published", "json-ld"), ("text", "trafilatura")),
    )  # fmt: skip
    for subject in (kept.article_id, URL, "www.ev.example/a"):
        reasons = history.reasons(subject)
        assert list(reasons) == [name for name, _, _ in SECTIONS]
    found, entry = reasons["found"]
    assert found.text == "Found by site on 2026-01-01 00:00:00 UTC:"
    assert found.details == (f"as {lead.url}", f"in {FEED}")
    assert entry.text == ('Entry in the index: title "A car, they say", published 2025-12-31 22:00:00 UTC, id "n-1".')
    (fetch,) = reasons["fetched"]
    assert fetch.at == T0 + timedelta(minutes=1)
    assert fetch.text == "HTTP 200, 12 B, unconditional request. First text of the article."
    facts = dict(fetch.facts)
    assert (facts["status"], facts["bytes"], facts["conditional"]) == (200, 12, False)
    assert fetch.details == (f"{facts['file']} at byte {facts['offset']}",)
    assert (history.warc_folder / str(facts["file"])).exists()
    assert history.text(URL, "tries") == (
        "Stored for site on 2026-01-01 00:01:00 UTC: neither its address nor its text was kept before."
    )
    fields = history.text(URL, "fields").split("\n")
    assert fields[0] == 'title: "A car", from the visible page'
    assert fields[1] == (
        'published: 2026-01-01 00:00:00 UTC, from the page\'s JSON-LD, written as "1 Jan"; with time zone; '
        "date 2026-01-01"
    )
    assert fields[-1] == "text: 3 words, from trafilatura, extracted by reader 1"
    assert history.text(URL, "identity").startswith("Shown under this URL, the only one it was fetched from")
    assert history.text(URL, "copies") == "No other stored article has a similar text."
    assert "Last available on 2026-01-01 00:01:00 UTC." in history.text(URL, "presence")


def test_missing_time_zone_and_truncated_text_are_reported(history: ArchiveHistory) -> None:
    history.store(URL, "The car drives.", published=T0, truncated=True)
    history.store(SITE + "/b", "It flies.")
    fields = history.text(URL, "fields")
    assert "published: 2026-01-01 00:00:00 UTC; without time zone, so that of the source is assumed" in fields
    assert "truncated: only the beginning can be read without a subscription" in fields
    assert "published: not known" in history.text(SITE + "/b", "fields").split("\n")


def test_index_of_a_lead_is_named_as_far_as_it_is_known(history: ArchiveHistory) -> None:
    """Either of two that were read at once; none if the crawl was killed before its poll was recorded."""
    history.poll(Lead(url=URL))
    history.poll(Lead(url=SITE + "/b"), feed=SITE + "/more.xml")
    assert history.reasons(URL)["found"][0].details[1:] == (f"in one of {FEED}", f"in one of {SITE}/more.xml")
    with history.database.write() as tx:
        tx.execute(text("DELETE FROM polls"))
    found = history.reasons(URL)["found"][0]
    assert found.text.endswith(", index not recorded:")
    assert found.details == (f"as {URL}",)


def test_refused_page_is_explained_with_its_verdict_and_next_attempt(history: ArchiveHistory) -> None:
    """The number of attempts left falls until the lead is refused."""
    reason = "a bot challenge: header cf-mitigated: challenge"
    history.poll(Lead(url=URL, title="A car"))
    assert history.text(URL, "tries") == (
        "Waiting to be fetched at the next poll of site (the next is due 2026-01-01 00:30:00 UTC)."
    )
    assert history.text(URL, "summary") == "The URL is waiting to be fetched."
    history.refuse(URL, "challenge", reason, status=403)
    assert format_heading(history.provenance(URL)) == f"No article: {URL}"
    assert history.text(URL, "summary") == "No article was found at this URL so far; it will be fetched again."
    (fetch,) = history.reasons(URL)["fetched"]
    assert fetch.text == f"HTTP 403, 12 B, unconditional request. No article (challenge): {reason}."
    assert dict(fetch.facts)["verdict"] == "challenge"
    assert history.text(URL, "tries") == (
        f"1 failed attempt, the last one: {reason}. The URL is fetched again at the first poll of site after "
        "2026-01-01 06:00:00 UTC (the next is due 2026-01-01 00:30:00 UTC). 3 attempts are left if "
        "they end the same way."
    )
    assert set(history.reasons(URL)) == {"summary", "found", "fetched", "tries"}
    for hours, left in ((7, 2), (25, 1)):
        history.later(hours=hours).refuse(URL, "challenge", reason)
        assert dict(history.reasons(URL)["tries"][0].facts)["tries_left"] == left
    assert "This is the last attempt." in history.text(URL, "tries")
    assert "3 failed attempts, the last one" in history.text(URL, "tries")
    history.later(hours=73).refuse(URL, "challenge", reason)
    assert history.text(URL, "tries") == (
        f"Refused on 2026-01-05 09:00:00 UTC after 4 attempts: {reason}. It is not fetched again."
    )
    assert history.text(URL, "summary") == "No article was found at this URL; it will not be fetched again."
    assert len(history.reasons(URL)["fetched"]) == 4


def test_server_failures_leave_five_attempts(history: ArchiveHistory) -> None:
    history.poll(Lead(url=URL))
    left = []
    for hours in (0, 1, 2, 5, 13):
        history.later(hours=hours).refuse(URL, "failed", "HTTP 503", status=503)
        left.append(dict(history.reasons(URL)["tries"][0].facts)["tries_left"])
    assert left == [5, 4, 3, 2, 1]
    assert history.reasons(URL)["fetched"][0].text == "HTTP 503, 12 B, unconditional request. No article."
    assert "(the next is due now)" in history.text(URL, "tries")


def test_parked_host_is_named_until_its_time_is_over(history: ArchiveHistory) -> None:
    history.poll(Lead(url=URL))
    with history.database.write() as tx:
        park_host(tx, "ev.example", T0 + timedelta(hours=3), "HTTP 429, Retry-After")
    assert "not before 2026-01-01 03:00:00 UTC because its host is parked: HTTP 429" in history.text(URL, "tries")
    history.later(hours=4)
    assert "parked" not in history.text(URL, "tries")


def test_leased_and_reopened_leads_are_explained(history: ArchiveHistory) -> None:
    history.poll(Lead(url=URL))
    history.store(URL, "The car drives.")
    history.later(hours=3)
    history.poll(Lead(url=URL, updated=T0 + timedelta(hours=2)))
    assert history.text(URL, "tries").endswith("Reopened once: its index dated the entry after the last fetch.")
    with history.database.write() as tx:
        history._lease(tx, "site")
    assert "Being fetched, until 2026-01-01 03:15:00 UTC at the latest" in history.text(URL, "tries")


def test_edits_are_explained_with_kind_size_and_fetch(history: ArchiveHistory) -> None:
    whole = prose(1)
    kept = history.store(URL, whole, title="A car")
    history.later(hours=1).store(URL, whole, title="A car", asked=("If-None-Match", '"1"'))
    history.later(hours=1).check(kept.article_id, URL, "unmodified", 304)
    history.later(hours=1).check(kept.article_id, URL, "unmodified", 304)
    assert history.text(URL, "revisions").endswith("No edit was found in 3 later checks.")
    history.later(hours=1).store(URL, whole, title="Another car")
    history.later(hours=1).store(URL, whole.replace(" ", " new ", 1), title="Another car")
    sentences = [reason.text for reason in history.reasons(kept.article_id)["revisions"]]
    assert sentences[0] == 'Revision 1: the first text, with the title "A car".'
    assert sentences[1].startswith("Revision 2: headline, ")
    assert sentences[1].endswith(' characters added and 1 removed, with the title "Another car".')
    assert sentences[2] == "Revision 3, shown now: body, 3 characters added and 0 removed."
    fetches = [reason.text for reason in history.reasons(URL)["fetched"]]
    assert fetches == [
        "HTTP 200, 12 B, unconditional request. First text of the article.",
        "HTTP 200, 12 B, conditional request. Text unchanged.",
        "HTTP 304, conditional request. Not modified; repeated once, last on 2026-01-01 03:00:00 UTC.",
        "HTTP 200, 12 B, unconditional request. Edited text: revision 2.",
        "HTTP 200, 12 B, unconditional request. Edited text: revision 3.",
    ]
    facts = dict(history.reasons(URL)["revisions"][2].facts)
    assert (facts["kind"], facts["added"], facts["removed"], facts["shown"]) == ("body", 3, 0, True)


def test_differences_that_are_no_edit_are_explained_with_their_cause(history: ArchiveHistory) -> None:
    """A counter that changes with each request; the text by another extractor."""
    whole = prose(1)
    history.store(URL, f"{whole}\n\n12 comments")
    history.later(hours=1).store(URL, f"{whole}\n\n13 comments")
    history.later(hours=1).store(URL, f"{whole} A caption.", extractor="reader 2")
    sentences = [reason.text for reason in history.reasons(URL)["fetched"]]
    assert "Only parts differ that change with each request or are held back; not counted as an edit" in sentences[1]
    assert sentences[2].endswith("Text extracted by reader 2 instead of reader 1; not counted as an edit.")
    assert len(history.reasons(URL)["revisions"]) == 2


def test_withdrawn_article_is_explained_with_its_time(history: ArchiveHistory) -> None:
    kept = history.store(URL, "The car drives.")
    history.later(hours=1).check(kept.article_id, URL, "missing", 410, sure=True)
    assert history.text(URL, "presence").split("\n") == [
        "Withdrawn since 2026-01-01 01:00:00 UTC: the publisher no longer shows it. The text stays.",
        "Last available on 2026-01-01 00:00:00 UTC.",
    ]
    assert history.reasons(URL)["fetched"][1].text == "HTTP 410. Missing; recorded as withdrawn in revision 2."
    assert history.reasons(URL)["revisions"][1].text == "Revision 2, shown now: withdrawn."
    assert "withdrawn on 2026-01-01 01:00:00 UTC" in history.text(URL, "summary")
    history.later(hours=1).store(URL, "The car drives.")
    assert "Withdrawn" not in history.text(URL, "presence")
    assert history.reasons(URL)["revisions"][2].text == "Revision 3, shown now: restored."


def test_missing_page_needs_a_second_check_before_it_counts_as_withdrawn(history: ArchiveHistory) -> None:
    kept = history.store(URL, "The car drives.")
    history.later(hours=1).check(kept.article_id, URL, "missing", 404)
    history.later(minutes=10).check(kept.article_id, URL, "missing", 404)
    assert history.reasons(URL)["fetched"][1].text == "HTTP 404. Missing; another check must confirm it."
    assert history.text(URL, "presence").startswith(
        "Missing since 2026-01-01 01:00:00 UTC (HTTP 404), but not counted as withdrawn yet: a check on 2026-01-01 "
        "02:00:00 UTC or later must confirm it."
    )
    history.later(hours=1).check(kept.article_id, URL, "missing", 404)
    assert history.text(URL, "presence").startswith("Withdrawn since 2026-01-01 01:00:00 UTC")


def test_outage_and_consent_wall_are_no_evidence_of_withdrawal(history: ArchiveHistory) -> None:
    kept = history.store(URL, "The car drives.")
    history.later(hours=1).check(kept.article_id, URL, "outage", 404)
    assert "like every page of the host then: an outage" in history.reasons(URL)["fetched"][1].text
    assert "The last check, on 2026-01-01 01:00:00 UTC, is no evidence about the article: HTTP 404." in history.text(
        URL, "presence"
    )
    history.later(hours=1).check(kept.article_id, URL, "refused", 200, "a consent wall: it says so")
    assert history.reasons(URL)["fetched"][2].text == (
        "HTTP 200. No article this time: a consent wall: it says so; the stored text stays."
    )
    assert "is no evidence about the article: a consent wall" in history.text(URL, "presence")


def test_held_back_template_change_is_explained(history: ArchiveHistory) -> None:
    box = "Subscribe to our letter and read all that we write before anybody else does."
    urls = [f"{SITE}/{n}" for n in range(6)]
    for number, url in enumerate(urls):
        history.store(url, prose(number + 1), title=f"Car {number}")
    history.later(hours=1)
    for number, url in enumerate(urls):
        history.store(url, f"{prose(number + 1)}\n\n{box}", title=f"Car {number}")
    assert history.apply_template_changes() == 1
    words = history.text(urls[0], "revisions")
    assert (
        "Held back since 2026-01-01 01:00:00 UTC and not counted as an edit: a block that appeared or disappeared on 6 "
        f'pages of site, as in a redesign: "{box}"'
    ) in words
    assert "Revision 2" not in words


def test_removed_boilerplate_is_explained_with_its_version(history: ArchiveHistory) -> None:
    box = "Subscribe to our letter and read all that we write before anybody else does."
    for number in range(6):
        history.store(f"{SITE}/{number}", f"{prose(number + 1)}\n\n{box}", title=f"Car {number}")
    assert history.text(SITE + "/0", "left-out") == ("No boilerplate of site was known when this text was extracted.")
    last = prose(9)
    history.later(hours=1).store(
        URL, last, removed_boilerplate=((len(last.split("\n\n")), box),), boilerplate_version=1
    )
    count, paragraph = history.reasons(URL)["left-out"]
    assert count.text == (
        "1 paragraph removed with version 1 of the boilerplate of site (learned on 2026-01-01 00:00:00 UTC): each "
        "occurred in at least 5 of the latest 50 articles."
    )
    assert paragraph.text == f'"{box}"'
    history.store(SITE + "/c", prose(10), boilerplate_version=1)
    assert history.text(SITE + "/c", "left-out").startswith("No paragraph was removed, with version 1")


def test_copy_and_original_name_each_other(history: ArchiveHistory) -> None:
    """With the measured similarity, its kind and the reason of the choice; a third names the same original."""
    whole, other = prose(1), "https://wire.example/x"
    first = history.store(other, whole, source="wire", published=T0)
    cut = whole[: len(whole) * 2 // 5] + "\n\nThis article was first published by Wire."
    copy = history.store(URL, cut, published=T0 + timedelta(days=1))
    second_copy = history.store("https://third.example/y", whole, source="third", published=T0 + timedelta(days=2))
    credit, original, *_ = (reason.text for reason in history.reasons(URL)["copies"])
    assert credit == "The text credits Wire as its origin."
    assert re.fullmatch(
        rf"Copy of article {first.article_id} \(wire\): \d\d% of the shorter text stands in the other: the "
        rf"same as article {first.article_id}, which it names as its origin; measured: (all|\d\d%) of the shorter text "
        r"is in the other, which is much longer\.",
        original,
    )
    by_article = {dict(reason.facts)["article"]: reason for reason in history.reasons(first.article_id)["copies"]}
    assert set(by_article) == {copy.article_id, second_copy.article_id}
    assert by_article[second_copy.article_id].text.endswith("; measured: the texts are the same.")
    assert "is a copy of this article: " in by_article[copy.article_id].text
    assert dict(by_article[second_copy.article_id].facts)["similarity"] == 1.0
    assert f"Article {second_copy.article_id} (third, published 2026-01-03" in history.text(URL, "copies")
    assert "is a copy of the same original" in history.text(URL, "copies")
    assert f"a copy of article {first.article_id}" in history.text(URL, "summary")


def test_story_is_explained_with_its_first_source_and_shared_words(history: ArchiveHistory) -> None:
    """With the similarity and the factor for the time between; a copy is explained by its original."""
    title, text = FERRY
    first = history.store("https://wire.example/x", text, title=title, source="wire", published=T0)
    rewritten = "After the Fjordbris hit the pier of Ravnsund in fog the coast guard closed the harbour."
    second = history.store(URL, rewritten, title="Harbour of Ravnsund closed", published=T0 + timedelta(days=1))
    position, other = history.reasons(URL)["story"]
    assert position.text == (
        f'The article belongs to story {first.article_id} (2 articles of 2 sources): "{title}". It was number 2; wire '
        "was first, on 2026-01-01 00:00:00 UTC."
    )
    facts = dict(other.facts)
    assert facts["article"] == first.article_id
    assert facts["similarity"] >= 0.1
    assert {"ravnsund", "harbour", "fjordbris"} <= {*facts["terms"]}
    assert "a factor of 0.95 for the time between them" in other.text
    assert "It was first." in history.reasons(first.article_id)["story"][0].text
    assert dict(history.reasons(first.article_id)["story"][1].facts)["article"] == second.article_id
    history.store("https://third.example/y", text, title=title, source="third", published=T0 + timedelta(days=2))
    assert history.text("https://third.example/y", "story").startswith(
        f"The original, article {first.article_id}, belongs to story {first.article_id} (2 articles of 2 sources)"
    )


def test_article_without_others_is_alone_in_its_story(history: ArchiveHistory) -> None:
    """An article without a story names the command that assigns one."""
    history.store(URL, "The car drives.")
    assert history.text(URL, "story") == "The article is the only article of its story."
    with history.database.write() as tx:
        tx.execute(text("DELETE FROM story_members"))
    assert "evnews stories --refresh" in history.text(URL, "story")


def test_similar_articles_that_are_not_linked_are_explained(history: ArchiveHistory) -> None:
    """Two articles of one site need a higher similarity."""
    whole = prose(1)
    history.store(URL, whole, published=T0)
    history.store(SITE + "/b", whole[: len(whole) * 7 // 8] + prose(2, 60), published=T0 + timedelta(days=1))
    (related,) = history.reasons(URL)["copies"]
    assert related.text.endswith(
        "is similar, but neither is a copy of the other: both are from one site, where a copy must share 90% of its "
        "text; "
        "measured: 87% of the shorter text is in the other, and both have about the same length."
    )
    assert dict(related.facts)["copy_of"] is None


def test_redirected_url_belongs_to_its_article(history: ArchiveHistory) -> None:
    """The article is found by either URL, with the redirect among the fetches."""
    short = "https://s.example/1"
    history.poll(Lead(url=short))
    history.store(URL, "The car drives.", via=short)
    for subject in (short, URL):
        reasons = history.reasons(subject)
        assert reasons["identity"][0].details == (URL,)
        assert reasons["identity"][1].text == "This URL redirected to the article, once."
        assert reasons["identity"][1].details == (short,)
    redirect, page = reasons["fetched"]
    assert redirect.text == f"HTTP 301, 0 B, unconditional request. Redirected to {URL}."
    assert redirect.details[0] == short
    assert page.text.endswith("First text of the article.")


def test_merged_articles_are_explained_under_either_id(history: ArchiveHistory) -> None:
    first = history.store(URL, "The car drives.", title="A car")
    second = history.store(SITE + "/b", "The car drives on.", title="A car, again")
    joining = history.later(hours=1).store(SITE + "/b", "The car drives.", title="A car", canonical_url=URL)
    assert joining.merged_ids == (second.article_id,)
    for subject in (second.article_id, SITE + "/b"):
        reasons = history.reasons(subject)
        identity = [reason.text for reason in reasons["identity"]]
        assert identity == [
            "Shown under this URL, which its pages declare canonical.",
            f"This URL shows the article too: its page declares {URL} canonical, and has the same title and text.",
            f"Article {second.article_id} was merged into this one; its number leads here.",
        ]
    summary = history.reasons(second.article_id)["summary"][0].text
    assert summary == f"Article {second.article_id} was merged into article {first.article_id}, which is shown here."
    assert f"it joins article {second.article_id} to this one" in history.text(URL, "summary")


def test_pages_that_declare_the_same_canonical_url_are_one_article(history: ArchiveHistory) -> None:
    third = SITE + "/whole"
    history.store(URL, "The car drives.", canonical_url=third)
    history.store(SITE + "/b", "The car drives.", canonical_url=third)
    assert f"its page and another page of the article declare {third} canonical" in history.text(URL, "identity")
    assert history.text(third, "summary") == "A page of article 1 declares this URL canonical."


def test_same_id_in_an_index_makes_one_article(history: ArchiveHistory) -> None:
    for path in ("/b", "/a"):
        history.poll(Lead(url=SITE + path, id="n-1"))
        history.store(SITE + path, "The car drives.", title=path)
    words = history.text(URL, "identity")
    assert "the first in alphabetical order" in words
    assert "the index gave both the same id, and they have the same text" in words


def test_article_is_explained_after_its_warc_file_is_lost(history: ArchiveHistory) -> None:
    """With the problem of the file; without a WARC folder no exchange is read."""
    history.store(URL, "The car drives.")
    (file,) = history.warc_folder.iterdir()
    file.unlink()
    (fetch,) = history.reasons(URL)["fetched"]
    assert fetch.text == "HTTP 200. First text of the article."
    assert "; it cannot be read: WARC file " in fetch.details[0]
    assert history.provenance(URL, with_captures=False).fetches[0].exchange is None


def test_fetches_without_archived_pages_are_explained(history: ArchiveHistory) -> None:
    history.store(URL, "The car drives.")
    with history.database.write() as tx:
        tx.execute(snapshots.update().values(capture_id=None))
        tx.execute(delete(captures))
    (fetch,) = history.reasons(URL)["fetched"]
    assert fetch.text == "Fetched, but the page was not archived. First text of the article."
    assert dict(fetch.facts)["status"] is None


def test_topics_are_explained_with_their_counts(history: ArchiveHistory) -> None:
    kept = history.store(URL, "The car drives.")
    assert history.text(URL, "topics") == "The article mentions no topic of the catalogue."
    with history.database.write() as tx:
        record_topics(
            tx,
            kept.article_id,
            (Topic(name="byd", title_count=1, body_count=3), Topic(name="lfp", body_count=2)),
            "abc",
        )
    assert history.text(URL, "topics").split("\n") == [
        "byd: once in the title and 3 times in the text",
        "lfp: twice in the text",
    ]
    assert history.provenance(URL).catalogue_digest == "abc"


def test_empty_section_is_left_out(history: ArchiveHistory) -> None:
    history.poll(Lead(url=URL))
    provenance = history.provenance(URL)
    assert [section.name for section in build_sections(provenance, history.now)] == [
        "summary",
        "found",
        "fetched",
        "tries",
    ]
    assert next(explain_summary(replace(provenance, discoveries=()), history.now), None) is None


def test_reasons_of_copies_do_not_depend_on_the_order_of_arrival(new_sqlite: Callable[[], str], tmp_path: Path) -> None:
    """An earlier original that arrives later is named with the reason."""
    explanations = []
    for order in ((0, 1), (1, 0)):
        database = open_database(new_sqlite())
        history = ArchiveHistory(database, tmp_path / f"warc{order[0]}")
        for which in order:
            source = ("wire", "site")[which]
            history.store(f"https://{source}.example/x", prose(1), source=source, published=T0 + timedelta(which))
        explanations.append(re.sub(r"rticle \d", "rticle N", history.text("https://site.example/x", "copies")))
        database.close()
    assert explanations[0] == explanations[1]
    assert "which was published first, on 2026-01-01 at 00:00 UTC" in explanations[0]
