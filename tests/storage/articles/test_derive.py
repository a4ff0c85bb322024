"""State derived from the snapshots and checks of an article: revisions, withdrawals and restorations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from storage.articles.derive import Alias, ArticleState, Check, Snapshot, derive_state
from storage.text.diff import EditKind

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = Alias(id=1, url_digest="d1", url_key="ev.example/a", url="https://ev.example/a", is_requested=True)
TITLE = (("", "A car"), ("heading", "A car"))


def seen(minutes: float, wording: str = "w", number: int = 0, **values: object) -> Snapshot:
    """Return a snapshot with a wording; the page's data has the same wording unless `values` change it."""
    snapshot = Snapshot(
        id=number or int(minutes * 10) + 1,
        text_id=1,
        digest=wording,
        requested_alias_id=1,
        final_alias_id=1,
        variant_key="",
        source="site",
        fetched_at=T0 + timedelta(minutes=minutes),
        comparable_digest=wording,
        page_data_digest=wording,
        extractor="reader 1",
        headlines=TITLE,
    )
    return replace(snapshot, **values)  # type: ignore[arg-type]


def check(minutes: float, outcome: str = "missing", *, sure: bool = False, alias: int = 1) -> Check:
    """Return a check that found no text."""
    return Check(
        id=int(minutes) + 1,
        alias_id=alias,
        checked_at=T0 + timedelta(minutes=minutes),
        outcome=outcome,
        is_certain=sure,
    )


def derive(*facts: Snapshot | Check, aliases: tuple[Alias, ...] = (PAGE,)) -> ArticleState:
    """Return the state that follows from these facts."""
    snapshots = [fact for fact in facts if isinstance(fact, Snapshot)]
    return derive_state(aliases, set(), snapshots, [fact for fact in facts if isinstance(fact, Check)])


def steps(state: ArticleState) -> list[tuple[float, EditKind | None]]:
    """Return the start of each revision, in minutes, and the kind of its edit, if known."""
    return [((step.at - T0) / timedelta(minutes=1), step.edit) for step in state.revision_starts]


def test_changed_wording_starts_a_revision() -> None:
    state = derive(seen(0, "a"), seen(1, "a"), seen(2, "b"), seen(3, "b"), seen(4, "a"))
    assert steps(state) == [(0, None), (2, None), (4, None)]
    assert state.shown_number == 3


def test_new_headline_starts_a_revision_but_another_choice_of_headline_does_not() -> None:
    partly = (("", "A car"), ("heading", "A car is recalled"))
    chosen = (("", "A car is recalled"), ("heading", "A car is recalled"))
    state = derive(seen(0), seen(1, headlines=partly), seen(2, headlines=chosen))
    assert steps(state) == [(0, None), (1, None)]


def test_edited_page_data_starts_a_revision_but_a_page_that_catches_up_does_not() -> None:
    ahead = seen(1, "a", page_data_digest="b", in_page_data=frozenset({7}), differs_in_page_data=frozenset({(7, 8)}))
    first = seen(0, "a", in_page_data=frozenset({7}))
    assert steps(derive(first, ahead)) == [(0, None), (1, None)]
    assert steps(derive(first, ahead, seen(2, "b"))) == [(0, None), (1, None)]
    assert steps(derive(first, ahead, seen(2, "c"))) == [(0, None), (1, None), (2, None)]


def test_page_data_that_catches_up_or_disappears_starts_no_revision() -> None:
    behind = seen(1, "b", page_data_digest="a", in_page_data=frozenset({9}), differs_in_page_data=frozenset({(9, 7)}))
    assert steps(derive(seen(0, "a", in_page_data=frozenset({7})), behind, seen(2, "b"))) == [(0, None), (1, None)]


def test_new_page_data_is_no_edit() -> None:
    now = seen(1, "a", page_data_digest="b", in_page_data=frozenset({7}), differs_in_page_data=frozenset({(7, 8)}))
    assert steps(derive(seen(0, "a"), now)) == [(0, None)]
    assert steps(derive(seen(0, "a", in_page_data=frozenset({5})), now)) == [(0, None)]


def test_texts_by_different_extractors_are_not_compared() -> None:
    state = derive(seen(0, "a"), seen(1, "b", extractor="reader 2"), seen(2, "c", extractor="reader 2"))
    assert steps(state) == [(0, None), (2, None)]


def test_print_page_with_its_own_wording_is_no_edit() -> None:
    print_page = [seen(n, "short", number=100 + n, variant_key="m") for n in (1, 3)]
    state = derive(seen(0, "a"), print_page[0], seen(2, "a"), print_page[1], seen(4, "b"))
    assert steps(state) == [(0, None), (1, None), (4, None)]
    assert state.shown_number == 3


def test_article_answered_with_410_is_withdrawn_at_once() -> None:
    state = derive(seen(0), check(5, sure=True))
    assert steps(state) == [(0, None), (5, EditKind.WITHDRAWN)]
    assert state.withdrawn_at == T0 + timedelta(minutes=5)
    assert state.shown_number == 2
    assert state.shown_text_id == 1


@pytest.mark.parametrize(
    ("checks", "since"),
    [
        ([check(5)], None),
        ([check(5), check(64)], None),
        ([check(5), check(65)], 5),
        ([check(5), check(30), check(64), check(66)], 5),
        ([check(5), check(30, "unmodified"), check(80)], None),
        ([check(5), check(30, "outage"), check(80), check(100)], None),
        ([check(5), check(30, "refused"), check(60), check(120)], 60),
        ([check(5, "outage"), check(70, "outage")], None),
        ([check(5, alias=2), check(70, alias=2)], None),
    ],
)
def test_missing_page_is_withdrawn_after_an_hour_without_a_success(checks: list[Check], since: float | None) -> None:
    state = derive(seen(0), *checks)
    assert state.withdrawn_at == (None if since is None else T0 + timedelta(minutes=since))
    assert steps(state)[1:] == ([] if since is None else [(since, EditKind.WITHDRAWN)])


def test_success_between_two_checks_prevents_a_withdrawal() -> None:
    assert derive(seen(0), check(5), seen(30), check(70)).withdrawn_at is None


def test_returning_article_is_restored_even_with_another_text() -> None:
    for words in ("w", "other"):
        state = derive(seen(0), check(5, sure=True), seen(9, words), seen(10, words))
        assert steps(state) == [(0, None), (5, EditKind.WITHDRAWN), (9, EditKind.RESTORED)]
        assert state.withdrawn_at is None
        assert state.shown_number == 3


def test_article_can_be_withdrawn_and_restored_repeatedly() -> None:
    state = derive(seen(0), check(1, sure=True), check(2, sure=True), seen(3), check(4, sure=True))
    assert [edit for _, edit in steps(state)] == [None, EditKind.WITHDRAWN, EditKind.RESTORED, EditKind.WITHDRAWN]
    assert state.withdrawn_at == T0 + timedelta(minutes=4)


def test_edit_before_a_withdrawal_keeps_its_number() -> None:
    state = derive(seen(0, "a"), seen(1, "b"), check(5, sure=True))
    assert steps(state) == [(0, None), (1, None), (5, EditKind.WITHDRAWN)]
    assert state.revision_starts[2].snapshot.comparable_digest == "b"


def test_state_does_not_depend_on_the_order_of_arrival() -> None:
    facts = [seen(0, "a"), seen(1, "b"), check(5), check(70), seen(80, "c")]
    results = {repr(derive(*order)) for order in permutations(facts)}
    assert len(results) == 1
