"""Word diffs turn one text into another; the first kind of edit that applies is returned."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text.diff import DiffPart, EditKind, compare_texts, diff_words

WORDS = st.sampled_from(
    ["battery", "Battery", "range", "4,217", "12.5", "ö", "电", "池", "가격", "पुलिस", ".", "-", "“", "\n"]
)
TEXTS = st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=60)

BODY = (
    "The maker recalls 4,217 cars of its smallest model because a cell may grow hot when it is charged fast.\n"
    "Owners are told to park outside until a workshop has changed the module, which takes two hours.\n"
    "The regulator had asked for it in May after three fires, none of which hurt anybody."
)
TITLE = "Maker recalls its smallest model"


def kind(body: str, title: str = TITLE, before: tuple[str, str] = (TITLE, BODY)) -> EditKind:
    """Return the kind of the edit from the text above to another text."""
    return compare_texts(before, (title, body)).kind


@given(TEXTS, TEXTS)
def test_diff_parts_make_both_texts(before: str, after: str) -> None:
    parts = diff_words(before, after)
    assert "".join(part.text for part in parts if part.op != "+") == before
    assert "".join(part.text for part in parts if part.op != "-") == after
    assert all(left.op != right.op for left, right in pairwise(parts))
    assert all(part.text for part in parts)


@given(TEXTS)
def test_equal_texts_have_one_equal_part(text: str) -> None:
    assert [part.op for part in diff_words(text, text)] == (["="] if text else [])
    difference = compare_texts((text, text), (text, text))
    assert (difference.added, difference.removed) == (0, 0)


@given(TEXTS, TEXTS)
def test_swapped_texts_swap_added_and_removed(text: str, other_text: str) -> None:
    pair, other_pair = (text, other_text), (other_text, text)
    there, back = compare_texts(pair, other_pair), compare_texts(other_pair, pair)
    assert (there.added, there.removed, there.kind) == (back.removed, back.added, back.kind)


def test_diff_is_by_words_and_an_east_asian_character_is_a_word() -> None:
    assert diff_words("It costs 30,000 euros.", "It costs 31,000 euros.") == [
        DiffPart(op="=", text="It costs "), DiffPart(op="-", text="30"), DiffPart(op="+", text="31"),
        DiffPart(op="=", text=",000 euros."),
    ]  # fmt: skip
    assert DiffPart(op="-", text="降") in diff_words("小米降价", "小米涨价")
    assert DiffPart(op="-", text="पुलिस") in diff_words("आज पुलिस ने", "आज सेना ने")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY.replace("4,217", "4,321"), EditKind.NUMBERS),
        (BODY.replace("4,217", "14.321"), EditKind.NUMBERS),
        (BODY.replace("cars", "vans"), EditKind.TYPO),
        (BODY.replace("hours", "hour").replace("fires", "fire"), EditKind.TYPO),
        (BODY.replace("hours", "hour").replace("fires", "fire").replace("cars", "car"), EditKind.BODY),
        (BODY.replace("regulator", "ministry"), EditKind.BODY),
        (BODY.replace("none of which hurt", "which hurt"), EditKind.BODY),
        (BODY + "\nThe maker has since said that it regrets this.", EditKind.BODY),
        (BODY.replace("4,217", "4,321").replace("regulator", "ministry"), EditKind.BODY),
        (
            "A wholly other story, of ships that sail to the north with iron for the steel works there.",
            EditKind.REWRITE,
        ),
        ("", EditKind.REWRITE),
    ],
)
def test_kind_of_an_edit_of_the_body(body: str, expected: EditKind) -> None:
    assert kind(body) is expected
    assert compare_texts((TITLE, body), (TITLE, BODY)).kind is expected


def test_any_change_of_the_title_alone_is_a_headline_edit() -> None:
    for title in ("Recall of the smallest model", TITLE + "s", TITLE + " of 2026", TITLE.upper() + "!"):
        assert kind(BODY, title) is EditKind.HEADLINE


def test_headline_edit_repeated_in_the_body_is_no_body_edit() -> None:
    new = f"Update: {TITLE}"
    body = f"{BODY}\n{TITLE}, says the headline."
    before = (TITLE, body)
    assert kind(body.replace(TITLE, new), new, before) is EditKind.HEADLINE
    assert kind(f"{new}\n{body}", new, before) is EditKind.HEADLINE
    assert kind(body.replace(TITLE, new).replace("May", "June"), new, before) is EditKind.BODY
    assert kind(body.replace(TITLE, new), TITLE, before) is EditKind.BODY, "the title is the same"


def test_numbers_and_typos_consider_title_and_body_together() -> None:
    assert kind(BODY.replace("4,217", "4,321"), TITLE, (TITLE, BODY)) is EditKind.NUMBERS
    assert kind(BODY.replace("4,217", "5"), "Recall of 5 cars", ("Recall of 4,217 cars", BODY)) is EditKind.NUMBERS
    assert kind(BODY.replace("cars", "vans"), TITLE + " now") is EditKind.BODY


def test_korean_particle_is_a_typo_and_another_verb_a_body_edit() -> None:
    before = "한국 정부는 전기차 보조금을 내년에도 유지하겠다고 밝혔다"
    assert kind(before.replace("보조금을", "보조금은"), TITLE, (TITLE, before)) is EditKind.TYPO
    assert kind(before.replace("유지하겠다고", "폐지한다고"), TITLE, (TITLE, before)) is EditKind.BODY


def test_added_and_removed_count_no_white_space() -> None:
    difference = compare_texts(("Title", "one two three four five six"), ("Title", "one two  2 3\nfour five six"))
    assert (difference.added, difference.removed) == (2, 5)


def test_comparing_long_texts_without_common_words_is_fast() -> None:
    before, after = (" ".join(f"{letter}{n}" for n in range(40_000)) for letter in "ab")
    started = time.process_time()
    assert diff_words(before, after) == [DiffPart(op="-", text=before), DiffPart(op="+", text=after)]
    assert compare_texts(("", before), ("", after)).kind is EditKind.REWRITE
    assert time.process_time() - started < 20
