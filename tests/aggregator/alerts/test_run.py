"""What a round of the saved searches tells: everything new, once, whatever fails meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.alerts.notify import Message, build_search_message, hash_address
from aggregator.alerts.run import AlertRunResult, WatchedSearch, run_alerts
from storage.articles.store import record_article
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article
from storage.model.page import Page
from storage.model.search import Query
from storage.readers import alerts

T0 = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Post:
    """Stands for the outer network: what was sent, where to, and which addresses do not answer."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    dies: bool = False

    def __call__(self, address: str, text: Message) -> str:
        if self.dies:
            raise KeyboardInterrupt
        if address in self.broken:
            return "no answer"
        self.sent.append((address, text))
        return ""

    @property
    def titles(self) -> list[str]:
        return [text.title for _, text in self.sent]


@dataclass
class Desk:
    """An archive, searches of it, and a clock."""

    database: Database
    home: Path
    post: Post = field(default_factory=Post)
    now: datetime = T0
    searches: list[WatchedSearch] = field(default_factory=list)

    def watch(self, name: str, words: str, *notify: str, **more: object) -> None:
        query = Query(words=words, **more)  # type: ignore[arg-type]
        self.searches.append(WatchedSearch(name=name, query=query, notify=notify or ("a",)))

    def round(self) -> AlertRunResult:
        return run_alerts(self.database, self.searches, self.home, lambda: self.now, self.post)

    def keep(self, title: str, text: str = "", *, source: str = "s", at: datetime = T0) -> int:
        url = f"https://{source}.example/{title.split(chr(10))[0].replace(' ', '-')}"
        page = Page(url=url, status=200, fetched_at=at, source=source)
        with self.database.write() as tx:
            article = Article(url=url, title=title, text=text or title, published=at)
            return link_recorded(tx, record_article(tx, article, page, None, at)).article_id


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def test_what_arrives_after_a_search_began_is_told_once(desk: Desk) -> None:
    """And what was there before is not."""
    desk.keep("battery one")
    desk.watch("bat", "battery")
    assert desk.round() == AlertRunResult(article_counts={})
    desk.keep("battery two")
    desk.keep("charger")
    assert desk.round().article_counts == {"bat": 1}
    assert desk.round().article_counts == {}
    [(address, text)] = desk.post.sent
    assert address == "a"
    assert text.title == "bat: 1 new article"
    assert text.body == "battery two\ns, 2025-01-01\nhttps://s.example/battery-two"


def test_several_new_articles_are_one_message(desk: Desk) -> None:
    desk.watch("bat", "battery")
    desk.round()
    for n in range(30):
        desk.keep(f"battery {n:02}")
    desk.round()
    [(_, text)] = desk.post.sent
    assert text.title == "bat: 30 new articles"
    assert "battery 29" in text.body
    assert text.body.endswith("and 10 more: evnews search --saved bat")


def test_more_than_a_message_holds_is_told_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "MAX_ARTICLES_PER_ALERT", 4)
    desk.watch("bat", "battery")
    desk.round()
    for n in range(10):
        desk.keep(f"battery {n}")
    told = [desk.round().article_counts.get("bat", 0) for _ in range(4)]
    assert told == [4, 4, 2, 0]


def test_what_is_muted_is_not_told(desk: Desk) -> None:
    desk.watch("bat", "battery", muted=("title:sponsored",))
    desk.round()
    desk.keep("battery news")
    desk.keep("sponsored battery")
    desk.round()
    assert desk.post.titles == ["bat: 1 new article"]


def test_of_an_original_and_its_copies_the_first_that_came_is_told(desk: Desk) -> None:
    """Whichever is the original, and where the search finds only one of them, that one."""
    text = "the same words of a battery that many tell " * 4
    desk.watch("all", "battery")
    desk.watch("third", "battery source:u")
    desk.round()
    desk.keep("one", text, source="s", at=T0 + MINUTE)
    desk.round()
    desk.keep("two", text, source="t", at=T0)
    desk.keep("three", text, source="u", at=T0 + 2 * MINUTE)
    desk.round()
    assert [(text.title, text.body.split("\n")[0]) for _, text in desk.post.sent] == [
        ("all: 1 new article", "one"), ("third: 1 new article", "three"),
    ]  # fmt: skip


