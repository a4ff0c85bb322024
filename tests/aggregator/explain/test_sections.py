"""What the archive says of an article or an address, in both dialects: every decision, with its figures and times."""

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
from tests.aggregator.explain.article_history import FEED, SITE, T0, Happening

URL = SITE + "/a"
FERRY = (
    "Fjordbris strikes pier of Ravnsund",
    "The ferry Fjordbris struck the pier of Ravnsund in thick fog on Monday; the coast guard closed the harbour.",
)


@pytest.fixture
def happening(database: Database, tmp_path: Path) -> Happening:
    return Happening(database, tmp_path / "warc")


def test_nothing_is_known_of_what_never_happened(happening: Happening) -> None:
    happening.index(Lead(url=URL))
    for asked in (7, SITE + "/b", "ev.example", "https://other.example/a"):
        assert not happening.account(asked).is_known
    assert happening.account("http://www.ev.example/a/?utm_source=x").is_known


def test_a_kept_page_tells_how_it_came(happening: Happening) -> None:
    lead = Lead(url=URL + "?utm_source=feed", title="A car, they say", published=T0 - timedelta(hours=2), id="n-1")
    happening.index(lead)
    happening.later(minutes=1)
    kept = happening.article(
        lead.url, "The car drives.", published=T0, zone_known=True, published_raw="1 Jan", published_date="2026-01-01",
        origins=(("title", "html"), ("published", "json-ld"), ("text", "trafilatura")),
    )  # fmt: skip
    for asked in (kept.article_id, URL, "www.ev.example/a"):
        told = happening.told(asked)
        assert list(told) == [name for name, _, _ in SECTIONS]
    found, said = told["found"]
    assert found.text == "site named it first on 2026-01-01 00:00:00 UTC:"
    assert found.details == (f"as {lead.url}", f"in {FEED}")
    assert said.text == ('Its index says of it: title "A car, they say", published 2025-12-31 22:00:00 UTC, id "n-1".')
    (fetched,) = told["fetched"]
    assert fetched.at == T0 + timedelta(minutes=1)
    assert fetched.text == "HTTP 200, 12 B, asked without conditions. An article, its first text."
    figures = dict(fetched.facts)
    assert (figures["status"], figures["bytes"], figures["conditional"]) == (200, 12, False)
    assert fetched.details == (f"{figures['file']} at byte {figures['offset']}",)
    assert (happening.tape / str(figures["file"])).exists()
    assert happening.words(URL, "tries") == (
        "Kept for site on 2026-01-01 00:01:00 UTC: neither its address nor its text was kept before."
    )
    fields = happening.words(URL, "fields").split("\n")
    assert fields[0] == 'title: "A car", from the page as it is shown'
    assert fields[1] == (
        'published: 2026-01-01 00:00:00 UTC, from the page\'s JSON-LD, printed as "1 Jan"; its zone was printed; '
        "the day is 2026-01-01"
    )
    assert fields[-1] == "text: 3 words, from trafilatura, read by reader 1"
    assert happening.words(URL, "identity").startswith("It is shown at this address, the only one at which it was")
    assert happening.words(URL, "copies") == "No other article that is kept tells its text."
    assert "It was last there on 2026-01-01 00:01:00 UTC." in happening.words(URL, "presence")


def test_a_date_without_zone_and_a_cut_text_are_said(happening: Happening) -> None:
    happening.article(URL, "The car drives.", published=T0, truncated=True)
    happening.article(SITE + "/b", "It flies.")
    told = happening.words(URL, "fields")
    assert "published: 2026-01-01 00:00:00 UTC; no zone was printed: that of the source is assumed" in told
    assert "truncated: only its beginning may be read without paying" in told
    assert "published: not known" in happening.words(SITE + "/b", "fields").split("\n")


def test_which_index_named_it_is_said_as_far_as_it_is_known(happening: Happening) -> None:
    """Two that were read at once; none, where the crawl was killed before its poll was written."""
    happening.index(Lead(url=URL))
    happening.index(Lead(url=SITE + "/b"), feed=SITE + "/more.xml")
    assert happening.told(URL)["found"][0].details[1:] == (f"in one of {FEED}", f"in one of {SITE}/more.xml")
    with happening.database.write() as tx:
        tx.execute(text("DELETE FROM polls"))
    found = happening.told(URL)["found"][0]
    assert found.text.endswith(", in which of its indexes was not noted:")
    assert found.details == (f"as {URL}",)


