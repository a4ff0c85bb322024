"""Queries: any text parses into a tree, strict parsing raises, and a tree survives unparsing and parsing."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.search.query.filters import STATE_NAMES
from storage.search.query.parser import MAX_LEAVES, parse, parse_strictly
from storage.search.query.tree import (
    And,
    DateRange,
    Field,
    Length,
    Node,
    Not,
    Or,
    ParsedQuery,
    QueryError,
    Since,
    State,
    Terms,
    iter_leaves,
)
from storage.search.query.unparse import unparse


def w(text: str, **more: object) -> Terms:
    return Terms(text=text, **more)  # type: ignore[arg-type]


def every(*nodes: Node) -> And:
    return And(nodes=nodes)


def either(*nodes: Node) -> Or:
    return Or(nodes=nodes)


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


WELL_FORMED = [
    ("", None),
    ("  \t", None),
    ("battery", w("battery")),
    ("solid state", every(w("solid"), w("state"))),
    ("a a b", every(w("a"), w("b"))),
    ('"solid state"', w("solid state", is_phrase=True)),
    ("“solid state”", w("solid state", is_phrase=True)),
    ("«solid state»", w("solid state", is_phrase=True)),
    ("tesla OR byd", either(w("tesla"), w("byd"))),
    ("tesla | byd", either(w("tesla"), w("byd"))),
    ("a b OR c", either(every(w("a"), w("b")), w("c"))),
    ("a (b OR c)", every(w("a"), either(w("b"), w("c")))),
    ("a AND b", every(w("a"), w("b"))),
    ("rock and roll or not", every(*map(w, ("rock", "and", "roll", "or", "not")))),
    ("-toyota", Not(node=w("toyota"))),
    ("NOT toyota", Not(node=w("toyota"))),
    ("--toyota", w("toyota")),
    ("lithium-ion", w("lithium-ion")),
    ('-"solid state"', Not(node=w("solid state", is_phrase=True))),
    ("-(a OR b)", Not(node=either(w("a"), w("b")))),
    ("charg*", w("charg", is_prefix=True)),
    ("小米*", w("小米")),
    ("小米SU7", w("小米SU7")),
    ("（小米）　汽车", every(w("小米"), w("汽车"))),
    ("title:recall", w("recall", field="title")),
    ("TITLE:Recall", w("Recall", field="title")),
    ('title:"model y"', w("model y", field="title", is_phrase=True)),
    ("title:charg*", w("charg", field="title", is_prefix=True)),
    ("title:(a -b)", every(w("a", field="title"), Not(node=w("b", field="title")))),
    ('author:"Fred Lambert"', w("Fred Lambert", field="author", is_phrase=True)),
    ("url:electrek.co/2026", w("electrek.co/2026", field="url")),
    ("https://a.example/b?c=d", w("https://a.example/b?c=d", field="url")),
    ("source:electrek", Field(field="source", name="electrek")),
    ("source:a,b", either(Field(field="source", name="a"), Field(field="source", name="b"))),
    ('source:"Green Car"', Field(field="source", name="Green Car")),
    ("-source:a", Not(node=Field(field="source", name="a"))),
    ("lang:de", Field(field="lang", name="de")),
    ("lang:zh-Hans", Field(field="lang", name="zh")),
    ("topic:xiaomi", Field(field="topic", name="xiaomi")),
    ("story:42", Field(field="story", name="42")),
    ("site:https://www.Electrek.co/x", Field(field="site", name="electrek.co")),
    ("after:2026-01-01", DateRange(since=day(2026, 1, 1))),
    ("before:2026-03", DateRange(until=day(2026, 3, 1))),
    ("until:2026", DateRange(until=day(2026, 1, 1))),
    ("date:2025", DateRange(since=day(2025, 1, 1), until=day(2026, 1, 1))),
    ("date:2025-12", DateRange(since=day(2025, 12, 1), until=day(2026, 1, 1))),
    ("date:2025-06-30", DateRange(since=day(2025, 6, 30), until=day(2025, 7, 1))),
    ("date:2025-01..2025-03", DateRange(since=day(2025, 1, 1), until=day(2025, 4, 1))),
    ("after:2026-01-01T12:30", DateRange(since=day(2026, 1, 1, 12, 30))),
    ("after:2026-01-01T12:30+02:00", DateRange(since=day(2026, 1, 1, 10, 30))),
    ("since:7d", Since(hours=168)),
    ("after:2W", Since(hours=336)),
    ("since:2025", DateRange(since=day(2025, 1, 1))),
    ("is:copy", State(state="copy")),
    ("-is:Withdrawn", Not(node=State(state="withdrawn"))),
    ("words:>800", Length(minimum=801)),
    ("words:>=800", Length(minimum=800)),
    ("words:<300", Length(maximum=299)),
    ("words:300..800", Length(minimum=300, maximum=800)),
    ("words:500", Length(minimum=500, maximum=500)),
    ("12:30 16:9", every(w("12:30"), w("16:9"))),
    ("it's", w("it's")),
    ("c++", w("c++")),
    ('"a"-b', every(w("a", is_phrase=True), Not(node=w("b")))),
    ("a OR (b OR c)", either(w("a"), w("b"), w("c"))),
]
MALFORMED = [
    ('say "unclosed words', every(w("say"), w("unclosed"), w("words"))),
    ("colour:red", w("colour:red")),
    ("x:y", w("x:y")),
    ("title:", w("title")),
    ("before:2026-13", every(w("before"), w("2026-13"))),
    ("date:yesterday", every(w("date"), w("yesterday"))),
    ("date:9999", every(w("date"), w("9999"))),
    ("is:red", every(w("is"), w("red"))),
    ("lang:klingon", every(w("lang"), w("klingon"))),
    ("story:x", every(w("story"), w("x"))),
    ("words:many", every(w("words"), w("many"))),
    ("sort:up", every(w("sort"), w("up"))),
    ("a OR", w("a")),
    ("OR a", w("a")),
    ("(a", w("a")),
    ("a)", w("a")),
    ("a ) b", every(w("a"), w("b"))),
    ("foo AND AND bar", every(w("foo"), w("bar"))),
    ("a ()", w("a")),
    ('a ""', w("a")),
    ("a ???", w("a")),
    ("a NOT", w("a")),
    ("- toyota", w("toyota")),
    ("solid*state", w("solid state", is_phrase=True)),
    ("c++*", w("c++")),
    ("source:", w("source")),
    ("NEAR(a", every(w("NEAR"), w("a"))),
]
ACCEPTED = {"foo AND AND bar"}


@pytest.mark.parametrize(("text", "node"), WELL_FORMED)
def test_well_formed_query_parses_without_notes(text: str, node: Node | None) -> None:
    query = parse(text)
    assert query.node == node
    assert query.notes == ()
    assert parse_strictly(text) == query


@pytest.mark.parametrize(("text", "node"), MALFORMED)
def test_malformed_part_is_searched_as_words_and_noted(text: str, node: Node) -> None:
    query = parse(text)
    assert query.node == node
    if text in ACCEPTED:
        return
    assert query.notes
    with pytest.raises(QueryError) as raised:
        parse_strictly(text)
    assert 0 <= raised.value.position <= len(text)


def test_options_of_the_whole_query_are_parsed() -> None:
    assert parse("byd sort:best") == ParsedQuery(node=w("byd"), sort="best")
    assert parse("(byd sort:old) sort:NEW group:story in:history") == ParsedQuery(
        node=w("byd"), sort="new", group="story", includes_history=True
    )
    assert parse("sort:changed") == ParsedQuery(sort="changed")
    assert parse("-sort:new").notes


def test_query_without_letters_or_digits_keeps_its_text() -> None:
    assert parse("???") == ParsedQuery(node=w("???"))
    assert parse('""').node == w("", is_phrase=True)
    assert parse("(").node is None


def test_note_names_the_position() -> None:
    assert parse('a "b').notes == (
        "at character 3: this quotation mark is not closed; the text after it is searched as words",
    )


def test_size_notes_and_time_of_parsing_are_bounded() -> None:
    long_query = parse(" ".join(f"w{n}" for n in range(200)))
    assert len(list(iter_leaves(long_query.node))) == MAX_LEAVES
    assert long_query.notes
    assert parse("(" * 500 + "a").node == w("a")
    started = time.process_time()
    for text in ("(" * 10**6, '"' * 10**6, "a:" * 10**6, "-" * 10**6, "a OR " * 10**6, "title:(" * 10**6):
        assert len(parse(text).notes) <= 8
    assert time.process_time() - started < 3


FRAGMENTS = [
    "a", "b*", "-", "(", ")", '"', "OR", "AND", "NOT", "|", "title:", "is:copy", "after:2026", "since:7d", "x:y", " ",
    "source:a,b", "小米", "*", "sort:new", "in:history", "words:>5", "lang:de", "“", "date:2025..2026", "url:",
    "\ud800",
]  # fmt: skip


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
@example("\ud800")
@example("-" * 5000)
@example("title:(-)")
@example("SORT:*0")
@example('lang:"-x OR is:y"')
@example("sort:is:x")
def test_any_text_survives_parsing_and_unparsing(text: str) -> None:
    query = parse(text)
    assert len(query.notes) <= 8
    assert all(len(note) <= 200 for note in query.notes)
    reparsed = parse(unparse(query))
    assert replace(reparsed, notes=()) == replace(query, notes=())
    if query.notes:
        with pytest.raises(QueryError) as raised:
            parse_strictly(text)
        assert 0 <= raised.value.position <= len(text)
    else:
        assert parse_strictly(text) == query


NAMES = st.sampled_from(["electrek", "Green Car Reports", "a,b", "x(y)", "小米"])
TIMES = st.integers(0, 10**10).map(lambda n: day(1900, 1, 1) + timedelta(seconds=n, microseconds=n % 3 * 7))
LEAVES = st.one_of(
    st.sampled_from(["battery", "lithium-ion", "c++", "小米", "it's", "ID.7"]).map(w),
    st.sampled_from(["solid state", "-x", "a OR b", "title:x"]).map(lambda text: w(text, is_phrase=True)),
    st.sampled_from(["charg", "ladesäule"]).map(lambda text: w(text, is_prefix=True)),
    st.builds(w, st.sampled_from(["recall", "byd"]), field=st.sampled_from(["title", "author", "url"])),
    st.builds(lambda field, name: Field(field=field, name=name), st.sampled_from(["source", "topic"]), NAMES),
    st.sampled_from(STATE_NAMES).map(lambda state: State(state=state)),
    st.builds(lambda at: DateRange(since=at), TIMES),
    st.builds(lambda at: DateRange(until=at), TIMES),
    st.builds(lambda at, n: DateRange(since=at, until=at + timedelta(microseconds=n)), TIMES, st.integers(1, 10**15)),
    st.integers(0, 99_999_999).map(lambda hours: Since(hours=hours)),
    st.builds(lambda n: Length(minimum=n), st.integers(0, 10**6)),
    st.builds(lambda n, m: Length(minimum=n, maximum=m), st.integers(0, 10**6), st.integers(0, 10**6)),
)


def _combine(kind: type[And] | type[Or], nodes: list[Node]) -> Node:
    parts = tuple(dict.fromkeys(node for node in nodes if not isinstance(node, kind)))
    return kind(nodes=parts) if len(parts) > 1 else nodes[0]


TREES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda node: node.node if isinstance(node, Not) else Not(node=node)),
        st.lists(inner, min_size=2, max_size=4).map(lambda nodes: _combine(And, nodes)),
        st.lists(inner, min_size=2, max_size=4).map(lambda nodes: _combine(Or, nodes)),
    ),
    max_leaves=12,
)


@given(TREES, st.sampled_from(["", "new", "old", "best", "changed"]), st.sampled_from(["", "story"]), st.booleans())
def test_any_tree_survives_unparsing_and_parsing(node: Node, sort: str, group: str, history: bool) -> None:
    query = ParsedQuery(node=node, sort=sort, group=group, includes_history=history)
    assert parse_strictly(unparse(query)) == query
