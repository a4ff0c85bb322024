"""A short text at many addresses of a source is refused unless it may be an article."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.ingest.repeated_text import MAX_REPEATED_WORDS, refuse_repeated_text
from storage.duplicates.repeated_texts import TextAppearance
from storage.model.article import Article

LEAD_TITLES = (
    "Volt opens a second plant",
    "Minister leaves the cabinet",
    "Snow closes the northern pass",
    "Rents fall again",
)


def make_appearance(
    number: int, title: str = "Our new app", lead_title: str | None = None, *, is_own: bool = True
) -> TextAppearance:
    return TextAppearance(
        article_id=number,
        title=title,
        has_own_title=is_own,
        lead_title=LEAD_TITLES[number] if lead_title is None else lead_title,
    )


def article(title: str = "Our new app", words: int = 40, origin: str = "html") -> Article:
    return Article(url="https://a.example/x", title=title, text="x", words=words, origins=(("title", origin),))


BEFORE = [make_appearance(1), make_appearance(2)]


def test_short_text_without_any_of_three_lead_titles_is_refused() -> None:
    refusal = refuse_repeated_text(article(), LEAD_TITLES[0], BEFORE)
    assert refusal is not None
    assert refusal.code == "repeated"
    assert "2 other addresses" in refusal.reason


def test_title_taken_from_the_lead_does_not_count() -> None:
    before = [make_appearance(n, LEAD_TITLES[n], is_own=False) for n in (1, 2)]
    assert refuse_repeated_text(article(LEAD_TITLES[0], origin="lead"), LEAD_TITLES[0], before) is not None


@pytest.mark.parametrize(
    ("candidate", "lead_title", "before"),
    [
        (article(), LEAD_TITLES[0], []),
        (article(), LEAD_TITLES[0], BEFORE[:1]),
        (article(words=MAX_REPEATED_WORDS + 1), LEAD_TITLES[0], BEFORE),
        (article(LEAD_TITLES[0]), LEAD_TITLES[0], BEFORE),
        (article(f"{LEAD_TITLES[0]}, and more"), LEAD_TITLES[0], BEFORE),
        (article(), "", BEFORE),
        (article(), LEAD_TITLES[1], BEFORE),
        (article(), LEAD_TITLES[0], [make_appearance(1), make_appearance(1, lead_title=LEAD_TITLES[2])]),
        (article(), LEAD_TITLES[0], [*BEFORE, make_appearance(3, LEAD_TITLES[3])]),
        (article(), LEAD_TITLES[0], [make_appearance(1, lead_title=""), make_appearance(2, lead_title="")]),
    ],
    ids=["first", "second", "long", "own title", "longer title", "no lead", "one title", "one article", "a true title",
         "no earlier lead titles"],
)  # fmt: skip
def test_possible_article_is_not_refused(candidate: Article, lead_title: str, before: list[TextAppearance]) -> None:
    assert refuse_repeated_text(candidate, lead_title, before) is None


@given(
    st.permutations([make_appearance(1), make_appearance(2), make_appearance(3), make_appearance(3, LEAD_TITLES[3])])
)
def test_order_of_earlier_appearances_does_not_matter(before: list[TextAppearance]) -> None:
    assert refuse_repeated_text(article(), LEAD_TITLES[0], before) == refuse_repeated_text(
        article(), LEAD_TITLES[0], before[::-1]
    )