def test_a_refused_page_tells_its_verdict_and_when_it_is_tried_again(happening: Happening) -> None:
    """Each time with what is left, until it is refused for good."""
    reason = "a bot challenge: header cf-mitigated: challenge"
    happening.index(Lead(url=URL, title="A car"))
    assert happening.words(URL, "tries") == (
        "It waits to be fetched at the next poll of site (the next is due 2026-01-01 00:30:00 UTC)."
    )
    assert happening.words(URL, "summary") == "It waits to be fetched."
    happening.refused(URL, "challenge", reason, status=403)
    assert format_heading(happening.account(URL)) == f"No article: {URL}"
    assert happening.words(URL, "summary") == "No article came of it so far; it is to be asked for again."
    (fetch,) = happening.told(URL)["fetched"]
    assert fetch.text == f"HTTP 403, 12 B, asked without conditions. No article (challenge): {reason}."
    assert dict(fetch.facts)["verdict"] == "challenge"
    assert happening.words(URL, "tries") == (
        f"Tried once, with this result: {reason}. It is asked for again at the first poll of site after "
        "2026-01-01 06:00:00 UTC (the next is due 2026-01-01 00:30:00 UTC). 3 more tries, if they end likewise."
    )
    assert set(happening.told(URL)) == {"summary", "found", "fetched", "tries"}
    for hours, left in ((7, 2), (25, 1)):
        happening.later(hours=hours).refused(URL, "challenge", reason)
        assert dict(happening.told(URL)["tries"][0].facts)["tries_left"] == left
    assert "That is the last try." in happening.words(URL, "tries")
    assert "Tried 3 times, the last time" in happening.words(URL, "tries")
    happening.later(hours=73).refused(URL, "challenge", reason)
    assert happening.words(URL, "tries") == (
        f"Refused for good on 2026-01-05 09:00:00 UTC, at try 4: {reason}. It is not asked for again."
    )
    assert happening.words(URL, "summary") == "No article came of it, and it is not asked for again."
    assert len(happening.told(URL)["fetched"]) == 4


def test_failures_of_the_server_are_tried_five_times(happening: Happening) -> None:
    happening.index(Lead(url=URL))
    left = []
    for hours in (0, 1, 2, 5, 13):
        happening.later(hours=hours).refused(URL, "failed", "HTTP 503", status=503)
        left.append(dict(happening.told(URL)["tries"][0].facts)["tries_left"])
    assert left == [5, 4, 3, 2, 1]
    assert happening.told(URL)["fetched"][0].text == "HTTP 503, 12 B, asked without conditions. No article."
    assert "(the next is due now)" in happening.words(URL, "tries")


def test_a_host_that_asked_to_be_left_alone_is_named(happening: Happening) -> None:
    happening.index(Lead(url=URL))
    with happening.database.write() as tx:
        park_host(tx, "ev.example", T0 + timedelta(hours=3), "HTTP 429, Retry-After")
    assert "not before 2026-01-01 03:00:00 UTC, for its host is left alone: HTTP 429" in happening.words(URL, "tries")
    happening.later(hours=4)
    assert "left alone" not in happening.words(URL, "tries")


def test_a_lead_in_hand_and_one_taken_up_again_are_said(happening: Happening) -> None:
    happening.index(Lead(url=URL))
    happening.article(URL, "The car drives.")
    happening.later(hours=3)
    happening.index(Lead(url=URL, updated=T0 + timedelta(hours=2)))
    assert happening.words(URL, "tries").endswith(
        "It was taken up again once, since its index dated it later than its last fetch."
    )
    with happening.database.write() as tx:
        happening._leased(tx, "site")
    assert "A crawl has it in hand, until 2026-01-01 03:15:00 UTC at the latest" in happening.words(URL, "tries")


