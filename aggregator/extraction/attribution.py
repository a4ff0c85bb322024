"""Find the publisher that a text credits as its origin, in several languages: "first published by ...", an agency."""

from __future__ import annotations

import re

_SEARCHED_CHARACTERS = 600
"""Number of characters at each end of a text that are searched for a credit line."""
_NAME_REST = r"(?:[\w&'’\-]|\.(?=\w))*"
_NAME = rf"(?P<name>[^\W\d_]{_NAME_REST}(?:[ \t]+(?:[^\W\d_a-z]{_NAME_REST}|of|the|and|de|du|der|die|del)){{0,4}})"
_URL_PREFIX = r"(?:https?://)?(?:www\.)?"
_CREDIT_PHRASES = (
    r"(?:this|the) (?:article|story|post|piece|report) (?:was |has been |is )?(?:first |originally |previously )?"
    r"(?:published|appeared|posted|syndicated|republished|reprinted)(?: first| originally)?"
    r" (?:on|by|in|at|from|with permission from)",
    r"(?:first|originally) (?:published|appeared|posted) (?:on|by|in|at)",
    r"(?:re-?published|reprinted|syndicated) (?:with permission )?(?:from|via)",
    r"(?:zuerst|ursprünglich) (?:erschienen|veröffentlicht) (?:bei|auf|in|im|von)",
    r"(?:dieser|der) (?:artikel|beitrag|text) (?:ist|erschien|wurde) (?:zuerst|ursprünglich) (?:bei|auf|in|im|von)",
    r"(?:cet )?article (?:a été )?(?:initialement |d['’]abord )?(?:publié|paru) (?:sur|par|dans)",
    r"(?:este )?art[ií]culo (?:fue )?(?:publicado|apareció) (?:originalmente|primero|por primera vez) (?:en|por)",
    r"publicado originalmente (?:en|por|em|no|na)",
    r"(?:questo )?articolo (?:è stato )?(?:originariamente )?(?:pubblicato|apparso) (?:originariamente )?(?:su|da)",
    r"(?:oorspronkelijk|eerder) (?:verschenen|gepubliceerd) (?:op|bij|door|in)",
    r"(?:впервые|первоначально) опубликован[оаы]? (?:в|на)",
)
_CREDIT_SENTENCE = re.compile(rf"\b(?i:{'|'.join(_CREDIT_PHRASES)})[\s:]+{_URL_PREFIX}(?i:the )?{_NAME}")
_LABELLED_CREDIT = re.compile(
    r"^[\s(\[（【—–-]*(?i:via|source|quelle|fuente|fonte|bron|źródło|zdroj|källa|kilde|kaynak|источник|sursa)"
    rf"\s*[:：]\s*{_URL_PREFIX}{_NAME}",
    re.M,
)
_VIA_LINE = re.compile(rf"^[\s(\[—–-]*(?:[Vv]ia|VIA)\s+{_URL_PREFIX}{_NAME}[\s.)\]]*$", re.M)
_EAST_ASIAN_CREDIT = re.compile(
    r"(?:来源|來源|转载自|轉載自|原载于|原載於|首发于|首發於|本文来自|出典|引用元|출처)\s*[:：]?\s*[《「“\"]?(?P<name>[^\s\W_][\w.·]{1,20})"
)
_AGENCIES = (
    r"Reuters|AFP|AP|Associated Press|Bloomberg|dpa(?:-AFX)?|APA|SDA|ANSA|EFE|TASS|ТАСС|РИА Новости"
    r"|Интерфакс|PTI|IANS|ANI|Xinhua|新华社|新華社|共同通信|時事通信|Kyodo|Jiji|Yonhap|연합뉴스|PAP|ČTK|CTK"
    r"|TT|NTB|Ritzau|STT|ANP|Belga|Lusa|UPI|PA Media|PRNewswire|PR Newswire|Business Wire"
    r"|BUSINESS WIRE|GLOBE NEWSWIRE|GlobeNewswire|news aktuell|AAP|SPX|AA|DHA|İHA"
)
_OPENING_AGENCY = re.compile(rf"^.{{0,80}}[(（\[]\s*(?P<name>{_AGENCIES})\s*[)）\]]")
_CLOSING_AGENCY = re.compile(rf"[(（\[/]\s*(?P<name>{_AGENCIES})\s*[)）\]/.]*\s*$")


def find_credit(text: str) -> str:
    """Return the credited name as written in the text, at most 80 characters, or an empty string."""
    head, tail = text[:_SEARCHED_CHARACTERS], text[-_SEARCHED_CHARACTERS:]
    for pattern in (_CREDIT_SENTENCE, _LABELLED_CREDIT, _VIA_LINE, _EAST_ASIAN_CREDIT):
        if credit := pattern.search(tail) or pattern.search(head):
            return credit["name"].strip(" .,'’-")[:80]
    agency = _OPENING_AGENCY.search(head) or _CLOSING_AGENCY.search(tail)
    return agency["name"] if agency else ""
