"""Cleaning removes forbidden characters, and its shortcut for clean text changes no result."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text import clean as clean_text
from storage.text.clean import clean

NASTY = "a\n\r\t\x00\x85\xa0\xad\u200b\u2028\ufdd0\ufffe\U0001fffe\ud800é\u0301é한\u1112\u1161😀"


def clean_without_shortcut(text: str) -> str:
    with mock.patch.object(clean_text, "_is_clean", return_value=False):
        return clean(text)


@given(st.text() | st.text(st.sampled_from(NASTY), max_size=12))
def test_shortcut_for_clean_text_gives_the_full_result(text: str) -> None:
    assert clean(text) == clean_without_shortcut(text)
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"), ("e\u0301", "é"), ("\x00a\x1fb", "ab"), ("\ud800", "\ufffd"),
        ("\ufffe\U0001fffe", ""),
        ("tab\tand\xa0nbsp", "tab\tand\xa0nbsp"),
    ],
)  # fmt: skip
def test_forbidden_characters_are_removed_and_others_stay(text: str, expected: str) -> None:
    assert clean(text) == expected
