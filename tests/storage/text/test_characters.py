"""Every module counts and separates the characters of East Asian scripts in the same way."""

import re

import pytest

from storage.text.characters import EAST_ASIAN_PATTERN, count_words


@pytest.mark.parametrize("character", ["电", "㐀", "豈", "々", "ひ", "カ", "한"])
def test_character_is_half_a_word(character: str) -> None:
    assert EAST_ASIAN_PATTERN.fullmatch(character)
    assert count_words(character * 8) == 4


@pytest.mark.parametrize("text", ["battery", "батарея", "μπαταρία", "پیل", "๐", "4,217", "。", "、"])
def test_other_scripts_and_punctuation_are_not_east_asian(text: str) -> None:
    assert not EAST_ASIAN_PATTERN.search(text)


def test_spaces_do_not_change_the_count_of_korean() -> None:
    text = "한국 정부는 전기차 보조금을 내년에도 유지한다"
    assert count_words(text) == count_words(re.sub(" ", "", text))
