"""What may happen to an article in the newsroom: syndicated, edited, redesigned, pointed to, there again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.newsroom import edits, syndication
from tests.newsroom.asking import announced, ask, page_blocks, page_tree, strings
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import Newsroom
from tests.newsroom.truth import Hit


@pytest.mark.parametrize("how", syndication.HOWS)
@pytest.mark.parametrize(
    ("source", "by"), [("voltward", "dianche"), ("dianche", "chargepost"), ("stromvei", "voltward")]
)
def test_a_syndicated_article_is_announced_and_reads_as_it_says(room: Newsroom, how: str, source: str, by: str) -> None:
    original = room.articles(source)[-1]
    copy = room.syndicate(original.url, by, how, later=30.0)
    assert (copy.publisher, copy.copy_of, copy.language) == (by, original.url, original.language)
    assert copy.published - original.published == timedelta(hours=30)
    assert copy in room.articles(by)
    assert copy.lead_url in announced(room, room.index_url(by))
    assert set(copy.text.split("\n\n")) <= set(page_blocks(copy, ask(copy.url).body))
    mine, theirs = original.text.split("\n\n"), copy.text.split("\n\n")
    assert (copy.title == original.title) is (how != "headline")
    assert {
        "exact": theirs == mine,
        "headline": theirs == mine,
        "framed": theirs[1:-1] == mine and len(theirs) == len(mine) + 2,
        "dropped": len(theirs) == len(mine) - 1 and set(theirs) < set(mine),
        "cut": mine[: len(theirs) - 1] == theirs[:-1] and len(theirs) <= len(mine),
    }[how]


def test_an_exact_copy_declares_its_original_where_pages_declare_anything(room: Newsroom) -> None:
    original = room.articles("chargepost")[0]
    copies = [room.syndicate(original.url, at.name, "exact") for at in PUBLISHERS if at.name != "chargepost"]
    declared = {
        copy.publisher: strings(page_tree(ask(copy.url).content), "//link[@rel='canonical']/@href") for copy in copies
    }
    assert declared == {
        "ev-kurier": [original.url],
        "voltward": [original.url],
        "kerbside": [original.url],
        "dianche": [],
        "stromvei": [],
    }


def test_an_article_may_stand_elsewhere_before_it_stands_at_its_own(room: Newsroom) -> None:
    original = next(truth for truth in room.every("kerbside") if not truth.public)
    copy = room.syndicate(original.url, "voltward")
    assert [ask(original.url).status, ask(copy.url).status] == [404, 200]
    with pytest.raises(KeyError):
        room.syndicate(original.url, "voltward", "sung")


@pytest.mark.parametrize("kind", sorted(edits.KINDS))
@pytest.mark.parametrize("publisher", ["chargepost", "ev-kurier"])
def test_an_edit_changes_what_its_kind_says(room: Newsroom, publisher: str, kind: str) -> None:
    before = next(
        truth for truth in room.articles(publisher) if any(c.isdigit() for c in truth.text.partition("\n")[2])
    )
    after = room.edit(before.url, kind)
    old, new = before.text.split(), after.text.split()
    changed = [(one, two) for one, two in zip(old, new, strict=False) if one != two]
    assert (after.title != before.title) is (kind == "headline")
    if kind == "headline":
        assert old == new
    elif kind != "body":
        [(one, two)] = changed
        assert len(old) == len(new)
        assert (kind == "numbers") is any(c.isdigit() for c in one)
        assert kind == "numbers" or len(one) - len(two) == 1
    assert set(after.text.split("\n\n")) <= set(page_blocks(after, ask(after.url).body))
    assert room.find(before.url) == after


def test_an_edit_that_finds_nothing_changes_nothing(room: Newsroom) -> None:
    wordy = next(truth for truth in room.articles("dianche") if not any(c.isdigit() for c in truth.text))
    for kind in ("numbers", "smell"):
        with pytest.raises((KeyError, ValueError)):
            room.edit(wordy.url, kind)
    assert room.find(wordy.url) == wordy


def test_a_redesign_changes_every_page_and_no_text(room: Newsroom) -> None:
    before = {truth.url: ask(truth.url).body for truth in room.articles("kerbside")}
    room.redesign("kerbside", "A box of words.", template=True)
    for truth in room.articles("kerbside"):
        page = ask(truth.url).body
        assert b'class="v2"' in page
        assert page != before[truth.url]
        assert {"A box of words.", *truth.text.split("\n\n")} <= set(page_blocks(truth, page))
    room.redesign("kerbside", "")
    assert {truth.url: ask(truth.url).body for truth in room.articles("kerbside")} == before
    with pytest.raises(ValueError, match="stromvei has no other template"):
        room.redesign("stromvei", "", template=True)


def test_a_correction_is_made_wherever_the_words_stand(room: Newsroom) -> None:
    truth = room.articles("voltward")[0]
    word = truth.title.split()[-1]
    corrected = room.correct(truth.url, word, "Elsewhere")
    assert (corrected.title, corrected.text) == (
        truth.title.replace(word, "Elsewhere"),
        truth.text.replace(word, "Elsewhere"),
    )
    assert room.correct(truth.url, "Elsewhere", word) == truth


def test_a_publisher_points_to_others_articles(room: Newsroom) -> None:
    urls = [truth.url for truth in room.articles("voltward")]
    feed = ask(room.point("kerbside", urls)).content.decode()
    assert [url for url in urls if f"<link>{url}</link>" in feed] == urls


def test_what_was_withdrawn_may_be_there_again(room: Newsroom) -> None:
    truth = room.articles("voltward")[0]
    room.withdraw(truth.url)
    assert ask(truth.url).status == 410
    assert room.restore(truth.url) == truth
    assert ask(truth.url).status == 200


def test_every_request_is_told_as_it_arrives(room: Newsroom) -> None:
    seen: list[tuple[Hit, int]] = []
    room.watch = lambda hit: seen.append((hit, hit.status))
    url = room.index_url("voltward")
    ask(url)
    assert [(hit.path, status) for hit, status in seen] == [("/feed.json", 0)]
