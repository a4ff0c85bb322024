"""The matcher finds the topics that a text means, and the catalogue reports invalid entries."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.extraction.pool import ExtractionPool, list_worker_modules
from aggregator.topics.catalogue import SHIPPED_FILE, load_topics, shipped_matcher
from aggregator.topics.matcher import (
    MAX_TOPICS_PER_TEXT,
    TOPIC_KINDS,
    TopicCatalogue,
    TopicEntry,
    TopicMatcher,
    fold_name,
)
from spiders.source import Hints
from spiders.toml_tables import CatalogueError
from storage.model.article import Article, Topic
from storage.model.page import Page

CATALOGUE = load_topics(None)
SHIPPED_TOPICS = TopicMatcher(CATALOGUE)
ALIASES = [(entry.name, alias) for entry in CATALOGUE.entries for alias in entry.aliases]


def names(title: str, text: str = "") -> list[str]:
    return [topic.name for topic in SHIPPED_TOPICS.find_topics(title, text)]


def matcher(*entries: TopicEntry, **groups: tuple[str, ...]) -> TopicMatcher:
    return TopicMatcher(TopicCatalogue(entries=entries, groups=tuple(groups.items())))


def entry(name: str, *aliases: str, **more: object) -> TopicEntry:
    return TopicEntry(name=name, title=name, kind="maker", aliases=aliases, **more)  # type: ignore[arg-type]


def counts(topics: tuple[Topic, ...]) -> dict[str, tuple[int, int]]:
    return {topic.name: (topic.title_count, topic.body_count) for topic in topics}


def test_shipped_catalogue_is_valid_and_large() -> None:
    assert CATALOGUE.problems == ()
    kinds = Counter(entry.kind for entry in CATALOGUE.entries)
    assert len(CATALOGUE.entries) >= 220
    assert set(kinds) == set(TOPIC_KINDS)
    assert all(count >= 10 for count in kinds.values())


def test_no_sure_name_belongs_to_two_topics() -> None:
    owners: dict[str, set[str]] = {}
    for name, alias in ALIASES:
        owners.setdefault(fold_name(alias), set()).add(name)
    assert [alias for alias, topics in owners.items() if len(topics) > 1] == []


def test_every_sure_name_alone_in_a_title_is_found() -> None:
    missing = [(name, alias) for name, alias in ALIASES if name not in names(alias.removesuffix("*"))]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("Minister stellt Minimum vor", set()),
        ("Die neuen Feststoffbatterien kommen", {"solid-state"}),
        ("A solid state battery", {"solid-state"}),
        ("A solid‑state battery", {"solid-state"}),
        ("A solid-state drive", set()),
        ("全固態電池登場", {"solid-state"}),
        ("トヨタの全固体電池", {"toyota", "solid-state"}),
        ("小米SU7发布", {"xiaomi", "xiaomi-su7"}),
        ("小米粥好喝", set()),
        ("ＢＹＤ expands", {"byd"}),
        ("比亞迪漲價", {"byd"}),
        ("比亚迪海豹降价", {"byd", "byd-seal", "prices"}),
        ("BYD's BYDs", {"byd"}),
        ("Det vil byd på problemer", set()),
        ("Nikola Tesla was born here", set()),
        ("Teslas stehen still", {"tesla"}),
        ("MEGANE E-TECH", {"renault", "renault-megane-e-tech"}),
        ("Ny hurtigladestasjonene", {"fast-charging"}),
        ("LiFePO4 und LFP-Zellen", {"lfp"}),
        ("J3400 ports", {"nacs"}),
        ("현대차와 기아차", {"hyundai", "kia"}),
        ("Xiaomi SU7 Ultra", {"xiaomi", "xiaomi-su7", "xiaomi-su7-ultra"}),
        ("Škoda Enyaq", {"skoda", "skoda-enyaq"}),
        ("Skoda", {"skoda"}),
        ("Полёт на электромобиле", {"bev"}),
    ],
)
def test_names_are_found_only_where_the_topic_is_meant(text: str, topics: set[str]) -> None:
    assert set(names(text)) == topics
    assert set(names("", text)) == topics


@pytest.mark.parametrize(
    ("unclear", "clear", "topic"),
    [
        ("The Seal of approval", "The BYD Seal is an electric car", "byd-seal"),
        ("A Leaf falls", "The Leaf was the first electric car of many", "nissan-leaf"),
        ("Polestar, the star", "Polestar cuts jobs at the carmaker", "polestar"),
        ("Mini sagas are back", "Mini builds its electric car in Oxford", "mini"),
        ("Smart ideas for the flat", "Smart, the Geely brand", "smart"),
        ("Usain Bolt wins", "GM brings the Bolt back", "chevrolet-bolt"),
        ("Born in Paris", "The Cupra is a Born", "cupra-born"),
        ("Spring is here", "Dacia renews the Spring", "dacia-spring"),
        ("Ford's Theatre", "The carmaker Ford", "ford"),
        ("Lucid moments", "Lucid and Rivian lose money", "lucid"),
    ],
)
def test_ambiguous_name_needs_its_context(unclear: str, clear: str, topic: str) -> None:
    assert topic not in names("", unclear)
    assert topic in names("", clear)
    assert topic not in names("", unclear + "." + " x" * 400 + clear.replace(topic, "").lower())


def test_every_mention_counts_if_one_is_certain() -> None:
    finder = matcher(entry("seal", unsure=("Seal",), context=("sedan",), case=True))
    text = "The Seal is a sedan. " + "It is said. " * 60 + "The Seal sells."
    assert counts(finder.find_topics("Seal", text)) == {"seal": (1, 2)}
    assert (
        finder.find_topics("Seal", "The seal is an animal, no sedan.")
        == finder.find_topics("Seal", "It is said.")
        == ()
    )


def test_a_sure_name_makes_the_unsure_ones_sure() -> None:
    finder = matcher(entry("kia", "Kia Motors", unsure=("Kia",), context=("car",)), entry("ev6", "EV6", part_of="kia"))
    assert counts(finder.find_topics("", "Kia Motors. " + "x " * 300 + "Kia")) == {"kia": (0, 2)}
    assert counts(finder.find_topics("EV6", "x " * 300 + "Kia")) == {"ev6": (1, 0), "kia": (1, 1)}


def test_longest_name_counts_for_its_topic_and_parents() -> None:
    finder = matcher(
        entry("xiaomi", "Xiaomi"),
        entry("su7", "SU7", part_of="xiaomi"),
        entry("ultra", "SU7 Ultra", part_of="su7"),
        entry("nikola", "Tesla", excluded=("Nikola Tesla",)),
    )
    assert counts(finder.find_topics("SU7 Ultra", "")) == {"ultra": (1, 0), "su7": (1, 0), "xiaomi": (1, 0)}
    assert counts(finder.find_topics("", "SU7, SU7 Ultra")) == {"su7": (0, 2), "xiaomi": (0, 2), "ultra": (0, 1)}
    assert counts(finder.find_topics("", "Nikola Tesla and Tesla")) == {"nikola": (0, 1)}


def test_topics_of_the_title_come_first_then_the_most_frequent() -> None:
    finder = matcher(entry("a", "alpha"), entry("b", "beta"), entry("c", "gamma"))
    assert [topic.name for topic in finder.find_topics("beta", "alpha alpha gamma")] == ["b", "a", "c"]


def test_capitals_count_if_the_entry_says_so() -> None:
    finder = matcher(entry("leaf", "Leaf", case=True), entry("smart", "smart fortwo", case=True))
    assert counts(finder.find_topics("Leaf LEAF leaf lEAF Leafs", "Smart fortwo")) == {"leaf": (2, 0), "smart": (0, 1)}
    accented = matcher(entry("zoe", "Zoé", case=True))
    assert counts(accented.find_topics("ﬃßÆ Zoé zoé ZOE ﬃ", "")) == {"zoe": (2, 0)}


def test_number_of_topics_per_text_is_bounded() -> None:
    finder = matcher(*(entry(f"t{n}", f"word{n}x") for n in range(MAX_TOPICS_PER_TEXT + 20)))
    text = " ".join(f"word{n}x" for n in range(MAX_TOPICS_PER_TEXT + 20))
    assert len(finder.find_topics("", text)) == MAX_TOPICS_PER_TEXT


@given(st.text(), st.text())
def test_any_text_gives_the_same_topics_each_time(title: str, text: str) -> None:
    assert SHIPPED_TOPICS.find_topics(title, text) == SHIPPED_TOPICS.find_topics(title, text)


_PIECES = st.sampled_from(
    ["ﷺ", "ß", "Æ", "é", "\ud800", "\0", "İ", "ﬁ", "小", " ", "-", "\n", "Zoé", "Seal", "SU7", "s"]
)


@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(ALIASES))
def test_name_between_blanks_is_found_in_any_text(around: str, name_and_alias: tuple[str, str]) -> None:
    name, alias = name_and_alias
    found_names = names("", f"{around}\n {alias.removesuffix('*')} \n{around}")
    assert name in found_names


@given(st.sampled_from([alias for _, alias in ALIASES if alias.isascii() and (alias[0] + alias[-1]).isalnum()]))
def test_name_inside_a_word_is_not_found(alias: str) -> None:
    finder = matcher(entry("x", alias))
    assert finder.find_topics(f"a{alias}", f"{alias}qq") == ()
    assert counts(finder.find_topics(alias, f"({alias})")) == {"x": (1, 1)}


def test_article_gets_the_topics_that_it_names() -> None:
    article = Article(url="https://a.example/", title="BYD", text="An LFP battery by BYD and CATL")
    assert [topic.name for topic in with_derived_fields(article, shipped_matcher()).topics] == ["byd", "catl", "lfp"]


OWN = """
shipped = false
[groups]
sea = ["ship", "harbour"]
[whale]
title = "Whales"
kind = "market"
aliases = ["whale", "小鲸"]
[seal]
kind = "market"
unsure = ["seal"]
context = ["@sea"]
"""


def test_own_catalogue_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text(OWN)
    own = load_topics(tmp_path)
    assert own.problems == ()
    assert [(entry.name, entry.title) for entry in own.entries] == [("whale", "Whales"), ("seal", "seal")]
    finder = TopicMatcher(own)
    assert counts(finder.find_topics("Tesla meets whales", "A seal in the harbour")) == {
        "whale": (1, 0),
        "seal": (0, 1),
    }
    assert own.digest != CATALOGUE.digest == load_topics(None, SHIPPED_FILE).digest


def test_user_file_changes_single_keys_adds_and_disables_topics(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text(
        '[tesla]\ntitle = "T"\n[byd]\nenabled = false\n[alder]\nkind = "maker"\naliases = ["Alder"]\n'
    )
    own = {entry.name: entry for entry in load_topics(tmp_path).entries}
    shipped = {entry.name: entry for entry in CATALOGUE.entries}
    assert own["tesla"].title == "T"
    assert own["tesla"].aliases == shipped["tesla"].aliases
    assert set(own) == {*shipped, "alder"} - {"byd"}
    assert own["byd-seal"].part_of == ""


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("x = 1", "x = 1 is no topic; a topic is a table: [x]"),
        ('[X]\nkind = "maker"\naliases = ["Xx"]', "[X] is no name"),
        ('[x]\nkind = "car"\naliases = ["Xx"]', '[x] kind = "car": allowed is one of maker, model'),
        ('[x]\naliases = ["Xx"]', '[x] kind = ""'),
        ('[x]\nkind = "maker"', "[x] aliases = []"),
        ('[x]\nkind = "maker"\naliases = "Xx"', "allowed is a list of texts"),
        ('[x]\nkind = "maker"\naliases = ["a"]', '[x] aliases = "a": allowed is at least two letters'),
        ('[x]\nkind = "maker"\naliases = ["*"]', '[x] aliases = "*"'),
        ('[x]\nkind = "maker"\naliases = ["ab* cd"]', '[x] aliases = "ab* cd"'),
        ('[x]\nkind = "maker"\nunsure = ["Xx"]', "[x] context = []"),
        ('[x]\nkind = "maker"\naliases = ["Xx"]\ncontext = ["@boats"]', '[x] context = "@boats"'),
        ('[x]\nkind = "maker"\naliases = ["Xx"]\ncase = "yes"', '[x] case = "yes": allowed is true or false'),
        ('[x]\nkind = "maker"\naliases = ["Xx"]\nname = "y"', "[x] name: there is no such key; allowed are title"),
        ('[x]\nkind = "maker"\naliases = ["Xx"]\npart_of = "y"', '[x] part_of = "y": allowed is the name of another'),
        ('[x]\nkind = "maker"\naliases = ["Xx"]\npart_of = "x"', '[x] part_of = "x": allowed is a topic that is not'),
        ("groups = 3", "groups = 3: allowed is a table"),
    ],
)
def test_invalid_entry_is_reported_and_others_are_loaded(tmp_path: Path, table: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'{table}\n[good]\nkind = "maker"\naliases = ["Good"]\n')
    catalogue = load_topics(None, file)
    assert len(catalogue.problems) == 1
    assert catalogue.problems[0].startswith(f"{file}: ")
    assert message in catalogue.problems[0]
    assert "good" in [entry.name for entry in catalogue.entries]


def test_cycle_of_topics_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    parts = [("a", "b"), ("b", "c"), ("c", "a")]
    file.write_text("".join(f'[{x}]\nkind = "maker"\naliases = ["{x}{x}"]\npart_of = "{y}"\n' for x, y in parts))
    catalogue = load_topics(None, file)
    assert len(catalogue.problems) == 1
    assert {topic.name for topic in TopicMatcher(catalogue).find_topics("cc", "")} == {"c", "a"}


@pytest.mark.parametrize("text", ["shipped = 1", "[[", "\udcff"])
def test_unusable_file_raises_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "topics.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CatalogueError, match=r"topics\.toml"):
        load_topics(tmp_path)


def test_workers_find_topics_of_the_given_catalogue(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text(OWN)
    body = "<html lang=en><head><title>Tesla and the whale</title></head><body><article><h1>Tesla and the whale</h1>"
    body += "<p>" + "A whale was seen from the harbour, and a Tesla stood there charging in the rain. " * 8 + "</p>"
    page = Page(url="https://a.example/a", status=200, body=body.encode(), fetched_at=datetime(2026, 1, 1, tzinfo=UTC))

    async def read(pool: ExtractionPool) -> tuple[list[str], list[str]]:
        article = await pool.extract(page, Hints())
        assert isinstance(article, Article)
        return [topic.name for topic in article.topics], await asyncio.wrap_future(list_worker_modules(pool))

    for catalogue, expected in ((load_topics(tmp_path), ["whale"]), (None, ["tesla"])):
        pool = ExtractionPool(1, catalogue)
        try:
            found, modules = asyncio.run(read(pool))
        finally:
            pool.close()
        assert found == expected
        assert not {name.partition(".")[0] for name in modules} & {"sqlalchemy", "scrapy", "twisted"}
