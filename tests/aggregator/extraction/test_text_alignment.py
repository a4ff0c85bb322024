"""A copy laid beside a text: what it has in other words, and what copies have otherwise by the way they are made."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.text_alignment import TextAligner, apply_patches, find_word_spans, split_words

TEXT = [
    "The maker recalls 4,217 cars of its smallest model, because a cell may grow hot when it is charged fast.",
    "What owners should do",
    "Owners are told to park outside until a workshop has changed the module. That takes two hours, it says.",
    "“We regret this,” said the maker’s head of quality on Friday, and did not take any questions from reporters.",
]


def found(copy: str, text: list[str] = TEXT) -> list[str]:
    """The paragraphs that a copy has in other words, as it has them."""
    shown = TextAligner(text)
    patches: dict[int, list] = {}  # type: ignore[type-arg]
    for patch in shown.find_patches(copy):
        patches.setdefault(patch.paragraph, []).append(patch)
    return [apply_patches(text[place], patches[place]) for place in sorted(patches)]


WHOLE = " ".join(TEXT)


def test_the_same_words_are_no_others() -> None:
    assert found(WHOLE) == []
    assert found("\n".join(TEXT).upper().replace("“", '"').replace(",", " -")) == []
    assert found(TEXT[2][20:]) == []
    assert found("Nothing of this stands there, and so it says nothing at all of the text.") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("smallest model", "smallest models"),
        ("The maker recalls", "The maker has at last recalled"),
        ("grow hot when", "grow hot, as the regulator has since confirmed in a letter of its own, when"),
        ("to park outside until", "until"),
        ("4,217", "5,000"),
        ("until a workshop", "until, they say, a workshop"),
        ("of quality on Friday", "of sales on Monday"),
    ],
)
def test_one_place_in_other_words(old: str, new: str) -> None:
    (paragraph,) = found(WHOLE.replace(old, new))
    assert paragraph == next(one for one in TEXT if old in one).replace(old, new)


def test_several_places_at_once() -> None:
    copy = WHOLE.replace("smallest", "largest").replace("two hours", "a day").replace("Friday", "Monday")
    assert found(copy) == [
        TEXT[0].replace("smallest", "largest"),
        TEXT[2].replace("two hours", "a day"),
        TEXT[3].replace("Friday", "Monday"),
    ]


def test_words_at_the_start_and_the_end_of_a_copy() -> None:
    text = ["Owners were told to park their cars outside until a workshop has changed the module"]
    assert found(text[0].replace("Owners", "Owner"), text) == [text[0].replace("Owners", "Owner")]
    assert found(text[0] + "s", text) == [text[0] + "s"]
    assert found(text[0] + ", which nobody likes", text) == [text[0] + ", which nobody likes"]
    assert found("Then again, " + text[0], text) == []
    assert found(text[0][:60] + " read more", text) == []


@pytest.mark.parametrize(
    "copy",
    [
        "".join(TEXT),
        TEXT[0] + TEXT[2] + TEXT[3],
        " ".join([TEXT[0], "Read also: the five fires of last year", *TEXT[1:]]),
        " ".join([TEXT[0], TEXT[2], "Advertisement", TEXT[3]]),
        TEXT[0][:70] + "…",
        " ".join(reversed(TEXT)),
    ],
)
def test_how_copies_are_made_is_no_other_wording(copy: str) -> None:
    """Run together, without headings, with lines of their own between paragraphs, cut off, in another order."""
    assert found(copy) == []


def test_a_paragraph_that_was_run_into_the_next_is_still_compared() -> None:
    assert found("".join(TEXT).replace("two hours", "a day")) == [TEXT[2].replace("two hours", "a day")]


def test_what_shares_a_few_words_is_no_copy() -> None:
    assert found("Because a cell may leak in winter, another maker recalls 4,217 cars that were sold in Norway.") == []
    assert found("The maker recalls the summer of 1969, when a cell may grow hot in prison.") == []


def test_code_is_no_wording() -> None:
    assert found(WHOLE.replace("smallest", "';let size={};var x='")) == []


def test_unspaced_scripts() -> None:
    text = ["小米汽车周四宣布召回其最小车型的四千辆汽车，因为电池在快速充电时可能过热。"]
    assert found(text[0].replace("四千", "五千"), text) == [text[0].replace("四千", "五千")]
    assert found(text[0].replace("，", ","), text) == []


def test_what_a_copy_has_is_noted() -> None:
    shown = TextAligner(TEXT)
    list(shown.find_patches(TEXT[0].replace("smallest", "largest") + TEXT[2][:40]))
    assert shown.matched_paragraphs == {0}
    assert shown.has_start(TEXT[2])
    assert not shown.has_start("Nothing like it")


@given(st.text("aAbBßé 你é्'’.-", max_size=80))
def test_words_and_their_places_agree(text: str) -> None:
    assert [text[start:end].lower() for start, end in find_word_spans(text)] == split_words(text)


@given(st.lists(st.sampled_from(["a", "b", "c", "d."]), max_size=60), st.lists(st.sampled_from("abcdx"), max_size=60))
def test_any_copy_makes_patches_that_fit(text: list[str], copy: list[str]) -> None:
    paragraphs = [" ".join(text[:30]), " ".join(text[30:])]
    for patch in TextAligner(paragraphs).find_patches(" ".join(copy)):
        assert 0 <= patch.start <= patch.end <= len(paragraphs[patch.paragraph])
        assert split_words(patch.text) != split_words(paragraphs[patch.paragraph][patch.start : patch.end])


def test_what_repeats_itself_costs_little() -> None:
    started = time.process_time()
    shown = TextAligner(["to be or not " * 10_000])
    assert list(shown.find_patches("or not to be " * 10_000)) is not None
    assert list(shown.find_patches("to be not or " * 10_000)) == []
    assert time.process_time() - started < 10
