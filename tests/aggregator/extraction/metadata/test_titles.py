"""Titles lose the name of their site; two spellings of a title have the same words."""

import pytest

from aggregator.extraction.metadata.titles import normalize_words, strip_site_name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Volt opens a plant - The EV Notebook", "Volt opens a plant"),
        ("The EV Notebook | Volt opens a plant", "Volt opens a plant"),
        ("Volt opens a plant | News | The EV Notebook", "Volt opens a plant | News"),
        ("Volt opens a plant - evblog.example", "Volt opens a plant"),
        ("Volt - a maker - opens a plant", "Volt - a maker - opens a plant"),
        ("The EV Notebook", "The EV Notebook"),
    ],
)
def test_title_loses_the_name_of_its_site(written: str, read: str) -> None:
    assert strip_site_name(written, "The EV Notebook", "www.evblog.example") == read


def test_two_spellings_have_the_same_normalized_words() -> None:
    assert normalize_words("Volt’s  Plant: “Open”") == normalize_words("volt s plant open")