def test_edits_tell_their_kind_their_figures_and_what_began_them(happening: Happening) -> None:
    whole = prose(1)
    kept = happening.article(URL, whole, title="A car")
    happening.later(hours=1).article(URL, whole, title="A car", asked=("If-None-Match", '"1"'))
    happening.later(hours=1).looked(kept.article_id, URL, "unmodified", 304)
    happening.later(hours=1).looked(kept.article_id, URL, "unmodified", 304)
    assert happening.words(URL, "revisions").endswith("Nothing was edited, in 3 later looks.")
    happening.later(hours=1).article(URL, whole, title="Another car")
    happening.later(hours=1).article(URL, whole.replace(" ", " new ", 1), title="Another car")
    words = [one.text for one in happening.told(kept.article_id)["revisions"]]
    assert words[0] == 'Revision 1: as it was first seen, under the title "A car".'
    assert words[1].startswith("Revision 2: an edit of kind headline, ")
    assert words[1].endswith(' characters came and 1 went, under the title "Another car".')
    assert words[2] == "Revision 3, shown now: an edit of kind body, 3 characters came and 0 went."
    fetches = [one.text for one in happening.told(URL)["fetched"]]
    assert fetches == [
        "HTTP 200, 12 B, asked without conditions. An article, its first text.",
        "HTTP 200, 12 B, asked conditionally. An article, the same as before.",
        "HTTP 304, asked conditionally. Not modified; the same once more, last on 2026-01-01 03:00:00 UTC.",
        "HTTP 200, 12 B, asked without conditions. An article, with something edited: revision 2.",
        "HTTP 200, 12 B, asked without conditions. An article, with something edited: revision 3.",
    ]
    facts = dict(happening.told(URL)["revisions"][2].facts)
    assert (facts["kind"], facts["added"], facts["removed"], facts["shown"]) == ("body", 3, 0, True)


def test_what_is_no_edit_is_said_with_its_cause(happening: Happening) -> None:
    """A counter that is rendered anew; another extractor's reading."""
    whole = prose(1)
    happening.article(URL, f"{whole}\n\n12 comments")
    happening.later(hours=1).article(URL, f"{whole}\n\n13 comments")
    happening.later(hours=1).article(URL, f"{whole} A caption.", extractor="reader 2")
    words = [one.text for one in happening.told(URL)["fetched"]]
    assert "rendered anew at each request, or held back: that is no edit" in words[1]
    assert words[2].endswith("An article, read by reader 2 and not by reader 1 as before: that is no edit.")
    assert len(happening.told(URL)["revisions"]) == 2


def test_a_withdrawn_article_tells_since_when(happening: Happening) -> None:
    kept = happening.article(URL, "The car drives.")
    happening.later(hours=1).looked(kept.article_id, URL, "missing", 410, sure=True)
    assert happening.words(URL, "presence").split("\n") == [
        "Withdrawn since 2026-01-01 01:00:00 UTC: its publisher no longer shows it; the text stays.",
        "It was last there on 2026-01-01 00:00:00 UTC.",
    ]
    assert happening.told(URL)["fetched"][1].text == "HTTP 410. Missing; withdrawn from here on: revision 2."
    assert happening.told(URL)["revisions"][1].text == "Revision 2, shown now: withdrawn."
    assert "withdrawn on 2026-01-01 01:00:00 UTC" in happening.words(URL, "summary")
    happening.later(hours=1).article(URL, "The car drives.")
    assert "Withdrawn" not in happening.words(URL, "presence")
    assert happening.told(URL)["revisions"][2].text == "Revision 3, shown now: restored."


def test_a_page_that_is_missing_once_waits_to_be_confirmed(happening: Happening) -> None:
    kept = happening.article(URL, "The car drives.")
    happening.later(hours=1).looked(kept.article_id, URL, "missing", 404)
    happening.later(minutes=10).looked(kept.article_id, URL, "missing", 404)
    assert happening.told(URL)["fetched"][1].text == "HTTP 404. Missing; to be confirmed by another look."
    assert happening.words(URL, "presence").startswith(
        "Missing since 2026-01-01 01:00:00 UTC (HTTP 404), and not taken for withdrawn yet: a look on 2026-01-01 "
        "02:00:00 UTC or later must find it missing too."
    )
    happening.later(hours=1).looked(kept.article_id, URL, "missing", 404)
    assert happening.words(URL, "presence").startswith("Withdrawn since 2026-01-01 01:00:00 UTC")


