"""Articles are grouped into stories by their terms, publication times and similarities."""

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


def make_article(
    number: int, title_and_text: tuple[str, str], day: float | None = 0, language: str = "en"
) -> ClusteredArticle:
    at = None if day is None else T0 + timedelta(days=day)
    return ClusteredArticle(
        article_id=number, published=at, terms=unpack_terms(extract_terms(*title_and_text, language))
    )


def symmetric_matrix(size: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    similarities = np.eye(size)
    for (first, second), similarity in pairs.items():
        similarities[first, second] = similarities[second, first] = similarity
    return similarities


def group(similarities: np.ndarray, days: Sequence[float] = ()) -> list[list[int]]:
    """Return the groups of articles published on `days`; by default the second half appears a month later."""
    half = len(similarities) // 2
    return group_articles(similarities, np.array(days or [0.0] * half + [30.0] * (len(similarities) - half)))


def test_terms_are_content_words_weighted_by_place() -> None:
    """The title counts three times, the lead twice; stop words, single letters and grammar do not count."""
    counts, in_title = count_terms("The ferries", "A ferry came to b 7 という " + "rope " * 70, "en")
    assert counts["ferrie"] == (3, "ferries")
    assert counts["ferry"] == (2, "ferry")
    assert counts["7"] == (2, "7")
    assert counts["rope"][0] == 2 * 58 + 12
    assert not {"the", "a", "to", "b", "とい", "いう"} & set(counts)
    assert in_title == {"ferrie"}
    assert "小米" in count_terms("小米汽车发布新车", "", "zh")[1]


def test_language_without_stop_words_keeps_every_word() -> None:
    assert count_terms("the", "", "xx")[0] == {"the": (3, "the")}


@given(words=st.dictionaries(st.text(min_size=1, max_size=9), st.integers(1, 9999), max_size=400), data=st.data())
def test_packed_terms_are_unpacked_unchanged(words: dict[str, int], data: st.DataObject) -> None:
    """At most MAX_TERMS terms with the highest counts are packed, ascending."""
    in_title = data.draw(st.sets(st.sampled_from(sorted(words)), max_size=20)) if words else set()
    unpacked = unpack_terms(pack_terms(words, in_title))
    used = term_buckets(unpacked)
    assert len(used) <= MAX_TERMS
    assert list(used) == sorted(set(used.tolist()))
    assert {word_bucket(word) for word in in_title} == set(used[title_flags(unpacked)].tolist())
    if len(words) <= MAX_TERMS and len({word_bucket(word) for word in words}) == len(words):
        counts = dict(zip(used.tolist(), counts_of_terms(unpacked).tolist(), strict=True))
        assert counts == {word_bucket(word): min(count, 2047) for word, count in words.items()}


def test_articles_about_one_event_are_similar_and_others_are_not() -> None:
    similarities = similarity_matrix([make_article(1, CRASH), make_article(2, AGAIN), make_article(3, OTHER)], EVEN)
    assert similarities[0, 0] == pytest.approx(1)
    assert similarities[0, 1] > 2 * MIN_PAIR_SIMILARITY
    assert similarities[0, 2] == 0
    assert np.allclose(similarities, similarities.T)


@given(
    texts=st.lists(st.tuples(st.text("ab cd1", max_size=30), st.text("ab cd1", max_size=80)), min_size=1, max_size=6)
)
def test_single_row_equals_the_row_of_the_similarity_matrix(texts: list[tuple[str, str]]) -> None:
    articles = [make_article(number, text, None if number % 3 == 0 else number) for number, text in enumerate(texts)]
    weights = EVEN * np.float32(2)
    similarities = similarity_matrix(articles, weights)
    assert np.allclose(similarities_to(articles[0], articles, weights)[1:], similarities[0, 1:])
    assert ((similarities >= 0) & (similarities <= 1 + 1e-9)).all()


def test_rare_terms_count_more() -> None:
    common = EVEN.copy()
    common[[word_bucket("ferry"), word_bucket("pier"), word_bucket("fog"), word_bucket("hurt")]] = 0.1
    pair = [make_article(1, CRASH), make_article(2, AGAIN)]
    assert similarity_matrix(pair, common)[0, 1] < similarity_matrix(pair, EVEN)[0, 1]


def test_time_between_articles_reduces_similarity_to_a_limit() -> None:
    """Five days take half of the maximum reduction; an unknown time counts like ten days."""
    days = [time_nearness(T0, T0 + timedelta(days=day)) for day in (0, 5, 10, 4000)]
    assert days == pytest.approx([1, 0.8, 0.7, 0.6])
    assert time_nearness(None, T0) == time_nearness(T0, None) == time_nearness(None, None) == pytest.approx(0.7)
    near, far, undated = (
        similarity_matrix([make_article(1, CRASH), make_article(2, AGAIN, day)], EVEN)[0, 1] for day in (0, 300, None)
    )
    assert near > undated > far > 0


def test_articles_without_words_have_similarity_zero() -> None:
    assert similarity_matrix([make_article(1, ("", "")), make_article(2, ("", ""))], EVEN)[0, 1] == 0


def test_pair_needs_more_similarity_than_a_third_article() -> None:
    """An article joins a group by its mean similarity to the members."""
    between = (MIN_PAIR_SIMILARITY + MIN_JOIN_SIMILARITY) / 2
    assert group(symmetric_matrix(2, {(0, 1): between})) == [[0], [1]]
    assert group(symmetric_matrix(3, {(0, 1): 0.5, (0, 2): between, (1, 2): between})) == [[0, 1, 2]]
    assert group(symmetric_matrix(3, {(0, 1): 0.5, (0, 2): 1.5 * MIN_JOIN_SIMILARITY})) == [[0, 1], [2]]


def test_close_groups_are_merged_only_if_as_similar_as_their_members() -> None:
    """An accident and its inquest share every name, but each group is more similar within itself."""

    def halves(between: float) -> np.ndarray:
        inner = {(0, 1): 0.4, (2, 3): 0.4}
        return symmetric_matrix(4, inner | {(first, second): between for first in (0, 1) for second in (2, 3)})

    assert group(halves(0.25)) == [[0, 1], [2, 3]]
    assert group(halves(0.31)) == [[0, 1, 2, 3]]
    loose = {(0, 1): 0.2, (2, 3): 0.2} | {(first, second): 0.16 for first in (0, 1) for second in (2, 3)}
    assert group(symmetric_matrix(4, loose)) == [[0, 1, 2, 3]]


def test_fixed_groups_stay_together() -> None:
    assert group_articles(symmetric_matrix(4, {(2, 3): 0.9}), np.zeros(4), [[0, 1]]) == [[0, 1], [2, 3]]


@given(values=st.lists(st.floats(0, 1), min_size=15, max_size=15), order=st.permutations(range(6)))
def test_groups_do_not_depend_on_the_order(values: list[float], order: list[int]) -> None:
    pairs = [(first, second) for first in range(6) for second in range(first + 1, 6)]
    spread = [value + number * 1e-6 for number, value in enumerate(values)]  # no two pairs are equally similar
    similarities = symmetric_matrix(6, dict(zip(pairs, spread, strict=True)))
    days = [0.0, 0.5, 1.0, 2.0, 9.0, float("nan")]
    groups = group(similarities, days)
    assert sorted(position for members in groups for position in members) == list(range(6))
    reordered = group(similarities[np.ix_(order, order)], [days[position] for position in order])
    assert sorted(sorted(order[position] for position in members) for members in reordered) == groups


def test_headline_is_of_the_article_most_similar_to_the_others() -> None:
    """The first of equally similar articles is chosen."""
    assert choose_headline_article(symmetric_matrix(3, {(0, 1): 0.5, (1, 2): 0.5, (0, 2): 0.1}), [0, 1, 2]) == 1
    assert choose_headline_article(symmetric_matrix(2, {(0, 1): 0.5}), [0, 1]) == 0


def test_packed_terms_do_not_depend_on_the_order() -> None:
    words = ["ferry", "pier", "fog", "rope"]
    assert len({pack_terms(dict.fromkeys(order, 2), {"fog"}) for order in permutations(words)}) == 1
