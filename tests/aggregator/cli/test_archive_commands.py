"""`search`, `show`, `export`, `stats` and `db`: what the archive gives back, and what never harms a terminal."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

from aggregator.cli.terminal import draw, folded, table_of
from tests.aggregator.cli.evnews_command import ROOT, Evnews, plain


def test_words_find_articles(crawled: Evnews) -> None:
    """Newest first or best first, narrowed by source and date; two characters of Chinese are a word."""
    found = crawled("search", "battery", "--json")
    days = [record["published_date"] for record in found.records]
    assert found.status == 0
    assert len(days) > 3
    assert days == sorted(days, reverse=True)
    assert all("snippet" in record and "\ue000" not in record["snippet"] for record in found.records)
    best = crawled("search", "battery", "--json", "--best", "--limit", "3")
    assert len(best.records) == 3
    assert {r["source"] for r in crawled("search", "battery", "--source", "voltward", "--json").records} == {"voltward"}
    assert "小米" in crawled("search", "小米").out
    day = days[1]
    later = crawled("search", "battery", "--json", "--since", day).records
    earlier = crawled("search", "battery", "--json", "--until", day).records
    assert later
    assert earlier
    assert len(later) + len(earlier) == len(days)


def test_nothing_found_is_status_1(crawled: Evnews) -> None:
    """With a hint for people, and nothing at all for programs."""
    done = crawled("search", "xylophone")
    assert done.status == 1
    assert done.out == ""
    assert done.err.startswith("evnews: nothing found")
    assert crawled("search", "xylophone", "--json").out == ""


@pytest.mark.parametrize(
    "words",
    ["c++", "it's", '"', "'", '" OR "', "NEAR(", "title:x", "*", "\x01", "\udcff", "-" * 5000, "a" * 100_000, "", "%"],
)
def test_no_words_do_harm(crawled: Evnews, words: str) -> None:
    """They find something or nothing."""
    done = crawled("search", words) if words[:1] == "-" else crawled("search", "--", words)
    assert done.status in (0, 1)
    assert "Traceback" not in done.err


def test_show(crawled: Evnews) -> None:
    """Title, facts and text; a number that nothing has is status 1, however large."""
    number = crawled("search", "小米", "--json").records[0]["id"]
    record = crawled("show", str(number), "--json").records[0]
    shown = crawled("show", str(number)).out
    assert record["title"] in shown
    assert record["url"] in shown
    assert record["text"][:40] in shown
    assert ".warc.gz at " in shown
    exported = json.loads(crawled("export", "jsonl", "-o", "-").out.splitlines()[0])
    assert [*record, "past_texts"] == list(exported)
    assert list(crawled("search", "小米", "--json").records[0]) == [*record, "snippet"]
    for missing in ("0", "99999999", "9" * 40):
        assert crawled("show", missing).status == 1


def test_a_passage_on_a_terminal(crawled: Evnews) -> None:
    """What was found stands out, no line is longer than the terminal but addresses, and is read in a few lines."""
    status, written = crawled.on_terminal(60, "search", "小米")
    passage = [line for line in plain(written) if line.startswith("        ") and "http" not in line]
    assert status == 0
    assert "\x1b[1;33m小米" in written
    assert 2 <= len(passage) <= 4
    assert max(map(cell_len, passage)) <= 60
    assert cell_len(passage[0]) > 50


@pytest.mark.parametrize("width", [20, 33, 80])
def test_folding_loses_nothing(width: int) -> None:
    """In any writing; only blanks where a line ends."""
    text = "小米汽车三日上午公布了新款小米 SU7 的价格。 The battery-maker's very-long-unbreakable-compound-word " * 3
    lines = [line.plain for line in folded(Text(text), width)]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_len, lines)) <= width


def test_titles_cannot_command_a_terminal(copied: Evnews) -> None:
    """Escapes of either width, marks of other software, and turned writing are shown or dropped, never sent."""
    evil = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe [bold]x[/bold] :smile: \u2028end"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        change = "UPDATE articles SET title = ?, authors = ?, url = 'http://x/' || ?"
        connection.execute(change, (evil, json.dumps([evil]), evil))
        connection.commit()
    outputs = [
        copied("search", "小米").out, copied("search", "小米", "--json").out, copied("show", "1").out,
        copied("show", "1", "--json").out, copied("export", "jsonl", "-o", "-").out,
    ]  # fmt: skip
    for out in outputs:
        assert "end" in out
        assert not {"\x1b", "\x07", "\x9b", "\u2028"} & {*out}
    assert not any("\u202e" in out for out in outputs[:4])
    assert "[bold]x[/bold] :smile:" in outputs[0]


def test_tables_take_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """No markup, no smileys, no blanks at the end."""
    table = table_of("name", ">count", "why")
    table.add_row("[red]x[/red]", "1", ":smile: [link=http://x]y[/link]")
    draw(table)
    assert capsys.readouterr().out == "name          count  why\n[red]x[/red]      1  :smile: [link=http://x]y[/link]\n"


def test_export_jsonl_is_every_article(crawled: Evnews, tmp_path: Path) -> None:
    """To a file or to stdout, the same bytes; the old file stays where the new one cannot be written."""
    file = tmp_path / "all.jsonl"
    done = crawled("export", "jsonl", "-o", file)
    lines = file.read_text().splitlines()
    assert done.status == 0
    assert done.out == f"{len(lines)} articles written to {file}\n"
    assert crawled("export", "jsonl", "-o", "-").out == file.read_text()
    assert json.loads(lines[0])["id"]
    for bad in (tmp_path, tmp_path / "none" / "x", Path("/dev/full")):
        failed = crawled("export", "jsonl", "-o", bad)
        assert failed.status == 1
        assert "cannot be written" in failed.err
        assert failed.out == ""
    assert list(tmp_path.iterdir()) == [file]


def test_export_rss_is_the_newest(crawled: Evnews) -> None:
    """As many as asked for, newest first, with words and without."""
    for words in ((), ("battery",)):
        feed = ET.fromstring(crawled("export", "rss", *words, "--limit", "3", "-o", "-").out.encode())
        titles = [item.findtext("title") for item in feed.iter("item")]
        newest = crawled("search", *words, "--limit", "3", "--json").records
        assert titles == [record["title"] for record in newest]
        assert len(titles) == 3


def test_a_reader_that_goes_away_is_no_noise(crawled: Evnews) -> None:
    """`| head -1` ends the export quietly; a full disk behind a pipe is one line."""
    command = " ".join(crawled.command("export", "jsonl", "-o", "-"))
    around = crawled.around()
    ended = subprocess.run(["bash", "-c", f"{command} | head -c 10"], **around, capture_output=True, text=True)
    assert ended.stderr == ""
    assert ended.stdout == '{"id":1,"u'
    full = subprocess.run(["bash", "-c", f"{command} > /dev/full"], **around, capture_output=True, text=True)
    assert full.returncode == 1
    assert full.stderr == "evnews: the output cannot be written: No space left on device\n"


def test_stats(crawled: Evnews) -> None:
    """Totals first, then a record a source; the table says the same."""
    totals, *sources = crawled("stats", "--json").records
    told = (ROOT / "docs" / "json.md").read_text().partition("## stats")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", told, flags=re.M)) == {*totals, *sources[0]}
    assert totals["articles"] == sum(source["articles"] for source in sources) == 59
    assert totals["sources"] == len(sources) == 6
    assert totals["captures"] >= 59
    assert totals["database_bytes"] > 0
    assert totals["warc_bytes"] > 0
    shown = crawled("stats").out
    assert f"{totals['articles']} articles" in shown
    assert str(crawled.home) in shown
    assert all(source["source"] in shown for source in sources)


def test_db_check_finds_a_changed_byte_and_a_lost_row(copied: Evnews) -> None:
    """Status 1, each problem in words; a new index mends the second."""
    assert copied("db", "check").out == "the archive is whole\n"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        connection.create_function("evnews_prepare", 1, lambda text: text)
        connection.execute("INSERT INTO article_index (article_index) VALUES ('delete-all')")
        connection.commit()
    broken = copied("db", "check")
    assert broken.status == 1
    assert "evnews db reindex" in broken.out
    assert copied("search", "battery").status == 1
    assert copied("db", "reindex").out == "59 articles indexed\n"
    assert copied("search", "battery").status == 0
    assert copied("db", "check").status == 0
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        name, middle = connection.execute('SELECT file, "offset" + length / 2 FROM captures WHERE id = 30').fetchone()
    tape = copied.home / "warc" / name
    data = bytearray(tape.read_bytes())
    data[middle] ^= 1
    tape.write_bytes(data)
    rotten = copied("db", "check")
    assert rotten.status == 1
    assert f"{tape.name} holds other bytes at " in rotten.out
    assert "1 problem found" in rotten.out


def test_an_archive_is_backed_up_and_put_back(copied: Evnews, tmp_path: Path) -> None:
    """Its pages' files are named, and missed where they are not."""
    made = copied("db", "backup", f"{tmp_path / 'copies'}/", "--keep", "1")
    assert made.status == 0
    copy = Path(made.out.partition(": ")[0])
    assert copy.parent == tmp_path / "copies"
    assert "copy them too" in made.out
    assert copied("db", "backup", copy).status == 1
    assert copied("db", "backup", tmp_path / "one.db", "--keep", "2").status == 2
    kept = json.loads(copied("stats", "--json").out.splitlines()[0])["articles"]
    (copied.home / "archive.db").write_bytes(b"")
    done = copied("db", "restore", copy)
    assert (done.status, "the one before lies in" in done.out) == (0, True)
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == kept
    assert copied("db", "check").status == 0
    next((copied.home / "warc").glob("*.warc*")).unlink()
    missed = copied("db", "restore", copy)
    assert (missed.status, "missing in" in missed.out) == (1, True)
    assert copied("db", "restore", copy.with_name(copy.name + ".warcs.txt")).status == 1


