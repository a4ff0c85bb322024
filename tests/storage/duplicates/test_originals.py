"""Choice of the original among duplicates: independent of order, and similar to each of its copies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from storage.duplicates.originals import COPY_WINDOW, DuplicateArticle, find_originals
from storage.model.similarity import TextSimilarity

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NEAR = TextSimilarity(similarity=0.8, kind="near")


def member(number: int, day: int | None, seen: int = 0, **origin: str) -> DuplicateArticle:
    published = None if day is None else T0 + timedelta(days=day)
    return DuplicateArticle(
        id=number,
        url_key=f"h{number}.example/a",
        published_or_seen_at=published or T0 + timedelta(days=seen),
        published=published,
        **origin,
    )


_DAYS = st.sampled_from([None, 0, 1, 2, 30, 60])
_CREDITS = st.sampled_from(["", "", "h1.example", "h2", "h3.example", "Nobody"])
_SITES = st.lists(st.tuples(_DAYS, st.integers(0, 40), _CREDITS, st.integers(0, 3)), min_size=1, max_size=7)


@given(sites=_SITES, pairs=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3))), data=st.data())
def test_copies_are_similar_to_their_original_in_any_order(
    sites: list[tuple[int | None, int, str, int]], pairs: set[tuple[int, int]], data: st.DataObject
) -> None:
    groups: dict[str, list[DuplicateArticle]] = {str(n): [] for n in range(4)}
    for number, (day, seen, credit, group) in enumerate(sites):
        groups[str(group)].append(member(number, day, seen, credit=credit))
    both_ways = pairs | {(second, first) for first, second in pairs}
    similarities = {(str(first), str(second)): NEAR for first, second in both_ways if first != second}
    origins = find_originals(groups, similarities)
    shuffled = {d: data.draw(st.permutations(groups[d])) for d in data.draw(st.permutations(sorted(groups)))}
    assert find_originals(shuffled, similarities) == origins
    group_of = {m.id: digest for digest, members in groups.items() for m in members}
    for digest, members in groups.items():
        if not members:
            assert digest not in origins
            continue
        original_group = group_of[origins[digest].original_id]
        assert digest == original_group or (digest, original_group) in similarities
        assert origins[original_group].original_id == origins[digest].original_id


def test_similar_texts_far_apart_in_time_are_no_copies() -> None:
    near = {("a", "b"): NEAR, ("b", "a"): NEAR}
    days = COPY_WINDOW.days
    assert find_originals({"a": [member(1, 0)], "b": [member(2, days)]}, near)["b"].original_id == 1
    assert find_originals({"a": [member(1, 0)], "b": [member(2, days + 1)]}, near)["b"].original_id == 2
    assert find_originals({"a": [member(1, 0), member(2, 400)]}, {})["a"].original_id == 1


def test_articles_that_credit_each_other_are_ordered_by_date() -> None:
    members = [member(1, 5, credit="h2"), member(2, 3, credit="h1.example")]
    assert find_originals({"a": members}, {})["a"].original_id == 2


def test_site_that_credits_itself_has_no_advantage() -> None:
    members = [member(1, 5, credit="h1"), member(2, 3)]
    assert find_originals({"a": members}, {})["a"].original_id == 2
