"""Membership of articles in stories: joining, copies, merges, edits, stable ids and counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest
from sqlalchemy import text as sql

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.ingest.keep import keep_article
from aggregator.stories.assign import recompute_queued
from aggregator.topics.catalogue import shipped_matcher
from storage.articles.boilerplate import load_boilerplate
from storage.db.database import Database
from storage.library import Library
from storage.maintenance.check import check_archive
from storage.model.article import Article, Decision, DecisionKind
from storage.model.page import Page
from storage.stories.packed_terms import word_bucket
from storage.stories.term_frequencies import load_frequencies

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = ["Ravnsund", "Storvik", "Ulsteinfjord", "Kvitholmen", "Trollnes", "Havsand", "Lyngoya", "Brattvaer"]
FERRY = [
    ("Ferry hits pier at Ravnsund, four hurt", "The car ferry Fjordbris struck the pier of Ravnsund in thick fog on"
     " Monday. Four passengers were taken to hospital, said the coast guard."),
    ("Fjordbris rams pier in fog", "Four people were hurt when the ferry Fjordbris rammed the Ravnsund pier in fog."
     " The coast guard closed the harbour."),
    ("Coast guard closes Ravnsund harbour after ferry crash", "After the ferry Fjordbris hit a pier in fog the coast"
     " guard closed the harbour of Ravnsund; four passengers are hurt."),
]  # fmt: skip
KELP = [
    ("Kelp farm off Hitra wins harvest prize", "Tarevekst, a kelp farm off Hitra, won the harvest prize for hemp ropes"
     " that rot harmlessly. Its founder Solveig Aune spoke of stubborn seaweed."),
    ("Harvest prize goes to Hitra seaweed growers", "The kelp farm Tarevekst of Hitra was given the harvest prize."
     " Hemp ropes convinced the jury, said founder Solveig Aune."),
]  # fmt: skip


def kept(
    database: Database, name: str, content: tuple[str, str], day: float | None = 0, *, source: str = "",
    again: float = 0, canonical: str = "",
) -> Decision:  # fmt: skip
    at = None if day is None else T0 + timedelta(days=day)
    host = source or name
    url = f"https://{host}.example/{name}"
    article = Article(
        url=url,
        title=content[0],
        text=content[1],
        published=at,
        language="en",
        canonical_url=canonical,
        extractor="x 1",
    )
    page = Page(url=url, status=200, fetched_at=(at or T0) + timedelta(hours=again), source=host)
    with database.write() as tx:
        return keep_article(
            tx,
            with_derived_fields(article, shipped_matcher()),
            page,
            None,
            load_boilerplate(tx, host),
            shipped_matcher(),
            T0 + timedelta(days=400),
        ).decision


def story_groups(database: Database) -> set[frozenset[str]]:
    """Return the stories of several articles, each as the set of the names in their URLs."""
    stories = Library(database).stories()
    return {frozenset(member.url.rpartition("/")[2] for member in story.members) for story in stories}


def test_articles_about_one_event_form_one_story(database: Database) -> None:
    """Members are in order of time, each with its source; the story has the title of a member."""
    for number, content in enumerate(FERRY):
        kept(database, f"f{number}", content, day=2 - number)
    kept(database, "k0", KELP[0], day=1)
    kept(database, "k1", KELP[1], day=1, source="k0")
    first, second = Library(database).stories()
    assert story_groups(database) == {frozenset({"f0", "f1", "f2"}), frozenset({"k0", "k1"})}
    assert [member.source for member in first.members] == ["f2", "f1", "f0"]
    assert (first.first_at, first.last_at, first.source_count) == (T0, T0 + timedelta(days=2), 3)
    assert first.title in [title for title, _ in FERRY]
    assert second.source_count == 1
    library = Library(database)
    assert [story.id for story in library.stories(min_sources=2)] == [first.id]
    assert [story.id for story in library.stories(since=T0 + timedelta(days=1.5))] == [first.id]
    assert [story.id for story in library.stories(limit=1)] == [first.id]
    assert {library.story(member.article_id) for member in first.members} == {first}
    assert check_archive(database, None) == []


@pytest.mark.parametrize("order", [*permutations(range(5))][::7])
def test_stories_do_not_depend_on_the_order_of_arrival(sqlite_database: Database, order: tuple[int, ...]) -> None:
    every = [(f"f{n}", content) for n, content in enumerate(FERRY)] + [
        (f"k{n}", content) for n, content in enumerate(KELP)
    ]
    for number in order:
        kept(sqlite_database, every[number][0], every[number][1], day=number / 10)
    assert story_groups(sqlite_database) == {frozenset({"f0", "f1", "f2"}), frozenset({"k0", "k1"})}
    assert check_archive(sqlite_database, None) == []


def test_story_accepts_no_article_three_weeks_after_its_last_one(database: Database) -> None:
    """A story may last longer while articles keep arriving."""
    for number, day in enumerate((0, 20, 40)):
        kept(database, f"f{number}", FERRY[number], day=day)
    kept(database, "late", ("Fjordbris back at Ravnsund pier", FERRY[1][1] + " She is mended."), day=62)
    assert story_groups(database) == {frozenset({"f0", "f1", "f2"})}


def test_undated_article_joins_a_story_by_its_words(database: Database) -> None:
    """Its time is that of its first fetch, and `has_publication_time` is False."""
    kept(database, "f0", FERRY[0])
    kept(database, "f1", FERRY[1], None)
    (story,) = Library(database).stories()
    assert [(member.url[-2:], member.has_publication_time) for member in story.members] == [("f0", True), ("f1", False)]


def test_copy_belongs_to_the_story_of_its_original(database: Database) -> None:
    """A copy forms no story of its own, even if it arrives before its original."""
    long = FERRY[0][0], " ".join(f"{FERRY[0][1]} The {place} line was late." for place in PLACES)
    copy = kept(database, "copy", long, day=1)
    kept(database, "f1", FERRY[1], day=1)
    original = kept(database, "first", long, day=0)
    assert kept(database, "copy", long, day=1, again=1).kind is DecisionKind.SAME
    library = Library(database)
    (story,) = library.stories()
    assert [(member.article_id, member.copy_count) for member in story.members][:1] == [(original.article_id, 1)]
    assert story.source_count == len(story.members) == 2
    assert library.story(copy.article_id) == library.story(story.id) == story
    kept_copy = library.article(copy.article_id)
    assert kept_copy is not None
    assert kept_copy.copy_of == original.article_id
    assert kept_copy.story == story.id
    assert check_archive(database, None) == []


def test_story_id_stays_valid_after_its_first_article_is_merged(database: Database) -> None:
    """A story has the id of one of its articles, which may leave it after an edit."""
    founder = kept(database, "f0", FERRY[0])
    kept(database, "f1", FERRY[1])
    kept(database, "f2", FERRY[2])
    (before,) = Library(database).stories()
    assert before.id == founder.article_id
    assert kept(database, "f0", KELP[0], again=5).kind is DecisionKind.REVISED
    assert story_groups(database) == {frozenset({"f1", "f2"})}
    assert check_archive(database, None) == []
    kept(database, "k1", KELP[1])
    assert story_groups(database) == {frozenset({"f1", "f2"}), frozenset({"f0", "k1"})}
    library = Library(database)
    moved = library.story(before.id)
    assert moved is not None
    assert before.id in {member.article_id for member in moved.members}
    assert check_archive(database, None) == []


def test_small_edit_keeps_the_story(database: Database) -> None:
    """The article is indexed by its new words."""
    kept(database, "f0", FERRY[0])
    kept(database, "f1", FERRY[1])
    kept(database, "f1", (FERRY[1][0], FERRY[1][1].replace("Four", "Five")), again=5)
    kept(database, "f2", FERRY[2])
    assert story_groups(database) == {frozenset({"f0", "f1", "f2"})}
    assert check_archive(database, None) == []


def test_story_times_follow_a_changed_publication_date(database: Database) -> None:
    """An article whose publication date becomes known moves to that date."""
    kept(database, "f0", FERRY[0], None)
    kept(database, "f1", FERRY[1], 0.5)
    (before,) = Library(database).stories()
    assert before.first_at == T0
    kept(database, "f0", FERRY[0], 2)
    (story,) = Library(database).stories()
    assert [member.url[-2:] for member in story.members] == ["f1", "f0"]
    assert (story.first_at, story.last_at) == (T0 + timedelta(days=0.5), T0 + timedelta(days=2))
    assert check_archive(database, None) == []


def test_merged_articles_count_once_in_their_story(database: Database) -> None:
    """One article declares the URL of the other as canonical."""
    kept(database, "f0", FERRY[0], source="host")
    kept(database, "f1", FERRY[1])
    kept(database, "f0b", (FERRY[0][0], FERRY[2][1]), source="host")
    assert story_groups(database) == {frozenset({"f0", "f1", "f0b"})}
    kept(database, "f0b", (FERRY[0][0], FERRY[2][1]), source="host", canonical="https://host.example/f0", again=2)
    (story,) = Library(database).stories()
    assert len(story.members) == 2
    assert check_archive(database, None) == []


def test_large_story_grows_and_keeps_its_id(sqlite_database: Database) -> None:
    """Only its newest articles are compared, and it is never split."""
    for number, (hurt, what) in enumerate(product(("four hurt", "four in hospital", "no one drowned"), PLACES)):
        title = f"Fjordbris pier crash: {hurt}, {what} line cut"
        body = f"Fjordbris rammed the Ravnsund pier in fog: {hurt}, {what} is cut off."
        kept(sqlite_database, f"f{number}", (title, f"{body} {number} cars wait."), number / 9)
    (story,) = Library(sqlite_database).stories()
    assert len(story.members) == 24
    assert story.id == 1
    assert check_archive(sqlite_database, None) == []


def test_queued_articles_get_their_stories(database: Database) -> None:
    """A few are recomputed with each new article, the rest on request."""
    for number, content in enumerate(FERRY):
        kept(database, f"f{number}", content)
    with database.write() as tx:
        for table in ("story_members", "story_terms", "stories", "term_counts"):
            tx.execute(sql(f"DELETE FROM {table}"))  # a name of ours
        tx.execute(sql("INSERT INTO story_queue SELECT id FROM articles"))
    assert check_archive(database, None) == []
    assert Library(database).count_queued_for_stories() == 3
    with database.write() as tx:
        assert recompute_queued(tx, 2) == 2
    assert len(story_groups(database)) == 1
    with database.write() as tx:
        assert recompute_queued(tx, 100) == 1
        assert recompute_queued(tx, 100) == 0
    assert story_groups(database) == {frozenset({"f0", "f1", "f2"})}
    assert check_archive(database, None) == []


def test_term_frequencies_follow_the_growth_of_the_archive(database: Database) -> None:
    """Common words weigh less than rare ones, and a count that is rolled back is not cached."""
    for number, place in enumerate(PLACES * 3):
        kept(database, f"a{number}", (f"{place} {number}", f"Harbour of {place} {number}"), day=number * 30)
    with database.write() as tx:
        known = load_frequencies(tx)
    assert 18 <= known.articles <= 24
    assert known.counts[word_bucket("harbou")] == known.articles
    assert (
        known.rarity[word_bucket("harbou")] < known.rarity[word_bucket("ravnsu")] < known.rarity[word_bucket("never")]
    )
    with pytest.raises(RuntimeError, match="undone"):
        _undone(database)
    with database.write() as tx:
        assert load_frequencies(tx).articles == known.articles
        assert load_frequencies(tx).counts[word_bucket("undone")] == 0


def _undone(database: Database) -> None:
    with database.write() as tx:
        for number in range(10):
            url = f"https://undone.example/{number}"
            article = with_derived_fields(
                Article(url=url, title=f"undone {number}", text="undone", published=T0, language="en"),
                shipped_matcher(),
            )
            page = Page(url=url, status=200, fetched_at=T0, source="u")
            keep_article(tx, article, page, None, load_boilerplate(tx, "u"), shipped_matcher(), T0)
        raise RuntimeError("undone")


def test_db_check_finds_a_story_with_wrong_counts(database: Database) -> None:
    """The check also finds an article without a story, a member of a wrong story, and a copy as a member."""
    for number, content in enumerate(FERRY):
        kept(database, f"f{number}", content)
    for statement, words in (
        ("UPDATE stories SET articles = 2", "wrong counts or times"),
        ("UPDATE story_members SET story_id = 99 WHERE article_id = 1", "an article that is not its member"),
        ("DELETE FROM story_members WHERE article_id = 2", "belongs to no story"),
        ("UPDATE articles SET copy_of = 1 WHERE id = 3", "is a copy, but is a member"),
    ):
        with database.write() as tx:
            tx.execute(sql(statement))
        assert any(words in problem for problem in check_archive(database, None)), words
