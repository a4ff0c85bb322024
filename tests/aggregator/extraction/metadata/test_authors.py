"""Author values become names of persons; titles lose the name of their site."""

import pytest

from aggregator.extraction.metadata.authors import find_byline_names, parse_authors
from aggregator.extraction.metadata.titles import normalize_words, strip_site_name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["By Lena Hartwig"], ("Lena Hartwig",)),
        (["Von Jonas Weiß und Mia Kuhn"], ("Jonas Weiß", "Mia Kuhn")),
        (["par Claire Aubert, Luc Morel"], ("Claire Aubert", "Luc Morel")),
        (["LENA HARTWIG"], ("Lena Hartwig",)),
        (["Lena Hartwig, Staff Writer"], ("Lena Hartwig",)),
        (["Lena Hartwig (Berlin)"], ("Lena Hartwig",)),
        (["Lena Hartwig | The EV Notebook"], ("Lena Hartwig",)),
        (["Lena Hartwig", "lena hartwig"], ("Lena Hartwig",)),
        (["Lena Hartwig <lena@evblog.example>"], ("Lena Hartwig",)),
        (["Admin"], ()),
        (["Redaktion"], ()),
        (["https://evblog.example/author/lena"], ()),
        (["The EV Notebook"], ()),
        (["The EV Notebook", "Lena Hartwig"], ("Lena Hartwig",)),
        (["evblog.example, Berlin, Germany"], ()),
        (["Reuters"], ("Reuters",)),
        (["Reuters", "Lena Hartwig"], ("Lena Hartwig",)),
        (["作者：王小明"], ("王小明",)),
        (["记者 李雷、韩梅"], ("李雷", "韩梅")),
        ([""], ()),
        (["a" * 5000], ()),
    ],
)
def test_author_values_become_names_of_persons(written: list[str], read: tuple[str, ...]) -> None:
    assert parse_authors(written, site="The EV Notebook", host="www.evblog.example") == read


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("By | Lena Hartwig | Senior Reporter | Updated 4 March 2025", ["Lena Hartwig"]),
        ("| Lena Hartwig | | 3 min read | Share", ["Lena Hartwig"]),
        ("Follow | Share | Read more", []),
        ("von | Lena van der Berg und Jo Maas |", ["Lena van der Berg", "Jo Maas"]),
    ],
)
def test_byline_gives_the_parts_that_look_like_names(marked: str, read: list[str]) -> None:
    assert find_byline_names([marked]) == read


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
