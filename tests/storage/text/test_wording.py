"""Comparable text keeps every word and drops what a server renders anew at each request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text.wording import (  # fmt: skip
    MAX_PARAGRAPHS,
    block_digest,
    blocks_by_digest,
    comparable_text,
    comparable_text_digest,
    held_blocks_tag,
    is_learnable,
    is_volatile,
    short_block_digest,
    split_paragraphs,
    with_boilerplate,
    with_page_data,
)

STORY = "The maker recalls 4,217 cars.\n\nOwners are told to park outside until it is mended."
PARAGRAPHS = st.lists(st.text("ab .", min_size=1, max_size=12).filter(str.strip), max_size=8)


@pytest.mark.parametrize(
    "same",
    [
        STORY.replace(" ", "  ").replace("\n\n", "\n"),
        STORY.upper(),
        STORY.replace("cars.", "“cars”…"),
        STORY.replace("4,217", "４,２１７"),
        "5 minutes ago\n\n" + STORY,
        STORY + "\n\n312 comments\n\nLast updated: 24 November 2026, 11:05",
        STORY + "\n\n24.11.2026 11:05",
        STORY + "\n\n***",
    ],
)
def test_volatile_paragraphs_and_spelling_do_not_change_the_digest(same: str) -> None:
    assert comparable_text_digest(same) == comparable_text_digest(STORY)


@pytest.mark.parametrize("other", [STORY.replace("4,217", "4,218"), STORY.replace("told", "asked"), STORY + "\n\nOh."])
def test_every_word_changes_the_digest(other: str) -> None:
    assert comparable_text_digest(other) != comparable_text_digest(STORY)


@pytest.mark.parametrize(
    "words",
    [
        "3 hours ago", "vor 5 Minuten", "il y a 2 jours", "5分钟前", "12 comments", "1.204 Aufrufe", "4 min read",
        "Updated 3 May 2026", "Zuletzt aktualisiert: 24.11.2026", "发布于 2026-11-24", "24 November 2026", "11:05",
        "— 17 —",
    ],
)  # fmt: skip
def test_paragraph_is_volatile(words: str) -> None:
    assert is_volatile(words)


@pytest.mark.parametrize(
    "words",
    [
        "Sales rose by 5 percent.", "It was founded in 1998 in Oslo by two engineers", "The car costs 24,900 euros",
        "3 hours ago, the plant's gates were still shut and nobody knew when they would be opened again.", "Oh.",
        "小米发布了新车", "Updated batteries sell well",
    ],
)  # fmt: skip
def test_paragraph_is_not_volatile(words: str) -> None:
    assert not is_volatile(words)


def test_comparable_text_has_no_headlines_and_held_blocks() -> None:
    text = f"Maker recalls cars!\n\n{STORY}\n\nSubscribe to our letter."
    held = {block_digest("subscribe to our LETTER")}
    assert comparable_text(text, ["Maker recalls cars"], held) == comparable_text(STORY)
    assert "Subscribe" in comparable_text(text, ["Maker recalls cars"])
    assert "Maker recalls cars" in comparable_text(text, (), held)
    assert comparable_text_digest(text, ["Maker recalls cars"], held) == comparable_text_digest(STORY)


def test_block_digest_depends_on_words_only() -> None:
    assert block_digest("A  b, C!") == block_digest("a b c") != block_digest("a b d")
    assert short_block_digest("A b") == block_digest("a b") & 0xFFFF_FFFF
    assert set(blocks_by_digest(STORY + "\n\n5 minutes ago")) == {
        block_digest(paragraph) for paragraph in STORY.split("\n\n")
    }


def test_learnable_paragraph_is_longer_than_a_heading() -> None:
    assert is_learnable("Sign up for our letter of news about batteries")
    assert is_learnable("关注我们的公众号获取更多新能源汽车资讯")
    assert not is_learnable("More on this topic")
    assert not is_learnable("更多新闻")
    assert not is_learnable("관련 기사 더 보기")
    assert not is_learnable("word " * 400)


def test_text_with_too_many_paragraphs_keeps_its_words() -> None:
    lines = [f"line {n}" for n in range(MAX_PARAGRAPHS + 50)]
    paragraphs = split_paragraphs("\n".join(lines))
    assert len(paragraphs) == MAX_PARAGRAPHS
    assert " ".join(paragraphs) == " ".join(lines)


@given(PARAGRAPHS, st.data())
def test_removed_paragraphs_can_be_restored(whole: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(range(len(whole))) if whole else st.nothing()))
    kept = "\n\n".join(paragraph for place, paragraph in enumerate(whole) if place not in gone)
    assert with_boilerplate(kept, [(place, whole[place]) for place in sorted(gone)]) == "\n\n".join(whole)


def test_page_data_replaces_paragraphs_in_their_places() -> None:
    assert with_page_data("a\n\nb\n\nc", [(1, "B"), (9, "nowhere")]) == "a\n\nB\n\nc"
    assert with_page_data("a", ()) == "a"


def test_tag_of_held_blocks_ignores_order() -> None:
    assert held_blocks_tag(()) == ""
    assert held_blocks_tag([3, 1]) == held_blocks_tag([1, 3]) != held_blocks_tag([1])
