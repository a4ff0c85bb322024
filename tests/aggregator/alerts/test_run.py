"""A run of the saved searches reports every new match once, whatever fails meanwhile."""

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
class Channels:
    """Records messages in place of the network; `broken` addresses do not answer, `dies` ends the process."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    dies: bool = False

    def __call__(self, address: str, message: Message) -> str:
        if self.dies:
            raise KeyboardInterrupt
        if address in self.broken:
            return "no answer"
        self.sent.append((address, message))
        return ""

    @property
    def titles(self) -> list[str]:
        return [message.title for _, message in self.sent]


@dataclass
class SavedSearchArchive:
    """An archive with saved searches and a clock."""

    database: Database
    home: Path
    channels: Channels = field(default_factory=Channels)
    now: datetime = T0
    searches: list[WatchedSearch] = field(default_factory=list)

    def watch(self, name: str, words: str, *notify: str, **more: object) -> None:
        query = Query(words=words, **more)  # type: ignore[arg-type]
        self.searches.append(WatchedSearch(name=name, query=query, notify=notify or ("a",)))

    def run(self) -> AlertRunResult:
        return run_alerts(self.database, self.searches, self.home, lambda: self.now, self.channels)

    def keep(self, title: str, text: str = "", *, source: str = "s", at: datetime = T0) -> int:
        url = f"https://{source}.example/{title.split(chr(10))[0].replace(' ', '-')}"
        page = Page(url=url, status=200, fetched_at=at, source=source)
        with self.database.write() as tx:
            article = Article(url=url, title=title, text=text or title, published=at)
            return link_recorded(tx, record_article(tx, article, page, None, at)).article_id


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> SavedSearchArchive:
    return SavedSearchArchive(database, tmp_path)


def test_matches_after_first_run_are_reported_once_and_earlier_ones_never(archive: SavedSearchArchive) -> None:
    archive.keep("battery one")
    archive.watch("bat", "battery")
    assert archive.run() == AlertRunResult(article_counts={})
    archive.keep("battery two")
    archive.keep("charger")
    assert archive.run().article_counts == {"bat": 1}
    assert archive.run().article_counts == {}
    [(address, message)] = archive.channels.sent
    assert address == "a"
    assert message.title == "bat: 1 new article"
    assert message.body == "battery two\ns, 2025-01-01\nhttps://s.example/battery-two"


def test_new_articles_of_a_search_are_sent_in_one_message(archive: SavedSearchArchive) -> None:
    archive.watch("bat", "battery")
    archive.run()
    for n in range(30):
        archive.keep(f"battery {n:02}")
    archive.run()
    [(_, message)] = archive.channels.sent
    assert message.title == "bat: 30 new articles"
    assert "battery 29" in message.body
    assert message.body.endswith("and 10 more: evnews search --saved bat")


def test_articles_beyond_a_full_message_are_reported_by_next_run(
    archive: SavedSearchArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MAX_ARTICLES_PER_ALERT", 4)
    archive.watch("bat", "battery")
    archive.run()
    for n in range(10):
        archive.keep(f"battery {n}")
    counts = [archive.run().article_counts.get("bat", 0) for _ in range(4)]
    assert counts == [4, 4, 2, 0]


def test_muted_articles_are_not_reported(archive: SavedSearchArchive) -> None:
    archive.watch("bat", "battery", muted=("title:sponsored",))
    archive.run()
    archive.keep("battery news")
    archive.keep("sponsored battery")
    archive.run()
    assert archive.channels.titles == ["bat: 1 new article"]


def test_only_first_seen_match_of_original_and_copies_is_reported(archive: SavedSearchArchive) -> None:
    text = "the same words of a battery that several sources publish " * 4
    archive.watch("all", "battery")
    archive.watch("third", "battery source:u")
    archive.run()
    archive.keep("one", text, source="s", at=T0 + MINUTE)
    archive.run()
    archive.keep("two", text, source="t", at=T0)
    archive.keep("three", text, source="u", at=T0 + 2 * MINUTE)
    archive.run()
    assert [(message.title, message.body.split("\n")[0]) for _, message in archive.channels.sent] == [
        ("all: 1 new article", "one"), ("third: 1 new article", "three"),
    ]  # fmt: skip


def test_failed_channel_is_retried_later_and_the_others_are_not(archive: SavedSearchArchive) -> None:
    archive.watch("bat", "battery", "a", "b")
    archive.run()
    archive.keep("battery")
    archive.channels.broken = {"b"}
    result = archive.run()
    assert result.article_counts == {"bat": 1}
    assert len(result.errors) == 1
    assert "no answer" in result.errors[0]
    assert archive.run() == AlertRunResult(article_counts={})  # too early for a retry
    with archive.database.read() as tx:
        state = alerts.load_search_states(tx)["bat"]
    assert (state.sent, state.waiting, state.error) == (1, 1, "no answer")
    waits = []
    for _ in range(12):
        before = archive.now
        while not archive.run().errors:
            archive.now += MINUTE
        waits.append(archive.now - before)
    assert waits == sorted(waits)
    assert max(waits) <= timedelta(hours=6, minutes=1)
    archive.channels.broken = set()
    archive.now += timedelta(hours=7)
    assert archive.run().article_counts == {"bat": 1}
    assert [address for address, _ in archive.channels.sent] == ["a", "b"]


def test_message_of_a_process_that_died_while_sending_is_unconfirmed_and_not_sent_twice(
    archive: SavedSearchArchive,
) -> None:
    archive.watch("bat", "battery")
    archive.run()
    archive.keep("battery one")
    archive.channels.dies = True
    with pytest.raises(KeyboardInterrupt):
        archive.run()
    archive.channels.dies = False
    archive.keep("battery two")
    result = archive.run()
    assert result.unconfirmed_count == 1
    assert result.article_counts == {"bat": 1}
    assert archive.run() == AlertRunResult(article_counts={})
    assert ["battery two" in message.body for _, message in archive.channels.sent] == [True]
    with archive.database.write() as tx:
        assert alerts.retry_alerts(tx, "bat", archive.now) == 1
    assert archive.run().article_counts == {"bat": 1}
    assert ["battery one" in message.body for _, message in archive.channels.sent] == [False, True]


def test_queued_alert_of_a_dead_process_is_sent_by_next_run(archive: SavedSearchArchive) -> None:
    archive.watch("bat", "battery")
    archive.run()
    archive.keep("battery")
    with archive.database.write() as tx:
        assert alerts.queue_alerts(tx, "bat", archive.searches[0].query, [hash_address("a")], archive.now)
    assert archive.run().article_counts == {"bat": 1}


def test_concurrent_runs_send_each_message_once(archive: SavedSearchArchive) -> None:
    for n in range(6):
        archive.watch(f"bat-{n}", "battery")
    archive.run()
    archive.keep("battery")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: archive.run(), range(4)))
    archive.run()
    assert sorted(archive.channels.titles) == [f"bat-{n}: 1 new article" for n in range(6)]


def test_deleted_search_reports_no_earlier_matches(archive: SavedSearchArchive) -> None:
    archive.watch("bat", "battery")
    archive.run()
    archive.keep("battery one")
    with archive.database.write() as tx:
        alerts.delete_search(tx, "bat")
        assert alerts.load_search_states(tx) == {}
    assert archive.run().article_counts == {}
    archive.keep("battery two")
    assert archive.run().article_counts == {"bat": 1}


def test_message_has_plain_lines_whatever_titles_contain(archive: SavedSearchArchive) -> None:
    archive.keep("battery\nhttps://evil.example\u202e \x1b[31m", "text")
    articles = list(Library(archive.database).articles(Query()))
    lines = build_search_message("bat", articles, 1).body.split("\n")
    assert len(lines) == 3
    assert not any(ord(c) < 32 or c == "\u202e" for line in lines for c in line)
