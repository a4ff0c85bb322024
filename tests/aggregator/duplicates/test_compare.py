"""Copies of a text are found, and texts that only look alike are not."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aggregator.duplicates.compare import (
    SIGNATURE_HASHES,
    ShingledText,
    compute_signature,
    is_promising,
    measure_similarity,
    signature_bands,
)
from aggregator.extraction.attribution import find_credit
from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.topics.catalogue import shipped_matcher
from storage.model.article import Article

_WORDS = st.sampled_from(["battery", "car", "range", "price", "maker", "charger", "grid", "plant", "new", "12", "400"])
_TEXTS = st.lists(_WORDS, max_size=120).map(" ".join) | st.text(max_size=300)


def prose(seed: int, words: int = 200) -> str:
    """Return a text of random words that no other seed shares."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 9))) for _ in range(words)]
    return "\n".join(" ".join(vocabulary[at : at + 25]) + "." for at in range(0, words, 25))


def chinese(seed: int, characters: int = 300) -> str:
    """Return a text of random Chinese characters."""
    rng = random.Random(seed)
    return "".join(chr(rng.randrange(0x4E00, 0x9F00)) for _ in range(characters))


def similarity_of(first: str, second: str) -> float:
    """Return the similarity of two texts, or 0 if neither is a copy."""
    similarity = measure_similarity(ShingledText(first), ShingledText(second))
    return similarity.similarity if similarity else 0.0


@given(first=_TEXTS, second=_TEXTS)
def test_similarity_is_symmetric(first: str, second: str) -> None:
    assert measure_similarity(ShingledText(first), ShingledText(second)) == measure_similarity(
        ShingledText(second), ShingledText(first)
    )
    first_bands, second_bands = signature_bands(compute_signature(first)), signature_bands(compute_signature(second))
    assert is_promising(first_bands, second_bands) == is_promising(second_bands, first_bands)


@given(text=_TEXTS)
def test_text_is_its_own_copy(text: str) -> None:
    assume(ShingledText(text).folded_words)
    found = measure_similarity(ShingledText(text), ShingledText(text))
    assert found is not None
    assert (found.similarity, found.kind) == (1.0, "same")


@given(
    text=st.text(st.characters(), max_size=400)
    | st.binary(max_size=400).map(lambda b: b.decode("utf-8", "surrogateescape"))
)
def test_any_text_has_a_bounded_signature(text: str) -> None:
    article = with_derived_fields(Article(url="https://ev.example/a", title="", text=text), shipped_matcher())
    bands = signature_bands(article.signature)
    assert len(bands) <= SIGNATURE_HASHES
    assert list(bands) == sorted(set(bands))
    assert all(0 <= band < 2**38 for band in bands)
    assert len(article.credit) <= 80


@pytest.mark.parametrize("make", [prose, chinese])
def test_every_kind_of_copy_is_found(make: object) -> None:
    text = make(1)  # type: ignore[operator]
    other = make(2)  # type: ignore[operator]
    cut = text[: len(text) * 2 // 5]
    copies = {
        "framed": f"{other[:80]}\n{text}\n{other[-80:]}",
        "cut": cut,
        "cut with a line": cut + "\n" + other[:30],
        "rearranged": text[len(text) // 2 :] + " " + text[: len(text) // 2],
        "shouted": text.upper().replace(".", "!"),
    }
    for kind, copy in copies.items():
        assert similarity_of(text, copy) >= 0.6, kind
        assert is_promising(signature_bands(compute_signature(text)), signature_bands(compute_signature(copy))), kind
    assert similarity_of(text, other) == 0.0


def test_text_with_every_twentieth_word_replaced_is_a_copy() -> None:
    words = prose(1, 400).split()
    words[::20] = [f"other{n}" for n in range(len(words[::20]))]
    assert 0.7 < similarity_of(prose(1, 400), " ".join(words)) < 0.9


def test_part_of_a_text_is_recognised_as_part() -> None:
    found = measure_similarity(ShingledText(prose(1)), ShingledText(prose(1)[:400]))
    assert found is not None
    assert found.kind == "part"


def test_few_words_are_no_copy() -> None:
    assert similarity_of(prose(1), " ".join(prose(1).split()[:12])) == 0.0
    assert compute_signature("Read more in our app") == b""


def test_text_without_words_has_no_similarity() -> None:
    assert measure_similarity(ShingledText("..."), ShingledText("!")) is None
    assert measure_similarity(ShingledText(""), ShingledText("")) is None


def test_live_blog_without_its_times_is_a_copy() -> None:
    entries = [prose(number, 60) for number in range(8)]
    timed = "\n".join(f"{10 + number}:15 {prose(100 + number, 5)}\n{entry}" for number, entry in enumerate(entries))
    assert measure_similarity(ShingledText(timed), ShingledText("\n".join(entries)))


def test_two_states_of_a_live_blog_are_not_copies() -> None:
    entries = [f"{8 + n // 4:02}:{n % 4 * 15:02} {prose(n, 20)}" for n in range(12)]
    before, after = "\n".join(reversed(entries[:6])), "\n".join(reversed(entries))
    assert similarity_of(before, after) == 0.0
    assert similarity_of(after, prose(99, 30) + "\n" + after) > 0.9


def test_two_fillings_of_a_template_are_not_copies() -> None:
    rows = [prose(n, 16).replace("\n", " ") for n in range(12)]

    def filled(first: int) -> str:
        return "\n".join(f"{row} costs {first + 37 * n} euros" for n, row in enumerate(rows))

    assert len(ShingledText(filled(100)).shingles & ShingledText(filled(500)).shingles) > 0.6 * len(
        ShingledText(filled(100)).shingles
    )
    assert similarity_of(filled(100), filled(500)) == 0.0
    assert similarity_of(filled(100), "\n".join(filled(100).split("\n")[:8])) > 0.9


def test_compared_text_is_bounded() -> None:
    long = "word " * 1_000_000 + prose(1)
    assert len(ShingledText(long).shingles) == 1
    assert len(ShingledText(prose(1, 100_000)).folded_words) <= 200_000


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A text.\nThis article was originally published on The Conversation. Read the original.", "Conversation"),
        ("A text.\nThe story first appeared on electrek.co.", "electrek.co"),
        ("First published by InsideEVs\nA text.", "InsideEVs"),
        ("A text. Republished with permission from Charged Magazine.", "Charged Magazine"),
        ("A text.\nVia Electrek", "Electrek"),
        ("A text.\nSource: https://www.electrive.com", "electrive.com"),
        ("Ein Text.\nQuelle: Handelsblatt", "Handelsblatt"),
        ("Ein Text. Dieser Artikel erschien zuerst bei Edison.", "Edison"),
        ("Un texte.\nCet article a été initialement publié sur Automobile Propre.", "Automobile Propre"),
        ("Un texto.\nPublicado originalmente en Motorpasión.", "Motorpasión"),
        ("正文\n来源：新华社", "新华社"),
        ("正文（本文来自：第一电动网）", "第一电动网"),
        ("SHANGHAI, Jan 5 (Reuters) - Tesla cut prices.", "Reuters"),
        ("WOLFSBURG (dpa) - Volkswagen baut um.", "dpa"),
        ("Volkswagen baut um. (dpa-AFX)", "dpa-AFX"),
        ("A text. The road leads via Lyon to Spain.", ""),
        ("A text about a source: nobody said which one it was.", ""),
        ("It was published on Monday.", ""),
    ],
)  # fmt: skip
def test_credit_line_names_its_origin(text: str, name: str) -> None:
    assert find_credit(text) == name
