"""`evnews db`: check, backup, restore and prune."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.aggregator.cli.evnews_command import Evnews


def test_check_finds_a_changed_byte_and_a_missing_index_row(copied: Evnews) -> None:
    assert copied("db", "check").out == "no problems found\n"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        connection.create_function("evnews_index_text", 1, lambda text: text)
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


def test_backup_is_restored(copied: Evnews, tmp_path: Path) -> None:
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
    assert (done.status, "the replaced database is" in done.out) == (0, True)
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == kept
    assert copied("db", "check").status == 0
    next((copied.home / "warc").glob("*.warc*")).unlink()
    missed = copied("db", "restore", copy)
    assert (missed.status, "missing in" in missed.out) == (1, True)
    assert copied("db", "restore", copy.with_name(copy.name + ".warcs.txt")).status == 1


def test_prune_deletes_pages_over_the_limit_and_keeps_protected_ones(copied: Evnews) -> None:
    folder = copied.home / "warc"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        starred, withdrawn = (row[0] for row in connection.execute("SELECT id FROM articles ORDER BY id LIMIT 2"))
        connection.execute("INSERT INTO entry_states VALUES ('phone', 'starred', ?, 0)", [starred])
        connection.execute("UPDATE articles SET withdrawn = 1000000 WHERE id = ?", [withdrawn])
        connection.commit()
    (file,) = folder.iterdir()
    limit = {"EVNEWS_KEEP_PAGES": "0.05 MB"}
    preview = copied("db", "prune", "--dry-run", **limit)
    assert preview.status == 0
    assert f"{file.name}: " in preview.out
    assert "pages, 2 of them kept" in preview.out
    assert "MB would be deleted" in preview.out
    assert list(folder.iterdir()) == [file]
    articles = json.loads(copied("stats", "--json").out.splitlines()[0])["articles"]
    done = copied("db", "prune", **limit)
    assert (done.status, "2 pages moved to a new file" in done.out) == (0, True)
    (left,) = folder.iterdir()
    assert left.name != file.name
    assert left.stat().st_size < 50_000
    assert copied("db", "check", "--all").status == 0
    stats = json.loads(copied("stats", "--json").out.splitlines()[0])
    assert (stats["articles"], stats["captures"]) == (articles, 2)
    assert str(left.name) in copied("why", str(starred)).out
    again = copied("db", "prune", EVNEWS_KEEP_PAGES="0.001 MB")
    assert (again.status, "captured pages are within their limits" in again.out) == (
        0,
        True,
    )  # all that is left is to stay
    assert copied("db", "prune").status == 2


def test_prune_deletes_expired_articles(copied: Evnews) -> None:
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        of_source = dict(connection.execute("SELECT source, count(*) FROM articles GROUP BY source"))
        starred, source, title = connection.execute("SELECT id, source, title FROM articles ORDER BY id").fetchone()
        connection.execute("INSERT INTO entry_states VALUES ('phone', 'starred', ?, 0)", [starred])
        connection.commit()
    short = {"EVNEWS_KEEP": "1 day"}
    total = sum(of_source.values())
    preview = copied("db", "prune", "--dry-run", **short)
    assert (preview.status, f"{total - 1} articles would be deleted" in preview.out) == (0, True)
    assert len(preview.out.splitlines()) == total
    assert title not in preview.out
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == total
    assert f"{starred}  {title}" in copied("db", "prune", "--dry-run", "--even", "starred", **short).out
    assert copied("db", "prune", "--even", "read", **short).status == 2
    (copied.home / "sources.toml").write_text(f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep = "forever"\n')
    assert f"{total - of_source[source]} articles deleted" in copied("db", "prune", **short).out
    assert json.loads(copied("stats", "--json").out.splitlines()[0])["articles"] == of_source[source]
    assert copied("db", "check", "--all").status == 0
    again = copied("db", "prune", **short)
    assert (again.status, "no article has expired" in again.out) == (0, True)
    (copied.home / "sources.toml").write_text(f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep = "ever"\n')
    wrong = copied("db", "prune", **short)
    assert (wrong.status, "no article is removed until every source can be read" in wrong.err) == (2, True)


def test_prune_limits_the_pages_of_one_source(copied: Evnews) -> None:
    folder = copied.home / "warc"
    with closing(sqlite3.connect(copied.home / "archive.db")) as connection:
        per_source = "SELECT source, count(*), sum(length) FROM captures GROUP BY source ORDER BY 2 DESC"
        source, many, size = connection.execute(per_source).fetchone()
        total = connection.execute("SELECT count(*) FROM captures").fetchone()[0]
        newest = connection.execute("SELECT max(id) FROM captures WHERE source = ?", [source]).fetchone()[0]
    entry = f'[{source}]\nfeeds = ["https://x.example/feed"]\nkeep_pages = "{size / 2e6:.3f} MB"\n'
    (copied.home / "sources.toml").write_text(entry)
    preview = copied("db", "prune", "--dry-run")
    assert (preview.status, f" MB of {source}, {total} pages, " in preview.out) == (0, True)
    done = copied("db", "prune")
    assert (done.status, "pages moved to a new file" in done.out) == (0, True)
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
    assert (again.status, "captured pages are within their limits" in again.out) == (0, True)
