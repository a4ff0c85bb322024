"""How many words a text has, in any script."""

from __future__ import annotations

import re

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_CJK = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\W{_UNSPACED}]+(?:['’.,-][^\W{_UNSPACED}]+)*")


def count_words(text: str) -> int:
    """How many words a text has; two characters count as one where words are not set apart."""
    return len(_WORD.findall(text)) + (len(_CJK.findall(text)) + 1) // 2


HAN_AND_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words: each character is taken for a word."""
HANGUL = "\uac00-\ud7af"
COMBINING_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
)
"""Vowel signs and accents that stand in words and are no letters to `re`, with the letters of India's scripts."""