def test_a_channel_that_fails_is_tried_again_later_and_the_others_are_not(desk: Desk) -> None:
    desk.watch("bat", "battery", "a", "b")
    desk.round()
    desk.keep("battery")
    desk.post.broken = {"b"}
    told = desk.round()
    assert told.article_counts == {"bat": 1}
    assert len(told.errors) == 1
    assert "no answer" in told.errors[0]
    assert desk.round() == AlertRunResult(article_counts={})  # not yet
    with desk.database.read() as tx:
        state = alerts.load_search_states(tx)["bat"]
    assert (state.sent, state.waiting, state.error) == (1, 1, "no answer")
    waits = []
    for _ in range(12):
        before = desk.now
        while not desk.round().errors:
            desk.now += MINUTE
        waits.append(desk.now - before)
    assert waits == sorted(waits)
    assert max(waits) <= timedelta(hours=6, minutes=1)
    desk.post.broken = set()
    desk.now += timedelta(hours=7)
    assert desk.round().article_counts == {"bat": 1}
    assert [address for address, _ in desk.post.sent] == ["a", "b"]


def test_who_dies_while_sending_leaves_a_doubt_and_nothing_is_sent_twice(desk: Desk) -> None:
    desk.watch("bat", "battery")
    desk.round()
    desk.keep("battery one")
    desk.post.dies = True
    with pytest.raises(KeyboardInterrupt):
        desk.round()
    desk.post.dies = False
    desk.keep("battery two")
    told = desk.round()
    assert told.unconfirmed_count == 1
    assert told.article_counts == {"bat": 1}
    assert desk.round() == AlertRunResult(article_counts={})
    assert ["battery two" in text.body for _, text in desk.post.sent] == [True]
    with desk.database.write() as tx:
        assert alerts.retry_alerts(tx, "bat", desk.now) == 1
    assert desk.round().article_counts == {"bat": 1}
    assert ["battery one" in text.body for _, text in desk.post.sent] == [False, True]


def test_what_was_put_down_and_not_begun_is_sent_by_the_next(desk: Desk) -> None:
    """A process that dies after it looked and before it sends has lost nothing."""
    desk.watch("bat", "battery")
    desk.round()
    desk.keep("battery")
    with desk.database.write() as tx:
        assert alerts.queue_alerts(tx, "bat", desk.searches[0].query, [hash_address("a")], desk.now)
    assert desk.round().article_counts == {"bat": 1}


def test_rounds_at_the_same_time_send_each_message_once(desk: Desk) -> None:
    for n in range(6):
        desk.watch(f"bat-{n}", "battery")
    desk.round()
    desk.keep("battery")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: desk.round(), range(4)))
    desk.round()
    assert sorted(desk.post.titles) == [f"bat-{n}: 1 new article" for n in range(6)]


def test_a_search_that_is_forgotten_begins_anew(desk: Desk) -> None:
    desk.watch("bat", "battery")
    desk.round()
    desk.keep("battery one")
    with desk.database.write() as tx:
        alerts.delete_search(tx, "bat")
        assert alerts.load_search_states(tx) == {}
    assert desk.round().article_counts == {}
    desk.keep("battery two")
    assert desk.round().article_counts == {"bat": 1}


def test_a_message_is_plain_lines_whatever_the_titles_hold(desk: Desk) -> None:
    desk.keep("battery\nhttps://evil.example\u202e \x1b[31m", "text")
    articles = list(Library(desk.database).articles(Query()))
    lines = build_search_message("bat", articles, 1).body.split("\n")
    assert len(lines) == 3
    assert not any(ord(c) < 32 or c == "\u202e" for line in lines for c in line)