def test_pages_take_what_they_may_and_those_that_nobody_else_has_stay(copied: Evnews) -> None:
    folder = copied.home / "warc"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        starred, withdrawn = (row[0] for row in connection.execute("SELECT id FROM articles ORDER BY id LIMIT 2"))
        connection.execute("INSERT INTO entry_states VALUES ('phone', 'starred', ?, 0)", [starred])
        connection.execute("UPDATE articles SET withdrawn = 1000000 WHERE id = ?", [withdrawn])
        connection.commit()
    (file,) = folder.iterdir()
    limit = {"EVNEWS_KEEP_PAGES": "0.05 MB"}
    told = copied("db", "prune", "--dry-run", **limit)
    assert told.status == 0
    assert f"{file.name}: " in told.out
    assert "pages, 2 of them stay" in told.out
    assert "MB would go" in told.out
    assert list(folder.iterdir()) == [file]
    articles = json.loads(copied("stats", "--json").out.splitlines()[0])["articles"]
    done = copied("db", "prune", **limit)
    assert (done.status, "2 pages carried over" in done.out) == (0, True)
    (left,) = folder.iterdir()
    assert left.name != file.name
    assert left.stat().st_size < 50_000
    assert copied("db", "check", "--all").status == 0
    stats = json.loads(copied("stats", "--json").out.splitlines()[0])
    assert (stats["articles"], stats["captures"]) == (articles, 2)
    assert str(left.name) in copied("why", str(starred)).out
    again = copied("db", "prune", EVNEWS_KEEP_PAGES="0.001 MB")
    assert (again.status, "no page is to go" in again.out) == (0, True)  # all that is left is to stay
    assert copied("db", "prune").status == 2