def test_an_outage_and_a_wall_say_nothing_of_the_article(happening: Happening) -> None:
    kept = happening.article(URL, "The car drives.")
    happening.later(hours=1).looked(kept.article_id, URL, "outage", 404)
    assert "as all of its host was: an outage" in happening.told(URL)["fetched"][1].text
    assert "The last look, on 2026-01-01 01:00:00 UTC, tells nothing of it: HTTP 404." in happening.words(
        URL, "presence"
    )
    happening.later(hours=1).looked(kept.article_id, URL, "refused", 200, "a consent wall: it says so")
    assert happening.told(URL)["fetched"][2].text == (
        "HTTP 200. No article now: a consent wall: it says so; the kept text stays."
    )
    assert "tells nothing of it: a consent wall" in happening.words(URL, "presence")


def test_a_redesign_that_was_held_back_is_said(happening: Happening) -> None:
    box = "Subscribe to our letter and read all that we write before anybody else does."
    urls = [f"{SITE}/{n}" for n in range(6)]
    for number, url in enumerate(urls):
        happening.article(url, prose(number + 1), title=f"Car {number}")
    happening.later(hours=1)
    for number, url in enumerate(urls):
        happening.article(url, f"{prose(number + 1)}\n\n{box}", title=f"Car {number}")
    assert happening.settle() == 1
    words = happening.words(urls[0], "revisions")
    assert (
        "Held back since 2026-01-01 01:00:00 UTC, no edit: a block that came or went on 6 pages of site, as in a "
        f'redesign: "{box}"'
    ) in words
    assert "Revision 2" not in words


def test_boilerplate_that_was_left_out_is_said_with_its_version(happening: Happening) -> None:
    box = "Subscribe to our letter and read all that we write before anybody else does."
    for number in range(6):
        happening.article(f"{SITE}/{number}", f"{prose(number + 1)}\n\n{box}", title=f"Car {number}")
    assert happening.words(SITE + "/0", "left-out") == (
        "Nothing was known of site's boilerplate when this text was read."
    )
    last = prose(9)
    happening.later(hours=1).article(
        URL, last, removed_boilerplate=((len(last.split("\n\n")), box),), boilerplate_version=1
    )
    count, paragraph = happening.told(URL)["left-out"]
    assert count.text == (
        "1 paragraph left out by version 1 of what is known of site's boilerplate (of 2026-01-01 00:00:00 UTC): each "
        "stood in 5 or more of its latest 50 articles."
    )
    assert paragraph.text == f'"{box}"'
    happening.article(SITE + "/c", prose(10), boilerplate_version=1)
    assert happening.words(SITE + "/c", "left-out").startswith("Nothing was left out; it was read with version 1")


