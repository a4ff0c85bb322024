"""What counts when two readings are compared: words, and nothing that a server makes anew at each request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text.wording import (  # fmt: skip
    MOST_PARAGRAPHS,
    block,
    blocks,
    is_learnable,
    is_rendering,
    mark,
    paragraphs,
    tag,
    with_dropped,
    with_variants,
    wording,
    wording_digest,
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
def test_what_is_no_wording(same: str) -> None:
    assert wording_digest(same) == wording_digest(STORY)


@pytest.mark.parametrize("other", [STORY.replace("4,217", "4,218"), STORY.replace("told", "asked"), STORY + "\n\nOh."])
def test_every_word_counts(other: str) -> None:
    assert wording_digest(other) != wording_digest(STORY)


@pytest.mark.parametrize(
    "words",
    [
        "3 hours ago", "vor 5 Minuten", "il y a 2 jours", "5分钟前", "12 comments", "1.204 Aufrufe", "4 min read",
        "Updated 3 May 2026", "Zuletzt aktualisiert: 24.11.2026", "发布于 2026-11-24", "24 November 2026", "11:05",
        "— 17 —",
    ],
)  # fmt: skip
def test_renderings(words: str) -> None:
    assert is_rendering(words)


@pytest.mark.parametrize(
    "words",
    [
        "Sales rose by 5 percent.", "It was founded in 1998 in Oslo by two engineers", "The car costs 24,900 euros",
        "3 hours ago, the plant's gates were still shut and nobody knew when they would be opened again.", "Oh.",
        "小米发布了新车", "Updated batteries sell well",
    ],
)  # fmt: skip
def test_no_renderings(words: str) -> None:
    assert not is_rendering(words)


def test_headlines_and_held_blocks_are_left_out() -> None:
    text = f"Maker recalls cars!\n\n{STORY}\n\nSubscribe to our letter."
    held = {block("subscribe to our LETTER")}
    assert wording(text, ["Maker recalls cars"], held) == wording(STORY)
    assert "Subscribe" in wording(text, ["Maker recalls cars"])
    assert "Maker recalls cars" in wording(text, (), held)
    assert wording_digest(text, ["Maker recalls cars"], held) == wording_digest(STORY)


def test_a_block_is_its_words() -> None:
    assert block("A  b, C!") == block("a b c") != block("a b d")
    assert mark("A b") == block("a b") & 0xFFFF_FFFF
    assert set(blocks(STORY + "\n\n5 minutes ago")) == {block(one) for one in STORY.split("\n\n")}


def test_what_may_be_learned_is_longer_than_a_heading() -> None:
    assert is_learnable("Sign up for our letter of news about batteries")
    assert is_learnable("关注我们的公众号获取更多新能源汽车资讯")
    assert not is_learnable("More on this topic")
    assert not is_learnable("更多新闻")
    assert not is_learnable("word " * 400)


def test_a_text_of_too_many_paragraphs_keeps_its_words() -> None:
    many = [f"line {n}" for n in range(MOST_PARAGRAPHS + 50)]
    found = paragraphs("\n".join(many))
    assert len(found) == MOST_PARAGRAPHS
    assert " ".join(found) == " ".join(many)


@given(PARAGRAPHS, st.data())
def test_what_was_dropped_can_be_put_back(whole: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(range(len(whole))) if whole else st.nothing()))
    kept = "\n\n".join(one for place, one in enumerate(whole) if place not in gone)
    assert with_dropped(kept, [(place, whole[place]) for place in sorted(gone)]) == "\n\n".join(whole)


def test_variants_stand_in_their_places() -> None:
    assert with_variants("a\n\nb\n\nc", [(1, "B"), (9, "nowhere")]) == "a\n\nB\n\nc"
    assert with_variants("a", ()) == "a"


def test_a_tag_names_a_set() -> None:
    assert tag(()) == ""
    assert tag([3, 1]) == tag([1, 3]) != tag([1])
