"""Changes of articles in the newsroom: syndication, edits, redesigns, withdrawals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.newsroom import edits, syndication
from tests.newsroom.http_client import fetch, listed_urls, page_blocks, parse_page, select_text
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.server import Newsroom
from tests.newsroom.truth import Hit


@pytest.mark.parametrize("method", syndication.METHODS)
@pytest.mark.parametrize(
    ("source", "by"), [("voltward", "dianche"), ("dianche", "chargepost"), ("stromvei", "voltward")]
)
def test_syndicated_article_is_listed_and_changed_as_its_method_says(
    room: Newsroom, method: str, source: str, by: str
) -> None:
    original = room.articles(source)[-1]
    copy = room.syndicate(original.url, by, method, later=30.0)
    assert (copy.publisher, copy.copy_of, copy.language) == (by, original.url, original.language)
    assert copy.published - original.published == timedelta(hours=30)
    assert copy in room.articles(by)
    assert copy.lead_url in listed_urls(room, room.index_url(by))
    assert set(copy.text.split("\n\n")) <= set(page_blocks(copy, fetch(copy.url).body))
    original_blocks, copy_blocks = original.text.split("\n\n"), copy.text.split("\n\n")
    assert (copy.title == original.title) is (method != "headline")
    assert {
        "exact": copy_blocks == original_blocks,
        "headline": copy_blocks == original_blocks,
        "framed": copy_blocks[1:-1] == original_blocks and len(copy_blocks) == len(original_blocks) + 2,
        "dropped": len(copy_blocks) == len(original_blocks) - 1 and set(copy_blocks) < set(original_blocks),
        "cut": original_blocks[: len(copy_blocks) - 1] == copy_blocks[:-1] and len(copy_blocks) <= len(original_blocks),
    }[method]


def test_exact_copy_declares_its_original_where_pages_have_a_canonical_url(room: Newsroom) -> None:
    original = room.articles("chargepost")[0]
    copies = [room.syndicate(original.url, at.name, "exact") for at in PUBLISHERS if at.name != "chargepost"]
    declared = {
        copy.publisher: select_text(parse_page(fetch(copy.url).content), "//link[@rel='canonical']/@href")
        for copy in copies
    }
    assert declared == {
        "ev-kurier": [original.url],
        "voltward": [original.url],
        "kerbside": [original.url],
        "dianche": [],
        "stromvei": [],
    }


def test_copy_may_be_published_before_its_original(room: Newsroom) -> None:
    original = next(truth for truth in room.every("kerbside") if not truth.public)
    copy = room.syndicate(original.url, "voltward")
    assert [fetch(original.url).status, fetch(copy.url).status] == [404, 200]
    with pytest.raises(KeyError):
        room.syndicate(original.url, "voltward", "sung")


@pytest.mark.parametrize("kind", sorted(edits.KINDS))
@pytest.mark.parametrize("publisher", ["chargepost", "ev-kurier"])
def test_edit_changes_what_its_kind_says(room: Newsroom, publisher: str, kind: str) -> None:
    before = next(
        truth for truth in room.articles(publisher) if any(c.isdigit() for c in truth.text.partition("\n")[2])
    )
    after = room.edit(before.url, kind)
    old, new = before.text.split(), after.text.split()
    changed = [(before, after) for before, after in zip(old, new, strict=False) if before != after]
    assert (after.title != before.title) is (kind == "headline")
    if kind == "headline":
        assert old == new
    elif kind != "body":
        [(old_word, new_word)] = changed
        assert len(old) == len(new)
        assert (kind == "numbers") is any(c.isdigit() for c in old_word)
        assert kind == "numbers" or len(old_word) - len(new_word) == 1
    assert set(after.text.split("\n\n")) <= set(page_blocks(after, fetch(after.url).body))
    assert room.find(before.url) == after


def test_edit_without_a_match_raises_and_changes_nothing(room: Newsroom) -> None:
    truth = next(truth for truth in room.articles("dianche") if not any(c.isdigit() for c in truth.text))
    for kind in ("numbers", "smell"):
        with pytest.raises((KeyError, ValueError)):
            room.edit(truth.url, kind)
    assert room.find(truth.url) == truth


def test_redesign_changes_every_page_and_no_text(room: Newsroom) -> None:
    before = {truth.url: fetch(truth.url).body for truth in room.articles("kerbside")}
    room.redesign("kerbside", "A box of words.", template=True)
    for truth in room.articles("kerbside"):
        page = fetch(truth.url).body
        assert b'class="v2"' in page
        assert page != before[truth.url]
        assert {"A box of words.", *truth.text.split("\n\n")} <= set(page_blocks(truth, page))
    room.redesign("kerbside", "")
    assert {truth.url: fetch(truth.url).body for truth in room.articles("kerbside")} == before
    with pytest.raises(ValueError, match="stromvei has no other template"):
        room.redesign("stromvei", "", template=True)


def test_correction_applies_to_title_and_text(room: Newsroom) -> None:
    truth = room.articles("voltward")[0]
    word = truth.title.split()[-1]
    corrected = room.correct(truth.url, word, "Elsewhere")
    assert (corrected.title, corrected.text) == (
        truth.title.replace(word, "Elsewhere"),
        truth.text.replace(word, "Elsewhere"),
    )
    assert room.correct(truth.url, "Elsewhere", word) == truth


def test_roundup_feed_lists_articles_of_other_publishers(room: Newsroom) -> None:
    urls = [truth.url for truth in room.articles("voltward")]
    feed = fetch(room.point("kerbside", urls)).content.decode()
    assert [url for url in urls if f"<link>{url}</link>" in feed] == urls


def test_withdrawn_article_can_be_restored(room: Newsroom) -> None:
    truth = room.articles("voltward")[0]
    room.withdraw(truth.url)
    assert fetch(truth.url).status == 410
    assert room.restore(truth.url) == truth
    assert fetch(truth.url).status == 200


def test_watch_is_called_before_the_response(room: Newsroom) -> None:
    seen: list[tuple[Hit, int]] = []
    room.watch = lambda hit: seen.append((hit, hit.status))
    url = room.index_url("voltward")
    fetch(url)
    assert [(hit.path, status) for hit, status in seen] == [("/feed.json", 0)]
