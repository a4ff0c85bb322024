"""One text at many addresses of a source: when it is a wall, and when it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.ingest.repeated_text import MAX_REPEATED_WORDS, refuse_repeated_text
from storage.duplicates.repeated_texts import TextAppearance
from storage.model.article import Article

TOLD = ("Volt opens a second plant", "Minister leaves the cabinet", "Snow closes the northern pass", "Rents fall again")


def showing(number: int, title: str = "Our new app", told: str | None = None, *, is_own: bool = True) -> TextAppearance:
    return TextAppearance(
        article_id=number, title=title, has_own_title=is_own, lead_title=TOLD[number] if told is None else told
    )


def article(title: str = "Our new app", words: int = 40, origin: str = "html") -> Article:
    return Article(url="https://a.example/x", title=title, text="x", words=words, origins=(("title", origin),))


BEFORE = [showing(1), showing(2)]


def test_short_text_repeated_under_three_other_titles_is_refused() -> None:
    refusal = refuse_repeated_text(article(), TOLD[0], BEFORE)
    assert refusal is not None
    assert refusal.code == "repeated"
    assert "2 other addresses" in refusal.reason


def test_repeated_text_that_only_echoes_the_titles_of_leads_is_refused() -> None:
    before = [showing(n, TOLD[n], is_own=False) for n in (1, 2)]
    assert refuse_repeated_text(article(TOLD[0], origin="lead"), TOLD[0], before) is not None


@pytest.mark.parametrize(
    ("made", "told", "before"),
    [
        (article(), TOLD[0], []),
        (article(), TOLD[0], BEFORE[:1]),
        (article(words=MAX_REPEATED_WORDS + 1), TOLD[0], BEFORE),
        (article(TOLD[0]), TOLD[0], BEFORE),
        (article(f"{TOLD[0]}, and more"), TOLD[0], BEFORE),
        (article(), "", BEFORE),
        (article(), TOLD[1], BEFORE),
        (article(), TOLD[0], [showing(1), showing(1, told=TOLD[2])]),
        (article(), TOLD[0], [*BEFORE, showing(3, TOLD[3])]),
        (article(), TOLD[0], [showing(1, told=""), showing(2, told="")]),
    ],
    ids=["first", "second", "long", "own title", "longer title", "no lead", "one title", "one article", "a true one",
         "nothing told"],
)  # fmt: skip
def test_text_is_not_refused_as_repeated(made: Article, told: str, before: list[TextAppearance]) -> None:
    assert refuse_repeated_text(made, told, before) is None


@given(st.permutations([showing(1), showing(2), showing(3), showing(3, TOLD[3])]))
def test_refusal_does_not_depend_on_the_order_of_appearances(before: list[TextAppearance]) -> None:
    assert refuse_repeated_text(article(), TOLD[0], before) == refuse_repeated_text(article(), TOLD[0], before[::-1])
