"""How many words a text has, in any script."""

from __future__ import annotations

import re

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_CJK = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\W{_UNSPACED}]+(?:['’.,-][^\W{_UNSPACED}]+)*")


def words(text: str) -> int:
    """How many words a text has; two characters count as one where words are not set apart."""
    return len(_WORD.findall(text)) + (len(_CJK.findall(text)) + 1) // 2
