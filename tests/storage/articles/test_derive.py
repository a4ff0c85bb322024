"""What follows from everything that was seen of one article: revisions, absences, returns; a pure function of facts."""

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
    """A fetch of the page that gave a wording; its data says the same unless `stated` says otherwise."""
    fresh = Snapshot(
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
    return replace(fresh, **values)  # type: ignore[arg-type]


def looked(minutes: float, outcome: str = "missing", *, sure: bool = False, alias: int = 1) -> Check:
    """A fetch that gave no text."""
    return Check(
        id=int(minutes) + 1,
        alias_id=alias,
        checked_at=T0 + timedelta(minutes=minutes),
        outcome=outcome,
        is_certain=sure,
    )


def made(*facts: Snapshot | Check, aliases: tuple[Alias, ...] = (PAGE,)) -> ArticleState:
    """What these come to."""
    sightings = [one for one in facts if isinstance(one, Snapshot)]
    return derive_state(aliases, set(), sightings, [one for one in facts if isinstance(one, Check)])


def steps(found: ArticleState) -> list[tuple[float, EditKind | None]]:
    """When each revision began, in minutes, and what is known of its kind."""
    return [((step.at - T0) / timedelta(minutes=1), step.edit) for step in found.revision_starts]


def test_changed_wording_starts_a_revision() -> None:
    found = made(seen(0, "a"), seen(1, "a"), seen(2, "b"), seen(3, "b"), seen(4, "a"))
    assert steps(found) == [(0, None), (2, None), (4, None)]
    assert found.shown_number == 3


def test_new_headline_starts_a_revision_but_another_choice_of_headline_does_not() -> None:
    partly = (("", "A car"), ("heading", "A car is recalled"))
    chosen = (("", "A car is recalled"), ("heading", "A car is recalled"))
    found = made(seen(0), seen(1, headlines=partly), seen(2, headlines=chosen))
    assert steps(found) == [(0, None), (1, None)]


def test_edited_page_data_starts_a_revision_but_a_page_that_catches_up_does_not() -> None:
    ahead = seen(1, "a", page_data_digest="b", in_page_data=frozenset({7}), differs_in_page_data=frozenset({(7, 8)}))
    first = seen(0, "a", in_page_data=frozenset({7}))
    assert steps(made(first, ahead)) == [(0, None), (1, None)]
    assert steps(made(first, ahead, seen(2, "b"))) == [(0, None), (1, None)]
    assert steps(made(first, ahead, seen(2, "c"))) == [(0, None), (1, None), (2, None)]


def test_page_data_that_catches_up_or_disappears_starts_no_revision() -> None:
    behind = seen(1, "b", page_data_digest="a", in_page_data=frozenset({9}), differs_in_page_data=frozenset({(9, 7)}))
    assert steps(made(seen(0, "a", in_page_data=frozenset({7})), behind, seen(2, "b"))) == [(0, None), (1, None)]


def test_new_page_data_is_no_edit() -> None:
    now = seen(1, "a", page_data_digest="b", in_page_data=frozenset({7}), differs_in_page_data=frozenset({(7, 8)}))
    assert steps(made(seen(0, "a"), now)) == [(0, None)]
    assert steps(made(seen(0, "a", in_page_data=frozenset({5})), now)) == [(0, None)]


def test_texts_by_different_extractors_are_not_compared() -> None:
    found = made(seen(0, "a"), seen(1, "b", extractor="reader 2"), seen(2, "c", extractor="reader 2"))
    assert steps(found) == [(0, None), (2, None)]


def test_print_page_with_its_own_wording_is_no_edit() -> None:
    print_page = [seen(n, "short", number=100 + n, variant_key="m") for n in (1, 3)]
    found = made(seen(0, "a"), print_page[0], seen(2, "a"), print_page[1], seen(4, "b"))
    assert steps(found) == [(0, None), (1, None), (4, None)]
    assert found.shown_number == 3


def test_article_answered_with_410_is_withdrawn_at_once() -> None:
    found = made(seen(0), looked(5, sure=True))
    assert steps(found) == [(0, None), (5, EditKind.WITHDRAWN)]
    assert found.withdrawn_at == T0 + timedelta(minutes=5)
    assert found.shown_number == 2
    assert found.shown_text_id == 1


@pytest.mark.parametrize(
    ("looks", "since"),
    [
        ([looked(5)], None),
        ([looked(5), looked(64)], None),
        ([looked(5), looked(65)], 5),
        ([looked(5), looked(30), looked(64), looked(66)], 5),
        ([looked(5), looked(30, "unmodified"), looked(80)], None),
        ([looked(5), looked(30, "outage"), looked(80), looked(100)], None),
        ([looked(5), looked(30, "refused"), looked(60), looked(120)], 60),
        ([looked(5, "outage"), looked(70, "outage")], None),
        ([looked(5, alias=2), looked(70, alias=2)], None),
    ],
)
def test_missing_page_is_withdrawn_after_an_hour_without_a_success(looks: list[Check], since: float | None) -> None:
    found = made(seen(0), *looks)
    assert found.withdrawn_at == (None if since is None else T0 + timedelta(minutes=since))
    assert steps(found)[1:] == ([] if since is None else [(since, EditKind.WITHDRAWN)])


def test_success_between_two_checks_prevents_a_withdrawal() -> None:
    assert made(seen(0), looked(5), seen(30), looked(70)).withdrawn_at is None


def test_returning_article_is_restored_even_with_another_text() -> None:
    for words in ("w", "other"):
        found = made(seen(0), looked(5, sure=True), seen(9, words), seen(10, words))
        assert steps(found) == [(0, None), (5, EditKind.WITHDRAWN), (9, EditKind.RESTORED)]
        assert found.withdrawn_at is None
        assert found.shown_number == 3


def test_article_can_be_withdrawn_and_restored_repeatedly() -> None:
    found = made(seen(0), looked(1, sure=True), looked(2, sure=True), seen(3), looked(4, sure=True))
    assert [edit for _, edit in steps(found)] == [None, EditKind.WITHDRAWN, EditKind.RESTORED, EditKind.WITHDRAWN]
    assert found.withdrawn_at == T0 + timedelta(minutes=4)


def test_edit_before_a_withdrawal_keeps_its_number() -> None:
    found = made(seen(0, "a"), seen(1, "b"), looked(5, sure=True))
    assert steps(found) == [(0, None), (1, None), (5, EditKind.WITHDRAWN)]
    assert found.revision_starts[2].snapshot.comparable_digest == "b"


def test_state_does_not_depend_on_the_order_of_arrival() -> None:
    facts = [seen(0, "a"), seen(1, "b"), looked(5), looked(70), seen(80, "c")]
    results = {repr(made(*order)) for order in permutations(facts)}
    assert len(results) == 1