def test_a_copy_and_its_original_name_each_other(happening: Happening) -> None:
    """With the measured likeness, its kind and the reason of the choice; a third is said to be of the same original."""
    whole, other = prose(1), "https://wire.example/x"
    first = happening.article(other, whole, source="wire", published=T0)
    cut = whole[: len(whole) * 2 // 5] + "\n\nThis article was first published by Wire."
    copy = happening.article(URL, cut, published=T0 + timedelta(days=1))
    twin = happening.article("https://third.example/y", whole, source="third", published=T0 + timedelta(days=2))
    credit, original, *_ = (one.text for one in happening.told(URL)["copies"])
    assert credit == "Its text names Wire as its origin."
    assert re.fullmatch(
        rf"It is a copy of article {first.article_id} \(wire\): \d\d% of the shorter text stands in the other: the "
        rf"same as article {first.article_id}, which it names as its origin; measured: (all|\d\d%) of the shorter text "
        r"stands in the other, which is much longer\.",
        original,
    )
    told = {dict(one.facts)["article"]: one for one in happening.told(first.article_id)["copies"]}
    assert set(told) == {copy.article_id, twin.article_id}
    assert told[twin.article_id].text.endswith("; measured: the words are the same.")
    assert "is a copy of it: " in told[copy.article_id].text
    assert dict(told[twin.article_id].facts)["similarity"] == 1.0
    assert f"Article {twin.article_id} (third, published 2026-01-03" in happening.words(URL, "copies")
    assert "is a copy of the same original" in happening.words(URL, "copies")
    assert f"a copy of article {first.article_id}" in happening.words(URL, "summary")


def test_a_story_tells_who_had_it_first_and_by_which_words(happening: Happening) -> None:
    """With how alike they are and what time leaves of it; a copy says what its original tells."""
    title, text = FERRY
    first = happening.article("https://wire.example/x", text, title=title, source="wire", published=T0)
    told = "After the Fjordbris hit the pier of Ravnsund in fog the coast guard closed the harbour."
    second = happening.article(URL, told, title="Harbour of Ravnsund closed", published=T0 + timedelta(days=1))
    place, other = happening.told(URL)["story"]
    assert place.text == (
        f'It tells story {first.article_id} (2 articles of 2 sources): "{title}". It was number 2; wire had it '
        "first, 2026-01-01 00:00:00 UTC."
    )
    facts = dict(other.facts)
    assert facts["article"] == first.article_id
    assert facts["likeness"] >= 0.1
    assert {"ravnsund", "harbour", "fjordbris"} <= {*facts["terms"]}
    assert "of which time leaves 0.95" in other.text
    assert "It had it first." in happening.told(first.article_id)["story"][0].text
    assert dict(happening.told(first.article_id)["story"][1].facts)["article"] == second.article_id
    happening.article("https://third.example/y", text, title=title, source="third", published=T0 + timedelta(days=2))
    assert happening.words("https://third.example/y", "story").startswith(
        f"Its original, article {first.article_id}, tells story {first.article_id} (2 articles of 2 sources)"
    )


def test_an_article_alone_tells_its_story_alone(happening: Happening) -> None:
    """And one that has not been looked at says what to do."""
    happening.article(URL, "The car drives.")
    assert happening.words(URL, "story") == "It tells its story alone."
    with happening.database.write() as tx:
        tx.execute(text("DELETE FROM story_members"))
    assert "evnews stories --refresh" in happening.words(URL, "story")


def test_texts_that_are_alike_and_not_linked_say_why(happening: Happening) -> None:
    """One site's own, and nothing else; an original on another site that comes later links them both."""
    whole = prose(1)
    happening.article(URL, whole, published=T0)
    happening.article(SITE + "/b", whole[: len(whole) * 7 // 8] + prose(2, 60), published=T0 + timedelta(days=1))
    (one,) = happening.told(URL)["copies"]
    assert "is like it, and neither is the other's copy, since both are of one site, where 90% is asked for" in (
        one.text
    )
    assert dict(one.facts)["copy_of"] is None


def test_an_address_that_led_to_an_article_is_its_own(happening: Happening) -> None:
    """Found at either address, with the redirect among the fetches."""
    short = "https://s.example/1"
    happening.index(Lead(url=short))
    happening.article(URL, "The car drives.", via=short)
    for asked in (short, URL):
        told = happening.told(asked)
        assert told["identity"][0].details == (URL,)
        assert told["identity"][1].text == "This address led to it, once when it was asked for."
        assert told["identity"][1].details == (short,)
    redirect, page = told["fetched"]
    assert redirect.text == f"HTTP 301, 0 B, asked without conditions. Led on to {URL}."
    assert redirect.details[0] == short
    assert page.text.endswith("An article, its first text.")


def test_joined_articles_say_why_they_are_one(happening: Happening) -> None:
    """By the number that is gone too."""
    first = happening.article(URL, "The car drives.", title="A car")
    second = happening.article(SITE + "/b", "The car drives on.", title="A car, again")
    joining = happening.later(hours=1).article(SITE + "/b", "The car drives.", title="A car", canonical_url=URL)
    assert joining.merged_ids == (second.article_id,)
    for asked in (second.article_id, SITE + "/b"):
        told = happening.told(asked)
        identity = [one.text for one in told["identity"]]
        assert identity == [
            "It is shown at this address, which its pages call their canonical one.",
            f"This address shows it too: its page calls {URL} its canonical address, and has the same title and text.",
            f"Article {second.article_id} proved to be this one; its number leads here.",
        ]
    moved = happening.told(second.article_id)["summary"][0].text
    assert moved == f"Article {second.article_id} proved to be article {first.article_id}, which this is."
    assert f"it joins article {second.article_id} to this one" in happening.words(URL, "summary")


def test_pages_that_call_a_third_address_canonical_are_one(happening: Happening) -> None:
    third = SITE + "/whole"
    happening.article(URL, "The car drives.", canonical_url=third)
    happening.article(SITE + "/b", "The car drives.", canonical_url=third)
    assert f"its page and another of the article call {third} their canonical address" in happening.words(
        URL, "identity"
    )
    assert happening.words(third, "summary") == "A page of article 1 calls it its canonical address."


def test_one_id_in_an_index_makes_one_article(happening: Happening) -> None:
    for path in ("/b", "/a"):
        happening.index(Lead(url=SITE + path, id="n-1"))
        happening.article(SITE + path, "The car drives.", title=path)
    words = happening.words(URL, "identity")
    assert "the first in the alphabet" in words
    assert "its index gave both the same id, and they have the same text" in words


def test_an_address_of_a_page_that_is_no_longer_on_the_tape_still_answers(happening: Happening) -> None:
    """With the trouble beside it; and without a folder of captures nothing is said of them."""
    happening.article(URL, "The car drives.")
    (file,) = happening.tape.iterdir()
    file.unlink()
    (fetch,) = happening.told(URL)["fetched"]
    assert fetch.text == "HTTP 200. An article, its first text."
    assert "; it cannot be read: WARC file " in fetch.details[0]
    assert happening.account(URL, tape=False).fetches[0].exchange is None


def test_pages_that_were_not_kept_leave_their_times(happening: Happening) -> None:
    happening.article(URL, "The car drives.")
    with happening.database.write() as tx:
        tx.execute(snapshots.update().values(capture_id=None))
        tx.execute(delete(captures))
    (fetch,) = happening.told(URL)["fetched"]
    assert fetch.text == "Fetched, and the page was not kept. An article, its first text."
    assert dict(fetch.facts)["status"] is None


def test_topics_tell_how_often_they_are_named(happening: Happening) -> None:
    kept = happening.article(URL, "The car drives.")
    assert happening.words(URL, "topics") == "It names no topic of the catalogue."
    with happening.database.write() as tx:
        record_topics(
            tx,
            kept.article_id,
            (Topic(name="byd", title_count=1, body_count=3), Topic(name="lfp", body_count=2)),
            "abc",
        )
    assert happening.words(URL, "topics").split("\n") == [
        "byd: once in its title and 3 times in its text",
        "lfp: twice in its text",
    ]
    assert happening.account(URL).catalogue_digest == "abc"


def test_a_section_that_has_nothing_to_say_is_left_out(happening: Happening) -> None:
    happening.index(Lead(url=URL))
    found = happening.account(URL)
    assert [section.name for section in build_sections(found, happening.now)] == [
        "summary",
        "found",
        "fetched",
        "tries",
    ]
    assert next(explain_summary(replace(found, discoveries=()), happening.now), None) is None


def test_order_of_arrival_makes_no_difference_to_the_reasons_of_copies(
    new_sqlite: Callable[[], str], tmp_path: Path
) -> None:
    """An earlier original that arrives later is named, and the reason with it."""
    told = []
    for order in ((0, 1), (1, 0)):
        database = open_database(new_sqlite())
        happening = Happening(database, tmp_path / f"warc{order[0]}")
        for which in order:
            source = ("wire", "site")[which]
            happening.article(f"https://{source}.example/x", prose(1), source=source, published=T0 + timedelta(which))
        told.append(re.sub(r"rticle \d", "rticle N", happening.words("https://site.example/x", "copies")))
        database.close()
    assert told[0] == told[1]
    assert "which was published first, on 2026-01-01 at 00:00 UTC" in told[0]
