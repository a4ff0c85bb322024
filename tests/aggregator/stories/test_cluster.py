"""Which articles tell the same story: by their words, their times, and how close they are among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.stories.cluster import (
    MIN_JOIN_SIMILARITY,
    MIN_PAIR_SIMILARITY,
    ClusteredArticle,
    choose_headline_article,
    group_articles,
    similarities_to,
    similarity_matrix,
    time_nearness,
)
from aggregator.stories.extract_terms import count_terms, extract_terms
from storage.stories.packed_terms import (
    BUCKETS,
    MAX_TERMS,
    counts_of_terms,
    pack_terms,
    term_buckets,
    title_flags,
    unpack_terms,
    word_bucket,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
EVEN = np.ones(BUCKETS, np.float32)
CRASH = "Ferry hits pier at Ravnsund", "A ferry with 90 passengers hit the pier of Ravnsund in fog; four were hurt."
AGAIN = (
    "Four hurt as Ravnsund ferry rams pier",
    "In thick fog the Ravnsund ferry rammed a pier. Four passengers were hurt.",
)
OTHER = "Kelp farm wins prize", "A kelp farm off Hitra won the harvest prize for its ropes made of hemp."


def teller(number: int, told: tuple[str, str], day: float | None = 0, language: str = "en") -> ClusteredArticle:
    at = None if day is None else T0 + timedelta(days=day)
    return ClusteredArticle(article_id=number, published=at, terms=unpack_terms(extract_terms(*told, language)))


def square(size: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    alike = np.eye(size)
    for (one, other), likeness in pairs.items():
        alike[one, other] = alike[other, one] = likeness
    return alike


def grouped(alike: np.ndarray, days: Sequence[float] = ()) -> list[list[int]]:
    """The groups where half of the articles were told a month after the others, or on some days."""
    half = len(alike) // 2
    return group_articles(alike, np.array(days or [0.0] * half + [30.0] * (len(alike) - half)))


def test_terms_exclude_stop_words_and_single_letters() -> None:
    """The title counts three times, the lead twice; the commonest words, lone letters and grammar do not count."""
    told, in_title = count_terms("The ferries", "A ferry came to b 7 という " + "rope " * 70, "en")
    assert told["ferrie"] == (3, "ferries")
    assert told["ferry"] == (2, "ferry")
    assert told["7"] == (2, "7")
    assert told["rope"][0] == 2 * 58 + 12
    assert not {"the", "a", "to", "b", "とい", "いう"} & set(told)
    assert in_title == {"ferrie"}
    assert "小米" in count_terms("小米汽车发布新车", "", "zh")[1]


def test_languages_without_stop_words_keep_every_word() -> None:
    """An unknown language is no error."""
    assert count_terms("the", "", "xx")[0] == {"the": (3, "the")}


@given(words=st.dictionaries(st.text(min_size=1, max_size=9), st.integers(1, 9999), max_size=400), data=st.data())
def test_packed_terms_are_unpacked_unchanged(words: dict[str, int], data: st.DataObject) -> None:
    """Up to a bound the words that count most; each once, ascending."""
    in_title = data.draw(st.sets(st.sampled_from(sorted(words)), max_size=20)) if words else set()
    read = unpack_terms(pack_terms(words, in_title))
    used = term_buckets(read)
    assert len(used) <= MAX_TERMS
    assert list(used) == sorted(set(used.tolist()))
    assert {word_bucket(word) for word in in_title} == set(used[title_flags(read)].tolist())
    if len(words) <= MAX_TERMS and len({word_bucket(word) for word in words}) == len(words):
        kept = dict(zip(used.tolist(), counts_of_terms(read).tolist(), strict=True))
        assert kept == {word_bucket(word): min(count, 2047) for word, count in words.items()}


def test_texts_about_one_event_are_similar_and_others_are_not() -> None:
    """And an article is wholly like itself."""
    alike = similarity_matrix([teller(1, CRASH), teller(2, AGAIN), teller(3, OTHER)], EVEN)
    assert alike[0, 0] == pytest.approx(1)
    assert alike[0, 1] > 2 * MIN_PAIR_SIMILARITY
    assert alike[0, 2] == 0
    assert np.allclose(alike, alike.T)


@given(told=st.lists(st.tuples(st.text("ab cd1", max_size=30), st.text("ab cd1", max_size=80)), min_size=1, max_size=6))
def test_similarities_of_a_row_equal_those_of_pairs(told: list[tuple[str, str]]) -> None:
    """What is asked for first is what decides later; both are between 0 and 1."""
    tellers = [teller(number, one, None if number % 3 == 0 else number) for number, one in enumerate(told)]
    weights = EVEN * np.float32(2)
    alike = similarity_matrix(tellers, weights)
    assert np.allclose(similarities_to(tellers[0], tellers, weights)[1:], alike[0, 1:])
    assert ((alike >= 0) & (alike <= 1 + 1e-9)).all()


def test_rare_terms_have_more_weight() -> None:
    """The same shared words make two articles less alike where everybody uses them."""
    common = EVEN.copy()
    common[[word_bucket("ferry"), word_bucket("pier"), word_bucket("fog"), word_bucket("hurt")]] = 0.1
    pair = [teller(1, CRASH), teller(2, AGAIN)]
    assert similarity_matrix(pair, common)[0, 1] < similarity_matrix(pair, EVEN)[0, 1]


def test_distance_in_time_reduces_similarity_but_never_to_zero() -> None:
    """Half of what time can take is gone after five days; without a date it is as if some days lay between."""
    days = [time_nearness(T0, T0 + timedelta(days=day)) for day in (0, 5, 10, 4000)]
    assert days == pytest.approx([1, 0.8, 0.7, 0.6])
    assert time_nearness(None, T0) == time_nearness(T0, None) == time_nearness(None, None) == pytest.approx(0.7)
    near, far, undated = (
        similarity_matrix([teller(1, CRASH), teller(2, AGAIN, day)], EVEN)[0, 1] for day in (0, 300, None)
    )
    assert near > undated > far > 0


def test_articles_without_terms_are_similar_to_none() -> None:
    """Nor is that an error."""
    assert similarity_matrix([teller(1, ("", "")), teller(2, ("", ""))], EVEN)[0, 1] == 0


def test_articles_join_only_if_similar_enough_to_the_group() -> None:
    """A pair must be sure of itself; who joins one must be like its members in the mean."""
    between = (MIN_PAIR_SIMILARITY + MIN_JOIN_SIMILARITY) / 2
    assert grouped(square(2, {(0, 1): between})) == [[0], [1]]
    assert grouped(square(3, {(0, 1): 0.5, (0, 2): between, (1, 2): between})) == [[0, 1, 2]]
    assert grouped(square(3, {(0, 1): 0.5, (0, 2): 1.5 * MIN_JOIN_SIMILARITY})) == [[0, 1], [2]]


def test_close_groups_stay_apart_below_the_merge_threshold() -> None:
    """The crash and the inquest share every name, yet each is closer within itself."""

    def halves(between: float) -> np.ndarray:
        inner = {(0, 1): 0.4, (2, 3): 0.4}
        return square(4, inner | {(one, other): between for one in (0, 1) for other in (2, 3)})

    assert grouped(halves(0.25)) == [[0, 1], [2, 3]]
    assert grouped(halves(0.31)) == [[0, 1, 2, 3]]
    loose = {(0, 1): 0.2, (2, 3): 0.2} | {(one, other): 0.16 for one in (0, 1) for other in (2, 3)}
    assert grouped(square(4, loose)) == [[0, 1, 2, 3]]


def test_fixed_groups_stay_together() -> None:
    """However little alike."""
    assert group_articles(square(4, {(2, 3): 0.9}), np.zeros(4), [[0, 1]]) == [[0, 1], [2, 3]]


@given(values=st.lists(st.floats(0, 1), min_size=15, max_size=15), order=st.permutations(range(6)))
def test_clusters_do_not_depend_on_the_order(values: list[float], order: list[int]) -> None:
    """Every article is in one group, the same whatever comes first."""
    pairs = [(one, other) for one in range(6) for other in range(one + 1, 6)]
    spread = [value + number * 1e-6 for number, value in enumerate(values)]  # no two pairs are equally alike
    alike = square(6, dict(zip(pairs, spread, strict=True)))
    days = [0.0, 0.5, 1.0, 2.0, 9.0, float("nan")]
    made = grouped(alike, days)
    assert sorted(one for group in made for one in group) == list(range(6))
    again = grouped(alike[np.ix_(order, order)], [days[one] for one in order])
    assert sorted(sorted(order[one] for one in group) for group in again) == made


def test_headline_is_that_of_the_most_central_article() -> None:
    """Of equals the first."""
    assert choose_headline_article(square(3, {(0, 1): 0.5, (1, 2): 0.5, (0, 2): 0.1}), [0, 1, 2]) == 1
    assert choose_headline_article(square(2, {(0, 1): 0.5}), [0, 1]) == 0


def test_packed_terms_do_not_depend_on_the_order() -> None:
    """What is kept depends on the words alone."""
    words = ["ferry", "pier", "fog", "rope"]
    assert len({pack_terms(dict.fromkeys(order, 2), {"fog"}) for order in permutations(words)}) == 1