def test_articles_are_kept_as_long_as_is_said(copied: Evnews) -> None:
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        of_source = dict(connection.execute("SELECT source, count(*) FROM articles GROUP BY source"))
        starred, source, title = connection.execute("SELECT id, source, title FROM articles ORDER BY id").fetchone()
        connection.execute("INSERT INTO entry_states VALUES ('phone', 'starred', ?, 0)", [starred])
        connection.commit()
    short = {"EVNEWS_KEEP": "1 day"}
    total = sum(of_source.values())
    told = copied("db", "prune", "--dry-run", **short)
    assert (told.status, f"{total - 1} articles would go" in told.out) == (0, True)
    assert len(told.out.splitlines()) == total
    assert title not in told.out
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == total
    assert f"{starred}  {title}" in copied("db", "prune", "--dry-run", "--even", "starred", **short).out
    assert copied("db", "prune", "--even", "read", **short).status == 2
    (copied.home / "sources.toml").write_text(f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep = "forever"\n')
    assert f"{total - of_source[source]} articles removed" in copied("db", "prune", **short).out
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == of_source[source]
    assert copied("db", "check", "--all").status == 0
    again = copied("db", "prune", **short)
    assert (again.status, "no article is to go" in again.out) == (0, True)
    (copied.home / "sources.toml").write_text(f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep = "ever"\n')
    wrong = copied("db", "prune", **short)
    assert (wrong.status, "no article is removed until every source can be read" in wrong.err) == (2, True)


def test_a_source_has_room_of_its_own(copied: Evnews) -> None:
    """Its oldest pages go, those of others are carried over, and both can still be read."""
    folder = copied.home / "warc"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        per_source = "SELECT source, count(*), sum(length) FROM captures GROUP BY source ORDER BY 2 DESC"
        source, many, size = connection.execute(per_source).fetchone()
        total = connection.execute("SELECT count(*) FROM captures").fetchone()[0]
        newest = connection.execute("SELECT max(id) FROM captures WHERE source = ?", [source]).fetchone()[0]
    entry = f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep_pages = "{size / 2e6:.3f} MB"\n'
    (copied.home / "sources.toml").write_text(entry)
    told = copied("db", "prune", "--dry-run")
    assert (told.status, f" MB of {source}, {total} pages, " in told.out) == (0, True)
    done = copied("db", "prune")
    assert (done.status, "pages carried over" in done.out) == (0, True)
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        left, room = connection.execute(
            "SELECT count(*), sum(length) FROM captures WHERE source = ?", [source]
        ).fetchone()
        assert connection.execute("SELECT count(*) FROM captures").fetchone()[0] == total - (many - left)
        assert connection.execute("SELECT 1 FROM captures WHERE id = ?", [newest]).fetchone()
    assert 0.25 * size < room <= 0.45 * size
    assert len(list(folder.iterdir())) == 1
    assert copied("db", "check", "--all").status == 0
    again = copied("db", "prune")
    assert (again.status, "no page is to go" in again.out) == (0, True)
