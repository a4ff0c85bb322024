"""Aligning a copy finds its differences of wording, and ignores how copies are made."""

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


def find_differences(copy: str, text: list[str] = TEXT) -> list[str]:
    """Return the paragraphs that a copy has in other words, as the copy has them."""
    aligner = TextAligner(text)
    patches: dict[int, list] = {}  # type: ignore[type-arg]
    for patch in aligner.find_patches(copy):
        patches.setdefault(patch.paragraph, []).append(patch)
    return [apply_patches(text[place], patches[place]) for place in sorted(patches)]


WHOLE = " ".join(TEXT)


def test_equal_and_unrelated_copies_have_no_differences() -> None:
    assert find_differences(WHOLE) == []
    assert find_differences("\n".join(TEXT).upper().replace("“", '"').replace(",", " -")) == []
    assert find_differences(TEXT[2][20:]) == []
    assert find_differences("Nothing of this stands there, and so it says nothing at all of the text.") == []


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
def test_one_difference_is_found(old: str, new: str) -> None:
    (paragraph,) = find_differences(WHOLE.replace(old, new))
    assert paragraph == next(original for original in TEXT if old in original).replace(old, new)


def test_several_differences_are_found() -> None:
    copy = WHOLE.replace("smallest", "largest").replace("two hours", "a day").replace("Friday", "Monday")
    assert find_differences(copy) == [
        TEXT[0].replace("smallest", "largest"),
        TEXT[2].replace("two hours", "a day"),
        TEXT[3].replace("Friday", "Monday"),
    ]


def test_differences_at_the_start_and_the_end_are_found() -> None:
    text = ["Owners were told to park their cars outside until a workshop has changed the module"]
    assert find_differences(text[0].replace("Owners", "Owner"), text) == [text[0].replace("Owners", "Owner")]
    assert find_differences(text[0] + "s", text) == [text[0] + "s"]
    assert find_differences(text[0] + ", which nobody likes", text) == [text[0] + ", which nobody likes"]
    assert find_differences("Then again, " + text[0], text) == []
    assert find_differences(text[0][:60] + " read more", text) == []


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
def test_form_of_a_copy_is_no_difference(copy: str) -> None:
    """Copies join paragraphs, omit headings, insert lines, are cut off, or have another order."""
    assert find_differences(copy) == []


def test_joined_paragraphs_are_compared() -> None:
    assert find_differences("".join(TEXT).replace("two hours", "a day")) == [TEXT[2].replace("two hours", "a day")]


def test_text_with_a_few_common_words_is_no_copy() -> None:
    assert (
        find_differences(
            "Because a cell may leak in winter, another maker recalls 4,217 cars that were sold in Norway."
        )
        == []
    )
    assert find_differences("The maker recalls the summer of 1969, when a cell may grow hot in prison.") == []


def test_code_in_a_copy_is_ignored() -> None:
    assert find_differences(WHOLE.replace("smallest", "';let size={};var x='")) == []


def test_difference_in_chinese_is_found() -> None:
    text = ["小米汽车周四宣布召回其最小车型的四千辆汽车，因为电池在快速充电时可能过热。"]
    assert find_differences(text[0].replace("四千", "五千"), text) == [text[0].replace("四千", "五千")]
    assert find_differences(text[0].replace("，", ","), text) == []


def test_paragraphs_of_a_copy_are_recorded() -> None:
    aligner = TextAligner(TEXT)
    list(aligner.find_patches(TEXT[0].replace("smallest", "largest") + TEXT[2][:40]))
    assert aligner.matched_paragraphs == {0}
    assert aligner.has_start(TEXT[2])
    assert not aligner.has_start("Nothing like it")


@given(st.text("aAbBßé 你é्'’.-", max_size=80))
def test_word_spans_match_the_words(text: str) -> None:
    assert [text[start:end].lower() for start, end in find_word_spans(text)] == split_words(text)


@given(st.lists(st.sampled_from(["a", "b", "c", "d."]), max_size=60), st.lists(st.sampled_from("abcdx"), max_size=60))
def test_patches_of_any_copy_are_within_the_text(text: list[str], copy: list[str]) -> None:
    paragraphs = [" ".join(text[:30]), " ".join(text[30:])]
    for patch in TextAligner(paragraphs).find_patches(" ".join(copy)):
        assert 0 <= patch.start <= patch.end <= len(paragraphs[patch.paragraph])
        assert split_words(patch.text) != split_words(paragraphs[patch.paragraph][patch.start : patch.end])


def test_repetitive_text_is_aligned_fast() -> None:
    started = time.process_time()
    aligner = TextAligner(["to be or not " * 10_000])
    assert list(aligner.find_patches("or not to be " * 10_000)) is not None
    assert list(aligner.find_patches("to be not or " * 10_000)) == []
    assert time.process_time() - started < 10
