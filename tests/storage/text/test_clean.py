"""Cleaning: what is clean already is known at a glance, and that is never wrong."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text import clean as clean_text
from storage.text.clean import clean

NASTY = "a\n\r\t\x00\x85\xa0\xad\u200b\u2028\ufdd0\ufffe\U0001fffe\ud800é\u0301é한\u1112\u1161😀"


def cleaned_the_long_way(words: str) -> str:
    with mock.patch.object(clean_text, "_is_clean", return_value=False):
        return clean(words)


@given(st.text() | st.text(st.sampled_from(NASTY), max_size=12))
def test_a_glance_says_what_cleaning_would(words: str) -> None:
    assert clean(words) == cleaned_the_long_way(words)
    assert clean(clean(words)) == clean(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"), ("e\u0301", "é"), ("\x00a\x1fb", "ab"), ("\ud800", "\ufffd"),
        ("\ufffe\U0001fffe", ""),
        ("tab\tand\xa0nbsp", "tab\tand\xa0nbsp"),
    ],
)  # fmt: skip
def test_what_is_taken_out_and_what_stays(words: str, expected: str) -> None:
    assert clean(words) == expected
