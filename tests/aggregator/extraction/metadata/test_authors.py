"""Author values become names of persons."""

import pytest

from aggregator.extraction.metadata.authors import find_byline_names, parse_authors


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
