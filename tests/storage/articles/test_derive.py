"""What follows from everything that was seen of one article: revisions, absences, returns; a pure function of facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from storage.articles.derive import Alias, Arrangement, Look, Sighting, arrange
from storage.text.diff import Edit

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = Alias(id=1, digest="d1", key="ev.example/a", url="https://ev.example/a", asked=True)
TITLE = (("", "A car"), ("heading", "A car"))


def seen(minutes: float, wording: str = "w", number: int = 0, **values: object) -> Sighting:
    """A fetch of the page that gave a wording; its data says the same unless `stated` says otherwise."""
    fresh = Sighting(
        id=number or int(minutes * 10) + 1, text_id=1, digest=wording, asked=1, final=1, twin="", source="site",
        fetched_at=T0 + timedelta(minutes=minutes), wording=wording, stated=wording, extractor="reader 1",
        headlines=TITLE,
    )  # fmt: skip
    return replace(fresh, **values)  # type: ignore[arg-type]


def looked(minutes: float, outcome: str = "missing", *, sure: bool = False, alias: int = 1) -> Look:
    """A fetch that gave no text."""
    return Look(
        id=int(minutes) + 1, alias_id=alias, looked_at=T0 + timedelta(minutes=minutes), outcome=outcome, sure=sure
    )


def made(*facts: Sighting | Look, aliases: tuple[Alias, ...] = (PAGE,)) -> Arrangement:
    """What these come to."""
    sightings = [one for one in facts if isinstance(one, Sighting)]
    return arrange(aliases, set(), sightings, [one for one in facts if isinstance(one, Look)])


def steps(found: Arrangement) -> list[tuple[float, Edit | None]]:
    """When each revision began, in minutes, and what is known of its kind."""
    return [((step.at - T0) / timedelta(minutes=1), step.edit) for step in found.revisions]


def test_another_wording_begins_a_revision() -> None:
    found = made(seen(0, "a"), seen(1, "a"), seen(2, "b"), seen(3, "b"), seen(4, "a"))
    assert steps(found) == [(0, None), (2, None), (4, None)]
    assert found.shown == 3


def test_another_headline_begins_a_revision_and_another_choice_of_headline_none() -> None:
    partly = (("", "A car"), ("heading", "A car is recalled"))
    chosen = (("", "A car is recalled"), ("heading", "A car is recalled"))
    found = made(seen(0), seen(1, headlines=partly), seen(2, headlines=chosen))
    assert steps(found) == [(0, None), (1, None)]


def test_data_that_is_edited_begins_a_revision_and_a_page_that_catches_up_with_it_none() -> None:
    ahead = seen(1, "a", stated="b", echoed=frozenset({7}), variants=frozenset({(7, 8)}))
    first = seen(0, "a", echoed=frozenset({7}))
    assert steps(made(first, ahead)) == [(0, None), (1, None)]
    assert steps(made(first, ahead, seen(2, "b"))) == [(0, None), (1, None)]
    assert steps(made(first, ahead, seen(2, "c"))) == [(0, None), (1, None), (2, None)]


def test_data_that_catches_up_with_its_page_or_goes_begins_none() -> None:
    behind = seen(1, "b", stated="a", echoed=frozenset({9}), variants=frozenset({(9, 7)}))
    assert steps(made(seen(0, "a", echoed=frozenset({7})), behind, seen(2, "b"))) == [(0, None), (1, None)]


def test_data_that_a_page_did_not_have_before_is_no_edit_of_it() -> None:
    now = seen(1, "a", stated="b", echoed=frozenset({7}), variants=frozenset({(7, 8)}))
    assert steps(made(seen(0, "a"), now)) == [(0, None)]
    assert steps(made(seen(0, "a", echoed=frozenset({5})), now)) == [(0, None)]


def test_readings_by_another_extractor_are_not_compared() -> None:
    found = made(seen(0, "a"), seen(1, "b", extractor="reader 2"), seen(2, "c", extractor="reader 2"))
    assert steps(found) == [(0, None), (2, None)]


def test_a_print_page_with_words_of_its_own_is_no_edit() -> None:
    print_page = [seen(n, "short", number=100 + n, twin="m") for n in (1, 3)]
    found = made(seen(0, "a"), print_page[0], seen(2, "a"), print_page[1], seen(4, "b"))
    assert steps(found) == [(0, None), (1, None), (4, None)]
    assert found.shown == 3


def test_gone_for_good_is_withdrawn_at_once() -> None:
    found = made(seen(0), looked(5, sure=True))
    assert steps(found) == [(0, None), (5, Edit.WITHDRAWN)]
    assert found.withdrawn == T0 + timedelta(minutes=5)
    assert found.shown == 2
    assert found.shown_text == 1


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
def test_a_missing_page_is_believed_an_hour_later_where_nobody_saw_it_between(
    looks: list[Look], since: float | None
) -> None:
    found = made(seen(0), *looks)
    assert found.withdrawn == (None if since is None else T0 + timedelta(minutes=since))
    assert steps(found)[1:] == ([] if since is None else [(since, Edit.WITHDRAWN)])


def test_a_page_that_was_seen_between_two_looks_was_there() -> None:
    assert made(seen(0), looked(5), seen(30), looked(70)).withdrawn is None


def test_coming_back_is_restored_even_with_other_words() -> None:
    for words in ("w", "other"):
        found = made(seen(0), looked(5, sure=True), seen(9, words), seen(10, words))
        assert steps(found) == [(0, None), (5, Edit.WITHDRAWN), (9, Edit.RESTORED)]
        assert found.withdrawn is None
        assert found.shown == 3


def test_going_and_coming_may_happen_more_than_once() -> None:
    found = made(seen(0), looked(1, sure=True), looked(2, sure=True), seen(3), looked(4, sure=True))
    assert [edit for _, edit in steps(found)] == [None, Edit.WITHDRAWN, Edit.RESTORED, Edit.WITHDRAWN]
    assert found.withdrawn == T0 + timedelta(minutes=4)


def test_an_edit_before_it_went_keeps_its_number() -> None:
    found = made(seen(0, "a"), seen(1, "b"), looked(5, sure=True))
    assert steps(found) == [(0, None), (1, None), (5, Edit.WITHDRAWN)]
    assert found.revisions[2].sighting.wording == "b"


def test_the_order_of_arrival_makes_no_difference() -> None:
    facts = [seen(0, "a"), seen(1, "b"), looked(5), looked(70), seen(80, "c")]
    results = {repr(made(*order)) for order in permutations(facts)}
    assert len(results) == 1
