"""Character classes of scripts, and word counts that are comparable between scripts."""

from __future__ import annotations

import re

EAST_ASIAN = r"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
"""Han, kana and Hangul (a regular expression's class, without brackets): each character is a token of its own.

Han includes extension A (U+3400-4DBF), which holds characters of names and of Cantonese. Characters beyond U+FFFF are
left out: they are rare in news, and they make a class several times slower.

Korean puts spaces between words, but Hangul is included: a syllable says about as much as a Han character, and a noun
with another particle is another word. Thresholds in words and comparisons then mean the same in Korean as in Chinese.
The search index also takes Hangul apart into characters.
"""
EAST_ASIAN_PATTERN = re.compile(f"[{EAST_ASIAN}]")
_WORD = re.compile(rf"[^\W{EAST_ASIAN}]+(?:['’.,-][^\W{EAST_ASIAN}]+)*")

COMBINING_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
)
"""Vowel signs and accents that are parts of words but no letters to `re`, and the letters of India's scripts."""


def count_words(text: str) -> int:
    """Return the number of words of a text; two East Asian characters count as one word."""
    return len(_WORD.findall(text)) + (len(EAST_ASIAN_PATTERN.findall(text)) + 1) // 2
